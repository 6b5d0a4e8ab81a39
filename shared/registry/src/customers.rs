//! How customers are kept: leases with fences, and writes that carry them.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_core::customer::{Customer, Phase};
use shared_core::ids::{CustomerId, RequestId};

use crate::RegistryError;
use crate::audit::{Operation, Trail};
use crate::requests::Handled;

/// Proof that this invocation alone works on a customer. Every write asks for it, and is refused by
/// the table once somebody else holds a newer one.
#[derive(Debug)]
pub struct Lease {
    customer_id: CustomerId,
    owner: String,
    fence: u64,
    pub(crate) entries: u32,
}

impl Lease {
    /// A lease as a store grants it. Only a store can know that it is so.
    pub fn granted(customer_id: CustomerId, owner: impl Into<String>, fence: u64) -> Self {
        Self { customer_id, owner: owner.into(), fence, entries: 0 }
    }

    /// The customer it is for.
    pub fn customer_id(&self) -> &CustomerId {
        &self.customer_id
    }

    /// Who holds it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Its number: each lease on a customer has a higher one than all before.
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

/// What became of an attempt to take a customer's lease.
#[derive(Debug)]
pub enum Acquired {
    /// It is ours, and this is the record.
    Held(Lease, Box<Customer>),
    /// Somebody else has it.
    Busy {
        /// When it ends at the latest.
        until: Timestamp,
    },
}

/// Who moves a record, and why: for the audit trail.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Who, as claimed.
    pub actor: String,
    /// Why, as claimed.
    pub reason: String,
    /// The request, where there is one.
    pub request_id: Option<RequestId>,
    /// The envelope's account, source and id, as seen.
    pub origin: String,
}

/// One change of a record, for the table and the audit trail.
#[derive(Debug)]
pub struct Change<'a> {
    /// What was done, in words.
    pub what: &'a str,
    /// The record as it was read or last saved.
    pub before: &'a Customer,
    /// The record as it is to be.
    pub after: &'a Customer,
    /// When.
    pub at: Timestamp,
}

/// What stands in the way of an offboarding that is one of too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Admission {
    /// It waits for an operator.
    Held,
    /// An operator has approved it.
    Approved,
}

/// Some customers of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// They.
    pub customers: Vec<Listed>,
    /// Whether others come after the last of them.
    pub more: bool,
}

/// A customer as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Who.
    pub customer_id: CustomerId,
    /// Where it is in its life.
    pub phase: Phase,
    /// How many applications it has that its secrets cannot name, for each names one in its cell.
    pub spare: usize,
}

impl Listed {
    /// As a record is listed.
    pub fn of(customer: &Customer) -> Self {
        let spare = customer.cells.values().map(|cell| cell.applications.len().saturating_sub(1)).sum();
        Self { customer_id: customer.customer_id.clone(), phase: customer.phase, spare }
    }
}

/// A customer's record with the lease on it, as both stood at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The record.
    pub customer: Customer,
    /// The number of the last lease: where it is the same later on, nothing was changed in between.
    pub fence: u64,
    /// Who holds the lease, or left it behind when it ended.
    pub lease: Option<Holder>,
}

/// The holder of a lease that was not given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub owner: String,
    /// When it ends, or ended.
    pub until: Timestamp,
}

/// Where customers are kept. Each method is one call, which happens wholly or not at all; a caller that
/// gets an error does not know which.
#[async_trait]
pub trait Customers: fmt::Debug + Send + Sync {
    /// The customer's record without its lease: for readers.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn customer(&self, id: &CustomerId) -> Result<Customer, RegistryError>;

    /// The customer's record with its lease: for who compares.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn look(&self, id: &CustomerId) -> Result<Seen, RegistryError>;

    /// The customers in the order of their ids, those after `after`, and whether there are more. May be some
    /// seconds behind.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or an item is unreadable.
    async fn list(&self, after: Option<&CustomerId>) -> Result<Page, RegistryError>;

    /// At most so many entries of the customer's audit trail, the newest first: those before the entry with
    /// the key `before`, where one is given.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or an entry is unreadable.
    async fn trail(
        &self,
        id: &CustomerId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Trail, RegistryError>;

    /// Whether an offboarding waits for an operator, or an operator has approved it; `None` for most.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the item is unreadable.
    async fn admission(&self, id: &RequestId) -> Result<Option<Admission>, RegistryError>;

    /// Counts an offboarding among those of its hour, unless there are so many without it. One that is counted
    /// already is counted once, and the first of an hour always.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails.
    async fn count_offboarding(
        &self,
        id: &RequestId,
        hour: Timestamp,
        most: usize,
    ) -> Result<bool, RegistryError>;

    /// Has an offboarding wait for an operator, unless one has approved it.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails.
    async fn hold(&self, id: &RequestId) -> Result<(), RegistryError>;

    /// Approves an offboarding, whether it waits already or not.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails.
    async fn approve(&self, id: &RequestId) -> Result<(), RegistryError>;

    /// Writes into the audit trail what an operator does that is no change of one customer.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails.
    async fn note_operation(&self, operation: &Operation) -> Result<(), RegistryError>;

    /// Takes the customer's lease until `until` and reads its record, in one call.
    ///
    /// `owner` must be unique to this attempt: the SDK's own retry of a write that succeeded is
    /// recognized by it. A lease that has ended by `now` is taken over, and its holder's fence is void.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn acquire(
        &self,
        id: &CustomerId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Acquired, RegistryError>;

    /// Saves the record and its audit entry, in one transaction.
    ///
    /// # Errors
    /// [`RegistryError::LeaseLost`] where the fence is void; another where the call fails.
    async fn save(&self, lease: &mut Lease, change: &Change<'_>, cause: &Cause) -> Result<(), RegistryError>;

    /// Saves the record, its audit entry and the end of a request, and gives the lease back, in one
    /// transaction.
    ///
    /// # Errors
    /// [`RegistryError::LeaseLost`] where the fence is void; another where the call fails.
    async fn finish(
        &self,
        lease: Lease,
        change: &Change<'_>,
        cause: &Cause,
        handled: &Handled,
    ) -> Result<(), RegistryError>;

    /// Gives the lease back without a change.
    ///
    /// # Errors
    /// [`RegistryError::LeaseLost`] where somebody else has it by now; another where the call fails.
    /// Either way the lease ends by itself in time.
    async fn release(&self, lease: Lease) -> Result<(), RegistryError>;

    /// What became of a request, if it has ended.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the item is unreadable.
    async fn handled(&self, id: &RequestId) -> Result<Option<Handled>, RegistryError>;

    /// Records the end of a request that changed nothing, and answers what is recorded: a request that has
    /// ended keeps its end.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the item is unreadable.
    async fn record_handled(&self, handled: Handled) -> Result<Handled, RegistryError>;

    /// Notes that the request's event was announced.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails; the event is then announced again, with the same id.
    async fn mark_announced(&self, id: &RequestId) -> Result<(), RegistryError>;
}
