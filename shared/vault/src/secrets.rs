//! Secrets Manager, as far as it is used here.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::{Description, Region, RotationToken, Schedule, SecretName, Stage, VaultError, VersionId};

/// The operations of Secrets Manager that are used here, each of them one call. What is decided about
/// them stands in [`Vault`](crate::Vault).
#[async_trait]
pub trait Secrets: fmt::Debug + Send + Sync {
    /// `CreateSecret`, with its first version and its replicas.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where the name is taken, unless the version exists with the same value;
    /// [`VaultError::ScheduledForDeletion`] where its secret waits for its deletion.
    async fn create(&self, new: &NewSecret<'_>) -> Result<(), VaultError>;

    /// `PutSecretValue`. A repeat with the same version and value changes nothing.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where the version exists with another value.
    async fn put(&self, new: &NewVersion<'_>) -> Result<(), VaultError>;

    /// `GetSecretValue`, by name or ARN. Version and label must agree where both are given.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where there is no such secret or version, or the version has no value.
    async fn get(
        &self,
        secret_id: &str,
        version: Option<&VersionId>,
        stage: Stage,
    ) -> Result<(VersionId, SecretString), VaultError>;

    /// `DescribeSecret`, by name or ARN.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where there is no such secret.
    async fn describe(&self, secret_id: &str) -> Result<Description, VaultError>;

    /// `ListSecrets`: some of the secrets whose names begin with `prefix`, but for those that wait for their
    /// deletion; the first ones, or those after a page that said so. May be minutes behind.
    ///
    /// # Errors
    /// [`VaultError`] where the call fails.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<SecretPage, VaultError>;

    /// `UpdateSecretVersionStage`: moves a label, or removes it where `to` is `None`.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where the label is not on `from`.
    async fn move_label(
        &self,
        name: &SecretName,
        stage: Stage,
        to: Option<&VersionId>,
        from: Option<&VersionId>,
    ) -> Result<(), VaultError>;

    /// `DeleteSecret`, with a recovery window; answers its end.
    ///
    /// # Errors
    /// [`VaultError::ScheduledForDeletion`] where that was done before; [`VaultError::Refused`] while it has replicas.
    async fn delete(&self, name: &SecretName, window_days: i64) -> Result<Option<Timestamp>, VaultError>;

    /// `ReplicateSecretToRegions`.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where it is replicated to one of them already.
    async fn replicate(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError>;

    /// `RemoveRegionsFromReplication`: deletes the replicas there.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where it is not replicated to one of them.
    async fn remove_replicas(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError>;

    /// `RestoreSecret`. A secret that does not wait for its deletion is left as it is.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where there is no such secret.
    async fn restore(&self, name: &SecretName) -> Result<(), VaultError>;

    /// `RotateSecret` with `RotateImmediately=false`.
    ///
    /// # Errors
    /// [`VaultError::Refused`] while an earlier rotation, or its trial, is not complete.
    async fn schedule_rotation(&self, name: &SecretName, schedule: &Schedule) -> Result<(), VaultError>;

    /// `RotateSecret`, at once, to this version.
    ///
    /// # Errors
    /// [`VaultError::Refused`] while an earlier rotation is not complete.
    async fn rotate_now(&self, name: &SecretName, version: &VersionId) -> Result<(), VaultError>;

    /// `CancelRotateSecret`.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where the secret was never rotated.
    async fn cancel_rotation(&self, name: &SecretName) -> Result<(), VaultError>;
}

/// Some secrets of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretPage {
    /// Their names.
    pub names: Vec<String>,
    /// Where the listing goes on, if it does.
    pub next: Option<String>,
}

impl SecretPage {
    /// How many are asked for at once, the most that may be (Secrets Manager: `ListSecrets`, `MaxResults`).
    pub const SIZE: i32 = 100;
}

/// A secret to be created.
#[derive(Debug)]
pub struct NewSecret<'a> {
    /// Its name.
    pub name: &'a SecretName,
    /// The id of its first version.
    pub version: &'a VersionId,
    /// That version's value.
    pub value: &'a SecretString,
    /// The KMS key; the account's default one where it is `None`.
    pub key_id: Option<&'a str>,
    /// The regions that it is replicated to.
    pub replica_regions: &'a [Region],
}

/// A version to be added to a secret.
#[derive(Debug)]
pub struct NewVersion<'a> {
    /// The secret.
    pub name: &'a SecretName,
    /// The id of the version.
    pub version: &'a VersionId,
    /// Its value.
    pub value: &'a SecretString,
    /// The label that it gets.
    pub stage: Stage,
    /// What a rotation proves itself with.
    pub token: Option<&'a RotationToken>,
}
