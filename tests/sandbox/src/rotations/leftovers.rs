//! What is left of each customer once it is over.

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};

use super::OVERLAP;
use crate::journey::Customer;
use crate::journey::documents::submitted;
use crate::load::cell;
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

pub(super) async fn in_order(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) {
    report.chapter("What is left");
    tokio::time::sleep(sandbox.patience).await; // so long may a function use what it has read
    let used = every("documents", customers, |customer| by_the_current_one(sandbox, customer));
    report.expect("each customer's current application takes a document", used).await;
    report.tell("schedule", "-> the clean-up, once the last overlap has passed");
    tokio::time::sleep(OVERLAP).await;
    report.expect("the clean-up deletes what the last rotations replaced", cleaned_up(sandbox)).await;
    let left = every("applications", customers, |customer| retired(sandbox, customer));
    report.expect("the vendor has exactly one application of each", left).await;
}

/// What a check found of all customers together.
async fn every<'a, F: Future<Output = Result<usize>>>(
    what: &str,
    customers: &'a [Customer],
    check: impl Fn(&'a Customer) -> F,
) -> Result<Seen<()>> {
    let checked =
        customers.iter().map(async |customer| check(customer).await.with_context(|| customer.id.clone()));
    let found: Result<Vec<_>> = join_all(checked).await.into_iter().collect();
    Ok(seen(format!("{} {what} of {} customers", found?.iter().sum::<usize>(), customers.len())))
}

/// The application that AWSCURRENT names.
fn current(sandbox: &Sandbox, customer: &Customer) -> Result<String> {
    let name = Sandbox::secret_name(&customer.id, cell(customer));
    let value = sandbox.secrets.reveal(&name, "AWSCURRENT").context("no AWSCURRENT")?;
    let value: Value = serde_json::from_str(&value).context("the secret is not JSON")?;
    Ok(value["application_id"].as_str().context("the secret names no application")?.to_owned())
}

async fn by_the_current_one(sandbox: &Sandbox, customer: &Customer) -> Result<usize> {
    let key = format!("{}/{}/after it all.pdf", customer.id, cell(customer));
    let submission = submitted(sandbox, customer, cell(customer), &key, &pdf(&key, 1, 0)).await?;
    let (used, current) = (submission.found().application, current(sandbox, customer)?);
    ensure!(used == current, "it was submitted by {used}, and AWSCURRENT names {current}");
    Ok(1)
}

async fn cleaned_up(sandbox: &Sandbox) -> Result<Seen<()>> {
    let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    let cleaned = sandbox.invoke("reconcile-tenants", &event).await?;
    ensure!(cleaned["busy"] == 0 && cleaned["retiring"] == 0 && cleaned["left"] == 0, "{cleaned}");
    Ok(seen(format!("{} applications", cleaned["deleted"])))
}

/// Nothing but the application that AWSCURRENT names, and that is recorded. Gives how many live.
async fn retired(sandbox: &Sandbox, customer: &Customer) -> Result<usize> {
    let (cell, current) = (cell(customer), current(sandbox, customer)?);
    let living = sandbox.applications(&customer.tenant);
    ensure!(living.len() == 1, "{} applications live: {living:?}", living.len());
    ensure!(living.iter().any(|one| one.id == current), "the current one, {current}, is gone: {living:?}");
    let recorded = sandbox.record(&customer.id).await?.applications;
    for one in &living {
        let known =
            recorded.iter().find(|known| known.id == one.id && known.cell == cell && one.cell == cell);
        let known = known.with_context(|| format!("{} is not recorded in {cell}: {recorded:?}", one.id))?;
        let stamped = known.unreferenced_since.is_some();
        ensure!(stamped == (one.id != current), "{known:?}, and AWSCURRENT names {current}");
    }
    ensure!(recorded.len() == living.len(), "recorded are {recorded:?}, living {living:?}");
    Ok(living.len())
}
