//! From the vendor's answers to the recorded end of an analysis.

use std::sync::Arc;
use std::time::Duration;

use access::{AccessError, Credentials, Opened, Place};
use registry::{Documents, RegistryError, Settled, Standing};
use resistant::{CallError, DataPlane, ResultKind, TokenError, limits};
use runtime::telemetry::chain;
use runtime::{Invocation, Message};
use shared_core::customer::Failure;
use shared_core::document::{Document, DocumentId, IllegalStep, Kept, Step, Submission};
use shared_core::elapsed;
use shared_core::event::ReasonCode;
use shared_core::failure::{Class, Classified, LONGEST_WAIT};
use vault::VaultError;

use crate::found::Found;
use crate::results::{Results, ResultsError};

/// Up to this size results are kept with the record. A record is written once more when its end was announced,
/// and each KB of it costs a write unit each time; seven such units are the price of one PUT to S3 (list prices
/// of DynamoDB on demand and S3 Standard), so up to 3 KB the record is cheaper.
const SMALL: usize = 3 * 1024;

/// Why the end of an analysis is not known, or not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("the registry failed")]
    Registry(#[from] RegistryError),
    #[error("the cell's API cannot be opened")]
    Access(#[from] AccessError),
    #[error("the vendor's API failed")]
    Vendor(#[from] CallError),
    #[error("keeping the result failed")]
    Results(#[from] ResultsError),
    #[error("the protocol was broken")]
    Illegal(#[from] IllegalStep),
    #[error("{0}")]
    Broken(&'static str),
}

impl Classified for Stop {
    fn class(&self) -> Class {
        match self {
            Self::Registry(error) => error.class(),
            // The secret may come back, or the customer is leaving and its documents are ended.
            Self::Access(AccessError::Vault(
                VaultError::Missing(_) | VaultError::ScheduledForDeletion(_),
            )) => Class::Wait { delay: Duration::from_secs(30) },
            Self::Access(error) => error.class(),
            // What the vendor refuses to show now it may show later; the greatest age ends it.
            Self::Vendor(error) => match error.class() {
                Class::Rejected | Class::Final | Class::Bug => Class::Wait { delay: Duration::from_secs(30) },
                class @ (Class::Retry | Class::Wait { .. }) => class,
            },
            Self::Results(_) => Class::Retry,
            Self::Illegal(error) => error.class(),
            Self::Broken(_) => Class::Bug,
        }
    }
}

/// What became of an attempt to collect a result.
pub(crate) enum Ended {
    /// The analysis has ended, and that is recorded now.
    Now(Box<Document>),
    /// Its end was recorded before.
    Before(Box<Standing>),
    /// It has not ended, and may still.
    NotYet,
}

/// Everything that collecting needs.
pub(crate) struct Collector {
    pub(crate) documents: Documents,
    pub(crate) credentials: Credentials,
    pub(crate) results: Arc<dyn Results>,
}

impl Collector {
    /// Fetches a submitted document's result and records the end of its analysis, if it has ended or must have.
    pub(crate) async fn collect(
        &self,
        document: &Document,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Ended, Stop> {
        let submission = document.submission.as_ref();
        let submission = submission.ok_or(Stop::Broken("a submitted document without a submission"))?;
        let place = place_of(document, submission)?;
        let overdue = is_overdue(document, invocation);
        match self.fetch(&place, submission, overdue, invocation).await {
            Ok(Some(found)) => self.keep(document, &found, invocation).await,
            Ok(None) if overdue => self.fail(document, no_result(), invocation).await,
            Ok(None) => Ok(Ended::NotYet),
            Err(stop) if has_waited_too_long(&stop, message, invocation) => {
                let failure = Failure::new(ReasonCode::TooOld, chain(&stop));
                self.fail(document, failure, invocation).await
            }
            Err(stop) => Err(stop),
        }
    }

    /// What the vendor has, by a credential that is read again, once, where it is refused: it may have been
    /// rotated since.
    async fn fetch(
        &self,
        place: &Place,
        submission: &Submission,
        overdue: bool,
        invocation: &Invocation,
    ) -> Result<Option<Found>, Stop> {
        let open = async || {
            let opened = self.credentials.open(place, invocation.now(), invocation.deadline.instant());
            opened.await.map(|Opened { plane, .. }| plane)
        };
        match found(&open().await?, submission, overdue).await {
            Err(error) if refuses_the_credential(&error) => {
                self.credentials.forget(place);
                Ok(found(&open().await?, submission, overdue).await?)
            }
            found => Ok(found?),
        }
    }

    /// The results first, then the record that says where they lie.
    async fn keep(&self, document: &Document, found: &Found, invocation: &Invocation) -> Result<Ended, Stop> {
        let results = found.to_json();
        let (kept, beside) = if results.len() <= SMALL {
            (Kept::Record, Some(results.as_str()))
        } else {
            (self.results.put(&DocumentId::of(&document.source), &results).await?, None)
        };
        let (findings, at) = (found.findings(kept), invocation.now());
        let step = match found.failure() {
            None => Step::Analyzed { findings, at },
            Some(failure) => Step::AnalysisFailed { failure, findings: Some(findings), at },
        };
        self.settle(document, step, beside).await
    }

    async fn fail(
        &self,
        document: &Document,
        failure: Failure,
        invocation: &Invocation,
    ) -> Result<Ended, Stop> {
        let step = Step::AnalysisFailed { failure, findings: None, at: invocation.now() };
        self.settle(document, step, None).await
    }

    async fn settle(&self, document: &Document, step: Step, beside: Option<&str>) -> Result<Ended, Stop> {
        let after = document.clone().apply(step)?;
        match self.documents.settle(&after, beside).await? {
            Settled::Now => Ok(Ended::Now(Box::new(after))),
            Settled::Before(standing) => Ok(Ended::Before(standing)),
        }
    }
}

/// The results of an analysis that has ended. Where a decision was asked for, it has ended once that is there,
/// unless there will be none: the vendor says 400 where the tenant has no rules.
async fn found(
    plane: &DataPlane,
    submission: &Submission,
    overdue: bool,
) -> Result<Option<Found>, CallError> {
    let Some(main) = plane.whole_result(&submission.id, ResultKind::of(submission.pipeline)).await? else {
        return Ok(None);
    };
    let found = Found { main, decision: None };
    if !submission.decision || found.failure().is_some() {
        return Ok(Some(found));
    }
    match plane.whole_result(&submission.id, ResultKind::Decision).await {
        Ok(None) if !overdue => Ok(None),
        Ok(decision) => Ok(Some(Found { decision, ..found })),
        Err(CallError::Refused { status: 400, .. }) => Ok(Some(found)),
        Err(error) => Err(error),
    }
}

fn place_of(document: &Document, submission: &Submission) -> Result<Place, Stop> {
    let customer_id = document.customer_id.clone();
    Ok(Place {
        customer_id: customer_id.ok_or(Stop::Broken("a submitted document without a customer"))?,
        generation: submission.generation,
        cell: document.cell.ok_or(Stop::Broken("a submitted document without a cell"))?,
    })
}

/// Whether an analysis must have ended by now.
fn is_overdue(document: &Document, invocation: &Invocation) -> bool {
    let submitted_at = document.ended_at.unwrap_or(document.first_seen);
    elapsed(submitted_at, invocation.now()) >= limits::LONGEST_ANALYSIS
}

fn has_waited_too_long(stop: &Stop, message: &Message, invocation: &Invocation) -> bool {
    stop.class().has_waited_too_long(message.age(invocation.now()), message.attempt, LONGEST_WAIT)
}

fn no_result() -> Failure {
    let explanation = "the vendor had no result 15 minutes after the document was submitted, and an analysis takes \
                       no longer: put the document again, and tell the vendor if that happens often";
    Failure::new(ReasonCode::NoResult, explanation)
}

fn refuses_the_credential(error: &CallError) -> bool {
    match error {
        CallError::Unauthorized { .. } => true,
        CallError::Token { source, .. } => matches!(source, TokenError::InvalidClient { .. }),
        _ => false,
    }
}
