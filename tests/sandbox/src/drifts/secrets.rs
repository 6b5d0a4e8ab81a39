//! What somebody does to the customer's secret, and to its rotations.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_parts::proxy::{Effect, Matcher, Service};
use aws_parts::secrets::End;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::vendor::our_tenant;
use super::{CELL, DRIFTING, OVERLAP, TOO_LONG};
use crate::journey::PATIENCE;
use crate::journey::rotation::rotate;
use crate::sandbox::Sandbox;

/// Longer than any rotation's schedule allows.
const FORTY_DAYS: Duration = Duration::from_secs(40 * 24 * 60 * 60);

/// The secret's name.
fn name() -> String {
    Sandbox::secret_name(DRIFTING, CELL)
}

/// The credential that AWSCURRENT names.
fn current(sandbox: &Sandbox) -> Result<Value> {
    let value = sandbox.secrets.reveal(&name(), "AWSCURRENT").context("no AWSCURRENT")?;
    serde_json::from_str(&value).context("the secret is not JSON")
}

/// The application that AWSCURRENT names.
pub(super) fn current_application(sandbox: &Sandbox) -> Result<String> {
    let current = current(sandbox)?;
    Ok(current["application_id"].as_str().context("the secret names no application")?.to_owned())
}

/// It is deleted, and can be restored for a week.
pub(super) async fn delete(sandbox: &Sandbox) -> Result<()> {
    let delete = sandbox.aws.secrets.delete_secret().secret_id(name());
    delete.recovery_window_in_days(7).send().await.context("DeleteSecret")?;
    Ok(())
}

/// Another value becomes current.
pub(super) async fn put(sandbox: &Sandbox, value: String) -> Result<()> {
    let put = sandbox.aws.secrets.put_secret_value().secret_id(name());
    put.secret_string(value).send().await.context("PutSecretValue")?;
    Ok(())
}

/// The current credential is made one of a client that the vendor does not have.
pub(super) async fn name_another_client(sandbox: &Sandbox) -> Result<()> {
    let mut credential = current(sandbox)?;
    credential["client_id"] = json!("another-client");
    put(sandbox, credential.to_string()).await
}

/// A secret under a name of ours, of a customer whom nobody has signed.
pub(super) async fn create_for_nobody(sandbox: &Sandbox) -> Result<()> {
    let create = sandbox.aws.secrets.create_secret().name(Sandbox::secret_name("nobody", CELL));
    create.secret_string("{}").send().await.context("CreateSecret")?;
    Ok(())
}

/// A rotation, after which the clean-up does not come.
pub(super) async fn rotate_and_wait(sandbox: &Sandbox) -> Result<()> {
    rotate_once(sandbox).await?;
    overlap_passes().await;
    Ok(())
}

/// A rotation that ends well.
pub(super) async fn rotate_once(sandbox: &Sandbox) -> Result<()> {
    let rotation = rotate(sandbox, &name(), PATIENCE).await?;
    ensure!(rotation.end == Some(End::Succeeded), "{rotation:?}");
    Ok(())
}

/// The overlap passes. It is counted from the second after the secret's last change.
pub(super) async fn overlap_passes() {
    sleep(OVERLAP + Duration::from_secs(2)).await;
}

/// The replaced application is gone at the vendor.
pub(super) fn has_one_application(sandbox: &Sandbox) -> Result<()> {
    let current = current_application(sandbox)?;
    let mut living = sandbox.applications(&our_tenant(sandbox)?);
    living.retain(|one| one.cell == CELL);
    ensure!(
        living.len() == 1 && living[0].id == current,
        "AWSCURRENT names {current}, living are {living:?}"
    );
    Ok(())
}

/// A rotation cannot promote what it made, and a day later still nobody has ended it.
pub(super) async fn get_stuck(sandbox: &Sandbox) -> Result<()> {
    let promotion = Matcher::any().service(Service::SecretsManager).action("UpdateSecretVersionStage");
    let body = json!({"__type": "InvalidRequestException", "Message": "not now"}).to_string();
    let rule = sandbox.calls.rule(promotion, Effect::Answer { status: 400, body });
    let rotation = rotate(sandbox, &name(), PATIENCE).await;
    sandbox.calls.remove_rule(rule);
    let rotation = rotation?;
    ensure!(rotation.end == Some(End::Failed), "{rotation:?}");
    let secret = sandbox.secret(DRIFTING, CELL)?;
    ensure!(secret.version("AWSPENDING").is_some(), "no version is AWSPENDING: {secret:?}");
    sandbox.secrets.age(&name(), TOO_LONG)
}

/// Its rotations are turned off.
pub(super) async fn turn_off(sandbox: &Sandbox) -> Result<()> {
    let cancel = sandbox.aws.secrets.cancel_rotate_secret().secret_id(name());
    cancel.send().await.context("CancelRotateSecret")?;
    Ok(())
}

/// It is on its schedule, by which it is rotated by the function that was deployed for it.
pub(super) fn is_rotated(sandbox: &Sandbox) -> Result<()> {
    let secret = sandbox.secret(DRIFTING, CELL)?;
    ensure!(secret.rotation_enabled == Some(true), "it is not rotated");
    ensure!(secret.rotation_function.as_ref() == Some(&sandbox.stack.rotate_secret_arn), "{secret:?}");
    ensure!(secret.next_rotation.is_some(), "it has no next rotation");
    Ok(())
}

/// Its schedule goes by, and no rotation begins.
pub(super) async fn miss_rotations(sandbox: &Sandbox) -> Result<()> {
    sandbox.secrets.age(&name(), FORTY_DAYS)
}
