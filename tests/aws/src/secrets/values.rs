//! The operations that make, read and label versions.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::clock::epoch;
use super::error::Refusal;
use super::input::{Tag, ValueFields, client_request_token, secret_name};
use super::replication::{ReplicaRegion, added, status};
use super::state::State;
use super::store::{Secret, Store};
use super::versions::{CURRENT, Put, SecretValue, Version, token_in_use};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateSecret {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_replica_regions: Vec<ReplicaRegion>,
    #[serde(flatten)]
    value: ValueFields,
}

pub(super) fn create_secret(
    store: &mut Store,
    request: CreateSecret,
    now: Timestamp,
) -> Result<Value, Refusal> {
    secret_name(&request.name)?;
    let value = request.value.read()?;
    // "If you include SecretString or SecretBinary, then Secrets Manager creates an initial version
    // for the secret, and this parameter specifies the unique identifier for the new version"
    // (API_CreateSecret, ClientRequestToken).
    let initial = match value {
        Some(value) => Some((client_request_token(request.client_request_token)?, value)),
        None => None,
    };
    if let Some(existing) = store.named(&request.name) {
        return create_again(existing, initial.as_ref());
    }
    let replicas = added(&[], &store.region, request.add_replica_regions)?;
    let secret = store.add(&request.name, now);
    secret.replicas = replicas;
    secret.description = request.description;
    secret.kms_key_id = request.kms_key_id;
    secret.tags = request.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let id = match initial {
        Some((id, value)) => {
            let arn = secret.arn.clone();
            secret.versions.put(Put { id: &id, arn: &arn, value, stages: &[CURRENT.to_owned()], now })?;
            Some(id)
        }
        None => None,
    };
    let status = status(secret);
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": id, "ReplicationStatus": status }))
}

