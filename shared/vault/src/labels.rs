//! Which version carries which staging label.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Region, SecretName, Vault, VaultError, VersionId};

/// A staging label that Secrets Manager gives a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// What readers get.
    Current,
    /// What a rotation is about to make current.
    Pending,
    /// What was current before.
    Previous,
}

impl Stage {
    /// The label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Pending => "AWSPENDING",
            Self::Previous => "AWSPREVIOUS",
        }
    }
}

/// A secret without its value.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Whether a rotation function is set and on.
    pub rotation_enabled: bool,
    /// The ARN of its rotation function, where one was ever set.
    pub rotation_function: Option<String>,
    /// When it is rotated, as `rate(720 hours)`.
    pub rotation_schedule: Option<String>,
    /// When anything about it, a label too, was last changed (Secrets Manager: `LastChangedDate`): each label
    /// has been where it is since then at least.
    pub changed_at: Option<Timestamp>,
    /// The end of its recovery window, where it waits for its deletion. DescribeSecret alone tells of it.
    pub deletion_date: Option<Timestamp>,
    /// When it is to be rotated at the latest. Past, where rotations fail (Secrets Manager:
    /// `NextRotationDate`).
    pub next_rotation_at: Option<Timestamp>,
    /// The regions that it is replicated to, whether or not a replica is in step.
    pub replicas: Vec<Region>,
    /// The labels of each version.
    pub versions: BTreeMap<String, Vec<String>>,
}

impl Description {
    /// The version that carries a label.
    pub fn version(&self, stage: Stage) -> Option<VersionId> {
        let carries = |labels: &Vec<String>| labels.iter().any(|label| label == stage.as_str());
        self.versions.iter().find(|(_, labels)| carries(labels)).map(|(id, _)| VersionId::from(id.as_str()))
    }

    /// The version of a rotation that has begun and not ended: both ends are legal, AWSPENDING gone, or on
    /// the version that is current.
    pub fn unfinished(&self) -> Option<VersionId> {
        self.version(Stage::Pending).filter(|pending| !self.carries(pending, Stage::Current))
    }

    /// Whether a version exists and carries a label.
    pub fn carries(&self, version: &VersionId, stage: Stage) -> bool {
        self.versions
            .get(version.as_str())
            .is_some_and(|labels| labels.iter().any(|label| label == stage.as_str()))
    }
}

impl Vault {
    /// Describes a secret by name or ARN; `None` where there is none.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails.
    pub async fn describe(&self, name_or_arn: &str) -> Result<Option<Description>, VaultError> {
        match self.secrets.describe(name_or_arn).await {
            Ok(description) => Ok(Some(description)),
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves AWSCURRENT to `to`; Secrets Manager moves AWSPREVIOUS to the version that had it.
    /// Refused where AWSCURRENT is not on `from`: then somebody else has moved it.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager refuses or fails.
    pub async fn promote(
        &self,
        name: &SecretName,
        to: &VersionId,
        from: Option<&VersionId>,
    ) -> Result<(), VaultError> {
        self.secrets.move_label(name, Stage::Current, Some(to), from).await
    }

    /// Takes a label off a version.
    ///
    /// # Errors
    /// [`VaultError::Refused`] where the label is not there; another where Secrets Manager fails.
    pub async fn take_off(
        &self,
        name: &SecretName,
        stage: Stage,
        version: &VersionId,
    ) -> Result<(), VaultError> {
        self.secrets.move_label(name, stage, None, Some(version)).await
    }
}
