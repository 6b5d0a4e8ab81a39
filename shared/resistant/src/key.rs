//! An application's key pair (P-256, for ES256). It is made here, before its application.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use shared_core::credential::Authentication;
use shared_core::failure::{Class, Classified};
use shared_core::ids::KeyId;

use crate::number::decimal;

/// A key pair that cannot be used. Never holds a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the application's key pair: {0}")]
pub struct KeyError(&'static str);

impl Classified for KeyError {
    /// What is stored is not what was written: no repeat mends it.
    fn class(&self) -> Class {
        Class::Bug
    }
}

/// A P-256 key pair.
pub struct ApplicationKey {
    pair: EcdsaKeyPair,
    pem: SecretString,
}

/// The public half, as the vendor takes it when an application is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key_id: KeyId,
    x: String,
    y: String,
}

impl ApplicationKey {
    /// A new pair.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let failed = |_| KeyError("it could not be generated");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let pem = pem(pair.to_pkcs8v1().map_err(failed)?.as_ref());
        Ok(Self { pair, pem })
    }

    /// Reads a PKCS#8 private key in PEM.
    ///
    /// # Errors
    /// Anything that is not a P-256 key in that form.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.expose_secret().as_bytes())
            .map_err(|_| KeyError("it is not `-----BEGIN PRIVATE KEY-----` PEM (PKCS#8)"))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der())
            .map_err(|_| KeyError("it is not a P-256 key"))?;
        Ok(Self { pair, pem: pem.clone() })
    }

    /// The private key as PKCS#8 PEM, in clear: for sealing and for the secret.
    pub fn to_pem(&self) -> SecretString {
        self.pem.clone()
    }

    /// The id under which the vendor knows the public half: its RFC 7638 thumbprint, so that one key
    /// has one id wherever it is read.
    pub fn key_id(&self) -> KeyId {
        let (x, y) = self.coordinates();
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        // Members in lexicographic order, no white space (RFC 7638, 3).
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let thumbprint = digest::digest(&digest::SHA256, members.as_bytes());
        URL_SAFE_NO_PAD.encode(thumbprint).parse().expect("43 characters of base64url are a legal kid")
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        let (x, y) = self.coordinates();
        PublicKey { key_id: self.key_id(), x: decimal(x), y: decimal(y) }
    }

    /// What goes into a credential.
    pub fn authentication(&self) -> Authentication {
        Authentication::KeyPair { key_id: self.key_id(), private_key: self.to_pem() }
    }

    pub(crate) fn into_pair(self) -> EcdsaKeyPair {
        self.pair
    }

    /// The uncompressed point is `04 || x || y`, 32 bytes each.
    fn coordinates(&self) -> (&[u8], &[u8]) {
        self.pair.public_key().as_ref()[1..].split_at(32)
    }
}

impl fmt::Debug for ApplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationKey").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

impl PublicKey {
    /// The `kid`.
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    /// The point's x in decimal.
    pub fn x(&self) -> &str {
        &self.x
    }

    /// The point's y in decimal.
    pub fn y(&self) -> &str {
        &self.y
    }
}

fn pem(der: &[u8]) -> SecretString {
    let body = STANDARD.encode(der);
    let mut text = String::with_capacity(body.len() + 80);
    text += "-----BEGIN PRIVATE KEY-----\n";
    for start in (0..body.len()).step_by(64) {
        text += &body[start..body.len().min(start + 64)];
        text.push('\n');
    }
    text += "-----END PRIVATE KEY-----\n";
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_pem() {
        let key = ApplicationKey::generate().unwrap();
        let back = ApplicationKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(back.public(), key.public());
        assert_ne!(ApplicationKey::generate().unwrap().key_id(), key.key_id());
        assert!(key.to_pem().expose_secret().lines().all(|line| line.len() <= 64));
    }

    /// Made with OpenSSL and, for the thumbprint and the numbers, with Python's integers and hashlib.
    #[test]
    fn a_known_key_has_its_known_numbers() {
        let key =
            ApplicationKey::from_pem(&include_str!("../testdata/application-key.pem").to_owned().into())
                .unwrap();
        let public = key.public();
        assert_eq!(public.x(), include_str!("../testdata/application-key.x").trim());
        assert_eq!(public.y(), include_str!("../testdata/application-key.y").trim());
        assert_eq!(public.key_id().as_str(), include_str!("../testdata/application-key.kid").trim());
    }

    #[test]
    fn what_is_not_a_p_256_key_is_refused_and_not_shown() {
        let pem = |body: &str| SecretString::from(format!("-----BEGIN {body}\n-----END PRIVATE KEY-----\n"));
        for bad in [
            "no pem at all".to_owned().into(),
            pem("PRIVATE KEY-----\nc2VjcmV0"),
            pem("PUBLIC KEY-----\nc2VjcmV0"),
        ] {
            let error = ApplicationKey::from_pem(&bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("c2VjcmV0"), "{error}");
        }
        let p384 = include_str!("../testdata/p384-key.pem").to_owned().into();
        assert_eq!(ApplicationKey::from_pem(&p384).unwrap_err(), KeyError("it is not a P-256 key"));
    }

    #[test]
    fn debug_shows_the_id_only() {
        let key = ApplicationKey::generate().unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(key.key_id().as_str()));
        assert!(!shown.contains("BEGIN"), "{shown}");
    }
}
