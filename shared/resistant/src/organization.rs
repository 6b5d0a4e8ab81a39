//! The organization's credential: who may manage tenants.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use shared_core::failure::{Class, Classified};
use shared_core::ids::{ClientId, KeyId, digest};

use crate::jws::{RemoteKey, Signer};
use crate::token::Proof;

/// The longest name of a key in another service: KMS allows an alias 256 characters, and its ARN has
/// some 60 more.
const LONGEST_KEY_NAME: usize = 400;

/// The organization's client id and RSA key, read and checked. Clones share the key.
#[derive(Clone)]
pub struct OrganizationCredential {
    client_id: ClientId,
    key_id: Option<KeyId>,
    signer: Arc<Signer>,
    /// Tells it from another one.
    identity: [u8; 32],
}

/// An organization secret that cannot be used. Never holds a part of its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the organization's secret: {0}")]
pub struct UnreadableOrganization(String);

impl Classified for UnreadableOrganization {
    /// An operator replaces the secret; until then the message waits in its queue.
    fn class(&self) -> Class {
        Class::Retry
    }
}

#[derive(Deserialize)]
struct Layout {
    client_id: Option<ClientId>,
    private_key: Option<String>,
    kms_key_id: Option<String>,
    key_id: Option<KeyId>,
}

impl OrganizationCredential {
    /// Reads the secret's JSON where the key itself is in it: `client_id`, `private_key` (PEM, RSA,
    /// PKCS#8 or PKCS#1) and, where the vendor gave one, `key_id`. Unknown fields are ignored.
    ///
    /// # Errors
    /// What is missing or wrong, without any of the value.
    pub fn from_secret_value(value: &str) -> Result<Self, UnreadableOrganization> {
        Self::read(value, |_| Err(wrong("`kms_key_id` names a key that cannot be reached from here")))
    }

    /// Reads the secret's JSON where it either holds the key or names one in KMS: `kms_key_id` (key id,
    /// alias or ARN) in the place of `private_key`, which `remote` makes a key of.
    ///
    /// # Errors
    /// What is missing or wrong, without any of the value. One of the two must be there, and not both:
    /// nobody could tell which one the vendor knows.
    pub fn from_secret_value_with(
        value: &str,
        remote: impl FnOnce(String) -> Arc<dyn RemoteKey>,
    ) -> Result<Self, UnreadableOrganization> {
        Self::read(value, |name| Ok(remote(name)))
    }

    fn read(
        value: &str,
        remote: impl FnOnce(String) -> Result<Arc<dyn RemoteKey>, UnreadableOrganization>,
    ) -> Result<Self, UnreadableOrganization> {
        // The parser quotes what it did not expect, and that could be the key: only the place is kept.
        let layout: Layout = serde_json::from_str(value).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            UnreadableOrganization(format!("{:?} error at line {line}, column {column}", error.classify()))
        })?;
        let client_id = layout.client_id.ok_or_else(|| wrong("`client_id` is missing"))?;
        let (kind, key) = match (layout.private_key, layout.kms_key_id) {
            (Some(pem), None) => ("private_key", pem),
            (None, Some(name)) => ("kms_key_id", name),
            (None, None) => return Err(wrong("one of `private_key` and `kms_key_id` is missing")),
            (Some(_), Some(_)) => return Err(wrong("`private_key` and `kms_key_id` exclude each other")),
        };
        let key_id = layout.key_id.as_ref().map_or("", KeyId::as_str);
        let identity = digest(&[client_id.as_str(), key_id, kind, &key]);
        let signer = match kind {
            "private_key" => Signer::Rsa(rsa_key(&key)?),
            _ => Signer::Remote(remote(key_name(key)?)?),
        };
        Ok(Self { client_id, key_id: layout.key_id, signer: Arc::new(signer), identity })
    }

    /// The organization's OAuth2 client id.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Whether its key is held elsewhere, and signs there.
    pub fn signs_remotely(&self) -> bool {
        matches!(*self.signer, Signer::Remote(_))
    }

    pub(crate) fn proof(&self) -> Proof {
        Proof::Assertion { signer: Arc::clone(&self.signer), key_id: self.key_id.clone() }
    }

    pub(crate) fn identity(&self) -> [u8; 32] {
        self.identity
    }
}

fn wrong(problem: &str) -> UnreadableOrganization {
    UnreadableOrganization(problem.to_owned())
}

/// Errors name this key, so a private key that was put here by mistake must not get through.
fn key_name(name: String) -> Result<String, UnreadableOrganization> {
    let legal = (1..=LONGEST_KEY_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b));
    if legal { Ok(name) } else { Err(wrong("`kms_key_id` is not the id, alias or ARN of a key")) }
}

fn rsa_key(pem: &str) -> Result<rsa::KeyPair, UnreadableOrganization> {
    let wrong = |problem: &str| UnreadableOrganization(format!("`private_key` {problem}"));
    let der =
        PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong("is not a private key in PEM"))?;
    let key = match &der {
        PrivateKeyDer::Pkcs8(der) => rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(wrong("is not an RSA key (PKCS#8 or PKCS#1)")),
    };
    key.map_err(|_| wrong("is not an RSA key of 2048 to 8192 bits"))
}

