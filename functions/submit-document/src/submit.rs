//! A document's way to the vendor, from wherever an earlier attempt left it.

use std::time::Duration;

use jiff::Timestamp;
use registry::{Claim, Documents, RegistryError};
use resistant::{CallError, CredentialError, DataPlane, NewSubmission, Pipeline, QueryId, TokenError};
use runtime::{Invocation, Verdict};
use shared_core::customer::Failure;
use shared_core::document::{
    Document, DocumentId, IllegalStep, PresignedUrl, Refusal, Route, State, Step, Submission, customer_of,
    route,
};
use shared_core::failure::{Class, Classified};
use shared_core::ids::CustomerId;
use shared_core::place::Cell;
use vault::VaultError;

use crate::credentials::Credentials;
use crate::customers::Customers;
use crate::doubt::Doubt;
use crate::object::{Object, Objects};

/// Why a document has not ended yet, or cannot.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the document is refused")]
    Refused(#[source] Refusal),
    #[error("{reason}")]
    NotYet { delay: Duration, reason: &'static str },
    #[error("the registry failed")]
    Registry(#[from] RegistryError),
    #[error("the vault failed")]
    Vault(#[from] VaultError),
    #[error("the credential cannot be used")]
    Credential(#[from] CredentialError),
    #[error("the vendor's API failed")]
    Vendor(#[from] CallError),
    #[error("reading the object from S3 failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the protocol was broken")]
    Illegal(#[from] IllegalStep),
    #[error("{0}")]
    Broken(&'static str),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Classified for Stop {
    fn class(&self) -> Class {
        match self {
            Self::Refused(_) => Class::Rejected,
            Self::NotYet { delay, .. } => Class::Wait { delay: *delay },
            Self::Registry(error) => error.class(),
            Self::Vault(error) => error.class(),
            Self::Credential(error) => error.class(),
            Self::Vendor(error) => error.class(),
            Self::Storage(_) => Class::Retry,
            Self::Illegal(error) => error.class(),
            Self::Broken(_) => Class::Bug,
        }
    }
}

impl Stop {
    pub(crate) fn busy(now: Timestamp, until: Timestamp) -> Self {
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let delay = left.clamp(Duration::from_secs(2), Duration::from_secs(30));
        Self::NotYet { delay, reason: "another invocation works on this document" }
    }

    pub(crate) fn verdict(self, group: Option<String>) -> Verdict {
        Verdict::of(self, group)
    }
}

/// Everything that a document's way needs.
pub(crate) struct Submitter {
    pub(crate) documents: Documents,
    pub(crate) customers: Customers,
    pub(crate) credentials: Credentials,
    pub(crate) objects: Objects,
}

impl Submitter {
    /// Brings a claimed document to its end, and records it.
    pub(crate) async fn work(
        &self,
        claim: &Claim,
        document: Document,
        invocation: &Invocation,
    ) -> Result<Document, Stop> {
        let mut work = Work { submitter: self, claim, document, invocation };
        match work.run().await {
            Ok(()) => work.step(Step::Submitted { at: invocation.now() }).await?,
            Err(Stop::Refused(refusal)) => {
                let failure = Failure::from(&refusal);
                work.step(Step::Rejected { failure, at: invocation.now() }).await?;
            }
            Err(stop) => return Err(stop),
        }
        Ok(work.document)
    }

    /// Gives the claim back, so that the next attempt need not wait for its end.
    pub(crate) async fn release(&self, claim: Claim) {
        if let Err(error) = self.documents.release(claim).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the claim was not given back");
        }
    }
}

/// One claimed document under way.
pub(crate) struct Work<'a> {
    submitter: &'a Submitter,
    claim: &'a Claim,
    document: Document,
    invocation: &'a Invocation,
}

impl Work<'_> {
    async fn run(&mut self) -> Result<(), Stop> {
        let (customer_id, cell) = self.place().await?;
        match self.submit(&customer_id, cell).await {
            // It may have been rotated since it was read: the secret is read again, once.
            Err(Stop::Vendor(error)) if refuses_the_credential(&error) => {
                self.submitter.credentials.forget(&customer_id, cell);
                self.submit(&customer_id, cell).await
            }
            ended => ended,
        }
    }

    async fn place(&self) -> Result<(CustomerId, Cell), Stop> {
        let key = &self.document.source.key;
        let customer_id = customer_of(key)?;
        let customer = self.submitter.customers.get(&customer_id).await?;
        match route(key, &customer)? {
            Route::To(cell) => Ok((customer_id, cell)),
            Route::NotYet => Err(Stop::NotYet {
                delay: Duration::from_secs(10),
                reason: "the customer is still being onboarded",
            }),
        }
    }

    async fn submit(&mut self, customer_id: &CustomerId, cell: Cell) -> Result<(), Stop> {
        let deadline = self.invocation.deadline.instant();
        let plane = self.submitter.credentials.data_plane(customer_id, cell, deadline).await?;
        if self.document.state == State::Sending && self.resolve(&plane).await? == Doubt::Arrived {
            return Ok(());
        }
        let object = self.submitter.objects.open(&self.document.source).await?;
        if self.document.state == State::Claimed {
            self.create(&plane, customer_id, cell).await?;
        }
        self.send(&plane, object).await
    }

    async fn create(&mut self, plane: &DataPlane, customer_id: &CustomerId, cell: Cell) -> Result<(), Stop> {
        let query_id = DocumentId::of(&self.document.source).as_str().parse::<QueryId>();
        let new = NewSubmission {
            query_id: query_id.map_err(|_| Stop::Broken("a document's identity is no legal query_id"))?,
            pipeline: Pipeline::default(),
            enable_decision: false,
            enable_characteristics: false,
        };
        let made = plane.create_submission(&new).await.map_err(refused_for_good)?;
        let upload_url = made.upload_url.as_ref().map(|url| PresignedUrl(url.expose().to_owned()));
        let submission =
            Submission { id: made.id, upload_url: upload_url.ok(), created_at: self.invocation.now() };
        self.step(Step::Created { customer_id: customer_id.clone(), cell, submission }).await?;
        made.upload_url
            .map(drop)
            .map_err(|_| Stop::Broken("the vendor's upload URL is not one that is allowed"))
    }

    /// Passes the object's bytes into the upload URL. `Sending` is recorded first: from then on only
    /// the vendor knows whether they arrived.
    async fn send(&mut self, plane: &DataPlane, object: Object) -> Result<(), Stop> {
        let url = self
            .submission()?
            .upload_url
            .clone()
            .ok_or(Stop::Broken("a submission without its upload URL"))?;
        let url = plane
            .upload_url(&url.0)
            .map_err(|_| Stop::Broken("the recorded upload URL is not one that is allowed"))?;
        let size_bytes = object.size_bytes;
        self.step(Step::Sending { size_bytes }).await?;
        Ok(plane.upload(&url, size_bytes, object.into_body()).await?)
    }

    /// Applies a step and saves it. After an error the record is unknown: the attempt must end.
    pub(crate) async fn step(&mut self, step: Step) -> Result<(), Stop> {
        let after = self.document.clone().apply(step)?;
        self.submitter.documents.save(self.claim, &after).await?;
        self.document = after;
        Ok(())
    }

    pub(crate) fn submission(&self) -> Result<&Submission, Stop> {
        self.document.submission.as_ref().ok_or(Stop::Broken("a document under way without a submission"))
    }
}

fn refuses_the_credential(error: &CallError) -> bool {
    match error {
        CallError::Unauthorized { .. } => true,
        CallError::Token { source, .. } => matches!(source, TokenError::InvalidClient { .. }),
        _ => false,
    }
}

/// A submission that the vendor will not take now will not be taken later either.
fn refused_for_good(error: CallError) -> Stop {
    match error {
        CallError::Refused { .. } => Stop::Refused(Refusal::RefusedByVendor(error.to_string())),
        error => error.into(),
    }
}
