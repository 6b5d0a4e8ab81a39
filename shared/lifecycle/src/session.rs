//! One invocation's hold on one customer: the lease, and the record under it.

use std::time::Duration;

use jiff::Timestamp;
use registry::{Acquired, Cause, Change, Handled, Lease, Registry};
use resistant::Clock;
#[cfg(feature = "provide")]
use shared_core::credential::Authentication;
#[cfg(feature = "provide")]
use shared_core::customer::Sealed;
use shared_core::customer::{Customer, Transition};
use shared_core::elapsed;
use shared_core::event::{Content, OutboundEvent};
use shared_core::ids::{CustomerId, RequestId};
use shared_core::request::Asked;
use tokio::time::Instant;

use crate::{Attempt, FlowError, Remover};

/// How long a call that somebody waits for waits itself: for the customer's lease, or for the vendor to accept
/// a new application. Then it fails, and whoever called repeats it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A third of what is left at most: the work itself needs the rest.
pub(crate) fn patience(attempt: &Attempt) -> Instant {
    let now = Instant::now();
    now + PATIENCE.min(Instant::from_std(attempt.deadline).saturating_duration_since(now) / 3)
}

/// Who asked, and why, of a request that only operators make.
pub(crate) fn cause_of(asked: &Asked, attempt: &Attempt) -> Cause {
    Cause {
        actor: asked.actor.to_string(),
        reason: asked.reason.to_string(),
        request_id: Some(asked.request_id.clone()),
        origin: attempt.origin.clone(),
    }
}

/// A held lease with the record under it: every step is applied, saved and audited at once.
pub(crate) struct Session {
    registry: Registry,
    clock: Clock,
    lease: Lease,
    cause: Cause,
    customer: Customer,
    #[cfg(feature = "provide")]
    deadline: (std::time::Instant, Duration),
    #[cfg(feature = "provide")]
    opened: std::collections::BTreeMap<String, Authentication>,
}

impl Session {
    /// Takes the lease for work that no request asked for.
    pub(crate) async fn open(
        remover: &Remover,
        customer_id: &CustomerId,
        cause: Cause,
        attempt: &Attempt,
    ) -> Result<Self, FlowError> {
        let now = remover.clock.now();
        let acquired =
            remover.registry.acquire(customer_id, &attempt.owner, now, attempt.lease_until).await?;
        match acquired {
            Acquired::Held(lease, customer) => Ok(Self {
                registry: remover.registry.clone(),
                clock: remover.clock.clone(),
                lease,
                cause,
                customer: *customer,
                #[cfg(feature = "provide")]
                deadline: (attempt.deadline, attempt.whole),
                #[cfg(feature = "provide")]
                opened: std::collections::BTreeMap::new(),
            }),
            Acquired::Busy { until } => {
                Err(FlowError::not_yet(short_wait(now, until), "another invocation works on this customer"))
            }
        }
    }

    /// Takes the lease for a caller that waits: somebody else may hold it for some seconds.
    pub(crate) async fn open_patiently(
        remover: &Remover,
        customer_id: &CustomerId,
        cause: &Cause,
        attempt: &Attempt,
    ) -> Result<Self, FlowError> {
        let until = patience(attempt);
        loop {
            match Self::open(remover, customer_id, cause.clone(), attempt).await {
                Err(FlowError::NotYet { .. }) if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                other => return other,
            }
        }
    }

    pub(crate) fn customer(&self) -> &Customer {
        &self.customer
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Applies a transition and saves it. After an error the record is unknown: the flow must end.
    pub(crate) async fn step(&mut self, transition: Transition) -> Result<(), FlowError> {
        let what = transition.name();
        let after = self.customer.clone().apply(transition)?;
        let change = Change { what, before: &self.customer, after: &after, at: self.clock.now() };
        self.registry.save(&mut self.lease, &change, &self.cause).await?;
        self.customer = after;
        Ok(())
    }

    /// Applies the last transition of a request, and saves it with the event that tells of it; the
    /// lease is given back.
    pub(crate) async fn finish(
        self,
        transition: Transition,
        request_id: &RequestId,
        event: impl Into<Content>,
    ) -> Result<Handled, FlowError> {
        let (what, at) = (transition.name(), self.clock.now());
        let after = self.customer.clone().apply(transition)?;
        let handled = Handled {
            request_id: request_id.clone(),
            customer_id: self.customer.customer_id.clone(),
            handled_at: at,
            event: OutboundEvent::new(event, at),
            announced: false,
        };
        let change = Change { what, before: &self.customer, after: &after, at };
        self.registry.finish(self.lease, &change, &self.cause, &handled).await?;
        Ok(handled)
    }

    /// Ends a request with what its flow came to; a flow that stopped gives the lease back.
    pub(crate) async fn end<E: Into<Content>>(
        self,
        request_id: &RequestId,
        came_to: Result<(Transition, E), FlowError>,
    ) -> Result<Handled, FlowError> {
        match came_to {
            Ok((last, event)) => self.finish(last, request_id, event).await,
            Err(error) => {
                self.release().await;
                Err(error)
            }
        }
    }

    /// Gives the lease back. Where that fails the lease ends by itself, so it is only told.
    pub(crate) async fn release(self) {
        if let Err(error) = self.registry.release(self.lease).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the lease was not given back");
        }
    }
}

/// What a create and its record may take: the vendor's call, and a write that is repeated.
#[cfg(feature = "provide")]
const CREATE: Duration = Duration::from_secs(15);

#[cfg(feature = "provide")]
impl Session {
    /// A call that must not be repeated is begun only where its end can still be seen and recorded. Of an
    /// invocation that is shorter than that, half has to do.
    pub(crate) fn time_for_a_create(&self) -> Result<(), FlowError> {
        let (deadline, whole) = self.deadline;
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left >= CREATE.min(whole / 2) {
            return Ok(());
        }
        Err(FlowError::not_yet(Duration::from_secs(1), "too little of the invocation's time is left"))
    }

    /// A key that this session made or opened before: KMS is asked once.
    pub(crate) fn opened(&self, sealed: &Sealed) -> Option<Authentication> {
        self.opened.get(&sealed.0).cloned()
    }

    pub(crate) fn keep_opened(&mut self, sealed: &Sealed, authentication: Authentication) {
        self.opened.insert(sealed.0.clone(), authentication);
    }
}

/// A lease is mostly given back long before it ends.
fn short_wait(now: Timestamp, until: Timestamp) -> Duration {
    let left = elapsed(now, until);
    left.clamp(Duration::from_secs(2), Duration::from_secs(15))
}
