//! What the platform asks for.
//!
//! A request is parsed once, here, from the JSON object that every envelope carries:
//! `{"type": "CustomerOnboardingRequested", "version": "1", ...}`. What comes out is legal; what
//! does not come out is refused with every field that breaks a rule. Unknown fields are ignored.

use std::fmt;
use std::ops::Deref;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::credential::AuthenticationKind;
use crate::ids::{CustomerId, RequestId};
use crate::place::Cell;

mod doctor;
mod fields;
mod operations;
mod operator;
mod reconciliation;
mod violation;

pub use doctor::DoctorRequest;
use fields::Fields;
pub use operations::{
    ApproveRequest, Asked, ImportRequest, ListRequest, NoteRequest, PauseRequest, RestoreRequest,
    RetryRequest, ShowRequest,
};
pub use operator::{RollBackRequest, RotationRequest};
pub use reconciliation::{ReconciliationMode, ReconciliationRequest};
pub use violation::{Refusal, Violation};

/// The version of the request types that is read here.
pub const VERSION: &str = "1";

/// Who asked, or why: it goes into the audit trail word by word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transparent))]
pub struct AuditText(
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 256), regex(pattern = r"\S")))] String,
);

impl AuditText {
    /// The rule, in words.
    pub const RULE: &str = "1 to 256 characters, not only white space: the audit trail needs it";

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let legal = !text.trim().is_empty() && text.chars().count() <= 256;
        if legal { Ok(Self(text.to_owned())) } else { Err(Self::RULE) }
    }
}

impl fmt::Display for AuditText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The cells that a customer is wanted in: at least one, none twice, in the order asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transparent))]
pub struct Cells(
    #[cfg_attr(feature = "schema", schemars(length(min = 1), extend("uniqueItems" = true)))] Vec<Cell>,
);

impl Cells {
    /// The rule, in words.
    pub const RULE: &str = "a list of at least one cell, none of them twice";

    /// Takes a list that keeps the rule.
    ///
    /// # Errors
    /// The rule, where the list is empty or names a cell twice.
    pub fn new(cells: Vec<Cell>) -> Result<Self, &'static str> {
        let twice = cells.iter().enumerate().any(|(at, cell)| cells[..at].contains(cell));
        if cells.is_empty() || twice { Err(Self::RULE) } else { Ok(Self(cells)) }
    }
}

impl Default for Cells {
    fn default() -> Self {
        Self(vec![Cell::Eu1])
    }
}

impl Deref for Cells {
    type Target = [Cell];

    fn deref(&self) -> &[Cell] {
        &self.0
    }
}

/// A customer was signed, or is wanted in more cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnboardingRequest {
    /// The producer's unique id. A repeat of it is the same request.
    pub request_id: RequestId,
    /// When the producer decided it. A request that is older than the last applied one is superseded.
    pub requested_at: Timestamp,
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// The cells wanted; `["eu-1"]` where it is not said.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub cells: Cells,
    /// How the customer's applications authenticate; `KEY_PAIR` where it is not said.
    #[cfg_attr(feature = "schema", schemars(default = "key_pair"))]
    pub authentication: AuthenticationKind,
    /// Who asks, as the producer names them.
    pub actor: AuditText,
    /// Why.
    pub reason: AuditText,
}

#[cfg(feature = "schema")]
fn key_pair() -> AuthenticationKind {
    AuthenticationKind::KeyPair
}

impl OnboardingRequest {
    /// The event's `type`.
    pub const TYPE: &str = "CustomerOnboardingRequested";

    /// The event that asks for it.
    pub fn to_event(&self) -> Value {
        event_of(Self::TYPE, self)
    }

    /// Reads the event.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(event: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(event, Self::TYPE)?;
        let common = Common::read(&mut fields);
        let cells = fields.cells();
        let authentication = fields.authentication();
        fields.finish(|| {
            let Common { request_id, requested_at, customer_id, actor, reason } = common?;
            let (cells, authentication) = (cells?, authentication?);
            Some(Self { request_id, requested_at, customer_id, cells, authentication, actor, reason })
        })
    }
}

/// A request as the event that is read here.
fn event_of(kind: &str, request: &impl Serialize) -> Value {
    let mut event = serde_json::to_value(request).expect("a request always serializes");
    event["type"] = kind.into();
    event["version"] = VERSION.into();
    event
}

/// A customer leaves, in every cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OffboardingRequest {
    /// The producer's unique id. A repeat of it is the same request.
    pub request_id: RequestId,
    /// When the producer decided it. A request that is older than the last applied one is superseded.
    pub requested_at: Timestamp,
    /// Whom it is about.
    pub customer_id: CustomerId,
    /// Whether the documents that are under way are waited for, as long as the vendor's longest analysis takes
    /// (15 minutes); `false` where it is not said. New ones are refused either way.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub drain: bool,
    /// Who asks, as the producer names them.
    pub actor: AuditText,
    /// Why.
    pub reason: AuditText,
}

impl OffboardingRequest {
    /// The event's `type`.
    pub const TYPE: &str = "CustomerOffboardingRequested";

    /// The event that asks for it.
    pub fn to_event(&self) -> Value {
        event_of(Self::TYPE, self)
    }

    /// Reads the event.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(event: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(event, Self::TYPE)?;
        let common = Common::read(&mut fields);
        let drain = fields.flag("drain");
        fields.finish(|| {
            let Common { request_id, requested_at, customer_id, actor, reason } = common?;
            Some(Self { request_id, requested_at, customer_id, drain: drain?, actor, reason })
        })
    }
}

/// What every request says.
struct Common {
    request_id: RequestId,
    requested_at: Timestamp,
    customer_id: CustomerId,
    actor: AuditText,
    reason: AuditText,
}

impl Common {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // Every field is read before the first `?`, so that all that is wrong is told at once.
        let request_id = fields.id("request_id");
        let requested_at = fields.timestamp("requested_at");
        let customer_id = fields.id("customer_id");
        let actor = fields.audit_text("actor");
        let reason = fields.audit_text("reason");
        Some(Self {
            request_id: request_id?,
            requested_at: requested_at?,
            customer_id: customer_id?,
            actor: actor?,
            reason: reason?,
        })
    }
}

#[cfg(test)]
mod tests;