impl fmt::Debug for OrganizationCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrganizationCredential").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PKCS8: &str = include_str!("../testdata/organization-key.pkcs8.pem");
    const PKCS1: &str = include_str!("../testdata/organization-key.pkcs1.pem");

    fn read(value: serde_json::Value) -> Result<OrganizationCredential, UnreadableOrganization> {
        OrganizationCredential::from_secret_value(&value.to_string())
    }

    #[test]
    fn both_forms_of_an_rsa_key_are_read() {
        for key in [PKCS8, PKCS1] {
            let read =
                read(json!({"client_id": "org", "private_key": key, "key_id": "k", "more": 1})).unwrap();
            assert_eq!(read.client_id().as_str(), "org");
            assert_eq!(read.key_id.as_ref().map(KeyId::as_str), Some("k"));
        }
        assert!(read(json!({"client_id": "org", "private_key": PKCS8})).unwrap().key_id.is_none());
    }

    struct Silent;

    #[async_trait::async_trait]
    impl RemoteKey for Silent {
        async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            Err("nobody is here".into())
        }
    }

    fn read_with(
        value: serde_json::Value,
    ) -> Result<(OrganizationCredential, String), UnreadableOrganization> {
        let mut named = String::new();
        let credential = OrganizationCredential::from_secret_value_with(&value.to_string(), |name| {
            named = name;
            Arc::new(Silent)
        })?;
        Ok((credential, named))
    }

    #[test]
    fn a_key_in_kms_is_named_in_every_way_that_kms_knows() {
        for name in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            "alias/organization/resistant-ai",
            "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/organization_key",
        ] {
            let (credential, named) =
                read_with(json!({"client_id": "org", "kms_key_id": name, "key_id": "k"})).unwrap();
            assert_eq!(named, name);
            assert_eq!(credential.key_id.as_ref().map(KeyId::as_str), Some("k"));
            assert!(matches!(*credential.signer, Signer::Remote(_)));
        }
        let (credential, named) = read_with(json!({"client_id": "org", "private_key": PKCS8})).unwrap();
        assert!(matches!(*credential.signer, Signer::Rsa(_)) && named.is_empty());
    }

    #[test]
    fn every_part_of_a_credential_tells_it_from_another() {
        let kms = |client: &str, name: &str, key_id: &str| {
            let value = json!({"client_id": client, "kms_key_id": name, "key_id": key_id});
            read_with(value).unwrap().0.identity
        };
        let mut seen = std::collections::BTreeSet::from([
            kms("org", "alias/a", "k"),
            kms("org-2", "alias/a", "k"),
            kms("org", "alias/b", "k"),
            kms("org", "alias/a", "k-2"),
        ]);
        seen.insert(read(json!({"client_id": "org", "private_key": PKCS8, "key_id": "k"})).unwrap().identity);
        assert_eq!(seen.len(), 5);
        assert!(!seen.insert(kms("org", "alias/a", "k")));
    }

    #[test]
    fn what_is_wrong_about_a_key_in_kms_is_named_and_not_shown() {
        let body: String = PKCS8.lines().filter(|line| !line.starts_with('-')).collect();
        let plain = body.replace(['+', '/', '='], "");
        for (value, problem) in [
            (json!({"client_id": "org", "kms_key_id": ""}), "`kms_key_id` is not the id"),
            (json!({"client_id": "org", "kms_key_id": PKCS8}), "`kms_key_id` is not the id"),
            (json!({"client_id": "org", "kms_key_id": plain}), "`kms_key_id` is not the id"),
            (json!({"client_id": "org", "kms_key_id": [body]}), "Data error"),
            (
                json!({"client_id": "org", "kms_key_id": "alias/a", "private_key": PKCS8}),
                "exclude each other",
            ),
            (json!({"client_id": "org", "kms_key_id": null, "private_key": null}), "is missing"),
            (json!({"kms_key_id": "alias/a"}), "`client_id` is missing"),
        ] {
            let error = read_with(value).map(|(_, named)| named).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
            assert!(!format!("{error} {error:?}").contains(&plain[..20]), "{error}");
            assert_eq!(error.class(), Class::Retry);
        }
        let error = read(json!({"client_id": "org", "kms_key_id": "alias/a"})).unwrap_err();
        assert!(error.to_string().contains("cannot be reached from here"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named_and_the_key_is_not_shown() {
        let ec = include_str!("../testdata/application-key.pem");
        let marker = PKCS8.lines().nth(1).unwrap();
        for (value, problem) in [
            (json!({"private_key": PKCS8}), "`client_id` is missing"),
            (json!({"client_id": "org"}), "one of `private_key` and `kms_key_id` is missing"),
            (json!({"client_id": "org", "private_key": marker}), "`private_key` is not a private key in PEM"),
            (json!({"client_id": "org", "private_key": ec}), "`private_key` is not an RSA key"),
            (json!({"client_id": "org", "private_key": [PKCS8]}), "Data error"),
            (json!({"client_id": PKCS8, "private_key": PKCS8}), "Data error"),
        ] {
            let error = read(value).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
            assert!(!format!("{error} {error:?}").contains(marker), "{error}");
        }
        let broken = format!("{{\"client_id\": \"org\", {marker}");
        assert!(
            OrganizationCredential::from_secret_value(&broken)
                .unwrap_err()
                .to_string()
                .contains("Syntax error")
        );
        let good = read(json!({"client_id": "org", "private_key": PKCS8})).unwrap();
        assert!(!format!("{good:?}").contains(marker));
    }
}
