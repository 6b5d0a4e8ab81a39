//! The event about a reconciliation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::RequestId;
use crate::request::ReconciliationMode;

/// What the vendor holds was compared with what is recorded. What was found stands in the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReconciliationFinished {
    /// The request that asked for it.
    pub request_id: RequestId,
    /// Whether what is safe was repaired.
    pub mode: ReconciliationMode,
    /// How many recorded customers were looked at.
    pub customers: u64,
    /// How many recorded customers could not be looked at; the report says why.
    pub unseen: u64,
    /// How many tenants the organization has at the vendor.
    pub tenants: u64,
    /// How often each thing was found, by the code of the finding. Readers must expect codes that they do not
    /// know.
    pub findings: BTreeMap<String, u64>,
    /// How many of the findings were repaired.
    pub repaired: u64,
    /// Where the report lies.
    pub report: ReportRef,
}

/// A report in S3, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReportRef {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
}
