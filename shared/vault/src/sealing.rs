//! Keys sealed under KMS before they are written down.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use shared_core::customer::Sealed;
use shared_core::ids::{CustomerId, Generation};
use shared_core::place::Cell;

use crate::VaultError;

/// What a sealed value belongs to. KMS opens it under the same context only, and CloudTrail shows
/// the context of every use (KMS: encryption context).
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The customer.
    pub customer_id: &'a CustomerId,
    /// The cell.
    pub cell: Cell,
    /// The customer's life.
    pub generation: Generation,
}

impl Context<'_> {
    fn pairs(&self) -> [(String, String); 3] {
        [
            ("customer".to_owned(), self.customer_id.to_string()),
            ("cell".to_owned(), self.cell.to_string()),
            ("generation".to_owned(), self.generation.to_string()),
        ]
    }
}

/// What seals values of up to 4,096 bytes and opens them again (KMS: `Encrypt`). Each method is one call.
#[async_trait]
pub trait Seal: fmt::Debug + Send + Sync {
    /// Seals a value.
    ///
    /// # Errors
    /// [`VaultError::Call`] where the call fails.
    async fn seal(&self, value: &SecretString, context: &Context<'_>) -> Result<Sealed, VaultError>;

    /// Opens a value that was sealed under the same context.
    ///
    /// # Errors
    /// [`VaultError::Call`] where the call fails or the context is another,
    /// [`VaultError::BrokenSeal`] where the value is not text.
    async fn open(&self, sealed: &Sealed, context: &Context<'_>) -> Result<SecretString, VaultError>;
}

/// Seals and opens. Clones share what they do it with.
#[derive(Clone, Debug)]
pub struct Sealer(Arc<dyn Seal>);

impl Sealer {
    /// Seals under this symmetric KMS key.
    pub fn new(aws: &SdkConfig, key_id: impl Into<String>) -> Self {
        Self::over(KmsKey { client: Client::new(aws), key_id: key_id.into() })
    }

    /// Seals by any other means.
    pub fn over(seal: impl Seal + 'static) -> Self {
        Self(Arc::new(seal))
    }
}

impl Deref for Sealer {
    type Target = dyn Seal;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

#[derive(Clone, Debug)]
struct KmsKey {
    client: Client,
    key_id: String,
}

#[async_trait]
impl Seal for KmsKey {
    async fn seal(&self, value: &SecretString, context: &Context<'_>) -> Result<Sealed, VaultError> {
        let output = self
            .client
            .encrypt()
            .key_id(&self.key_id)
            .plaintext(Blob::new(value.expose_secret().as_bytes()))
            .set_encryption_context(Some(context.pairs().into()))
            .send()
            .await
            .map_err(|source| self.failed("Encrypt", source))?;
        let blob = output.ciphertext_blob.ok_or_else(|| VaultError::BrokenSeal(self.key_id.clone()))?;
        Ok(Sealed(STANDARD.encode(blob)))
    }

    async fn open(&self, sealed: &Sealed, context: &Context<'_>) -> Result<SecretString, VaultError> {
        let broken = || VaultError::BrokenSeal(self.key_id.clone());
        let output = self
            .client
            .decrypt()
            .key_id(&self.key_id)
            .ciphertext_blob(Blob::new(STANDARD.decode(&sealed.0).map_err(|_| broken())?))
            .set_encryption_context(Some(context.pairs().into()))
            .send()
            .await
            .map_err(|source| self.failed("Decrypt", source))?;
        let plain = output.plaintext.ok_or_else(broken)?.into_inner();
        String::from_utf8(plain).map(SecretString::from).map_err(|_| broken())
    }
}

impl KmsKey {
    fn failed(
        &self,
        operation: &'static str,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> VaultError {
        VaultError::Call { operation, name: self.key_id.clone(), source: source.into() }
    }
}
