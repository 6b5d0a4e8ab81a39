//! Values of secrets.

use std::fmt;

use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::Tag;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use shared_core::credential::Credential;
use shared_core::ids::hex_digest;

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
        match self.create(name, credential, &version).await {
            Ok(()) => return Ok(version),
            Err(VaultError::ScheduledForDeletion(_)) => self.restore(name).await?,
            // The name is taken: by an earlier life, or by an earlier attempt of this one.
            Err(VaultError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
        self.put(name, credential, &version, Stage::Current, None).await?;
        self.drop_pending(name, &version).await?;
        Ok(version)
    }

    /// A rotation that was cancelled leaves its label behind, which would block every later one
    /// (Secrets Manager: `CancelRotateSecret`).
    async fn drop_pending(&self, name: &SecretName, current: &VersionId) -> Result<(), VaultError> {
        let described = self.describe(name.as_str()).await?;
        match described.and_then(|secret| secret.version(Stage::Pending)).filter(|pending| pending != current)
        {
            Some(pending) => self.remove_label(name, Stage::Pending, &pending).await,
            None => Ok(()),
        }
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
        self.put(name, credential, version, Stage::Pending, token).await
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

    /// Schedules the secret's deletion; `None` where there is no such secret.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails.
    pub async fn delete(&self, name: &SecretName, window_days: i64) -> Result<Option<Timestamp>, VaultError> {
        let sent = self
            .client
            .delete_secret()
            .secret_id(name.as_str())
            .recovery_window_in_days(window_days)
            .send()
            .await
            .map_err(VaultError::secrets("DeleteSecret", name.as_str()));
        match sent {
            Ok(output) => Ok(output.deletion_date().map(timestamp)),
            Err(VaultError::Missing(_)) => Ok(None),
            // Deleted before: the date stands in its description.
            Err(VaultError::ScheduledForDeletion(_)) => self.deletion_date(name).await,
            Err(error) => Err(error),
        }
    }

    /// A secret that is not a customer's, such as the organization's, as text.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails or the secret holds no text.
    pub async fn text(&self, secret_id: &str) -> Result<SecretString, VaultError> {
        let output = self
            .client
            .get_secret_value()
            .secret_id(secret_id)
            .send()
            .await
            .map_err(VaultError::secrets("GetSecretValue", secret_id))?;
        output.secret_string.map(SecretString::from).ok_or_else(|| VaultError::Missing(secret_id.to_owned()))
    }

    async fn create(
        &self,
        name: &SecretName,
        credential: &Credential,
        version: &VersionId,
    ) -> Result<(), VaultError> {
        let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
        self.client
            .create_secret()
            .name(name.as_str())
            .client_request_token(version.as_str())
            .secret_string(credential.to_secret_value().expose_secret())
            .description("Resistant AI credential, kept by the tenant functions; readers take AWSCURRENT")
            .set_kms_key_id(self.key_id.clone())
            .tags(tag("customer", name.customer_id().to_string()))
            .tags(tag("cell", name.cell().to_string()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("CreateSecret", name.as_str()))
    }

    async fn put(
        &self,
        name: &SecretName,
        credential: &Credential,
        version: &VersionId,
        stage: Stage,
        token: Option<&RotationToken>,
    ) -> Result<(), VaultError> {
        self.client
            .put_secret_value()
            .secret_id(name.as_str())
            .client_request_token(version.as_str())
            .secret_string(credential.to_secret_value().expose_secret())
            .version_stages(stage.as_str())
            .set_rotation_token(token.map(|token| token.as_str().to_owned()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("PutSecretValue", name.as_str()))
    }

    async fn restore(&self, name: &SecretName) -> Result<(), VaultError> {
        self.client
            .restore_secret()
            .secret_id(name.as_str())
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("RestoreSecret", name.as_str()))
    }

    async fn get(
        &self,
        name: &SecretName,
        version: Option<&VersionId>,
        stage: Stage,
    ) -> Result<Stored, VaultError> {
        let output = self
            .client
            .get_secret_value()
            .secret_id(name.as_str())
            .set_version_id(version.map(|version| version.as_str().to_owned()))
            .version_stage(stage.as_str())
            .send()
            .await
            .map_err(VaultError::secrets("GetSecretValue", name.as_str()))?;
        let value = output.secret_string.map(SecretString::from);
        let value = value.ok_or_else(|| VaultError::Missing(name.to_string()))?;
        let credential = Credential::from_secret_value(value.expose_secret())
            .map_err(|source| VaultError::Unreadable { name: name.to_string(), source })?;
        Ok(Stored { version: VersionId(output.version_id.unwrap_or_default()), credential })
    }

    async fn deletion_date(&self, name: &SecretName) -> Result<Option<Timestamp>, VaultError> {
        let described = self.client.describe_secret().secret_id(name.as_str()).send().await;
        let output = described.map_err(VaultError::secrets("DescribeSecret", name.as_str()))?;
        Ok(output.deleted_date().map(timestamp))
    }
}

fn timestamp(at: &DateTime) -> Timestamp {
    Timestamp::from_second(at.secs()).unwrap_or(Timestamp::UNIX_EPOCH)
}
