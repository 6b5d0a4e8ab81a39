//! A document's identity, the way from its key to a customer, and its record.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::customer::{CellPhase, Customer, Failure, Phase};
use crate::event::DocumentRef;
use crate::ids::{CustomerId, Generation, Invalid, SubmissionId, TenantId, hex_digest};
use crate::place::Cell;

mod findings;
mod look;
pub mod outcome;
mod pipeline;
mod protocol;
mod refusal;

pub use findings::{Findings, Kept};
pub use look::Look;
pub use pipeline::Pipeline;
pub use protocol::{IllegalStep, Step};
pub use refusal::{LARGEST_BYTES, Refusal};

/// One version of one object. The same name with new content is another document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
    /// The version's id; absent in a bucket without versioning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The entity tag that the event carried; it stands in for the version where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl From<&Source> for DocumentRef {
    fn from(source: &Source) -> Self {
        let Source { bucket, key, version_id, .. } = source.clone();
        Self { bucket, key, version_id }
    }
}

/// SHA-256 of bucket, key and version, in hex. Opaque and without personal data, so it is also the
/// `query_id` that the vendor sees (at most 256 characters; vendor: result schemas).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct DocumentId(String);

impl DocumentId {
    /// The identity of an object's version.
    pub fn of(source: &Source) -> Self {
        let version = match (&source.version_id, &source.etag) {
            (Some(version), _) => ["version", version],
            (None, Some(etag)) => ["etag", etag],
            (None, None) => ["none", ""],
        };
        Self(hex_digest(&["document", &source.bucket, &source.key, version[0], version[1]]))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DocumentId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let legal = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if legal {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("document_id", text, "it is 64 lower-case hex digits"))
        }
    }
}

impl TryFrom<String> for DocumentId {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> Self {
        id.0
    }
}

/// The customer's id at the head of a key.
///
/// # Errors
/// [`Refusal::NoCustomerInKey`].
pub fn customer_of(key: &str) -> Result<CustomerId, Refusal> {
    let (head, rest) = key.split_once('/').ok_or(Refusal::NoCustomerInKey)?;
    if rest.is_empty() {
        return Err(Refusal::NoCustomerInKey);
    }
    head.parse().map_err(|_| Refusal::NoCustomerInKey)
}

/// Where a document goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this cell.
    To(Cell),
    /// Nowhere yet: the customer is still being onboarded.
    NotYet,
}

/// The cell that `key` belongs to: the one it names after the customer's id, else the customer's only one.
///
/// # Errors
/// The [`Refusal`] that applies.
pub fn route(key: &str, customer: &Customer) -> Result<Route, Refusal> {
    served(customer)?;
    let named = key.split('/').nth(1).filter(|_| key.matches('/').count() >= 2);
    let cell = match named.and_then(|name| name.parse::<Cell>().ok()) {
        Some(cell) => cell,
        None => only_cell(customer).ok_or_else(|| Refusal::AmbiguousCell(customer.customer_id.clone()))?,
    };
    match customer.cells.get(&cell).map(|state| state.phase) {
        Some(CellPhase::Active) => Ok(Route::To(cell)),
        Some(CellPhase::Provisioning) => Ok(Route::NotYet),
        Some(CellPhase::Failed) | None => Err(Refusal::NoSuchCell(customer.customer_id.clone(), cell)),
    }
}

/// Whether documents of the customer are taken at all.
///
/// # Errors
/// The [`Refusal`] that applies.
pub fn served(customer: &Customer) -> Result<(), Refusal> {
    match customer.phase {
        Phase::Absent => Err(Refusal::UnknownCustomer(customer.customer_id.clone())),
        Phase::Offboarding | Phase::Offboarded | Phase::Failed => {
            Err(Refusal::CustomerGone(customer.customer_id.clone()))
        }
        Phase::Onboarding | Phase::Active => Ok(()),
    }
}

/// Whether a document with a submission may come to its end: a customer that leaves may be drained.
///
/// # Errors
/// The [`Refusal`] that applies.
pub fn finishes(customer: &Customer) -> Result<(), Refusal> {
    if customer.drains() { Ok(()) } else { served(customer) }
}

