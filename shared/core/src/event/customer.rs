//! Events about customers and their credentials.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReasonCode;
use crate::document::DocumentId;
use crate::ids::{ApplicationId, CustomerId, Generation, RequestId, TenantId, TenantName};
use crate::place::Cell;

/// A customer has a tenant, and at least one of the wanted cells works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerOnboarded {
    /// The request that asked for it.
    pub request_id: RequestId,
    /// The customer.
    pub customer_id: CustomerId,
    /// Which of the customer's lives this is.
    pub generation: Generation,
    /// The vendor's tenant.
    pub tenant_id: TenantId,
    /// Every wanted cell, each with what became of it.
    pub cells: Vec<CellOutcome>,
    /// Who asked, as the request says.
    pub actor: String,
    /// Why, as the request says.
    pub reason: String,
}

/// What became of one wanted cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CellOutcome {
    /// The cell.
    pub cell: Cell,
    /// Whether it works.
    pub status: CellStatus,
    /// Where the credential is, if it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// The application that the credential belongs to, if it works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<ApplicationId>,
    /// Why not, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a cell works for a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CellStatus {
    /// Its credential is proved and in the vault.
    Active,
    /// It will not be, unless it is asked for again.
    Failed,
}

/// A customer could not be onboarded. What was made for it is gone again, unless it waited too long
/// (`TOO_OLD`, `CONTROL_PLANE_FORBIDDEN`): then the next request goes on from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerOnboardingFailed {
    /// The request that asked for it.
    pub request_id: RequestId,
    /// The customer.
    pub customer_id: CustomerId,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// Why, for people.
    pub explanation: String,
}

/// A customer has left, with proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerOffboarded {
    /// The request that asked for it.
    pub request_id: RequestId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The life that ended.
    pub generation: Generation,
    /// What was deleted, when, and how it is known.
    pub certificate: Certificate,
}

/// What was deleted, when, and how it is known. The record fills it in as the offboarding goes.
///
/// A customer that was never onboarded has an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Certificate {
    /// The name under which the vendor's listing was searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_name: Option<TenantName>,
    /// The vendor's tenant; absent where none was ever recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// Every application that the vendor listed for the tenant.
    #[serde(default)]
    pub applications: Vec<DeletedApplication>,
    /// When the vendor accepted the tenant's deletion, or it was found gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_deleted_at: Option<Timestamp>,
    /// When a complete listing of the organization's tenants no longer showed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved_by_listing_at: Option<Timestamp>,
    /// How many tenants that listing held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants_listed: Option<u64>,
    /// Every secret of the customer.
    #[serde(default)]
    pub secrets: Vec<DeletedSecret>,
    /// The documents that had no result when nothing was waited for any more, by their `document_id`; the first
    /// 500 of them. Each ends in an event of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents_cut_off: Vec<String>,
    /// Whether there were more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_documents_cut_off: bool,
}

impl Certificate {
    /// So many documents are named: an event has to fit on the bus.
    const MOST_DOCUMENTS: usize = 500;

    /// Names a document that is cut off, once.
    pub(crate) fn cut_off(&mut self, id: &DocumentId) {
        let named = &mut self.documents_cut_off;
        if named.iter().any(|one| one == id.as_str()) {
            return;
        }
        match named.len() < Self::MOST_DOCUMENTS {
            true => named.push(id.as_str().to_owned()),
            false => self.more_documents_cut_off = true,
        }
    }
}

/// An application that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedApplication {
    /// The vendor's id.
    pub application_id: ApplicationId,
    /// When the vendor accepted its deletion.
    pub deleted_at: Timestamp,
}

/// A secret that is scheduled for deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeletedSecret {
    /// The secret's name.
    pub secret_name: String,
    /// Until when Secrets Manager can restore it.
    pub recoverable_until: Timestamp,
}

/// A customer could not be offboarded; the record keeps what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerOffboardingFailed {
    /// The request that asked for it.
    pub request_id: RequestId,
    /// The customer.
    pub customer_id: CustomerId,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// Why, for people.
    pub explanation: String,
}

/// A new credential is AWSCURRENT. Readers with a cache need not act: the old one lives on for the
/// configured overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretRotated {
    /// The customer.
    pub customer_id: CustomerId,
    /// The cell.
    pub cell: Cell,
    /// The secret's name.
    pub secret_name: String,
    /// The secret version that became AWSCURRENT.
    pub version_id: String,
    /// The application that the new credential belongs to.
    pub application_id: ApplicationId,
    /// The application it replaces, where one is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_application_id: Option<ApplicationId>,
}

/// The credential that a rotation replaced is AWSCURRENT again. The one it had replaced it by lives on for
/// the configured overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecretRolledBack {
    /// The operator's request.
    pub request_id: RequestId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The cell.
    pub cell: Cell,
    /// The secret's name.
    pub secret_name: String,
    /// The secret version that is AWSCURRENT again.
    pub version_id: String,
    /// The application that its credential belongs to.
    pub application_id: ApplicationId,
    /// The secret version that is AWSCURRENT no longer.
    pub rolled_back_version_id: String,
}
