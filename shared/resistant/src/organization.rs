//! The organization's credential: who may manage tenants.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rsa;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use shared_core::failure::{Class, Classified};
use shared_core::ids::{ClientId, KeyId};

use crate::jws::Signer;

/// The organization's client id and RSA key, read and checked. Clones share the key.
#[derive(Clone)]
pub struct OrganizationCredential {
    client_id: ClientId,
    key_id: Option<KeyId>,
    signer: Arc<Signer>,
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
    key_id: Option<KeyId>,
}

impl OrganizationCredential {
    /// Reads the secret's JSON: `client_id`, `private_key` (PEM, RSA, PKCS#8 or PKCS#1) and, where the
    /// vendor gave one, `key_id`. Unknown fields are ignored.
    ///
    /// # Errors
    /// What is missing or wrong, without any of the value.
    pub fn from_secret_value(value: &str) -> Result<Self, UnreadableOrganization> {
        let wrong = |problem: &str| UnreadableOrganization(problem.to_owned());
        // The parser quotes what it did not expect, and that could be the key: only the place is kept.
        let layout: Layout = serde_json::from_str(value).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            UnreadableOrganization(format!("{:?} error at line {line}, column {column}", error.classify()))
        })?;
        let client_id = layout.client_id.ok_or_else(|| wrong("`client_id` is missing"))?;
        let pem = layout.private_key.ok_or_else(|| wrong("`private_key` is missing"))?;
        let signer = Arc::new(Signer::Rsa(rsa_key(&pem)?));
        Ok(Self { client_id, key_id: layout.key_id, signer })
    }

    /// The organization's OAuth2 client id.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    pub(crate) fn key_id(&self) -> Option<&KeyId> {
        self.key_id.as_ref()
    }

    pub(crate) fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }
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
            assert_eq!(read.key_id().map(KeyId::as_str), Some("k"));
        }
        assert!(read(json!({"client_id": "org", "private_key": PKCS8})).unwrap().key_id().is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_the_key_is_not_shown() {
        let ec = include_str!("../testdata/application-key.pem");
        let marker = PKCS8.lines().nth(1).unwrap();
        for (value, problem) in [
            (json!({"private_key": PKCS8}), "`client_id` is missing"),
            (json!({"client_id": "org"}), "`private_key` is missing"),
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
