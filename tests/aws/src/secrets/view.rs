//! A secret as tests may look at it: everything but its values.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::store::Secret;

/// One secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretState {
    /// Its name.
    pub name: String,
    /// Its complete ARN.
    pub arn: String,
    /// Its KMS key, where one was given.
    pub kms_key_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// All of its versions, oldest first, deprecated ones too.
    pub versions: Vec<VersionState>,
    /// None where rotation has never been configured.
    pub rotation_enabled: Option<bool>,
    /// Its rotation function.
    pub rotation_function: Option<String>,
    /// When it rotates next.
    pub next_rotation: Option<Timestamp>,
    /// The regions where it has replicas.
    pub replicas: Vec<String>,
    /// The end of its recovery window, where it is scheduled for deletion.
    pub deletion: Option<Timestamp>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionState {
    /// Its id.
    pub id: String,
    /// Its staging labels, sorted. A version without any is deprecated.
    pub labels: Vec<String>,
    /// Whether it holds a value: a rotation begins with a version that does not.
    pub has_value: bool,
}

impl SecretState {
    pub(super) fn of(secret: &Secret) -> Self {
        let versions = secret.versions.iter().map(|version| {
            let mut labels = version.stages.clone();
            labels.sort();
            VersionState { id: version.id.clone(), labels, has_value: version.value.is_some() }
        });
        Self {
            name: secret.name.clone(),
            arn: secret.arn.clone(),
            kms_key_id: secret.kms_key_id.clone(),
            tags: secret.tags.clone(),
            versions: versions.collect(),
            rotation_enabled: secret.schedule.enabled,
            rotation_function: secret.schedule.function.clone(),
            next_rotation: secret.schedule.next,
            replicas: secret.replicas.iter().map(|replica| replica.region.clone()).collect(),
            deletion: secret.deleted,
        }
    }

    /// The id of the version that a label is attached to.
    pub fn version(&self, label: &str) -> Option<&str> {
        let holder = self.versions.iter().find(|version| version.labels.iter().any(|held| held == label));
        holder.map(|version| version.id.as_str())
    }
}
