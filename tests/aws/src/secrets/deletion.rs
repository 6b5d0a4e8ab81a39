//! DeleteSecret and RestoreSecret.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::clock::{days, epoch};
use super::error::Refusal;
use super::replication::none_left;
use super::store::Store;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

pub(super) fn delete_secret(
    store: &mut Store,
    request: DeleteSecret,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let window = recovery_window(&request)?;
    if request.force_delete_without_recovery {
        return force(store, &request.secret_id, now);
    }
    let secret = store.find(&request.secret_id)?;
    if secret.deleted.is_some() {
        return Err(Refusal::state(
            "You can't perform this operation on the secret because it was already scheduled for deletion.",
        ));
    }
    none_left(secret)?;
    // "This value is the date and time of the delete request plus the number of days in
    // RecoveryWindowInDays" (API_DeleteSecret, DeletionDate).
    let end = now + days(window);
    secret.deleted = Some(end);
    secret.changed = now;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "DeletionDate": epoch(end) }))
}

/// "The number of days from 7 to 30 … You can't use both this parameter and
/// ForceDeleteWithoutRecovery in the same call. If you don't use either, then by default Secrets
/// Manager uses a 30 day recovery window" (API_DeleteSecret, RecoveryWindowInDays).
fn recovery_window(request: &DeleteSecret) -> Result<i64, Refusal> {
    match (request.recovery_window_in_days, request.force_delete_without_recovery) {
        (Some(_), true) => Err(Refusal::parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        )),
        (Some(window), false) if !(7..=30).contains(&window) => Err(Refusal::parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        )),
        (window, _) => Ok(window.unwrap_or(30)),
    }
}

/// "If you forcibly delete an already deleted or nonexistent secret, the operation does not return
/// ResourceNotFoundException" (API_DeleteSecret, ForceDeleteWithoutRecovery).
fn force(store: &mut Store, id: &str, now: Timestamp) -> Result<Value, Refusal> {
    let (arn, name) = match store.find(id) {
        Ok(secret) => {
            none_left(secret)?;
            (secret.arn.clone(), secret.name.clone())
        }
        Err(_) => (store.new_arn(id), id.to_owned()),
    };
    store.remove(&arn);
    Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": epoch(now) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RestoreSecret {
    secret_id: String,
}

/// "Cancels the scheduled deletion of a secret by removing the DeletedDate time stamp"
/// (API_RestoreSecret). A secret that is not scheduled has none to remove.
pub(super) fn restore_secret(
    store: &mut Store,
    request: RestoreSecret,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = store.find(&request.secret_id)?;
    secret.deleted = None;
    secret.changed = now;
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
}
