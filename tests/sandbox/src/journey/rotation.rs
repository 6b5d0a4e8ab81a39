//! A credential is replaced, with no failed request in between.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_parts::secrets::{End, Rotation};
use tokio::time::timeout;

use super::documents::submitted;
use super::{Customer, PATIENCE};
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

/// What a rotation changed.
struct Rotated {
    old_application: String,
    new_application: String,
}

pub(super) async fn a_credential_is_rotated(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) {
    report.chapter("Credentials are rotated");
    for customer in customers {
        let Some(cell) = customer.cells.first() else { continue };
        one_rotation(sandbox, report, customer, cell).await;
    }
}

async fn one_rotation(sandbox: &Sandbox, report: &mut Report, customer: &Customer, cell: &str) {
    let name = Sandbox::secret_name(&customer.id, cell);
    report.tell("vault", &format!("-> RotateSecret {name}"));
    let before = sandbox.secret(&customer.id, cell).ok();
    let before =
        before.as_ref().and_then(|secret| secret.version("AWSCURRENT")).unwrap_or_default().to_owned();
    report.expect(&format!("four steps succeed for {name}"), four_steps(sandbox, &name)).await;
    let moved = async { current_has_moved(sandbox, customer, cell, &before) };
    report.expect("AWSCURRENT is the new version, AWSPREVIOUS the old one", moved).await;
    let announced = announced(sandbox, customer, cell);
    let Some(rotated) = report.expect("the rotation is announced", announced).await else { return };
    tell_state(sandbox, report, customer, cell).await;
    let overlap = async { both_live(sandbox, customer, &rotated) };
    report.expect("the old application lives on beside the new one", overlap).await;
    let used = by_the_new_one(sandbox, customer, cell, &rotated);
    report.expect("the next document is submitted by the new application", used).await;
}

async fn tell_state(sandbox: &Sandbox, report: &Report, customer: &Customer, cell: &str) {
    for one in sandbox.applications(&customer.tenant).iter().filter(|one| one.cell == cell) {
        report.tell("vendor", &format!("application {} in {cell}, created {:.0}", one.id, one.created));
    }
    for version in sandbox.secret(&customer.id, cell).map(|secret| secret.versions).unwrap_or_default() {
        report.tell("vault", &format!("version {:.8}… {}", version.id, version.labels.join(", ")));
    }
    if let Ok(record) = sandbox.record(&customer.id).await {
        report.tell("registry", &format!("{}, {} audit entries", record.phase, record.audit_entries));
    }
}

async fn four_steps(sandbox: &Sandbox, name: &str) -> Result<Seen<()>> {
    let last = rotate(sandbox, name, PATIENCE).await?;
    let failed: Vec<_> = last.steps.iter().filter(|step| step.error.is_some()).collect();
    ensure!(failed.is_empty(), "{failed:?}");
    ensure!(last.end == Some(End::Succeeded), "it ended as {:?}", last.end);
    let steps: Vec<_> = last.steps.iter().map(|step| step.step.as_str()).collect();
    ensure!(steps.len() == 4, "only {steps:?}");
    Ok(seen(steps.join(", ")))
}

/// Asks for a rotation and waits for its end, good or bad.
pub(crate) async fn rotate(sandbox: &Sandbox, name: &str, patience: Duration) -> Result<Rotation> {
    sandbox.aws.secrets.rotate_secret().secret_id(name).send().await.context("RotateSecret is refused")?;
    let ended = timeout(patience, sandbox.secrets.rotation_ended(name)).await;
    ended.context("the rotation does not end")?.context("no rotation began")
}

fn current_has_moved(sandbox: &Sandbox, customer: &Customer, cell: &str, before: &str) -> Result<Seen<()>> {
    let secret = sandbox.secret(&customer.id, cell)?;
    let current = secret.version("AWSCURRENT").context("no AWSCURRENT")?;
    ensure!(current != before, "AWSCURRENT has not moved");
    ensure!(
        secret.version("AWSPREVIOUS") == Some(before),
        "AWSPREVIOUS is {:?}",
        secret.version("AWSPREVIOUS")
    );
    Ok(seen(format!("{before:.8}… -> {current:.8}…")))
}

async fn announced(sandbox: &Sandbox, customer: &Customer, cell: &str) -> Result<Seen<Rotated>> {
    let wanted = |event: &serde_json::Value| {
        event["type"] == "SecretRotated"
            && event["customer_id"] == customer.id.as_str()
            && event["cell"] == cell
    };
    let event = sandbox.bus.wait_for("SecretRotated", PATIENCE, wanted).await?;
    let text = |field: &str| event[field].as_str().map(str::to_owned).with_context(|| format!("no {field}"));
    let rotated = Rotated {
        old_application: text("previous_application_id")?,
        new_application: text("application_id")?,
    };
    Ok(seen(format!("{} -> {}", rotated.old_application, rotated.new_application)).with(rotated))
}

fn both_live(sandbox: &Sandbox, customer: &Customer, rotated: &Rotated) -> Result<Seen<()>> {
    let living: Vec<_> = sandbox.applications(&customer.tenant).into_iter().map(|one| one.id).collect();
    ensure!(living.contains(&rotated.old_application), "the old one is gone: {living:?}");
    ensure!(living.contains(&rotated.new_application), "the new one is gone: {living:?}");
    ensure!(living.len() == customer.cells.len() + 1, "{living:?}");
    Ok(seen(format!("{} applications", living.len())))
}

async fn by_the_new_one(
    sandbox: &Sandbox,
    customer: &Customer,
    cell: &str,
    rotated: &Rotated,
) -> Result<Seen<()>> {
    tokio::time::sleep(sandbox.patience).await; // so long may a function use what it has read
    let key = format!("{}/{cell}/after the rotation.pdf", customer.id);
    let submission = submitted(sandbox, customer, cell, &key, &pdf("after the rotation", 1, 0)).await?;
    let used = submission.found().application;
    ensure!(used == rotated.new_application, "it was submitted by {used}");
    Ok(seen(format!("by {used}")))
}