/// The name is taken. "If a version with this value already exists and the version SecretString and
/// SecretBinary values are the same as those in the request, then the request is ignored"; otherwise
/// it fails (API_CreateSecret, ClientRequestToken). A name that is scheduled for deletion stays taken
/// (API_CreateSecret, InvalidRequestException: "The secret is scheduled for deletion").
fn create_again(existing: &Secret, initial: Option<&(String, SecretValue)>) -> Result<Value, Refusal> {
    if existing.deleted.is_some() {
        return Err(Refusal::state(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    let taken = || {
        Refusal::exists(format!("The operation failed because the secret {} already exists.", existing.name))
    };
    let (id, value) = initial.ok_or_else(taken)?;
    let version = existing.versions.get(id).ok_or_else(taken)?;
    if version.value.as_ref() == Some(value) {
        Ok(json!({ "ARN": existing.arn, "Name": existing.name, "VersionId": id }))
    } else {
        Err(token_in_use(id, &existing.arn))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn get_secret_value(
    store: &mut Store,
    request: GetSecretValue,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?.usable()?;
    let version = selected(secret, request.version_id.as_deref(), request.version_stage.as_deref())?;
    let (text, binary) = match version.value.as_ref() {
        Some(SecretValue::Text(text)) => (Some(text), None),
        Some(SecretValue::Binary(base64)) => (None, Some(base64)),
        None => (None, None),
    };
    let answer = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.id,
        "SecretString": text,
        "SecretBinary": binary,
        "VersionStages": version.stages,
        "CreatedDate": epoch(version.created),
    });
    secret.accessed = Some(now);
    Ok(answer)
}

/// "If you include both this parameter and VersionStage, the two parameters must refer to the same
/// secret version. If you don't specify either a VersionStage or VersionId, then Secrets Manager
/// returns the AWSCURRENT version" (API_GetSecretValue, VersionId). A version that a rotation has
/// begun and its function has not filled has no value to return.
fn selected<'a>(secret: &'a Secret, id: Option<&str>, stage: Option<&str>) -> Result<&'a Version, Refusal> {
    let filled = |version: &&Version| version.value.is_some();
    match (id, stage) {
        (Some(id), stage) => {
            let version =
                secret.versions.get(id).filter(filled).ok_or_else(|| Refusal::no_value("VersionId", id))?;
            let agrees = stage.is_none_or(|stage| version.stages.iter().any(|held| held == stage));
            agrees.then_some(version).ok_or_else(|| {
                Refusal::state(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                )
            })
        }
        (None, stage) => {
            let stage = stage.unwrap_or(CURRENT);
            secret
                .versions
                .holder(stage)
                .filter(filled)
                .ok_or_else(|| Refusal::no_value("staging label", stage))
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutSecretValue {
    secret_id: String,
    client_request_token: Option<String>,
    rotation_token: Option<String>,
    version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    value: ValueFields,
}

pub(super) fn put_secret_value(
    state: &mut State,
    request: PutSecretValue,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let arn = state.store.find(&request.secret_id)?.usable()?.arn.clone();
    if !request.rotation_token.as_deref().is_none_or(is_rotation_token) {
        return Err(Refusal::validation("A RotationToken has 36 to 256 letters, digits and hyphens."));
    }
    // "Secrets Manager validates the identity using the token" (API_PutSecretValue, RotationToken).
    // Which error follows is not documented.
    if request.rotation_token.is_some() && request.rotation_token.as_deref() != state.rotation_token(&arn) {
        return Err(Refusal::parameter(
            "The RotationToken is not that of a rotation of this secret in progress.",
        ));
    }
    let secret = state.store.find(&arn)?;
    let id = client_request_token(request.client_request_token)?;
    let value = request
        .value
        .read()?
        .ok_or_else(|| Refusal::parameter("You must provide either SecretString or SecretBinary."))?;
    let stages = version_stages(request.version_stages)?;
    write(secret, &id, value, &stages, now)?;
    let stages = secret.versions.get(&id).map(|version| version.stages.clone());
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": id, "VersionStages": stages }))
}

/// "Minimum length of 36. Maximum length of 256. Pattern: ^[a-zA-Z0-9\-]+$" (API_PutSecretValue,
/// RotationToken).
fn is_rotation_token(token: &str) -> bool {
    (36..=256).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// "If you don't include VersionStages, then Secrets Manager automatically moves the staging label
/// AWSCURRENT to this version"; 1 to 20 of them (API_PutSecretValue, VersionStages).
fn version_stages(stages: Option<Vec<String>>) -> Result<Vec<String>, Refusal> {
    let stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    if !(1..=20).contains(&stages.len()) {
        return Err(Refusal::validation("VersionStages must have 1 to 20 members."));
    }
    match stages.iter().all(|stage| (1..=256).contains(&stage.len())) {
        true => Ok(stages),
        false => Err(Refusal::validation("A staging label must have 1 to 256 characters.")),
    }
}

fn write(
    secret: &mut Secret,
    id: &str,
    value: SecretValue,
    stages: &[String],
    now: Timestamp,
) -> Result<(), Refusal> {
    let before = secret.versions.holder_id(CURRENT);
    let arn = secret.arn.clone();
    if secret.versions.put(Put { id, arn: &arn, value, stages, now })? {
        secret.changed = now;
        if secret.versions.holder_id(CURRENT) != before {
            secret.schedule.restart(now);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(flatten)]
    value: ValueFields,
}

pub(super) fn update_secret(
    store: &mut Store,
    request: UpdateSecret,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?.usable()?;
    let id = match request.value.read()? {
        Some(value) => Some(replace_value(secret, request.client_request_token, value, now)?),
        None => None,
    };
    secret.description = request.description.or_else(|| secret.description.take());
    secret.kms_key_id = request.kms_key_id.or_else(|| secret.kms_key_id.take());
    secret.changed = now;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": id }))
}

/// "If you call this operation with a ClientRequestToken that matches an existing version's
/// VersionId, the operation results in an error" (API_UpdateSecret), even with the same value.
fn replace_value(
    secret: &mut Secret,
    token: Option<String>,
    value: SecretValue,
    now: Timestamp,
) -> Result<String, Refusal> {
    let id = client_request_token(token)?;
    if secret.versions.get(&id).is_some() {
        return Err(token_in_use(&id, &secret.arn));
    }
    write(secret, &id, value, &[CURRENT.to_owned()], now)?;
    Ok(id)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecretVersionStage {
    secret_id: String,
    version_stage: String,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

pub(super) fn update_secret_version_stage(
    store: &mut Store,
    request: UpdateSecretVersionStage,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?.usable()?;
    secret.versions.move_label(
        &request.version_stage,
        request.move_to_version_id.as_deref(),
        request.remove_from_version_id.as_deref(),
    )?;
    secret.changed = now;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
}
