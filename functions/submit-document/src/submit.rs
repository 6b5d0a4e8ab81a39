//! A document's way to the vendor, from wherever an earlier attempt left it.

use std::time::Duration;

use access::{AccessError, Credentials, Opened, Place};
use jiff::Timestamp;
use registry::{Claim, Documents, RegistryError};
use resistant::{CallError, DataPlane, NewSubmission, QueryId, TokenError, UploadUrl, limits};
use runtime::telemetry::chain;
use runtime::{Invocation, Message, Verdict};
use shared_core::customer::Failure;
use shared_core::document::{
    Document, DocumentId, IllegalStep, PresignedUrl, Refusal, Route, State, Step, Submission, customer_of,
    finishes, route,
};
use shared_core::elapsed;
use shared_core::failure::{Class, Classified, LONGEST_WAIT};
use shared_core::ids::TenantId;

use crate::customers::Customers;
use crate::describe::Earlier;
use crate::doubt::Doubt;
use crate::metadata::Asked;
use crate::object::{Object, Objects};
use crate::permits::Permits;

/// How many submissions of one document may be given up: an upload that never succeeds must end.
const MOST_SUBMISSIONS: u32 = 5;

/// How often a document of a customer that is paused looks whether it still is.
const PAUSED: Duration = Duration::from_secs(60);

