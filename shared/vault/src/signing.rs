//! Signatures by keys that never leave KMS.

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MessageType, SigningAlgorithmSpec};

use crate::VaultError;

/// The account's asymmetric keys, as far as they may sign. Clones share the connections.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    client: Client,
}

impl SigningKeys {
    /// The keys in AWS KMS.
    pub fn new(aws: &SdkConfig) -> Self {
        Self { client: Client::new(aws) }
    }

    /// Signs a message of up to 4,096 bytes by RSASSA-PKCS1-v1_5 with SHA-256, with an RSA key whose usage
    /// is SIGN_VERIFY, given by its id, alias or ARN. One call.
    ///
    /// The message goes as it is (`MessageType` RAW), and KMS hashes it: it takes up to 4,096 bytes (KMS:
    /// `Sign`), and what a JWT signs has some 500. A digest made here would add only a way to get it wrong.
    ///
    /// # Errors
    /// [`VaultError::Call`] where KMS refuses or fails; it names the key.
    pub async fn sign(&self, key_id: &str, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        let failed = |source| VaultError::Call { operation: "Sign", name: key_id.to_owned(), source };
        let sent = self
            .client
            .sign()
            .key_id(key_id)
            .message(Blob::new(message))
            .message_type(MessageType::Raw)
            .signing_algorithm(SigningAlgorithmSpec::RsassaPkcs1V15Sha256)
            .send();
        let output = sent.await.map_err(|source| failed(source.into()))?;
        let signature = output.signature.ok_or_else(|| failed("the answer holds no signature".into()))?;
        Ok(signature.into_inner())
    }
}
