//! The commands that findings name: complete but for who runs them, which the audit trail needs.

use serde_json::json;
use shared_core::customer::Customer;
use shared_core::document::{DocumentId, Look};
use shared_core::ids::{CustomerId, TenantId, hex_digest};
use shared_core::place::Cell;
use shared_core::request::{
    ImportRequest, OffboardingRequest, OnboardingRequest, RestoreRequest, RotationRequest, VERSION,
};

use super::facts::Context;
use super::findings::Code;

/// More looks than one document has in a day.
const ANEW: u32 = 100_000;

/// Who runs a command has to say so here.
const ACTOR: &str = "YOUR NAME";

/// And here whose a tenant is, which nobody else knows.
const CUSTOMER: &str = "CUSTOMER ID";

/// A rotation now, by force: one that is stuck is taken back first.
pub(crate) fn rotate(context: &Context<'_>, customer_id: &CustomerId, cell: Cell, code: Code) -> String {
    let payload = json!({
        "type": RotationRequest::TYPE, "version": VERSION,
        "request_id": id(context, &[RotationRequest::TYPE, customer_id.as_str(), cell.as_str()]),
        "customer_id": customer_id, "cell": cell, "force": true,
        "actor": ACTOR, "reason": reason(context, code),
    });
    invoke(&context.terms.schedule.function_arn, &payload)
}

/// A tenant's import, for the customer whose it is.
pub(crate) fn import(context: &Context<'_>, tenant_id: &TenantId) -> String {
    operate(
        context,
        ImportRequest::TYPE,
        Code::OrphanTenant,
        tenant_id.as_str(),
        &json!({
            "customer_id": CUSTOMER, "tenant_id": tenant_id,
        }),
    )
}

/// A record's restoration.
pub(crate) fn restore(context: &Context<'_>, customer_id: &CustomerId) -> String {
    let more = json!({ "customer_id": customer_id });
    operate(context, RestoreRequest::TYPE, Code::RecordBehind, customer_id.as_str(), &more)
}

/// What this function does for an operator.
fn operate(context: &Context<'_>, kind: &str, code: Code, about: &str, more: &serde_json::Value) -> String {
    let mut payload = json!({
        "type": kind, "version": VERSION, "request_id": id(context, &[kind, about]),
        "actor": ACTOR, "reason": reason(context, code),
    });
    extend(&mut payload, more);
    // The stack's name is the bus's.
    invoke(&format!("{}-reconcile-tenants", context.terms.bus_name), &payload)
}

fn invoke(function: &str, payload: &serde_json::Value) -> String {
    format!(
        "aws lambda invoke --function-name {function} --cli-binary-format raw-in-base64-out --payload '{payload}' \
         /dev/stdout"
    )
}

fn extend(object: &mut serde_json::Value, more: &serde_json::Value) {
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
}

/// An onboarding request for every cell of a customer: what stands is kept, what is missing is made.
pub(crate) fn onboard(context: &Context<'_>, customer: &Customer, code: Code) -> String {
    let cells: Vec<Cell> = customer.cells.keys().copied().collect();
    let cells = if cells.is_empty() { vec![Cell::Eu1] } else { cells };
    let more = json!({ "cells": cells });
    request(context, OnboardingRequest::TYPE, &customer.customer_id, code, &more)
}

/// An offboarding request.
pub(crate) fn offboard(context: &Context<'_>, customer_id: &CustomerId, code: Code) -> String {
    request(context, OffboardingRequest::TYPE, customer_id, code, &json!({}))
}

/// A look at a document's result, numbered beyond all looks that there can have been.
pub(crate) fn look(context: &Context<'_>, id: &DocumentId) -> String {
    let body = Look::at(id.clone()).to_json();
    format!(
        "aws sqs send-message --queue-url \"$(aws cloudformation describe-stacks --stack-name {} --output text \
         --query 'Stacks[0].Outputs[?OutputKey==`ResultsQueueUrl`].OutputValue')\" --message-body '{body}' \
         --message-attributes 'attempt={{DataType=Number,StringValue={ANEW}}}'",
        context.terms.bus_name
    )
}

/// A request on the bus, as the platform sends it.
fn request(
    context: &Context<'_>,
    kind: &str,
    customer_id: &CustomerId,
    code: Code,
    more: &serde_json::Value,
) -> String {
    let mut detail = json!({
        "type": kind, "version": VERSION, "request_id": id(context, &[kind, customer_id.as_str()]),
        "requested_at": context.now, "customer_id": customer_id,
        "actor": ACTOR, "reason": reason(context, code),
    });
    extend(&mut detail, more);
    let entry = json!([{
        "EventBusName": context.terms.bus_name, "Source": "operator", "DetailType": kind,
        "Detail": detail.to_string(),
    }]);
    format!("aws events put-events --entries '{entry}'")
}

/// The same finding of the same reconciliation names the same request: run twice, it is done once.
fn id(context: &Context<'_>, parts: &[&str]) -> String {
    let digest = hex_digest(&[&["reconciliation", context.request_id.as_str()], parts].concat());
    format!("reconciliation-{}", &digest[..32])
}

fn reason(context: &Context<'_>, code: Code) -> String {
    format!("reconciliation {} found {code}", context.request_id)
}
