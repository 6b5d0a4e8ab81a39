//! Secrets and sealed keys.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use runtime::BoxError;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared_core::customer::Sealed;
use vault::{
    Context, Description, NewSecret, NewVersion, Region, Schedule, Seal, SecretName, SecretPage, Secrets,
    Stage, VaultError, VersionId,
};

use super::{Port, Struck};
use crate::fault::Service;

impl Port {
    async fn secret(&self, operation: &'static str, name: &str, input: Value) -> Result<Value, VaultError> {
        let call = |source: BoxError| VaultError::Call { operation, name: name.to_owned(), source };
        let answered = self.0.pass(Service::SecretsManager, operation, |world| {
            let mut input = input;
            if operation == "RotateSecret" && input["ClientRequestToken"].is_null() {
                input["ClientRequestToken"] = world.token().into();
            }
            let now = world.now;
            world.secrets.call(operation, &input, now)
        });
        let refused = match answered.await.map_err(|trouble| call(Struck(trouble).into()))? {
            Ok(answer) => return Ok(answer),
            Err(refused) => refused,
        };
        let of_code = VaultError::of_code(operation, name, refused.code, &refused.message);
        Err(of_code.unwrap_or_else(|| call(refused.message.into())))
    }
}

#[async_trait]
impl Secrets for Port {
    async fn create(&self, new: &NewSecret<'_>) -> Result<(), VaultError> {
        let input = json!({
            "Name": new.name.as_str(), "ClientRequestToken": new.version.as_str(),
            "SecretString": new.value.expose_secret(), "KmsKeyId": new.key_id,
            "AddReplicaRegions": in_regions(new.replica_regions)
        });
        self.secret("CreateSecret", new.name.as_str(), input).await.map(drop)
    }

    async fn put(&self, new: &NewVersion<'_>) -> Result<(), VaultError> {
        let input = json!({
            "SecretId": new.name.as_str(), "ClientRequestToken": new.version.as_str(),
            "SecretString": new.value.expose_secret(), "VersionStages": [new.stage.as_str()],
            "RotationToken": new.token.map(|token| token.as_str())
        });
        self.secret("PutSecretValue", new.name.as_str(), input).await.map(drop)
    }

    async fn get(
        &self,
        secret_id: &str,
        version: Option<&VersionId>,
        stage: Stage,
    ) -> Result<(VersionId, SecretString), VaultError> {
        let version = version.map(VersionId::as_str);
        let input = json!({"SecretId": secret_id, "VersionId": version, "VersionStage": stage.as_str()});
        let answer = self.secret("GetSecretValue", secret_id, input).await?;
        let text = |field: &str| answer[field].as_str().unwrap_or_default();
        Ok((VersionId::from(text("VersionId")), text("SecretString").to_owned().into()))
    }

