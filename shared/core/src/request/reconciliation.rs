//! What asks for a reconciliation: the daily schedule, or an operator by invoking the function.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Fields;
use super::{AuditText, Refusal};
use crate::ids::RequestId;

/// What a reconciliation does with what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReconciliationMode {
    /// It is reported.
    Plan,
    /// What can be repaired safely is repaired; the rest is reported.
    Apply,
}

impl fmt::Display for ReconciliationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        })
    }
}

/// What the vendor holds is to be compared with what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationRequest {
    /// Whoever asks made it, and it is unique. A repeat of it is the same reconciliation.
    pub request_id: RequestId,
    /// Whether anything is repaired.
    pub mode: ReconciliationMode,
    /// Who asks.
    pub actor: AuditText,
    /// Why.
    pub reason: AuditText,
}

impl ReconciliationRequest {
    /// The request's `type`.
    pub const TYPE: &str = "ReconciliationRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let request_id = fields.id("request_id");
        let mode = fields.mode("mode");
        let actor = fields.audit_text("actor");
        let reason = fields.audit_text("reason");
        fields.finish(|| Some(Self { request_id: request_id?, mode: mode?, actor: actor?, reason: reason? }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_read() {
        let said = json!({
            "type": "ReconciliationRequested", "version": "1", "request_id": "schedule-1", "mode": "apply",
            "actor": "schedule", "reason": "the daily reconciliation"
        });
        let read = ReconciliationRequest::parse(&said).unwrap();
        assert_eq!((read.request_id.as_str(), read.mode), ("schedule-1", ReconciliationMode::Apply));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let said = json!({
            "type": "ReconciliationRequested", "version": "1", "request_id": "", "mode": "repair", "actor": "a"
        });
        let refusal = ReconciliationRequest::parse(&said).unwrap_err();
        let wrong: Vec<&str> = refusal.violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(wrong, ["request_id", "mode", "reason"]);
    }
}
