//! Signed assertions (`private_key_jwt`, RFC 7523): a compact JWS over a `sign` step.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{EcdsaKeyPair, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use shared_core::ids::{ClientId, KeyId};

use crate::error::TokenError;

/// How long an assertion is good for. The vendor allows an hour; it is used at once.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// An RSA key that never leaves the service that holds it.
#[async_trait]
pub trait RemoteKey: Send + Sync {
    /// Signs `message`, which is not hashed yet and always far shorter than 4,096 bytes, by
    /// RSASSA-PKCS1-v1_5 with SHA-256 (`RS256`: RFC 7518, 3.3).
    ///
    /// # Errors
    /// Why the service did not; it may be asked again.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// What signs.
pub(crate) enum Signer {
    /// RS256, the organization's.
    Rsa(rsa::KeyPair),
    /// RS256, the organization's too, held by another service.
    Remote(Arc<dyn RemoteKey>),
    /// ES256, an application's.
    Ec(EcdsaKeyPair),
}

/// Signing failed; there is nothing more to say about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsigned;

impl From<Unsigned> for TokenError {
    fn from(Unsigned: Unsigned) -> Self {
        Self::Unsigned
    }
}

impl Signer {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) | Self::Remote(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| Unsigned)?;
                Ok(signature)
            }
            Self::Remote(key) => {
                key.sign(message).await.map_err(|source| TokenError::Signing { source: source.into() })
            }
            Self::Ec(key) => Ok(key.sign(&random, message).map_err(|_| Unsigned)?.as_ref().to_vec()),
        }
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a KeyId>,
    typ: &'static str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a ClientId,
    sub: &'a ClientId,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

/// One assertion for one token request. Never sent twice: the server may refuse a repeated `jti`.
pub(crate) async fn assertion(
    signer: &Signer,
    key_id: Option<&KeyId>,
    client_id: &ClientId,
    token_url: &str,
    now: Timestamp,
) -> Result<SecretString, TokenError> {
    let issued = now.as_second();
    let claims = Claims {
        iss: client_id,
        sub: client_id,
        aud: token_url,
        iat: issued,
        exp: issued + LIFETIME.as_secs() as i64,
        jti: random_hex()?,
    };
    let header = Header { alg: signer.algorithm(), kid: key_id, typ: "JWT" };
    let mut compact = format!("{}.{}", part(&header), part(&claims));
    let signature = signer.sign(compact.as_bytes()).await?;
    compact.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut compact);
    Ok(compact.into())
}

/// 16 random bytes in hex.
pub(crate) fn random_hex() -> Result<String, Unsigned> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Unsigned)?;
    Ok(HEXLOWER.encode(&bytes))
}

fn part(value: &impl Serialize) -> String {
    URL_SAFE_NO_PAD
        .encode(serde_json::to_vec(value).expect("a struct of strings and numbers always serializes"))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    };
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::key::ApplicationKey;

    const AUDIENCE: &str = "https://eu.id.resistant.ai/oauth2/x/v1/token";

    /// A key in another service, without the service.
    struct Elsewhere(rsa::KeyPair);

    #[async_trait]
    impl RemoteKey for Elsewhere {
        async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            assert!(message.len() <= 1024, "far below what such a service signs at once");
            let mut signature = vec![0; self.0.public_modulus_len()];
            self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)?;
            Ok(signature)
        }
    }

    async fn signed(signer: &Signer, key_id: Option<&KeyId>) -> String {
        let client = "client-1".parse().unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assertion(signer, key_id, &client, AUDIENCE, now).await.unwrap().expose_secret().to_owned()
    }

    /// The header and claims of a compact JWS whose signature has been checked.
    fn verified(compact: &str, algorithm: &'static dyn VerificationAlgorithm, key: &[u8]) -> (Value, Value) {
        let (message, signature) = compact.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = UnparsedPublicKey::new(algorithm, key);
        key.verify(message.as_bytes(), &signature).expect("the signature is that of the message");
        assert!(key.verify(format!("{message}A").as_bytes(), &signature).is_err());
        let (header, claims) = message.split_once('.').unwrap();
        let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (read(header), read(claims))
    }

    fn check_claims(claims: &Value) {
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("client-1"), &json!("client-1")));
        assert_eq!(claims["aud"], AUDIENCE);
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_800_000_000), &json!(1_800_000_300)));
        assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    }

    #[tokio::test]
    async fn an_applications_assertion_is_es256_with_its_kid() {
        let key = ApplicationKey::generate().unwrap();
        let key_id = key.key_id();
        let pair = key.into_pair();
        let public = pair.public_key().as_ref().to_vec();
        let compact = signed(&Signer::Ec(pair), Some(&key_id)).await;
        let (header, claims) = verified(&compact, &ECDSA_P256_SHA256_FIXED, &public);
        assert_eq!(header, json!({"alg": "ES256", "kid": key_id, "typ": "JWT"}));
        check_claims(&claims);
    }

    #[tokio::test]
    async fn the_organizations_assertion_is_rs256() {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let compact = signed(&Signer::Rsa(pair), None).await;
        let (header, claims) = verified(&compact, &RSA_PKCS1_2048_8192_SHA256, &public);
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT"}));
        check_claims(&claims);
    }

    #[tokio::test]
    async fn a_key_in_another_service_makes_the_same_assertion_with_its_kid() {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let key_id = "k-1".parse().unwrap();
        let compact = signed(&Signer::Remote(Arc::new(Elsewhere(pair))), Some(&key_id)).await;
        let (header, claims) = verified(&compact, &RSA_PKCS1_2048_8192_SHA256, &public);
        assert_eq!(header, json!({"alg": "RS256", "kid": "k-1", "typ": "JWT"}));
        check_claims(&claims);
    }

    #[tokio::test]
    async fn no_two_assertions_share_a_jti() {
        let signer = Signer::Ec(ApplicationKey::generate().unwrap().into_pair());
        let jti = async || {
            let compact = signed(&signer, None).await;
            let claims = URL_SAFE_NO_PAD.decode(compact.split('.').nth(1).unwrap()).unwrap();
            serde_json::from_slice::<Value>(&claims).unwrap()["jti"].clone()
        };
        assert_ne!(jti().await, jti().await);
    }
}
