//! Customers come to life.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::requests::{ends, onboarding};
use super::{ACME, Customer, PATIENCE, ZENITH};
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

const ACME_REQUEST: &str = "journey-onboard-acme";
const ZENITH_REQUEST: &str = "journey-onboard-zenith";

pub(super) async fn customers_are_signed(sandbox: &Sandbox, report: &mut Report) -> Vec<Customer> {
    report.chapter("Two customers are signed");
    let acme = onboarding(ACME_REQUEST, ACME, &["eu-1", "us-1"]);
    let mut zenith = onboarding(ZENITH_REQUEST, ZENITH, &["eu-1"]);
    zenith["authentication"] = json!("CLIENT_SECRET");
    let acme = one_customer(sandbox, report, ACME, &acme, "EC").await;
    let zenith = one_customer(sandbox, report, ZENITH, &zenith, "CLIENT_SECRET").await;
    [acme, zenith].into_iter().flatten().collect()
}

async fn one_customer(
    sandbox: &Sandbox,
    report: &mut Report,
    id: &str,
    request: &Value,
    authentication: &str,
) -> Option<Customer> {
    report.tell("bus", &format!("-> CustomerOnboardingRequested {id}, cells {}", request["cells"]));
    let expectation = format!("{id} is onboarded and announced");
    let customer = report.expect(&expectation, announced(sandbox, id, request)).await?;
    tell_state(sandbox, report, &customer).await;
    let expectation = format!("the vendor holds one application for each cell of {id}");
    report.expect(&expectation, async { at_the_vendor(sandbox, &customer, authentication) }).await;
    let expectation = format!("each cell of {id} has a secret, with a schedule");
    report.expect(&expectation, in_the_vault(sandbox, &customer)).await;
    report.expect(&format!("the record of {id} is active"), in_the_registry(sandbox, &customer)).await;
    Some(customer)
}

/// Sends a request and waits for its answer.
pub(crate) async fn announced(sandbox: &Sandbox, id: &str, request: &Value) -> Result<Seen<Customer>> {
    let request_id = request["request_id"].as_str().unwrap_or_default();
    sandbox.bus.put(request).await?;
    let event = sandbox.bus.wait_for("answer", PATIENCE, |event| ends(event, request_id)).await?;
    ensure!(event["type"] == "CustomerOnboarded", "{event}");
    let cells = event["cells"].as_array().context("no cells in the event")?;
    let inactive: Vec<_> = cells.iter().filter(|cell| cell["status"] != "ACTIVE").collect();
    ensure!(inactive.is_empty(), "{inactive:?}");
    let cells: Vec<String> =
        cells.iter().filter_map(|cell| cell["cell"].as_str().map(str::to_owned)).collect();
    let wanted = request["cells"].as_array().map_or(0, Vec::len);
    ensure!(cells.len() == wanted, "{wanted} cells were wanted, and these work: {cells:?}");
    let tenant = event["tenant_id"].as_str().context("no tenant in the event")?.to_owned();
    Ok(seen(format!("tenant {tenant}, active in {}", cells.join(" and "))).with(Customer {
        id: id.to_owned(),
        tenant,
        cells,
    }))
}

async fn tell_state(sandbox: &Sandbox, report: &Report, customer: &Customer) {
    let state = sandbox.simulator.state();
    if let Some(tenant) = state.tenants.iter().find(|one| one.id == customer.tenant) {
        report.tell("vendor", &format!("tenant {} named {}", tenant.id, tenant.name));
    }
    for one in sandbox.applications(&customer.tenant) {
        report.tell("", &format!("application {} in {}, {}", one.id, one.cell, one.authentication));
    }
    for secret in customer.cells.iter().filter_map(|cell| sandbox.secret(&customer.id, cell).ok()) {
        let next = secret.next_rotation.map_or("never".to_owned(), |next| format!("{next:.0}"));
        report.tell("vault", &format!("{}, next rotation {next}", secret.name));
    }
    if let Ok(record) = sandbox.record(&customer.id).await {
        report.tell("registry", &format!("{}, {} audit entries", record.phase, record.audit_entries));
    }
}

fn at_the_vendor(sandbox: &Sandbox, customer: &Customer, authentication: &str) -> Result<Seen<()>> {
    let applications = sandbox.applications(&customer.tenant);
    let cells: BTreeSet<_> = applications.iter().map(|one| one.cell.as_str()).collect();
    ensure!(cells == customer.cells.iter().map(String::as_str).collect(), "applications in {cells:?}");
    ensure!(applications.len() == customer.cells.len(), "{} applications", applications.len());
    let kinds: BTreeSet<_> = applications.iter().map(|one| one.authentication.as_str()).collect();
    ensure!(kinds == BTreeSet::from([authentication]), "they authenticate by {kinds:?}");
    Ok(seen(format!("{} by {authentication}", applications.len())))
}

async fn in_the_vault(sandbox: &Sandbox, customer: &Customer) -> Result<Seen<()>> {
    sandbox.quiet().await?;
    for cell in &customer.cells {
        let secret = sandbox.secret(&customer.id, cell)?;
        secret.version("AWSCURRENT").context("no AWSCURRENT")?;
        ensure!(secret.version("AWSPENDING").is_none(), "{} has a pending version", secret.name);
        ensure!(secret.rotation_enabled == Some(true), "{} is not rotated", secret.name);
        let function = secret.rotation_function.as_deref();
        ensure!(
            function == Some(&sandbox.stack.rotate_secret_arn),
            "{} is rotated by {function:?}",
            secret.name
        );
        ensure!(secret.kms_key_id.as_deref() == Some(&sandbox.stack.data_key_arn), "another key encrypts it");
    }
    Ok(seen(format!("AWSCURRENT and rotation in {}", customer.cells.join(" and "))))
}

async fn in_the_registry(sandbox: &Sandbox, customer: &Customer) -> Result<Seen<()>> {
    let record = sandbox.record(&customer.id).await?;
    ensure!(record.phase == "ACTIVE", "it is {}", record.phase);
    ensure!(record.audit_entries > 0, "no audit entry");
    Ok(seen(format!("{}, {} audit entries", record.phase, record.audit_entries)))
}

pub(super) async fn the_same_request_again(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("The same request arrives again");
    report.expect("nothing changes", repeated(sandbox)).await;
}

async fn repeated(sandbox: &Sandbox) -> Result<Seen<()>> {
    let mut request = onboarding(ACME_REQUEST, ACME, &["eu-1", "us-1"]);
    request["requested_at"] = json!("2020-01-01T00:00:00Z");
    sandbox.quiet().await?;
    let (calls, record) = (sandbox.simulator.state().calls.len(), sandbox.record(ACME).await?);
    sandbox.bus.put(&request).await?;
    sandbox.quiet().await?;
    let calls = sandbox.simulator.state().calls.len() - calls;
    ensure!(calls == 0, "the vendor was called {calls} times");
    ensure!(sandbox.record(ACME).await? == record, "the record has changed");
    Ok(seen("no vendor call, the same record"))
}
