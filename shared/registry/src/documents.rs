//! Document records, each worked on by the one invocation that holds its claim.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use shared_core::document::{Document, DocumentId, Source};

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

    /// Saves the record. While the document is open, it stands in its customer's index.
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
}
