//! Replicas in other regions: making them, removing them, reading them there.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Refusal;
use super::operations::read;
use super::store::{Secret, Store};
use super::{metadata, values};

/// A secret's replica. It is in step at once: how long a change is under way is not documented.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) region: String,
    pub(super) kms_key_id: Option<String>,
}

/// One of AddReplicaRegions.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplicaRegion {
    region: String,
    kms_key_id: Option<String>,
}

/// "If you don't include this field, Secrets Manager uses aws/secretsmanager" (API_ReplicaRegionType, KmsKeyId).
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

/// "Length Constraints: Minimum length of 1. Maximum length of 128. Pattern: ^([a-z]+-)+\d+$" (API_ReplicaRegionType,
/// Region).
fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text.len() <= 128
        && words.split('-').all(word)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// The replicas that are to be added to a secret which has these. A region that has one already, or is the secret's
/// own, is refused: what AWS does then, it does not say.
pub(super) fn added(
    there: &[Replica],
    home: &str,
    regions: Vec<ReplicaRegion>,
) -> Result<Vec<Replica>, Refusal> {
    let mut all = there.to_vec();
    for ReplicaRegion { region, kms_key_id } in regions {
        if !is_region(&region) {
            return Err(Refusal::validation(format!("{region} is no region.")));
        }
        if region == home || all.iter().any(|replica| replica.region == region) {
            return Err(Refusal::parameter(format!("The secret is in {region} already.")));
        }
        all.push(Replica { region, kms_key_id });
    }
    Ok(all)
}

/// ReplicationStatus, null where a secret is not replicated.
pub(super) fn status(secret: &Secret) -> Option<Vec<Value>> {
    let one = |replica: &Replica| {
        json!({
            "Region": replica.region,
            "KmsKeyId": replica.kms_key_id.as_deref().unwrap_or(DEFAULT_KEY),
            "Status": "InSync",
        })
    };
    let all: Vec<_> = secret.replicas.iter().map(one).collect();
    (!all.is_empty()).then_some(all)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplicateSecretToRegions {
    secret_id: String,
    add_replica_regions: Vec<ReplicaRegion>,
}

pub(super) fn replicate_secret_to_regions(
    store: &mut Store,
    request: ReplicateSecretToRegions,
    now: Timestamp,
) -> Result<Value, Refusal> {
    // "Array Members: Minimum number of 1 item" (API_ReplicateSecretToRegions, AddReplicaRegions).
    if request.add_replica_regions.is_empty() {
        return Err(Refusal::validation("AddReplicaRegions must have a member."));
    }
    let home = store.region.clone();
    let secret = store.find(&request.secret_id)?.usable()?;
    secret.replicas = added(&secret.replicas, &home, request.add_replica_regions)?;
    secret.changed = now;
    Ok(json!({ "ARN": secret.arn, "ReplicationStatus": status(secret) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveRegionsFromReplication {
    secret_id: String,
    remove_replica_regions: Vec<String>,
}

/// "deletes the secret replicas from the Regions you specify" (API_RemoveRegionsFromReplication). A region without one
/// is refused: what AWS does then, it does not say.
pub(super) fn remove_regions_from_replication(
    store: &mut Store,
    request: RemoveRegionsFromReplication,
    now: Timestamp,
) -> Result<Value, Refusal> {
    if request.remove_replica_regions.is_empty() {
        return Err(Refusal::validation("RemoveReplicaRegions must have a member."));
    }
    let secret = store.find(&request.secret_id)?.usable()?;
    let mut kept = secret.replicas.clone();
    for region in &request.remove_replica_regions {
        let place = kept.iter().position(|replica| replica.region == *region);
        let place = place.ok_or_else(|| Refusal::parameter(format!("There is no replica in {region}.")))?;
        kept.remove(place);
    }
    secret.replicas = kept;
    secret.changed = now;
    Ok(json!({ "ARN": secret.arn, "ReplicationStatus": status(secret) }))
}

/// "You can't delete a primary secret that is replicated to other Regions. You must first delete the replicas using
/// RemoveRegionsFromReplication, and then delete the primary secret" (API_DeleteSecret).
pub(super) fn none_left(secret: &Secret) -> Result<(), Refusal> {
    let regions: Vec<_> = secret.replicas.iter().map(|replica| replica.region.as_str()).collect();
    match regions.is_empty() {
        true => Ok(()),
        false => Err(Refusal::state(format!(
            "You can't delete secret {} that still has replica regions {}.",
            secret.name,
            regions.join(", ")
        ))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    secret_id: String,
}

/// Applies an operation in a region other than that of the secrets. "A replica secret can't be updated independently
/// from its primary secret, except for its encryption key" (User Guide, standalone-secret). With which error it is
/// refused, and what is a region's own, is not modelled.
pub(super) fn apply_abroad(
    store: &Store,
    region: &str,
    operation: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Value, Refusal> {
    let mut there = store.replicas_in(region);
    match operation {
        "GetSecretValue" => values::get_secret_value(&mut there, read(body)?, now),
        "DescribeSecret" => metadata::describe_secret(&mut there, read(body)?),
        "ListSecrets" => metadata::list_secrets(&mut there, read(body)?),
        "ListSecretVersionIds" => metadata::list_secret_version_ids(&mut there, read(body)?),
        "CreateSecret" => Err(Refusal::unknown_operation("CreateSecret in another region")),
        _ => {
            let named: Named = read(body)?;
            there.find(&named.secret_id)?;
            Err(Refusal::state(
                "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
            ))
        }
    }
}
