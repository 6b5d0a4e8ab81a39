//! What the vendor found in a document.

use serde::{Deserialize, Serialize};

/// What the vendor's results say, as far as anybody decides by it, and where the whole of them lies.
/// The words are the vendor's or, for a decision, the tenant's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// How the analysis ended: `SUCCESS`, or why not.
    pub status: String,
    /// The score of the pipeline that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// What the tenant's rules decided, where they were asked and had decided by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Where the results lie, whole.
    pub kept: Kept,
}

/// Where a document's results lie: one JSON object, with each result as the vendor answered it under its
/// kind (`fraud`, `quality`, `classification`, `decision`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "in", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kept {
    /// With the document's record in the documents table: item `DOCUMENT#<document_id>`, attribute
    /// `results`.
    Record,
    /// In a bucket of their own.
    Bucket {
        /// Its name.
        bucket: String,
        /// The object's key.
        key: String,
    },
}
