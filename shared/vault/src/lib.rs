//! Secrets with their staging labels, in Secrets Manager, and sealing under KMS.
//!
//! A customer's credential for one cell is one secret, `<prefix>/<customer>/<cell>/credential`,
//! whose every version holds one complete [`Credential`](shared_core::credential::Credential).

mod error;
mod labels;
mod name;
mod rotation;
#[cfg(feature = "sealing")]
mod sealing;
mod store;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;

pub use error::VaultError;
pub use labels::{Description, Stage};
pub use name::{Prefix, SecretName};
pub use rotation::{RotationToken, Schedule};
#[cfg(feature = "sealing")]
pub use sealing::{Context, Sealer};
pub use store::{Stored, VersionId};

/// The secrets of this installation.
#[derive(Clone, Debug)]
pub struct Vault {
    client: Client,
    prefix: Prefix,
    key_id: Option<String>,
}

impl Vault {
    /// The secrets whose names begin with `prefix`.
    pub fn new(aws: &SdkConfig, prefix: Prefix) -> Self {
        Self { client: Client::new(aws), prefix, key_id: None }
    }

    /// New secrets are encrypted under this KMS key instead of the account's default one.
    pub fn with_key(self, key_id: impl Into<String>) -> Self {
        Self { key_id: Some(key_id.into()), ..self }
    }

    /// How this installation's secrets are named.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }
}
