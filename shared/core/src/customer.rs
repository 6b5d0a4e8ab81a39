//! The customer record and its transitions.
//!
//! [`Customer::apply`] is the whole protocol as one `match (phase, transition)`. The flows decide
//! which transition comes next; what a transition does to the record, and where it is illegal, is
//! decided here. The record is saved before the call it announces and after the call it proves:
//!
//! ```text
//! Absent ──Onboard──▶ Onboarding ──FinishOnboarding──▶ Active ──Onboard (more cells)──▶ Onboarding
//!                        │   │                           │
//!                        │   └──────────Offboard─────────┴──▶ Offboarding ──FinishOffboarding──▶ Offboarded
//!                        ├──Undo──▶ Offboarding (with its failure) ──FinishOffboarding──▶ Failed
//!                        └──GiveUp──▶ Failed (with its tenant) ──Onboard──▶ Onboarding
//! ```
//!
//! An operator's pause stops whoever would move the record, in every phase, and moves nothing itself.
//! Two more of an operator's words begin where others end: `Adopt` takes a tenant that exists already for a
//! new life, which an onboarding then fills, and `Restore` brings a record that lags behind the secrets to
//! Active.
//!
//! In every cell a new application passes through [`NextApplication`]: its key is sealed and saved
//! as an intent, the vendor is called, the application is recorded, and once a secret holds the
//! credential the intent is cleared.

mod protocol;
mod restoration;

pub use protocol::{IllegalTransition, Transition};
pub use restoration::Restoration;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::credential::AuthenticationKind;
use crate::event::{Certificate, ReasonCode};
use crate::ids::{ApplicationId, ClientId, CustomerId, Generation, KeyId, RequestId, TenantId, TenantName};
use crate::place::Cell;

/// Where a customer is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// Never heard of.
    #[default]
    Absent,
    /// Being created, or being given more cells.
    Onboarding,
    /// At least one cell works.
    Active,
    /// Being removed.
    Offboarding,
    /// Removed, with proof.
    Offboarded,
    /// A first onboarding that could not be done. It was undone, unless its tenant still stands here:
    /// then it was given up, and the next request goes on from it.
    Failed,
}

/// Why a customer or one of its cells could not be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why, for machines.
    pub code: ReasonCode,
    /// Why, for people.
    pub explanation: String,
}

impl Failure {
    /// Names a failure.
    pub fn new(code: ReasonCode, explanation: impl Into<String>) -> Self {
        Self { code, explanation: explanation.into() }
    }
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Aim {
    /// That the customer is served.
    Onboard,
    /// That the customer is gone.
    Offboard,
}

/// The request that the record is being moved by, until it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The producer's id of it.
    pub request_id: RequestId,
    /// When the producer asked; of two requests the later one wins.
    pub requested_at: Timestamp,
    /// What it wants.
    pub aim: Aim,
    /// Who asked, as claimed.
    pub actor: String,
    /// Why, as claimed.
    pub reason: String,
    /// When the work began here.
    pub accepted_at: Timestamp,
    /// The cells that an onboarding names.
    #[serde(default)]
    pub cells: Vec<Cell>,
    /// Whether an offboarding waits for open documents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drain: bool,
}

/// The customer's tenant at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Derived, and known before the tenant is made: what the vendor lists under it is ours. Of one that was
    /// imported, the name that it had.
    pub name: TenantName,
    /// The vendor's id, once known.
    #[serde(default)]
    pub id: Option<TenantId>,
    /// When an operator had it imported; `None` where it was made here. What was there before us is not removed
    /// because we cannot go on, but by an offboarding only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted_at: Option<Timestamp>,
}

/// A tenant application at the vendor that is ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// The vendor's id.
    pub id: ApplicationId,
    /// Its OAuth2 client id.
    pub client_id: ClientId,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// When it was first seen to be named by neither AWSCURRENT nor AWSPENDING.
    #[serde(default)]
    pub unreferenced_since: Option<Timestamp>,
}

/// A key or client secret, encrypted by KMS under the context of its customer, cell and generation.
/// The text is base64 of the ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub String);

/// The application that a cell is about to get, saved before the vendor is asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextApplication {
    /// How it will authenticate.
    pub authentication: AuthenticationKind,
    /// The id of its key pair.
    #[serde(default)]
    pub key_id: Option<KeyId>,
    /// Its private key, or its client secret once the vendor has shown it.
    #[serde(default)]
    pub sealed: Option<Sealed>,
    /// When the intent was saved.
    pub intended_at: Timestamp,
    /// Since when a create may have happened whose answer nobody has.
    #[serde(default)]
    pub in_doubt_since: Option<Timestamp>,
    /// What the vendor made, once that is known.
    #[serde(default)]
    pub application: Option<Application>,
}

impl NextApplication {
    /// An intent with a key pair of ours.
    pub fn key_pair(key_id: KeyId, sealed: Sealed, at: Timestamp) -> Self {
        Self { key_id: Some(key_id), sealed: Some(sealed), ..Self::client_secret(at) }
            .with(AuthenticationKind::KeyPair)
    }

    /// An intent for which the vendor will make the secret.
    pub fn client_secret(at: Timestamp) -> Self {
        Self {
            authentication: AuthenticationKind::ClientSecret,
            key_id: None,
            sealed: None,
            intended_at: at,
            in_doubt_since: None,
            application: None,
        }
    }

