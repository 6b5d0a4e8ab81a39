//! The operations that describe, list and tag.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::clock::epoch;
use super::error::Refusal;
use super::input::{Paging, Tag};
use super::replication::status;
use super::store::{Secret, Store};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeSecret {
    secret_id: String,
}

/// Works on a secret that is scheduled for deletion too: the page lists no InvalidRequestException.
pub(super) fn describe_secret(store: &mut Store, request: DescribeSecret) -> Result<Value, Refusal> {
    let home = store.region.clone();
    Ok(description(store.find(&request.secret_id)?, &home, "VersionIdsToStages"))
}

/// "A list of the versions of the secret that have staging labels attached" (API_DescribeSecret,
/// VersionIdsToStages), which API_ListSecrets calls SecretVersionsToStages. "If the secret isn't
/// configured for rotation or rotation has been disabled, Secrets Manager returns null"
/// (API_DescribeSecret, LastRotatedDate and NextRotationDate).
///
/// "If a secret is replicated to other Regions, the replicas are listed in ReplicationStatus" (API_DescribeSecret,
/// PrimaryRegion); without replicas there is neither here.
fn description(secret: &Secret, home: &str, versions_field: &str) -> Value {
    let labelled: Map<String, Value> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), json!(version.stages)))
        .collect();
    let tags: Vec<Value> =
        secret.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let replicas = status(secret);
    let primary = secret.primary_region.as_deref().or(replicas.is_some().then_some(home));
    json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description,
        "KmsKeyId": secret.kms_key_id,
        "RotationEnabled": secret.schedule.enabled,
        "RotationLambdaARN": secret.schedule.function,
        "RotationRules": secret.schedule.rules,
        "LastRotatedDate": secret.schedule.last.filter(|_| secret.schedule.is_on()).map(epoch),
        "NextRotationDate": secret.schedule.next.map(epoch),
        "LastChangedDate": epoch(secret.changed),
        "LastAccessedDate": secret.accessed.map(epoch),
        "DeletedDate": secret.deleted.map(epoch),
        "CreatedDate": epoch(secret.created),
        "Tags": tags,
        "PrimaryRegion": primary,
        "ReplicationStatus": replicas,
        versions_field: (!labelled.is_empty()).then_some(labelled),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSecrets {
    #[serde(default)]
    include_planned_deletion: bool,
    #[serde(default)]
    filters: Vec<Filter>,
    sort_order: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    key: String,
    #[serde(default)]
    values: Vec<String>,
}

/// "not including secrets that are marked for deletion"; IncludePlannedDeletion adds them
/// (API_ListSecrets). "ListSecrets might not reflect changes from the last five minutes" is not
/// modelled.
pub(super) fn list_secrets(store: &mut Store, request: ListSecrets) -> Result<Value, Refusal> {
    let mut found = Vec::new();
    for secret in store.iter().filter(|secret| request.include_planned_deletion || secret.deleted.is_none()) {
        if passes(secret, &request.filters)? {
            found.push(description(secret, &store.region, "SecretVersionsToStages"));
        }
    }
    if request.sort_order.as_deref() == Some("desc") {
        found.reverse();
    }
    let (page, next) = request.paging.page(found)?;
    Ok(json!({ "SecretList": page, "NextToken": next }))
}

fn passes(secret: &Secret, filters: &[Filter]) -> Result<bool, Refusal> {
    for filter in filters {
        let mut any = false;
        for value in &filter.values {
            any |= match value.strip_prefix('!') {
                Some(value) => !has(secret, &filter.key, value)?,
                None => has(secret, &filter.key, value)?,
            };
        }
        if !any {
            return Ok(false);
        }
    }
    Ok(true)
}

/// "name: Prefix match, case-sensitive"; "description: Prefix match, not case-sensitive"; tag keys and
/// values: prefix, case-sensitive; "!" negates (API_Filter).
fn has(secret: &Secret, key: &str, value: &str) -> Result<bool, Refusal> {
    match key {
        "name" => Ok(secret.name.starts_with(value)),
        "description" => {
            let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
            Ok(description.starts_with(&value.to_lowercase()))
        }
        "tag-key" => Ok(secret.tags.keys().any(|key| key.starts_with(value))),
        "tag-value" => Ok(secret.tags.values().any(|held| held.starts_with(value))),
        _ => Err(Refusal::validation(format!("The filter key {key} is not supported."))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSecretVersionIds {
    secret_id: String,
    #[serde(default)]
    include_deprecated: bool,
    #[serde(flatten)]
    paging: Paging,
}

/// "ListSecretVersionIds only returns versions that contain a secret value"; "By default, versions
/// without staging labels aren't included" (API_ListSecretVersionIds, and its IncludeDeprecated).
pub(super) fn list_secret_version_ids(
    store: &mut Store,
    request: ListSecretVersionIds,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?;
    let versions = secret
        .versions
        .iter()
        .filter(|version| version.value.is_some())
        .filter(|version| request.include_deprecated || !version.stages.is_empty())
        .map(|version| {
            json!({
                "VersionId": version.id,
                "VersionStages": version.stages,
                "CreatedDate": epoch(version.created),
            })
        })
        .collect();
    let (page, next) = request.paging.page(versions)?;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "Versions": page, "NextToken": next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

/// "If you tag a secret that has a tag with that key, the value is replaced"; 50 tags a secret
/// (API_TagResource).
pub(super) fn tag_resource(
    store: &mut Store,
    request: TagResource,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?.usable()?;
    let mut tags = secret.tags.clone();
    tags.extend(request.tags.into_iter().map(|tag| (tag.key, tag.value)));
    if tags.len() > 50 {
        return Err(Refusal::parameter("A secret can't have more than 50 tags."));
    }
    secret.tags = tags;
    secret.changed = now;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResource {
    secret_id: String,
    tag_keys: Vec<String>,
}

/// "If you specify tags that don't exist, the operation still succeeds": it is idempotent
/// (API_UntagResource).
pub(super) fn untag_resource(
    store: &mut Store,
    request: UntagResource,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?.usable()?;
    secret.tags.retain(|key, _| !request.tag_keys.contains(key));
    secret.changed = now;
    Ok(json!({}))
}
