//! RotateSecret and CancelRotateSecret: what they check and write. The calls are made elsewhere.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::Refusal;
use super::input::client_request_token;
use super::rotation::Cause;
use super::schedule::RotationRules;
use super::state::{Job, State};
use super::store::Secret;
use super::versions::{CURRENT, PENDING, SecretValue};

/// What the throw-away version of a rotation's test holds. "This test creates an AWSPENDING version
/// of the secret and then removes it" (API_RotateSecret, RotateImmediately) does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preflight {
    /// The current value. AWS's own rotation templates read AWSPENDING in testSecret and would fail
    /// every test on an empty version, so this is the likelier reading.
    #[default]
    CopyOfCurrent,
    /// Nothing, as at the start of a real rotation.
    Empty,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RotateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    #[serde(rename = "RotationLambdaARN")]
    rotation_lambda_arn: Option<String>,
    rotation_rules: Option<RotationRules>,
    rotate_immediately: Option<bool>,
}

/// Checks everything before it writes anything.
pub(super) fn rotate_secret(
    state: &mut State,
    request: RotateSecret,
    preflight: Preflight,
    now: Timestamp,
) -> Result<(Value, Option<Job>), Refusal> {
    let secret = state.store.find(&request.secret_id)?.usable()?;
    let token = client_request_token(request.client_request_token)?;
    let function = function(secret, request.rotation_lambda_arn)?;
    if let Some(rules) = &request.rotation_rules {
        rules.check()?;
    }
    check_previous_rotation(secret)?;
    let answer = json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": token });
    // "ensure that Secrets Manager doesn't attempt to create a secret version twice"
    // (API_RotateSecret, ClientRequestToken): a version of that id exists, so nothing is begun.
    let repeated = secret.versions.get(&token).is_some();
    configure(secret, function, request.rotation_rules, now);
    if repeated {
        return Ok((answer, None));
    }
    // "The default for RotateImmediately is true" (API_RotateSecret).
    let (cause, value) = match request.rotate_immediately {
        Some(false) => (Cause::Preflight, preflight_value(secret, preflight)),
        Some(true) | None => (Cause::Requested, None),
    };
    secret.versions.begin_rotation(&token, value, now)?;
    let arn = secret.arn.clone();
    Ok((answer, Some(state.begin(&arn, token, cause)?)))
}

fn preflight_value(secret: &Secret, preflight: Preflight) -> Option<SecretValue> {
    match preflight {
        Preflight::CopyOfCurrent => secret.versions.holder(CURRENT)?.value.clone(),
        Preflight::Empty => None,
    }
}

/// "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN
/// configured and you didn't include such an ARN as a parameter in this call"
/// (API_RotateSecret, InvalidRequestException).
fn function(secret: &Secret, given: Option<String>) -> Result<String, Refusal> {
    given
        .or_else(|| secret.schedule.function.clone())
        .ok_or_else(|| Refusal::state("No Lambda rotation function ARN is associated with this secret."))
}

/// "If the AWSPENDING staging label is present but not attached to the same version as AWSCURRENT,
/// then any later invocation of RotateSecret assumes that a previous rotation request is still in
/// progress and returns an error" (API_RotateSecret).
fn check_previous_rotation(secret: &Secret) -> Result<(), Refusal> {
    if stuck_token(secret).is_some() {
        return Err(Refusal::state("A previous rotation isn't complete. That rotation will be reattempted."));
    }
    Ok(())
}

/// The version of a rotation that has begun and not ended legally.
pub(super) fn stuck_token(secret: &Secret) -> Option<String> {
    let pending = secret.versions.holder_id(PENDING)?;
    (secret.versions.holder_id(CURRENT).as_deref() != Some(&pending)).then_some(pending)
}

/// "If you include the configuration parameters, the operation sets the values for the secret"; else
/// it uses "the values already stored in the secret" (API_RotateSecret).
fn configure(secret: &mut Secret, function: String, rules: Option<RotationRules>, now: Timestamp) {
    let was_on = secret.schedule.is_on();
    secret.schedule.enabled = Some(true);
    secret.schedule.function = Some(function);
    let changed = rules.is_some();
    secret.schedule.rules = rules.or_else(|| secret.schedule.rules.take());
    if changed || !was_on {
        secret.schedule.restart(now);
    }
    secret.changed = now;
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancelRotateSecret {
    secret_id: String,
}

/// "Turns off automatic rotation, and if a rotation is currently in progress, cancels the rotation";
/// labels stay where they are: "You might need to remove the staging label AWSPENDING from the
/// partially created version" (API_CancelRotateSecret).
pub(super) fn cancel_rotate_secret(
    state: &mut State,
    request: CancelRotateSecret,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let secret = state.store.find(&request.secret_id)?.usable()?;
    function(secret, None)?;
    secret.schedule.enabled = Some(false);
    secret.schedule.next = None;
    secret.changed = now;
    let (arn, name) = (secret.arn.clone(), secret.name.clone());
    let cancelled = state.cancel(&arn);
    Ok(json!({ "ARN": arn, "Name": name, "VersionId": cancelled }))
}