    fn with(mut self, authentication: AuthenticationKind) -> Self {
        self.authentication = authentication;
        self
    }
}

/// Where one cell of a customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CellPhase {
    /// Wanted, and not yet usable.
    Provisioning,
    /// Its secret holds a credential that was proved.
    Active,
    /// It cannot be had.
    Failed,
}

/// One cell of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellState {
    /// Where it is.
    pub phase: CellPhase,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// How its next applications shall authenticate; as its secret's present one where nothing stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationKind>,
    /// The application being made for it.
    #[serde(default)]
    pub next: Option<NextApplication>,
    /// Applications whose credential is, or was, in its secret.
    #[serde(default)]
    pub applications: Vec<Application>,
}

impl CellState {
    /// Wanted, and nothing made yet.
    fn wanted() -> Self {
        Self {
            phase: CellPhase::Provisioning,
            failure: None,
            authentication: None,
            next: None,
            applications: Vec::new(),
        }
    }

    /// Every application of the cell that is known to be ours.
    pub fn recorded(&self) -> impl Iterator<Item = &Application> {
        self.applications.iter().chain(self.next.iter().filter_map(|next| next.application.as_ref()))
    }
}

/// An operator's word that nothing is to be done for a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Who said so, as claimed.
    pub actor: String,
    /// Why, as claimed.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The customer record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The record's layout. Readers ignore fields they do not know.
    pub version: u32,
    /// The platform's id.
    pub customer_id: CustomerId,
    /// Which life of the customer this is.
    #[serde(default)]
    pub generation: Generation,
    /// Where it is in that life.
    #[serde(default)]
    pub phase: Phase,
    /// Its tenant, from the moment its name is chosen.
    #[serde(default)]
    pub tenant: Option<Tenant>,
    /// Its cells.
    #[serde(default)]
    pub cells: BTreeMap<Cell, CellState>,
    /// The request being worked on.
    #[serde(default)]
    pub work: Option<Work>,
    /// The order of the last request that was applied.
    #[serde(default)]
    pub last_request: Option<Order>,
    /// Why an onboarding is being, or was, undone.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// The proof of an offboarding.
    #[serde(default)]
    pub certificate: Certificate,
    /// Who has stopped all work on the customer, while it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
}

/// Requests are ordered by when they were made; of two made at the same instant, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Order {
    /// When the producer asked.
    pub requested_at: Timestamp,
    /// The producer's id.
    pub request_id: RequestId,
}

impl Work {
    /// Its place among all requests.
    pub fn order(&self) -> Order {
        Order { requested_at: self.requested_at, request_id: self.request_id.clone() }
    }
}

impl Customer {
    /// The layout that is written.
    pub const VERSION: u32 = 1;

    /// A customer that was never heard of.
    pub fn absent(customer_id: CustomerId) -> Self {
        Self {
            version: Self::VERSION,
            customer_id,
            generation: Generation::NONE,
            phase: Phase::Absent,
            tenant: None,
            cells: BTreeMap::new(),
            work: None,
            last_request: None,
            failure: None,
            certificate: Certificate::default(),
            paused: None,
        }
    }

    /// Whose word it is that nothing is to be done for the customer, if it is somebody's.
    pub fn paused(&self) -> Option<&Pause> {
        self.paused.as_ref()
    }

    /// The record as people may see it: without the encrypted keys, which prove nothing and would only
    /// lengthen it.
    #[must_use]
    pub fn readable(&self) -> Self {
        let mut shown = self.clone();
        for next in shown.cells.values_mut().filter_map(|cell| cell.next.as_mut()) {
            next.sealed = None;
        }
        shown
    }

    /// Whether a request comes too late: one that was made after it has been applied.
    pub fn supersedes(&self, order: &Order) -> bool {
        self.last_request.as_ref().is_some_and(|last| order < last)
    }

    /// Whether the customer leaves, and what it has under way may still come to its end.
    pub fn drains(&self) -> bool {
        self.phase == Phase::Offboarding && self.work.as_ref().is_some_and(|work| work.drain)
    }

    /// The tenant's id, where it is known.
    pub fn tenant_id(&self) -> Option<&TenantId> {
        self.tenant.as_ref().and_then(|tenant| tenant.id.as_ref())
    }

    /// Every application known to be ours, in every cell.
    pub fn recorded(&self) -> impl Iterator<Item = &Application> {
        self.cells.values().flat_map(CellState::recorded)
    }

    /// When its tenant was imported, if it was.
    pub fn adopted_at(&self) -> Option<Timestamp> {
        self.tenant.as_ref()?.adopted_at
    }

    /// Whether the customer's life goes on, so that an onboarding adds to it: also that of one that was
    /// given up and not removed.
    pub fn lives(&self) -> bool {
        match self.phase {
            Phase::Onboarding | Phase::Active => true,
            Phase::Failed => self.tenant.is_some(),
            Phase::Absent | Phase::Offboarding | Phase::Offboarded => false,
        }
    }

    /// The wanted cells that lack both an application and an intent.
    pub fn cells_without_intent<'a>(&'a self, wanted: &'a [Cell]) -> impl Iterator<Item = Cell> + 'a {
        let lives = self.lives();
        wanted.iter().copied().filter(move |cell| {
            let state = self.cells.get(cell).filter(|_| lives);
            !state.is_some_and(|state| state.phase == CellPhase::Active || state.next.is_some())
        })
    }
}

#[cfg(test)]
mod tests;
