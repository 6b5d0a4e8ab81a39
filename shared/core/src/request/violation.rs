//! Why a request is refused.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{ReasonCode, redact};
use crate::ids::{CustomerId, RequestId};

/// One broken rule. Safe to show: the value is cut, and redacted where it looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Violation {
    /// The field, as a path from the event's root, e.g. `cells[1]`.
    pub field: String,
    /// Its value as received, cut after 80 characters; absent where the field is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The rule it breaks.
    pub rule: String,
}

impl Violation {
    /// A field that is not there.
    pub fn missing(field: &str, rule: &str) -> Self {
        Self { field: field.to_owned(), value: None, rule: rule.to_owned() }
    }

    /// A field whose value breaks the rule.
    pub fn new(field: &str, value: &Value, rule: &str) -> Self {
        let shown = match redact::field(field, value) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Self { field: field.to_owned(), value: Some(cut(&shown)), rule: rule.to_owned() }
    }

    /// A text that breaks the rule.
    pub fn of_text(field: &str, text: &str, rule: &str) -> Self {
        Self::new(field, &Value::String(text.to_owned()), rule)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "`{}` is `{value}`, which is not legal: {}", self.field, self.rule),
            None => write!(f, "`{}` is missing: {}", self.field, self.rule),
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A request that is not carried out because it breaks a rule: all that is wrong with it, and what
/// could be read of whom it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.explanation())]
pub struct Refusal {
    /// What kind of wrong it is; that of the first violation where there are several.
    pub reason_code: ReasonCode,
    /// The request's id, where it is legal.
    pub request_id: Option<RequestId>,
    /// The customer's id, where it is legal.
    pub customer_id: Option<CustomerId>,
    /// At least one.
    pub violations: Vec<Violation>,
}

impl Refusal {
    /// A refusal for one reason.
    pub fn new(reason_code: ReasonCode, violation: Violation) -> Self {
        Self { reason_code, request_id: None, customer_id: None, violations: vec![violation] }
    }

    /// The same, about this request.
    #[must_use]
    pub fn about(mut self, request_id: Option<RequestId>, customer_id: Option<CustomerId>) -> Self {
        self.request_id = request_id;
        self.customer_id = customer_id;
        self
    }

    /// Everything that is wrong, as a sentence for a person.
    pub fn explanation(&self) -> String {
        self.violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
