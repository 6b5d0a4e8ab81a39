//! The secrets in AWS Secrets Manager.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::{
    Filter, FilterNameStringType, ReplicaRegionType, RotationRulesType, Tag,
};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::secrets::{NewSecret, NewVersion, SecretPage, Secrets};
use crate::{Description, Region, Schedule, SecretName, Stage, VaultError, VersionId};

/// AWS Secrets Manager, by its SDK.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
}

impl SecretsManager {
    /// The account's secrets.
    pub fn new(aws: &SdkConfig) -> Self {
        Self { client: Client::new(aws) }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn create(&self, new: &NewSecret<'_>) -> Result<(), VaultError> {
        let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
        self.client
            .create_secret()
            .name(new.name.as_str())
            .client_request_token(new.version.as_str())
            .secret_string(new.value.expose_secret())
            .description("Resistant AI credential, kept by the tenant functions; readers take AWSCURRENT")
            .set_kms_key_id(new.key_id.map(str::to_owned))
            .set_add_replica_regions((!new.replica_regions.is_empty()).then(|| replicas(new.replica_regions)))
            .tags(tag("customer", new.name.customer_id().to_string()))
            .tags(tag("cell", new.name.cell().to_string()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("CreateSecret", new.name.as_str()))
    }

    async fn put(&self, new: &NewVersion<'_>) -> Result<(), VaultError> {
        self.client
            .put_secret_value()
            .secret_id(new.name.as_str())
            .client_request_token(new.version.as_str())
            .secret_string(new.value.expose_secret())
            .version_stages(new.stage.as_str())
            .set_rotation_token(new.token.map(|token| token.as_str().to_owned()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("PutSecretValue", new.name.as_str()))
    }

    async fn get(
        &self,
        secret_id: &str,
        version: Option<&VersionId>,
        stage: Stage,
    ) -> Result<(VersionId, SecretString), VaultError> {
        let output = self
            .client
            .get_secret_value()
            .secret_id(secret_id)
            .set_version_id(version.map(|version| version.as_str().to_owned()))
            .version_stage(stage.as_str())
            .send()
            .await
            .map_err(VaultError::secrets("GetSecretValue", secret_id))?;
        let value = output.secret_string.map(SecretString::from);
        let value = value.ok_or_else(|| VaultError::Missing(secret_id.to_owned()))?;
        Ok((VersionId::from(output.version_id.unwrap_or_default().as_str()), value))
    }

    async fn describe(&self, secret_id: &str) -> Result<Description, VaultError> {
        let sent = self.client.describe_secret().secret_id(secret_id).send().await;
        sent.map(description).map_err(VaultError::secrets("DescribeSecret", secret_id))
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<SecretPage, VaultError> {
        let output = self
            .client
            .list_secrets()
            .filters(Filter::builder().key(FilterNameStringType::Name).values(prefix).build())
            .max_results(SecretPage::SIZE)
            .set_next_token(after.map(str::to_owned))
            .send()
            .await
            .map_err(VaultError::secrets("ListSecrets", prefix))?;
        let names = output.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name);
        // The filter matches by what AWS calls a prefix; what it is to be is decided here.
        Ok(SecretPage {
            names: names.filter(|name| name.starts_with(prefix)).collect(),
            next: output.next_token,
        })
    }

    async fn move_label(
        &self,
        name: &SecretName,
        stage: Stage,
        to: Option<&VersionId>,
        from: Option<&VersionId>,
    ) -> Result<(), VaultError> {
        self.client
            .update_secret_version_stage()
            .secret_id(name.as_str())
            .version_stage(stage.as_str())
            .set_move_to_version_id(to.map(|version| version.as_str().to_owned()))
            .set_remove_from_version_id(from.map(|version| version.as_str().to_owned()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("UpdateSecretVersionStage", name.as_str()))
    }

    async fn delete(&self, name: &SecretName, window_days: i64) -> Result<Option<Timestamp>, VaultError> {
        self.client
            .delete_secret()
            .secret_id(name.as_str())
            .recovery_window_in_days(window_days)
            .send()
            .await
            .map(|output| output.deletion_date().map(timestamp))
            .map_err(VaultError::secrets("DeleteSecret", name.as_str()))
    }

    async fn replicate(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError> {
        self.client
            .replicate_secret_to_regions()
            .secret_id(name.as_str())
            .set_add_replica_regions(Some(replicas(regions)))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("ReplicateSecretToRegions", name.as_str()))
    }

    async fn remove_replicas(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError> {
        self.client
            .remove_regions_from_replication()
            .secret_id(name.as_str())
            .set_remove_replica_regions(Some(regions.iter().map(Region::to_string).collect()))
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("RemoveRegionsFromReplication", name.as_str()))
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

    async fn schedule_rotation(&self, name: &SecretName, schedule: &Schedule) -> Result<(), VaultError> {
        let rules = RotationRulesType::builder().schedule_expression(schedule.expression(name)).build();
        self.client
            .rotate_secret()
            .secret_id(name.as_str())
            .rotation_lambda_arn(&schedule.function_arn)
            .rotation_rules(rules)
            .rotate_immediately(false)
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("RotateSecret", name.as_str()))
    }

    async fn rotate_now(&self, name: &SecretName, version: &VersionId) -> Result<(), VaultError> {
        self.client
            .rotate_secret()
            .secret_id(name.as_str())
            .client_request_token(version.as_str())
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("RotateSecret", name.as_str()))
    }

    async fn cancel_rotation(&self, name: &SecretName) -> Result<(), VaultError> {
        self.client
            .cancel_rotate_secret()
            .secret_id(name.as_str())
            .send()
            .await
            .map(drop)
            .map_err(VaultError::secrets("CancelRotateSecret", name.as_str()))
    }
}

/// Each under its own region's `aws/secretsmanager`, which every reader of the secret may use there (KMS: AWS managed
/// keys); a key of ours would have to be in each region before the secret.
fn replicas(regions: &[Region]) -> Vec<ReplicaRegionType> {
    regions.iter().map(|region| ReplicaRegionType::builder().region(region.as_str()).build()).collect()
}

fn description(output: DescribeSecretOutput) -> Description {
    Description {
        deletion_date: output.deleted_date().map(timestamp),
        changed_at: output.last_changed_date().map(timestamp),
        next_rotation_at: output.next_rotation_date().map(timestamp),
        replicas: output
            .replication_status
            .unwrap_or_default()
            .into_iter()
            .filter_map(|status| status.region?.parse().ok())
            .collect(),
        name: output.name.unwrap_or_default(),
        rotation_enabled: output.rotation_enabled.unwrap_or(false),
        rotation_function: output.rotation_lambda_arn,
        rotation_schedule: output.rotation_rules.and_then(|rules| rules.schedule_expression),
        versions: output.version_ids_to_stages.unwrap_or_default().into_iter().collect(),
    }
}

fn timestamp(at: &DateTime) -> Timestamp {
    Timestamp::from_second(at.secs()).unwrap_or(Timestamp::UNIX_EPOCH)
}
