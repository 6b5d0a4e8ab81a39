//! Events about documents.

use serde::{Deserialize, Serialize};

use super::{Original, ReasonCode};
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