    async fn describe(&self, secret_id: &str) -> Result<Description, VaultError> {
        let answer = self.secret("DescribeSecret", secret_id, json!({"SecretId": secret_id})).await?;
        let labels = answer["VersionIdsToStages"].clone();
        Ok(Description {
            name: answer["Name"].as_str().unwrap_or_default().to_owned(),
            rotation_enabled: answer["RotationEnabled"].as_bool().unwrap_or(false),
            rotation_function: answer["RotationLambdaARN"].as_str().map(str::to_owned),
            rotation_schedule: answer["RotationRules"]["ScheduleExpression"].as_str().map(str::to_owned),
            deletion_date: seconds(&answer["DeletedDate"]),
            changed_at: seconds(&answer["LastChangedDate"]),
            next_rotation_at: seconds(&answer["NextRotationDate"]),
            replicas: answer["ReplicationStatus"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|status| status["Region"].as_str()?.parse().ok())
                .collect(),
            versions: serde_json::from_value(labels).unwrap_or_default(),
        })
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<SecretPage, VaultError> {
        let input = json!({
            "Filters": [{"Key": "name", "Values": [prefix]}], "MaxResults": SecretPage::SIZE, "NextToken": after
        });
        let answer = self.secret("ListSecrets", prefix, input).await?;
        let listed = answer["SecretList"].as_array().cloned().unwrap_or_default();
        Ok(SecretPage {
            names: listed.iter().filter_map(|one| Some(one["Name"].as_str()?.to_owned())).collect(),
            next: answer["NextToken"].as_str().map(str::to_owned),
        })
    }

    async fn move_label(
        &self,
        name: &SecretName,
        stage: Stage,
        to: Option<&VersionId>,
        from: Option<&VersionId>,
    ) -> Result<(), VaultError> {
        let input = json!({
            "SecretId": name.as_str(), "VersionStage": stage.as_str(),
            "MoveToVersionId": to.map(VersionId::as_str), "RemoveFromVersionId": from.map(VersionId::as_str)
        });
        self.secret("UpdateSecretVersionStage", name.as_str(), input).await.map(drop)
    }

    async fn delete(&self, name: &SecretName, window_days: i64) -> Result<Option<Timestamp>, VaultError> {
        let input = json!({"SecretId": name.as_str(), "RecoveryWindowInDays": window_days});
        let answer = self.secret("DeleteSecret", name.as_str(), input).await?;
        Ok(seconds(&answer["DeletionDate"]))
    }

    async fn replicate(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError> {
        let input = json!({"SecretId": name.as_str(), "AddReplicaRegions": in_regions(regions)});
        self.secret("ReplicateSecretToRegions", name.as_str(), input).await.map(drop)
    }

    async fn remove_replicas(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError> {
        let regions: Vec<_> = regions.iter().map(Region::as_str).collect();
        let input = json!({"SecretId": name.as_str(), "RemoveReplicaRegions": regions});
        self.secret("RemoveRegionsFromReplication", name.as_str(), input).await.map(drop)
    }

    async fn restore(&self, name: &SecretName) -> Result<(), VaultError> {
        self.secret("RestoreSecret", name.as_str(), json!({"SecretId": name.as_str()})).await.map(drop)
    }

    async fn schedule_rotation(&self, name: &SecretName, schedule: &Schedule) -> Result<(), VaultError> {
        let input = json!({
            "SecretId": name.as_str(), "RotationLambdaARN": schedule.function_arn,
            "RotationRules": {"ScheduleExpression": format!("rate({} hours)", schedule.every_hours(name))},
            "RotateImmediately": false
        });
        self.secret("RotateSecret", name.as_str(), input).await.map(drop)
    }

    async fn rotate_now(&self, name: &SecretName, version: &VersionId) -> Result<(), VaultError> {
        let input = json!({"SecretId": name.as_str(), "ClientRequestToken": version.as_str()});
        self.secret("RotateSecret", name.as_str(), input).await.map(drop)
    }

    async fn cancel_rotation(&self, name: &SecretName) -> Result<(), VaultError> {
        self.secret("CancelRotateSecret", name.as_str(), json!({"SecretId": name.as_str()})).await.map(drop)
    }
}

fn in_regions(regions: &[Region]) -> Vec<Value> {
    regions.iter().map(|region| json!({"Region": region.as_str()})).collect()
}

/// A time as Secrets Manager tells it.
fn seconds(told: &Value) -> Option<Timestamp> {
    told.as_f64().and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
}

/// What a sealed value begins with: its context.
fn seal_of(context: &Context<'_>) -> String {
    format!("{}/{}/{}|", context.customer_id, context.cell, context.generation)
}

#[async_trait]
impl Seal for Port {
    async fn seal(&self, value: &SecretString, context: &Context<'_>) -> Result<Sealed, VaultError> {
        let struck = |trouble| VaultError::Call {
            operation: "Encrypt",
            name: "key".to_owned(),
            source: Struck(trouble).into(),
        };
        let sealed = STANDARD.encode(format!("{}{}", seal_of(context), value.expose_secret()));
        self.0.pass(Service::Kms, "Encrypt", |_| Sealed(sealed)).await.map_err(struck)
    }

    async fn open(&self, sealed: &Sealed, context: &Context<'_>) -> Result<SecretString, VaultError> {
        let call =
            |source: BoxError| VaultError::Call { operation: "Decrypt", name: "key".to_owned(), source };
        self.0.pass(Service::Kms, "Decrypt", |_| ()).await.map_err(|trouble| call(Struck(trouble).into()))?;
        let opened = STANDARD.decode(&sealed.0).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let value = opened.as_deref().and_then(|opened| opened.strip_prefix(&seal_of(context)));
        value.map(|value| value.to_owned().into()).ok_or_else(|| call("another context".into()))
    }
}
