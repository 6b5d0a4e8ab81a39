//! Secrets with their staging labels, in Secrets Manager, and sealing and signing by KMS.
//!
//! A customer's credential for one cell is one secret, `<prefix>/<customer>/<cell>/credential`,
//! whose every version holds one complete [`Credential`](shared_core::credential::Credential).

mod error;
mod labels;
mod name;
mod replication;
mod rotation;
#[cfg(feature = "sealing")]
mod sealing;
mod secrets;
mod secrets_manager;
#[cfg(feature = "signing")]
mod signing;
mod store;

use std::sync::Arc;

use aws_config::SdkConfig;

pub use error::VaultError;
pub use labels::{Description, Stage};
pub use name::{Prefix, SecretName};
pub use replication::Region;
pub use rotation::{RotationToken, Schedule};
#[cfg(feature = "sealing")]
pub use sealing::{Context, Seal, Sealer};
pub use secrets::{NewSecret, NewVersion, SecretPage, Secrets};
pub use secrets_manager::SecretsManager;
#[cfg(feature = "signing")]
pub use signing::SigningKeys;
pub use store::{Stored, VersionId};

/// The secrets of this installation.
#[derive(Clone, Debug)]
pub struct Vault {
    secrets: Arc<dyn Secrets>,
    prefix: Prefix,
    key_id: Option<String>,
    replica_regions: Vec<Region>,
}

impl Vault {
    /// The secrets in AWS Secrets Manager whose names begin with `prefix`.
    pub fn new(aws: &SdkConfig, prefix: Prefix) -> Self {
        Self::over(SecretsManager::new(aws), prefix)
    }

    /// The secrets in any other store whose names begin with `prefix`.
    pub fn over(secrets: impl Secrets + 'static, prefix: Prefix) -> Self {
        Self { secrets: Arc::new(secrets), prefix, key_id: None, replica_regions: Vec::new() }
    }

    /// New secrets are encrypted under this KMS key instead of the account's default one.
    pub fn with_key(self, key_id: impl Into<String>) -> Self {
        Self { key_id: Some(key_id.into()), ..self }
    }

    /// Secrets that are stored are replicated to these regions too, where readers find them by the same names.
    pub fn with_replicas(self, regions: Vec<Region>) -> Self {
        Self { replica_regions: regions, ..self }
    }

    /// How this installation's secrets are named.
    pub fn prefix(&self) -> &Prefix {
        &self.prefix
    }
}
