//! Requests as a platform sends them.

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) fn onboarding(request_id: &str, customer: &str, cells: &[&str]) -> Value {
    let mut request = request("CustomerOnboardingRequested", request_id, customer, "contract signed");
    request["cells"] = json!(cells);
    request
}

pub(crate) fn offboarding(request_id: &str, customer: &str) -> Value {
    request("CustomerOffboardingRequested", request_id, customer, "contract ended")
}

fn request(kind: &str, request_id: &str, customer: &str, reason: &str) -> Value {
    json!({
        "type": kind,
        "version": "1",
        "request_id": request_id,
        "requested_at": Timestamp::now(),
        "customer_id": customer,
        "actor": "journey",
        "reason": reason,
    })
}

/// Whether an event is of this type and about this request.
pub(super) fn answers(event: &Value, kind: &str, request_id: &str) -> bool {
    event["type"] == kind && event["request_id"] == request_id
}

/// Whether an event ends this request, well or not.
pub(crate) fn ends(event: &Value, request_id: &str) -> bool {
    let kinds = [
        "CustomerOnboarded",
        "CustomerOnboardingFailed",
        "CustomerOffboarded",
        "CustomerOffboardingFailed",
        "RequestRejected",
    ];
    kinds.iter().any(|kind| answers(event, kind, request_id))
}
