//! What was seen, as values: what [`join`](super::join) decides on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lifecycle::Rules;
use registry::Seen;
use resistant::Application;
use shared_core::document::Document;
use shared_core::ids::{ApplicationId, CustomerId, Generation, InstallationId, RequestId, TenantId};
use shared_core::place::Cell;
use vault::{Description, Schedule};

/// What the deployment is told that a reconciliation needs.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The installation, from which tenants' names are derived.
    pub installation: InstallationId,
    /// How many tenants the vendor grants.
    pub quota: usize,
    /// How secrets are rotated.
    pub schedule: Schedule,
    /// The bus that takes requests, for the commands that a finding names.
    pub bus_name: String,
    /// Where reports lie.
    pub reports_bucket: String,
    /// Queues that stay empty as long as all is well.
    pub dead_letters: Vec<String>,
}

/// What findings are made by, beside what was seen.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What the deployment is told.
    pub terms: &'a Terms,
    /// The times that the flows keep to.
    pub rules: &'a Rules,
    /// The reconciliation.
    pub request_id: &'a RequestId,
    /// The time.
    pub now: Timestamp,
}

/// One customer, as it is recorded and as the vendor and the vault have it.
#[derive(Clone, Debug)]
pub struct CustomerFacts {
    /// The record and its lease.
    pub seen: Seen,
    /// Its tenant at the vendor.
    pub tenant: TenantSeen,
    /// The secrets of its working cells, and of those in which its tenant has an application that is not recorded.
    pub secrets: BTreeMap<Cell, SecretFacts>,
    /// The documents that it waits for: the first page of them, the oldest first.
    pub open: Vec<Document>,
}

/// A customer's tenant at the vendor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantSeen {
    /// None is to be expected, or the vendor contradicts itself.
    Unknown,
    /// Neither the organization's listing shows it, nor can its applications be listed.
    Gone,
    /// It is there, with these applications.
    There(Vec<Application>),
}

/// A cell's secret.
#[derive(Clone, Debug)]
pub struct SecretFacts {
    /// Its name.
    pub name: String,
    /// The secret without its value; `None` where there is none.
    pub description: Option<Description>,
    /// What its labels name.
    pub labelled: Labelled,
}

/// What the labels of a secret name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labelled {
    /// There is no value to be read: no secret, or one that waits for its deletion.
    Nothing,
    /// AWSCURRENT is no credential that can be used here.
    Unreadable {
        /// Why.
        why: String,
    },
    /// AWSCURRENT is a credential.
    Credential {
        /// Its application.
        current: ApplicationId,
        /// That application's tenant.
        tenant: TenantId,
        /// The application of AWSPENDING, where a rotation has begun and not ended.
        pending: Option<ApplicationId>,
        /// Whether the vendor gives a token for it.
        accepted: bool,
    },
}

/// A tenant that the organization's listing shows and no customer's record names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclaimed {
    /// The vendor's id.
    pub tenant_id: TenantId,
    /// Its name.
    pub name: String,
    /// Whose name it is, and of which life, if it is one of ours.
    pub derived: Option<(CustomerId, Generation)>,
}
