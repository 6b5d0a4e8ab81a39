//! Which version carries which staging label.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;

use crate::{SecretName, Vault, VaultError, VersionId};

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
    versions: BTreeMap<String, Vec<String>>,
}

impl Description {
    /// The version that carries a label.
    pub fn version(&self, stage: Stage) -> Option<VersionId> {
        let carries = |labels: &Vec<String>| labels.iter().any(|label| label == stage.as_str());
        self.versions.iter().find(|(_, labels)| carries(labels)).map(|(id, _)| VersionId::from(id.as_str()))
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
        let sent = self.client.describe_secret().secret_id(name_or_arn).send().await;
        match sent.map_err(VaultError::secrets("DescribeSecret", name_or_arn)) {
            Ok(output) => Ok(Some(description(output))),
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
        self.client
            .update_secret_version_stage()
            .secret_id(name.as_str())
            .version_stage(Stage::Current.as_str())
            .move_to_version_id(to.as_str())
            .set_remove_from_version_id(from.map(|version| version.as_str().to_owned()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("UpdateSecretVersionStage", name.as_str()))
    }
}

impl Vault {
    pub(crate) async fn remove_label(
        &self,
        name: &SecretName,
        stage: Stage,
        from: &VersionId,
    ) -> Result<(), VaultError> {
        self.client
            .update_secret_version_stage()
            .secret_id(name.as_str())
            .version_stage(stage.as_str())
            .remove_from_version_id(from.as_str())
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("UpdateSecretVersionStage", name.as_str()))
    }
}

fn description(output: DescribeSecretOutput) -> Description {
    Description {
        name: output.name.unwrap_or_default(),
        rotation_enabled: output.rotation_enabled.unwrap_or(false),
        versions: output.version_ids_to_stages.unwrap_or_default().into_iter().collect(),
    }
}
