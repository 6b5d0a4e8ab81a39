//! The event about a request that is not carried out.

use serde::{Deserialize, Serialize};

use super::{Original, ReasonCode};
use crate::ids::{CustomerId, RequestId};
use crate::request::{Refusal, Violation};

/// A request is not carried out, and will not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestRejected {
    /// The request's id, where it is legal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The customer's id, where it is legal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// The first field that breaks a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Its value, cut and redacted; absent where the field is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The rule it breaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// All that is wrong, for people.
    pub explanation: String,
    /// What was received.
    pub original: Original,
}

impl RequestRejected {
    /// What the refusal says, with what was received.
    pub fn new(refusal: &Refusal, original: Original) -> Self {
        let first = refusal.violations.first();
        let of_first = |part: fn(&Violation) -> Option<String>| first.and_then(part);
        Self {
            request_id: refusal.request_id.clone(),
            customer_id: refusal.customer_id.clone(),
            reason_code: refusal.reason_code.clone(),
            field: of_first(|violation| Some(violation.field.clone())),
            value: of_first(|violation| violation.value.clone()),
            rule: of_first(|violation| Some(violation.rule.clone())),
            explanation: refusal.explanation(),
            original,
        }
    }
}
