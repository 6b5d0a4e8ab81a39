//! Customers come, leave, and get stuck on the way.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::Value;
use simulator::{Effect, Fault, Operation};

use super::queues::{lose_messages, put_off};
use super::records::{put_back, record_of, set_back, taken};
use super::secrets::rotate_once;
use super::vendor::{make_tenant, our_tenant};
use super::{CELL, DRIFTING, QUIET, TOO_LONG};
use crate::journey::onboarding::announced;
use crate::journey::requests::{ends, offboarding, onboarding};
use crate::journey::{Customer, PATIENCE};
use crate::report::{Seen, seen};
use crate::sandbox::Sandbox;

/// A second cell of the customer.
const OTHER_CELL: &str = "us-1";

/// Customers beyond the two, who come and leave.
const PASSING: [&str; 2] = ["passing-1", "passing-2"];

/// Two customers, one of whom nothing happens to.
pub(super) async fn two_are_signed(sandbox: &Sandbox) -> Result<Seen<()>> {
    futures::try_join!(sign(sandbox, DRIFTING), sign(sandbox, QUIET))?;
    Ok(seen(format!("{DRIFTING} and {QUIET}, in {CELL}")))
}

async fn sign(sandbox: &Sandbox, id: &str) -> Result<Customer> {
    let request = onboarding(&fresh_id(), id, &[CELL]);
    announced(sandbox, id, &request).await.map(Seen::found)
}

/// An id for a request: a customer may come and leave more than once.
fn fresh_id() -> String {
    format!("drifts-{}", Timestamp::now().as_nanosecond())
}

/// A customer leaves.
pub(super) async fn leave(sandbox: &Sandbox, id: &str) -> Result<()> {
    let request_id = fresh_id();
    sandbox.bus.put(&offboarding(&request_id, id)).await?;
    ended_as(sandbox, "CustomerOffboarded", &request_id).await
}

/// Waits for the end of a request, which has to be this one.
pub(super) async fn ended_as(sandbox: &Sandbox, kind: &str, request_id: &str) -> Result<()> {
    let event = sandbox.bus.wait_for("answer", PATIENCE, |event| ends(event, request_id)).await?;
    ensure!(event["type"] == kind, "{event}");
    Ok(())
}

/// A customer has left, and somebody makes a tenant of the name that it had.
pub(super) async fn leave_a_tenant(sandbox: &Sandbox) -> Result<()> {
    let [passing, _] = PASSING;
    let customer = sign(sandbox, passing).await?;
    leave(sandbox, passing).await?;
    let mut tenants = sandbox.simulator.state().tenants.into_iter();
    let left = tenants.find(|one| one.id == customer.tenant).context("the vendor knows no such tenant")?;
    ensure!(left.deleted.is_some(), "the tenant is still there");
    make_tenant(sandbox, &left.name).await
}

/// The record is restored to the time before a rotation.
pub(super) async fn lose_what_happened(sandbox: &Sandbox) -> Result<()> {
    let customers = &sandbox.stack.customers_table_name;
    let before = taken(sandbox, customers, record_of(DRIFTING)).await?;
    rotate_once(sandbox).await?;
    sandbox.quiet().await?;
    put_back(sandbox, customers, before).await
}

/// The vendor's last tenants are taken.
pub(super) async fn fill_up(sandbox: &Sandbox) -> Result<()> {
    for passing in PASSING {
        sign(sandbox, passing).await?;
    }
    Ok(())
}

/// Those who took them leave.
pub(super) async fn make_room(sandbox: &Sandbox) -> Result<()> {
    for passing in PASSING {
        leave(sandbox, passing).await?;
    }
    Ok(())
}

/// A second cell is asked for while the vendor refuses, the request is lost, and a day goes by.
pub(super) async fn get_stuck(sandbox: &Sandbox) -> Result<()> {
    let queue = &sandbox.stack.onboarding_queue_url;
    let refusal = Fault {
        tenant: Some(our_tenant(sandbox)?),
        count: None,
        ..Fault::next(Operation::CreateTenantApplication, Effect::Status { status: 403 })
    };
    let fault = sandbox.simulator.add_fault(refusal);
    let refused = async {
        sandbox.bus.put(&for_both_cells("drifts-second-cell")).await?;
        put_off(sandbox, queue).await
    };
    let refused = refused.await;
    sandbox.simulator.remove_faults(Some(fault));
    refused?;
    lose_messages(sandbox, queue).await?;
    let customers = &sandbox.stack.customers_table_name;
    set_back(sandbox, customers, record_of(DRIFTING), &["record", "work", "accepted_at"]).await
}

/// A killed invocation's lease: it ended long ago, and nobody came after it.
pub(super) async fn abandon_a_lease(sandbox: &Sandbox) -> Result<()> {
    let until = Timestamp::now() - TOO_LONG;
    let update = sandbox.aws.dynamodb.update_item().table_name(&sandbox.stack.customers_table_name);
    let update = update.set_key(Some(record_of(DRIFTING)));
    let update = update.update_expression("SET lease_owner = :owner, lease_until = :until");
    let update = update.condition_expression("attribute_exists(pk) AND attribute_not_exists(lease_owner)");
    let update = update.expression_attribute_values(":owner", AttributeValue::S("killed".to_owned()));
    let until = AttributeValue::N(until.as_millisecond().to_string());
    update.expression_attribute_values(":until", until).send().await.context("UpdateItem")?;
    Ok(())
}

/// The next request for the customer: it wants what is there.
pub(super) async fn ask_again(sandbox: &Sandbox) -> Result<()> {
    announced(sandbox, DRIFTING, &for_both_cells("drifts-ask-again")).await.map(drop)
}

/// A request for both cells.
pub(super) fn for_both_cells(request_id: &str) -> Value {
    onboarding(request_id, DRIFTING, &[CELL, OTHER_CELL])
}
