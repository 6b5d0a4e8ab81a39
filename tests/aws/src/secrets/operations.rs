//! Which function answers which operation.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Refusal;
use super::rotate::Preflight;
use super::state::{Job, State};
use super::{deletion, metadata, replication, rotate, values};

/// Applies one operation, in the region that it is signed for. Gives its answer, and the rotation that it begins.
pub(super) fn apply(
    state: &mut State,
    region: Option<&str>,
    operation: &str,
    body: &[u8],
    preflight: Preflight,
    now: Timestamp,
) -> Result<(Value, Option<Job>), Refusal> {
    if let Some(region) = region.filter(|region| *region != state.store.region) {
        let answer = replication::apply_abroad(&state.store, region, operation, body, now)?;
        return Ok((present(answer), None));
    }
    if operation == "RotateSecret" {
        let (answer, job) = rotate::rotate_secret(state, read(body)?, preflight, now)?;
        return Ok((present(answer), job));
    }
    let store = &mut state.store;
    let answer = match operation {
        "CreateSecret" => values::create_secret(store, read(body)?, now),
        "GetSecretValue" => values::get_secret_value(store, read(body)?, now),
        "PutSecretValue" => values::put_secret_value(state, read(body)?, now),
        "UpdateSecret" => values::update_secret(store, read(body)?, now),
        "UpdateSecretVersionStage" => values::update_secret_version_stage(store, read(body)?, now),
        "DescribeSecret" => metadata::describe_secret(store, read(body)?),
        "ListSecrets" => metadata::list_secrets(store, read(body)?),
        "ListSecretVersionIds" => metadata::list_secret_version_ids(store, read(body)?),
        "TagResource" => metadata::tag_resource(store, read(body)?, now),
        "UntagResource" => metadata::untag_resource(store, read(body)?, now),
        "DeleteSecret" => deletion::delete_secret(store, read(body)?, now),
        "RestoreSecret" => deletion::restore_secret(store, read(body)?, now),
        "ReplicateSecretToRegions" => replication::replicate_secret_to_regions(store, read(body)?, now),
        "RemoveRegionsFromReplication" => {
            replication::remove_regions_from_replication(store, read(body)?, now)
        }
        "CancelRotateSecret" => rotate::cancel_rotate_secret(state, read(body)?, now),
        other => Err(Refusal::unknown_operation(other)),
    }?;
    Ok((present(answer), None))
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::serialization())
}

/// "Secrets Manager only returns fields that have a value in the response" (API_DescribeSecret).
fn present(answer: Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(fields.map(|(name, value)| (name, present(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(present).collect()),
        other => other,
    }
}