/// Why a document has not ended yet, or cannot.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the document is refused")]
    Refused(#[source] Refusal),
    #[error("{reason}")]
    NotYet { delay: Duration, reason: &'static str },
    #[error("the registry failed")]
    Registry(#[from] RegistryError),
    #[error("the cell's API cannot be opened")]
    Access(#[from] AccessError),
    #[error("the vendor's API failed")]
    Vendor(#[from] CallError),
    #[error("the upload URL was refused")]
    UploadRefused(#[source] CallError),
    #[error("reading the object from S3 failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("sending the first look at the result failed")]
    Look(#[source] Box<dyn std::error::Error + Send + Sync>),
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
            Self::Access(error) => error.class(),
            Self::Vendor(error) => error.class(),
            Self::UploadRefused(_) => Class::Wait { delay: Duration::from_secs(5) },
            Self::Storage(_) | Self::Look(_) => Class::Retry,
            Self::Illegal(error) => error.class(),
            Self::Broken(_) => Class::Bug,
        }
    }
}

impl Stop {
    pub(crate) fn busy(now: Timestamp, until: Timestamp) -> Self {
        let left = elapsed(now, until);
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
    pub(crate) permits: Permits,
}

impl Submitter {
    /// Brings a claimed document to its end, and records it.
    pub(crate) async fn work(
        &self,
        claim: &Claim,
        document: Document,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Document, Stop> {
        let mut work = Work { submitter: self, claim, document, invocation };
        let mut ended = work.run().await;
        if let Err(stop) = &ended
            && stop.class().has_waited_too_long(message.age(invocation.now()), message.attempt, LONGEST_WAIT)
        {
            ended = Err(Refusal::TooOld(work.too_old(stop)).into());
        }
        match ended {
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
        let place = self.place().await?;
        match self.submit(&place).await {
            // It may have been rotated since it was read: the secret is read again, once.
            Err(Stop::Vendor(error)) if refuses_the_credential(&error) => {
                self.submitter.credentials.forget(&place);
                self.submit(&place).await
            }
            ended => ended,
        }
    }

    /// Where the document goes: where its submission is, else where its key says.
    async fn place(&mut self) -> Result<Place, Stop> {
        let key = self.document.source.key.clone();
        let customer_id = customer_of(&key)?;
        let (customers, now) = (&self.submitter.customers, self.invocation.now());
        let mut customer = customers.get(&customer_id, now).await?;
        if customer.paused().is_some() {
            // As it is now: one that goes on need not wait until the cache has.
            customer = customers.read(&customer_id, now).await?;
        }
        if customer.paused().is_some() {
            return Err(Stop::NotYet { delay: PAUSED, reason: "the customer is paused" });
        }
        if let (Some(submission), Some(cell)) = (&self.document.submission, self.document.cell) {
            let generation = submission.generation;
            if customer.generation != generation {
                customer = customers.read(&customer_id, now).await?;
            }
            finishes(&customer)?;
            if customer.generation == generation {
                return Ok(Place { customer_id, generation, cell });
            }
            // Its tenant is proved gone, and the submission with it.
            self.step(Step::Abandoned).await?;
        }
        if route(&key, &customer).is_err() {
            customer = customers.read(&customer_id, now).await?;
        }
        let routed = route(&key, &customer)?;
        match routed {
            Route::To(cell) => Ok(Place { customer_id, generation: customer.generation, cell }),
            Route::NotYet => Err(Stop::NotYet {
                delay: Duration::from_secs(10),
                reason: "the customer is still being onboarded",
            }),
        }
    }

    async fn submit(&mut self, place: &Place) -> Result<(), Stop> {
        let (now, deadline) = (self.now(), self.invocation.deadline.instant());
        let Opened { plane, tenant_id } = self.submitter.credentials.open(place, now, deadline).await?;
        if self.taken_up(&plane).await? == Doubt::Arrived {
            return Ok(());
        }
        // One that has a submission already needs no permit, and is not held up.
        if self.document.state == State::Claimed {
            self.submitter.permits.take(&place.customer_id, self.invocation.now())?;
        }
        let object = self.open().await?;
        if self.document.state == State::Claimed {
            self.create(&plane, place, tenant_id, &object.asked).await?;
        }
        self.send(&plane, object).await
    }

    /// What is left of an earlier attempt, brought to where its bytes have arrived with all that
    /// belongs to them, or none of them counts.
    async fn taken_up(&mut self, plane: &DataPlane) -> Result<Doubt, Stop> {
        match self.document.state {
            State::Claimed | State::Submitted | State::Analyzed | State::AnalysisFailed | State::Rejected => {
                Ok(Doubt::Gone)
            }
            State::Created if self.upload_url(plane).is_some() => Ok(Doubt::Gone),
            State::Created => self.resolve(plane).await,
            State::Sending => match self.resolve(plane).await? {
                Doubt::Arrived if self.document.awaits_characteristics() => {
                    self.step(Step::Uploaded).await?;
                    self.describe_late(plane, Earlier::Surely).await
                }
                doubt => Ok(doubt),
            },
            State::Uploaded => self.describe_late(plane, Earlier::Maybe).await,
        }
    }

    /// Opens the object, and reads what it asks for.
    pub(crate) async fn open(&self) -> Result<Object, Stop> {
        self.submitter.objects.open(&self.document.source).await
    }

    async fn create(
        &mut self,
        plane: &DataPlane,
        place: &Place,
        tenant_id: TenantId,
        asked: &Asked,
    ) -> Result<(), Stop> {
        if self.document.abandoned >= MOST_SUBMISSIONS {
            let problem = format!(
                "none of {MOST_SUBMISSIONS} submissions could be uploaded; the function's log tells why each broke: upload the object again once that is mended"
            );
            return Err(Refusal::RefusedByVendor(problem).into());
        }
        let query_id = DocumentId::of(&self.document.source).as_str().parse::<QueryId>();
        let new = NewSubmission {
            query_id: query_id.map_err(|_| Stop::Broken("a document's identity is no legal query_id"))?,
            pipeline: asked.pipeline,
            enable_decision: asked.decision,
            enable_characteristics: asked.has_characteristics(),
        };
        let made = plane.create_submission(&new).await;
        match &made {
            Ok(_) => self.submitter.permits.used(&place.customer_id),
            Err(CallError::Throttled { .. }) => {
                self.submitter.permits.refused(&place.customer_id, self.invocation.now());
            }
            Err(_) => {}
        }
        let made = made.map_err(refused_for_good)?;
        let upload_url = made.upload_url.as_ref().map(|url| PresignedUrl(url.expose().to_owned()));
        let submission = Submission {
            id: made.id,
            upload_url: upload_url.ok(),
            created_at: self.invocation.now(),
            removing_until: None,
            generation: place.generation,
            tenant_id: Some(tenant_id),
            pipeline: new.pipeline,
            decision: new.enable_decision,
            characteristics: new.enable_characteristics,
        };
        let (customer_id, cell) = (place.customer_id.clone(), place.cell);
        self.step(Step::Created { customer_id, cell, submission }).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.invocation.now()
    }

    /// By when a call that begins now has come to pass, or never will: once nobody can work under this claim
    /// any more, and what was on its way has landed.
    pub(crate) fn lands_by(&self) -> Timestamp {
        self.invocation.deadline.lease_until() + limits::SETTLE
    }

    /// What it waited for, and what the vendor may have of it.
    fn too_old(&self, stop: &Stop) -> String {
        let reason = chain(stop);
        match &self.document.submission {
            Some(submission) => {
                format!("{reason} (the vendor may hold it as submission `{}`)", submission.id.as_str())
            }
            None => reason,
        }
    }

    /// Passes the object's bytes into the upload URL, then says what is known of them. `Sending` is
    /// recorded first: from then on only the vendor knows whether they arrived.
    async fn send(&mut self, plane: &DataPlane, object: Object) -> Result<(), Stop> {
        let Some(url) = self.upload_url(plane) else {
            return Err(Stop::NotYet {
                delay: Duration::from_secs(1),
                reason: "the upload URL is not allowed",
            });
        };
        let (size_bytes, known) = (object.size_bytes, object.asked.characteristics.clone());
        self.step(Step::Sending { size_bytes }).await?;
        plane.upload(&url, size_bytes, object.into_body()).await.map_err(refused_upload)?;
        // What was announced counts: tags may have changed since then.
        if self.document.awaits_characteristics() { self.describe(plane, known).await } else { Ok(()) }
    }

    /// The recorded upload URL, if it is one that bytes may be sent to.
    fn upload_url(&self, plane: &DataPlane) -> Option<UploadUrl> {
        let recorded = self.document.submission.as_ref()?.upload_url.as_ref()?;
        plane.upload_url(&recorded.0).ok()
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

/// An upload that storage refused, mostly because its URL has expired, or that the guard did not let
/// out: the next attempt asks the vendor what became of it, and makes another submission if it may.
fn refused_upload(error: CallError) -> Stop {
    match error {
        CallError::Refused { .. }
        | CallError::Forbidden { .. }
        | CallError::Conflict { .. }
        | CallError::NotFound { .. }
        | CallError::UnsafeAddress { .. } => Stop::UploadRefused(error),
        error => error.into(),
    }
}

/// A submission that the vendor will not take now will not be taken later either.
fn refused_for_good(error: CallError) -> Stop {
    match error {
        CallError::Refused { .. } => Stop::Refused(Refusal::RefusedByVendor(error.to_string())),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use resistant::UnsafeAddress;

    use super::*;

    /// It must not stay a failure of the vendor's API: that would use up the message's receipts before the
    /// document has come to the end of its submissions, and no event would tell.
    #[test]
    fn an_upload_that_the_guard_refused_is_followed_by_another_submission() {
        let address = [169, 254, 169, 254].into();
        let source = UnsafeAddress { name: "host".to_owned(), address, range: "link-local" };
        let stop = refused_upload(CallError::UnsafeAddress { operation: "upload", source });
        assert!(matches!(stop, Stop::UploadRefused(_)), "{stop:?}");
        let Verdict::Defer { reason, .. } = stop.verdict(None) else { panic!("it waits") };
        assert!(
            reason.contains("the upload URL was refused") && reason.contains("169.254.169.254"),
            "{reason}"
        );
    }
}
