//! Requests and documents that nobody can serve: each is refused once, with its reason.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::documents::{about, put};
use super::requests::{answers, onboarding};
use super::{ACME, PATIENCE};
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

/// A change to a good request, and the refusal it must meet.
struct BadRequest {
    what: &'static str,
    field: &'static str,
    /// None takes the field away.
    value: Option<Value>,
    reason_code: &'static str,
    named: &'static str,
}

fn bad_request_list() -> Vec<BadRequest> {
    let bad = |what, field, value, reason_code, named| BadRequest { what, field, value, reason_code, named };
    vec![
        bad("an illegal customer id", "customer_id", Some(json!("../acme")), "INVALID_FIELD", "customer_id"),
        bad("an unknown cell", "cells", Some(json!(["mars-1"])), "INVALID_FIELD", "cells[0]"),
        bad("a cell that is not served here", "cells", Some(json!(["ca-1"])), "CELL_NOT_ALLOWED", "cells"),
        bad("no cells", "cells", Some(json!([])), "INVALID_FIELD", "cells"),
        bad("another version", "version", Some(json!("7")), "WRONG_VERSION", "version"),
        bad("no actor", "actor", None, "MISSING_FIELD", "actor"),
    ]
}

pub(super) async fn bad_requests(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("Bad requests are refused");
    let calls = sandbox.simulator.state().calls.len();
    for (number, bad) in bad_request_list().iter().enumerate() {
        let request_id = format!("journey-bad-{number}");
        report.expect(&format!("{} is refused", bad.what), refused(sandbox, bad, &request_id)).await;
    }
    report.expect("what is not JSON is refused", not_json(sandbox)).await;
    report.expect("the vendor heard of none of them", async { no_calls_since(sandbox, calls) }).await;
}

async fn refused(sandbox: &Sandbox, bad: &BadRequest, request_id: &str) -> Result<Seen<()>> {
    let mut request = onboarding(request_id, "never-made", &["eu-1"]);
    match &bad.value {
        Some(value) => request[bad.field] = value.clone(),
        None => drop(request.as_object_mut().context("a request is an object")?.remove(bad.field)),
    }
    sandbox.bus.put(&request).await?;
    let wanted = |event: &Value| answers(event, "RequestRejected", request_id);
    let event = sandbox.bus.wait_for("RequestRejected", PATIENCE, wanted).await?;
    ensure!(event["reason_code"] == bad.reason_code, "{event}");
    let field = event["field"].as_str().unwrap_or_default();
    ensure!(field.starts_with(bad.named), "the field named is {field:?}");
    ensure!(event["original"] != Value::Null, "the original is not kept");
    Ok(seen(event["explanation"].as_str().unwrap_or_default()))
}

/// The bus would not take it; a hand that writes into the queue can.
async fn not_json(sandbox: &Sandbox) -> Result<Seen<()>> {
    let send = sandbox.aws.sqs.send_message().queue_url(&sandbox.stack.onboarding_queue_url);
    send.message_body("{\"type\": \"CustomerOnboardingRequested\",").send().await?;
    let wanted = |event: &Value| event["type"] == "RequestRejected" && event["reason_code"] == "NOT_JSON";
    let event = sandbox.bus.wait_for("RequestRejected", PATIENCE, wanted).await?;
    Ok(seen(event["explanation"].as_str().unwrap_or_default()))
}

fn no_calls_since(sandbox: &Sandbox, calls: usize) -> Result<Seen<()>> {
    let since = sandbox.simulator.state().calls.len() - calls;
    ensure!(since == 0, "{since} calls");
    Ok(seen("no call"))
}

pub(super) async fn bad_documents(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("Bad documents are refused");
    let submissions = sandbox.simulator.state().submissions.len();
    let empty = format!("{ACME}/eu-1/empty.pdf");
    let wrong_cell = format!("{ACME}/ap-3/misplaced.pdf");
    let ambiguous = format!("{ACME}/which-cell.pdf");
    let cases: [(&str, &str, &[u8], &str); 5] = [
        ("a document of an unknown customer", "nobody/eu-1/a.pdf", b"%PDF-1.4", "UNKNOWN_CUSTOMER"),
        ("a key that names no customer", "not a customer!/eu-1/a.pdf", b"%PDF-1.4", "KEY_NAMES_NO_CUSTOMER"),
        ("an empty document", &empty, b"", "EMPTY_OBJECT"),
        ("a document for a cell the customer has not", &wrong_cell, b"%PDF-1.4", "NO_APPLICATION_IN_CELL"),
        ("a document that could be for two cells", &ambiguous, b"%PDF-1.4", "AMBIGUOUS_CELL"),
    ];
    for (what, key, bytes, reason_code) in cases {
        let check = rejected(sandbox, key, bytes, reason_code);
        report.expect(&format!("{what} is refused"), check).await;
    }
    let none = async {
        let made = sandbox.simulator.state().submissions.len() - submissions;
        ensure!(made == 0, "{made} submissions");
        Ok(seen("no submission"))
    };
    report.expect("nothing was submitted for them", none).await;
}

/// Drops a file that must be refused for this reason.
pub(super) async fn rejected(
    sandbox: &Sandbox,
    key: &str,
    bytes: &[u8],
    reason_code: &str,
) -> Result<Seen<()>> {
    let version = put(sandbox, key, bytes).await?;
    let wanted = |event: &Value| about(event, key, &version);
    let event = sandbox.bus.wait_for("event about it", PATIENCE, wanted).await?;
    ensure!(event["type"] == "DocumentRejected" && event["reason_code"] == reason_code, "{event}");
    Ok(seen(event["explanation"].as_str().unwrap_or_default()))
}
