//! Document records, each worked on by the one invocation that holds its claim.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use shared_core::document::{Document, DocumentId, Source};
use shared_core::ids::CustomerId;

use crate::RegistryError;

mod dynamodb;

pub use dynamodb::DynamoDbDocuments;

/// Proof that this invocation alone works on a document.
#[derive(Debug)]
pub struct Claim {
    id: DocumentId,
    owner: String,
}

impl Claim {
    /// A claim as a store grants it. Only a store can know that it is so.
    pub fn granted(id: DocumentId, owner: impl Into<String>) -> Self {
        Self { id, owner: owner.into() }
    }

    /// The document it is for.
    pub fn document_id(&self) -> &DocumentId {
        &self.id
    }

    /// Who holds it.
    pub fn owner(&self) -> &str {
        &self.owner
    }
}

/// What became of an attempt to claim a document.
#[derive(Debug)]
pub enum Claimed {
    /// It is ours, and this is where it stands.
    Mine(Claim, Box<Document>),
    /// It has ended: nothing is left but, perhaps, to say so.
    Ended {
        /// How.
        document: Box<Document>,
        /// Whether its event was announced.
        announced: bool,
    },
    /// Somebody else works on it.
    Busy {
        /// When their claim ends at the latest.
        until: Timestamp,
    },
}

/// A document as it stands, for who waits for its analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The record.
    pub document: Document,
    /// How many looks at its result were begun.
    pub looks: u32,
    /// Whether the end of its analysis was announced.
    pub told: bool,
}

/// What became of an attempt to begin a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It is begun: this look, and no other of its number, goes on.
    Begun(Box<Standing>),
    /// Not: nothing is waited for, or a look of this number was begun before.
    Not(Box<Standing>),
    /// There is no such document.
    Unknown,
}

/// What became of an attempt to record the end of an analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is recorded.
    Now,
    /// Its end stood there before, and stands.
    Before(Box<Standing>),
}

/// Some of the documents that a customer waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// They, those first that were seen first.
    pub documents: Vec<Document>,
    /// Whether there are others.
    pub more: bool,
}

/// Where documents are kept. Each method is one call, which happens wholly or not at all; a caller that
/// gets an error does not know which.
#[async_trait]
pub trait DocumentTable: fmt::Debug + Send + Sync {
    /// Claims a document until `until`, or tells what became of it, in one conditional call.
    ///
    /// `owner` must be unique to this attempt: the SDK's own retry of a claim that succeeded is
    /// recognized by it and not taken for a duplicate.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn claim(
        &self,
        source: &Source,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claimed, RegistryError>;

    /// Saves the record. Until the document is settled, it stands in its customer's index.
    ///
    /// # Errors
    /// [`RegistryError::ClaimLost`] where somebody else has the document by now; another where the call
    /// fails.
    async fn save(&self, claim: &Claim, document: &Document) -> Result<(), RegistryError>;

    /// Gives the claim back, so that the next delivery need not wait for it to end.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails; the claim then ends by itself in time.
    async fn release(&self, claim: Claim) -> Result<(), RegistryError>;

    /// Notes that the document's end was announced.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails; the event is then announced again, with the same id.
    async fn mark_announced(&self, id: &DocumentId) -> Result<(), RegistryError>;

    /// How a document stands; `None` where there is none.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn standing(&self, id: &DocumentId) -> Result<Option<Standing>, RegistryError>;

    /// Begins the look of this number at a submitted document's result, unless it, or a later one, was
    /// begun before.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn look(&self, id: &DocumentId, number: u32) -> Result<Looked, RegistryError>;

    /// Records the end of a submitted document's analysis, with the results that are kept beside the record,
    /// unless an end is recorded already.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or the record is unreadable.
    async fn settle(&self, document: &Document, results: Option<&str>) -> Result<Settled, RegistryError>;

    /// Notes that the end of the document's analysis was announced.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails; the event is then announced again, with the same id.
    async fn mark_told(&self, id: &DocumentId) -> Result<(), RegistryError>;

    /// What a customer waits for: a page of the documents that are not settled. May be some seconds behind.
    ///
    /// # Errors
    /// [`RegistryError`] where the call fails or a record is unreadable.
    async fn open(&self, customer_id: &CustomerId) -> Result<Open, RegistryError>;
}
