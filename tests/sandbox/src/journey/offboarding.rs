//! Customers leave.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::refusals::rejected;
use super::requests::{ends, offboarding};
use super::{Customer, PATIENCE};
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

pub(super) async fn customers_leave(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) {
    report.chapter("The customers leave");
    for customer in customers {
        one_customer(sandbox, report, customer).await;
    }
    if let Some(customer) = customers.first() {
        let key = format!("{}/eu-1/too late.pdf", customer.id);
        let late = rejected(sandbox, &key, b"%PDF-1.4", "CUSTOMER_OFFBOARDING");
        report.expect("a document that comes too late is refused", late).await;
    }
}

async fn one_customer(sandbox: &Sandbox, report: &mut Report, customer: &Customer) {
    report.tell("bus", &format!("-> CustomerOffboardingRequested {}", customer.id));
    let applications = sandbox.applications(&customer.tenant).into_iter().map(|one| one.id).collect();
    let expectation = format!("{} is offboarded, and the certificate is complete", customer.id);
    if report.expect(&expectation, certified(sandbox, customer, applications)).await.is_none() {
        return;
    }
    let gone = async { gone(sandbox, customer) };
    report.expect(&format!("the vendor holds nothing of {}", customer.id), gone).await;
    report.tell("vendor", "the tenant and its applications are gone");
    for secret in customer.cells.iter().filter_map(|cell| sandbox.secret(&customer.id, cell).ok()) {
        let until = secret.deletion.map_or("not deleted".to_owned(), |until| format!("{until:.0}"));
        report.tell("vault", &format!("{}, recoverable until {until}", secret.name));
    }
    let windows = async { in_their_window(sandbox, customer) };
    report.expect(&format!("the secrets of {} wait in their recovery window", customer.id), windows).await;
    let recorded = recorded(sandbox, customer);
    report.expect(&format!("the record of {} says offboarded", customer.id), recorded).await;
}

async fn certified(sandbox: &Sandbox, customer: &Customer, living: BTreeSet<String>) -> Result<Seen<()>> {
    let request_id = format!("journey-offboard-{}", customer.id);
    sandbox.bus.put(&offboarding(&request_id, &customer.id)).await?;
    let event = sandbox.bus.wait_for("answer", PATIENCE, |event| ends(event, &request_id)).await?;
    ensure!(event["type"] == "CustomerOffboarded", "{event}");
    let certificate = &event["certificate"];
    let ids = |list: &str, field: &str| -> BTreeSet<String> {
        let entries = certificate[list].as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().filter_map(|entry| entry[field].as_str().map(str::to_owned)).collect()
    };
    let deleted = ids("applications", "application_id");
    ensure!(deleted == living, "living were {living:?}, deleted were {deleted:?}");
    let secrets = customer.cells.iter().map(|cell| Sandbox::secret_name(&customer.id, cell)).collect();
    ensure!(ids("secrets", "secret_name") == secrets, "{certificate}");
    ensure!(certificate["tenant_id"] == customer.tenant.as_str(), "{certificate}");
    for time in ["tenant_deleted_at", "proved_by_listing_at"] {
        ensure!(certificate[time] != Value::Null, "no {time}: {certificate}");
    }
    Ok(seen(format!(
        "applications {}, secrets {}, tenant {}",
        deleted.len(),
        customer.cells.len(),
        customer.tenant
    )))
}

fn gone(sandbox: &Sandbox, customer: &Customer) -> Result<Seen<()>> {
    ensure!(!sandbox.tenant_lives(&customer.tenant), "the tenant is still there");
    let left = sandbox.applications(&customer.tenant);
    ensure!(left.is_empty(), "{left:?}");
    Ok(seen("no tenant, no application"))
}

fn in_their_window(sandbox: &Sandbox, customer: &Customer) -> Result<Seen<()>> {
    for cell in &customer.cells {
        let secret = sandbox.secret(&customer.id, cell)?;
        secret.deletion.with_context(|| format!("{} is not deleted", secret.name))?;
        ensure!(secret.rotation_enabled != Some(true), "{} is still rotated", secret.name);
    }
    Ok(seen(format!("in {}", customer.cells.join(" and "))))
}

async fn recorded(sandbox: &Sandbox, customer: &Customer) -> Result<Seen<()>> {
    let record = sandbox.record(&customer.id).await?;
    ensure!(record.phase == "OFFBOARDED", "it is {}", record.phase);
    Ok(seen(format!("{}, {} audit entries", record.phase, record.audit_entries)))
}
