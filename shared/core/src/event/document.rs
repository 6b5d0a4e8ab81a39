//! Events about documents.

use serde::{Deserialize, Serialize};

use super::{Original, ReasonCode};
use crate::document::{Kept, Pipeline};
use crate::ids::{CustomerId, SubmissionId};
use crate::place::Cell;

/// An object in S3, as its event named it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentRef {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded; as received where it cannot be decoded.
    pub key: String,
    /// The object's version, where the event names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// A document lies at the vendor, whole, and its analysis is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentSubmitted {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// Where it is analysed.
    pub cell: Cell,
    /// Where it came from.
    pub document: DocumentRef,
    /// Our identity of bucket, key and version, in hex.
    pub document_id: String,
    /// The vendor's id of the submission.
    pub submission_id: SubmissionId,
    /// How many bytes were uploaded.
    pub size_bytes: u64,
}

/// A document is not submitted, and will not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentRejected {
    /// The object.
    pub document: DocumentRef,
    /// Our identity of bucket, key and version, in hex, where they could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
    /// Whose it is, where the registry knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// Why, for people.
    pub explanation: String,
    /// The event that named it, where that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// The analysis of a document ended well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentAnalyzed {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// Where it was analysed.
    pub cell: Cell,
    /// Where it came from.
    pub document: DocumentRef,
    /// Our identity of bucket, key and version, in hex.
    pub document_id: String,
    /// The vendor's id of the submission.
    pub submission_id: SubmissionId,
    /// Which analysis it is.
    pub pipeline: Pipeline,
    /// How it ended, in the vendor's word.
    pub status: String,
    /// The pipeline's score, in the vendor's word; fraud: `NORMAL`, `TRUSTED`, `WARNING`, `HIGH_RISK`.
    /// Readers must expect other words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// What the tenant's rules decided, in their word. Absent where they were not asked, and where they had
    /// not decided when an analysis must have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Where the results lie, whole.
    pub results: Kept,
}

/// The analysis of a document did not end well, or its end is not waited for any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DocumentAnalysisFailed {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// Where it was submitted.
    pub cell: Cell,
    /// Where it came from.
    pub document: DocumentRef,
    /// Our identity of bucket, key and version, in hex.
    pub document_id: String,
    /// The vendor's id of the submission.
    pub submission_id: SubmissionId,
    /// Which analysis it is.
    pub pipeline: Pipeline,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// Why, for people; with the vendor's words where it said any.
    pub explanation: String,
    /// How it ended, in the vendor's word; absent where the vendor said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Where the results lie, whole, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Kept>,
}