fn only_cell(customer: &Customer) -> Option<Cell> {
    let mut cells = customer.cells.keys();
    cells.next().copied().filter(|_| cells.next().is_none())
}

/// Where a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Somebody works on it; the vendor knows nothing of it yet.
    Claimed,
    /// A submission exists at the vendor; no byte has been sent.
    Created,
    /// Bytes may have been sent.
    Sending,
    /// The vendor has every byte and waits for the characteristics, which may have been sent.
    Uploaded,
    /// The vendor has every byte.
    Submitted,
    /// The analysis ended well, and what it found is kept.
    Analyzed,
    /// The analysis did not end well, or nothing is known of its end.
    AnalysisFailed,
    /// It will not be submitted.
    Rejected,
}

/// The submission at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The vendor's id.
    pub id: SubmissionId,
    /// The presigned URL, a bearer secret while it lives: removed as soon as it is of no use.
    #[serde(default)]
    pub upload_url: Option<PresignedUrl>,
    /// When the vendor made it.
    pub created_at: Timestamp,
    /// Until when a removal that was begun may still come to pass, if one was: before that, nothing proves
    /// that it stays.
    #[serde(default)]
    pub removing_until: Option<Timestamp>,
    /// The customer's life whose tenant it is in.
    #[serde(default)]
    pub generation: Generation,
    /// That tenant.
    #[serde(default)]
    pub tenant_id: Option<TenantId>,
    /// Which analysis was asked for, so that its result can be.
    #[serde(default)]
    pub pipeline: Pipeline,
    /// Whether the tenant's decision rules were asked for.
    #[serde(default)]
    pub decision: bool,
    /// Whether characteristics were announced. If so the vendor analyses nothing without them, whatever
    /// the object's tags say by now.
    #[serde(default)]
    pub characteristics: bool,
}

/// A presigned URL. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PresignedUrl(pub String);

impl std::fmt::Debug for PresignedUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PresignedUrl(redacted)")
    }
}

/// The document record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The record's layout. Readers ignore fields they do not know.
    pub version: u32,
    /// Which object it is.
    pub source: Source,
    /// Where it is.
    pub state: State,
    /// When it was first claimed.
    pub first_seen: Timestamp,
    /// Whose it is, once the registry confirmed it.
    #[serde(default)]
    pub customer_id: Option<CustomerId>,
    /// Where it goes.
    #[serde(default)]
    pub cell: Option<Cell>,
    /// Its submission.
    #[serde(default)]
    pub submission: Option<Submission>,
    /// How many submissions were given up before this one.
    #[serde(default)]
    pub abandoned: u32,
    /// How many bytes were sent.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// Why it was rejected, or why its analysis failed.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// When it was submitted or rejected.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// What the vendor found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<Findings>,
    /// When the end of its analysis was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis_ended_at: Option<Timestamp>,
}

impl Document {
    /// The layout that is written.
    pub const VERSION: u32 = 1;

    /// A document that was just claimed.
    pub fn claimed(source: Source, at: Timestamp) -> Self {
        Self {
            version: Self::VERSION,
            source,
            state: State::Claimed,
            first_seen: at,
            customer_id: None,
            cell: None,
            submission: None,
            abandoned: 0,
            size_bytes: None,
            failure: None,
            ended_at: None,
            findings: None,
            analysis_ended_at: None,
        }
    }

    /// Whether its submission has ended, so that nothing is left of that but to say so.
    pub fn ended(&self) -> bool {
        match self.state {
            State::Claimed | State::Created | State::Sending | State::Uploaded => false,
            State::Submitted | State::Analyzed | State::AnalysisFailed | State::Rejected => true,
        }
    }

    /// Whether nothing more will become of it. Until then its customer waits for it.
    pub fn settled(&self) -> bool {
        self.ended() && self.state != State::Submitted
    }

    /// Whether the vendor was told that characteristics follow the bytes.
    pub fn awaits_characteristics(&self) -> bool {
        self.submission.as_ref().is_some_and(|submission| submission.characteristics)
    }
}

#[cfg(test)]
mod tests;
