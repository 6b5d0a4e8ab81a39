//! What the platform is told.
//!
//! Every event is one JSON object that describes itself: `type`, `version`, `event_id`,
//! `occurred_at`, then what the type says. The `event_id` is derived from the cause, so the same
//! cause announced twice, by a retry or by a second delivery, is the same event to its reader.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::hex_digest;

#[cfg(feature = "schema")]
pub mod catalogue;
mod customer;
mod document;
mod original;
mod reason;
mod reconciliation;
pub mod redact;
mod refused;

pub use customer::{
    CellOutcome, CellStatus, Certificate, CustomerOffboarded, CustomerOffboardingFailed, CustomerOnboarded,
    CustomerOnboardingFailed, DeletedApplication, DeletedSecret, SecretRolledBack, SecretRotated,
};
pub use document::{
    DocumentAnalysisFailed, DocumentAnalyzed, DocumentRef, DocumentRejected, DocumentSubmitted,
};
pub use original::Original;
pub use reason::ReasonCode;
pub use reconciliation::{ReconciliationFinished, ReportRef};
pub use refused::RequestRejected;

/// The `Source` of our events on the bus.
pub const SOURCE: &str = "resistant-tenants";

/// The version of the event types that is written here.
pub const VERSION: &str = "1";

/// An event as it goes onto the bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboundEvent {
    version: String,
    event_id: String,
    occurred_at: Timestamp,
    #[serde(flatten)]
    content: Content,
}

impl OutboundEvent {
    /// Something that happened at this time.
    pub fn new(content: impl Into<Content>, occurred_at: Timestamp) -> Self {
        let content = content.into();
        Self { version: VERSION.to_owned(), event_id: content.event_id(), occurred_at, content }
    }

    /// Lower-case hex; the same cause always has the same.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The event's `type`, which is its `detail-type` on the bus.
    pub fn detail_type(&self) -> &'static str {
        self.content.detail_type()
    }

    /// When it happened.
    pub fn occurred_at(&self) -> Timestamp {
        self.occurred_at
    }

    /// What happened.
    pub fn content(&self) -> &Content {
        &self.content
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "each variant is the type of its name")]
pub enum Content {
    CustomerOnboarded(CustomerOnboarded),
    CustomerOnboardingFailed(CustomerOnboardingFailed),
    CustomerOffboarded(CustomerOffboarded),
    CustomerOffboardingFailed(CustomerOffboardingFailed),
    SecretRotated(SecretRotated),
    SecretRolledBack(SecretRolledBack),
    DocumentSubmitted(DocumentSubmitted),
    DocumentRejected(DocumentRejected),
    DocumentAnalyzed(DocumentAnalyzed),
    DocumentAnalysisFailed(DocumentAnalysisFailed),
    ReconciliationFinished(ReconciliationFinished),
    RequestRejected(RequestRejected),
}

impl Content {
    /// The event's `type`.
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::CustomerOnboarded(_) => "CustomerOnboarded",
            Self::CustomerOnboardingFailed(_) => "CustomerOnboardingFailed",
            Self::CustomerOffboarded(_) => "CustomerOffboarded",
            Self::CustomerOffboardingFailed(_) => "CustomerOffboardingFailed",
            Self::SecretRotated(_) => "SecretRotated",
            Self::SecretRolledBack(_) => "SecretRolledBack",
            Self::DocumentSubmitted(_) => "DocumentSubmitted",
            Self::DocumentRejected(_) => "DocumentRejected",
            Self::DocumentAnalyzed(_) => "DocumentAnalyzed",
            Self::DocumentAnalysisFailed(_) => "DocumentAnalysisFailed",
            Self::ReconciliationFinished(_) => "ReconciliationFinished",
            Self::RequestRejected(_) => "RequestRejected",
        }
    }

    /// The id that follows from the cause: the request, the secret's version, the document, or the
    /// bytes that could not be read. Times, attempts and wording have no part in it.
    fn event_id(&self) -> String {
        let of = |cause: &[&str]| hex_digest(&[&["event", self.detail_type()], cause].concat());
        match self {
            Self::CustomerOnboarded(event) => of(&[event.customer_id.as_str(), event.request_id.as_str()]),
            Self::CustomerOnboardingFailed(event) => {
                of(&[event.customer_id.as_str(), event.request_id.as_str()])
            }
            Self::CustomerOffboarded(event) => of(&[event.customer_id.as_str(), event.request_id.as_str()]),
            Self::CustomerOffboardingFailed(event) => {
                of(&[event.customer_id.as_str(), event.request_id.as_str()])
            }
            Self::SecretRotated(event) => {
                of(&[event.customer_id.as_str(), event.cell.as_str(), &event.version_id])
            }
            Self::SecretRolledBack(event) => of(&[event.customer_id.as_str(), event.request_id.as_str()]),
            Self::DocumentSubmitted(event) => of(&[&event.document_id]),
            Self::DocumentAnalyzed(event) => of(&[&event.document_id]),
            Self::DocumentAnalysisFailed(event) => of(&[&event.document_id]),
            Self::DocumentRejected(event) => {
                let DocumentRef { bucket, key, version_id } = &event.document;
                of(&[bucket, key, version_id.as_deref().unwrap_or_default(), event.reason_code.as_str()])
            }
            Self::ReconciliationFinished(event) => of(&[event.request_id.as_str()]),
            Self::RequestRejected(event) => of(&[&event.original.sha256, event.reason_code.as_str()]),
        }
    }
}

macro_rules! into_content {
    ($($name:ident),*) => {$(
        impl From<$name> for Content {
            fn from(event: $name) -> Self {
                Self::$name(event)
            }
        }
    )*};
}

into_content!(
    CustomerOnboarded,
    CustomerOnboardingFailed,
    CustomerOffboarded,
    CustomerOffboardingFailed,
    SecretRotated,
    SecretRolledBack,
    DocumentSubmitted,
    DocumentRejected,
    DocumentAnalyzed,
    DocumentAnalysisFailed,
    ReconciliationFinished,
    RequestRejected
);

#[cfg(test)]
mod tests;
