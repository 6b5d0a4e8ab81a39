//! How requests begin: handled before, superseded, refused, or to be worked on.

use std::time::Duration;

use jiff::Timestamp;
use registry::{Cause, Handled};
use shared_core::attempt::Attempt;
use shared_core::customer::{Aim, Customer, Order, Work};
use shared_core::event::{Content, Original, OutboundEvent, ReasonCode, RequestRejected};
use shared_core::ids::{CustomerId, RequestId};
use shared_core::place::Cell;
use shared_core::request::{Refusal, Violation};

use crate::session::Session;
use crate::{FlowError, Remover};

/// By how much a producer's clock may be ahead of ours. A request from further ahead would make every
/// later one look superseded.
const FASTEST_CLOCK: Duration = Duration::from_secs(300);

/// What every request carries.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) request_id: RequestId,
    pub(crate) requested_at: Timestamp,
    pub(crate) customer_id: CustomerId,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) aim: Aim,
    pub(crate) cells: Vec<Cell>,
    /// Whether an offboarding waits for open documents.
    pub(crate) drain: bool,
}

impl Envelope {
    pub(crate) fn order(&self) -> Order {
        Order { requested_at: self.requested_at, request_id: self.request_id.clone() }
    }

    pub(crate) fn work(&self, accepted_at: Timestamp) -> Work {
        Work {
            request_id: self.request_id.clone(),
            requested_at: self.requested_at,
            aim: self.aim,
            actor: self.actor.clone(),
            reason: self.reason.clone(),
            accepted_at,
            cells: self.cells.clone(),
            drain: self.drain,
        }
    }

    fn cause(&self, attempt: &Attempt) -> Cause {
        Cause {
            actor: self.actor.clone(),
            reason: self.reason.clone(),
            request_id: Some(self.request_id.clone()),
            origin: attempt.origin.clone(),
        }
    }
}

/// How a request begins.
pub(crate) enum Begun {
    /// It has ended before, or just now without touching the customer.
    Ended(Box<Handled>),
    /// It is to be worked on.
    Working(Box<Session>),
}

impl Remover {
    /// Begins a request: one call where it was handled before, two where it is to be worked on.
    pub(crate) async fn begin(&self, envelope: &Envelope, attempt: &Attempt) -> Result<Begun, FlowError> {
        if envelope.requested_at > self.clock.now() + FASTEST_CLOCK {
            return Err(FlowError::Refused(from_the_future(envelope)));
        }
        if let Some(handled) = self.registry.handled(&envelope.request_id).await? {
            return same_request(handled, envelope).map(|handled| Begun::Ended(Box::new(handled)));
        }
        let session = Session::open(self, &envelope.customer_id, envelope.cause(attempt), attempt).await?;
        if let Some(ended) = self.ended_meanwhile(&session, envelope).await.transpose() {
            session.release().await;
            return ended.map(|handled| Begun::Ended(Box::new(handled)));
        }
        if session.customer().supersedes(&envelope.order()) {
            let handled = superseded(&session, envelope, attempt);
            let recorded = self.registry.record_handled(handled).await;
            session.release().await;
            return recorded.map(|handled| Begun::Ended(Box::new(handled))).map_err(FlowError::from);
        }
        Ok(Begun::Working(Box::new(session)))
    }

    /// Another delivery may have ended the request between the first look and the lease, and an id may
    /// stand for another request in work. Costs a call only where the record says that it is so.
    async fn ended_meanwhile(
        &self,
        session: &Session,
        envelope: &Envelope,
    ) -> Result<Option<Handled>, FlowError> {
        let customer = session.customer();
        if customer.work.as_ref().is_some_and(|work| work.request_id == envelope.request_id) {
            return if resumes(customer, envelope) {
                Ok(None)
            } else {
                Err(reused(&envelope.request_id, &envelope.customer_id))
            };
        }
        if customer.last_request.as_ref() != Some(&envelope.order()) {
            return Ok(None);
        }
        match self.registry.handled(&envelope.request_id).await? {
            Some(handled) => same_request(handled, envelope).map(Some),
            None => Ok(None),
        }
    }
}

/// Whether the record is being moved by this very request already.
pub(crate) fn resumes(customer: &Customer, envelope: &Envelope) -> bool {
    let ours = |work: &Work| work.request_id == envelope.request_id && work.aim == envelope.aim;
    customer.work.as_ref().is_some_and(ours)
}

/// The end of this request, unless its id was used for another before.
fn same_request(handled: Handled, envelope: &Envelope) -> Result<Handled, FlowError> {
    let aim = match handled.event.content() {
        Content::CustomerOnboarded(_) | Content::CustomerOnboardingFailed(_) => Some(Aim::Onboard),
        Content::CustomerOffboarded(_) | Content::CustomerOffboardingFailed(_) => Some(Aim::Offboard),
        Content::RequestRejected(_)
        | Content::ReconciliationFinished(_)
        | Content::SecretRotated(_)
        | Content::SecretRolledBack(_)
        | Content::DocumentSubmitted(_)
        | Content::DocumentRejected(_)
        | Content::DocumentAnalyzed(_)
        | Content::DocumentAnalysisFailed(_) => None,
    };
    if handled.customer_id == envelope.customer_id && aim.is_none_or(|aim| aim == envelope.aim) {
        return Ok(handled);
    }
    Err(reused(&envelope.request_id, &envelope.customer_id))
}

fn from_the_future(envelope: &Envelope) -> Refusal {
    let violation = Violation::of_text(
        "requested_at",
        &envelope.requested_at.to_string(),
        "at most five minutes ahead of now: correct the producer's clock and send the request again",
    );
    Refusal::new(ReasonCode::InvalidField, violation)
        .about(Some(envelope.request_id.clone()), Some(envelope.customer_id.clone()))
}

/// An id was used for another request before.
pub(crate) fn reused(request_id: &RequestId, customer_id: &CustomerId) -> FlowError {
    let rule = "it was used for another request: every request has an id of its own";
    let violation = Violation::of_text("request_id", request_id.as_str(), rule);
    let refusal = Refusal::new(ReasonCode::RequestIdReused, violation);
    FlowError::Refused(refusal.about(Some(request_id.clone()), Some(customer_id.clone())))
}

fn superseded(session: &Session, envelope: &Envelope, attempt: &Attempt) -> Handled {
    let at = session.now();
    let violation = Violation::of_text(
        "requested_at",
        &envelope.requested_at.to_string(),
        "a later request for this customer has been applied already",
    );
    let refusal = Refusal::new(ReasonCode::Superseded, violation)
        .about(Some(envelope.request_id.clone()), Some(envelope.customer_id.clone()));
    let rejected = RequestRejected::new(&refusal, Original::new(&attempt.original));
    Handled {
        request_id: envelope.request_id.clone(),
        customer_id: envelope.customer_id.clone(),
        handled_at: at,
        event: OutboundEvent::new(rejected, at),
        announced: false,
    }
}
