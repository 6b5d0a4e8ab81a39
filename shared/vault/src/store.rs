//! Values of secrets.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use shared_core::credential::Credential;
use shared_core::ids::{RequestId, hex_digest};

use crate::secrets::{NewSecret, NewVersion, SecretPage};
use crate::{RotationToken, SecretName, Stage, Vault, VaultError};

/// The id of one version of a secret: 32 to 64 characters, the caller's to choose. A repeat of a
/// write with the same id and value changes nothing (Secrets Manager: `ClientRequestToken`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionId(String);

impl VersionId {
    /// The version that holds an application's credential, the same at every repeat.
    pub fn of_application(credential: &Credential) -> Self {
        Self(hex_digest(&[
            "secret-version",
            credential.tenant_id.as_str(),
            credential.application_id.as_str(),
        ]))
    }

    /// The version that a rotation leads to which a request asked for, the same at every repeat.
    pub fn of_request(request_id: &RequestId) -> Self {
        Self(hex_digest(&["rotation", request_id.as_str()]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for VersionId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of a secret, read whole.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Which version.
    pub version: VersionId,
    /// What it holds.
    pub credential: Credential,
}

impl Vault {
    /// Makes `credential` what readers of the secret get, creating the secret where there is none
    /// and restoring it where it waits for its deletion. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager refuses or fails.
    pub async fn store_current(
        &self,
        name: &SecretName,
        credential: &Credential,
    ) -> Result<VersionId, VaultError> {
        let version = VersionId::of_application(credential);
        let value = credential.to_secret_value();
        let new = NewSecret {
            name,
            version: &version,
            value: &value,
            key_id: self.key_id.as_deref(),
            replica_regions: &self.replica_regions,
        };
        match self.secrets.create(&new).await {
            Ok(()) => return Ok(version),
            Err(VaultError::ScheduledForDeletion(_)) => self.secrets.restore(name).await?,
            // The name is taken: by an earlier life, or by an earlier attempt of this one.
            Err(VaultError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        // Before the value: a repeat that finds it takes all for done.
        self.replicate(name).await?;
        let new = NewVersion { name, version: &version, value: &value, stage: Stage::Current, token: None };
        self.secrets.put(&new).await?;
        Ok(version)
    }

    /// Writes the value of the version that a rotation is about to make current.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager refuses or fails.
    pub async fn store_pending(
        &self,
        name: &SecretName,
        credential: &Credential,
        version: &VersionId,
        token: Option<&RotationToken>,
    ) -> Result<(), VaultError> {
        let value = credential.to_secret_value();
        self.secrets.put(&NewVersion { name, version, value: &value, stage: Stage::Pending, token }).await
    }

    /// The version that carries a label, as one consistent value.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where there is none; another where Secrets Manager fails or the value
    /// is unreadable.
    pub async fn read(&self, name: &SecretName, stage: Stage) -> Result<Stored, VaultError> {
        self.get(name, None, stage).await
    }

    /// One version, which must also carry a label; `None` where it does not exist or has no value yet.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails or the value is unreadable.
    pub async fn read_version(
        &self,
        name: &SecretName,
        version: &VersionId,
        stage: Stage,
    ) -> Result<Option<Stored>, VaultError> {
        match self.get(name, Some(version), stage).await {
            Ok(stored) => Ok(Some(stored)),
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Some of the secrets whose names begin with this installation's prefix, but for those that wait for
    /// their deletion; the first ones, or those after a page that said so. May be minutes behind.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails.
    pub async fn list(&self, after: Option<&str>) -> Result<SecretPage, VaultError> {
        self.secrets.list(&self.prefix.folder(), after).await
    }

    /// Schedules the secret's deletion, and removes its replicas at once; `None` where there is no such secret.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails.
    pub async fn delete(&self, name: &SecretName, window_days: i64) -> Result<Option<Timestamp>, VaultError> {
        let mut deleted = self.secrets.delete(name, window_days).await;
        if matches!(deleted, Err(VaultError::Refused { .. })) && self.remove_replicas(name).await? {
            deleted = self.secrets.delete(name, window_days).await;
        }
        match deleted {
            Ok(until) => Ok(until),
            Err(VaultError::Missing(_)) => Ok(None),
            // Deleted before: the date stands in its description.
            Err(VaultError::ScheduledForDeletion(_)) => {
                Ok(self.describe(name.as_str()).await?.and_then(|secret| secret.deletion_date))
            }
            Err(error) => Err(error),
        }
    }

    /// A secret that is not a customer's, such as the organization's, as text.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails or the secret holds no text.
    pub async fn text(&self, secret_id: &str) -> Result<SecretString, VaultError> {
        self.secrets.get(secret_id, None, Stage::Current).await.map(|(_, value)| value)
    }

    async fn get(
        &self,
        name: &SecretName,
        version: Option<&VersionId>,
        stage: Stage,
    ) -> Result<Stored, VaultError> {
        let (version, value) = self.secrets.get(name.as_str(), version, stage).await?;
        let credential = Credential::from_secret_value(value.expose_secret())
            .map_err(|source| VaultError::Unreadable { name: name.to_string(), source })?;
        Ok(Stored { version, credential })
    }
}
