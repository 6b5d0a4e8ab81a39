//! Offboarding: applications, then the tenant, then the secrets, with proof.

use std::time::Duration;

use registry::Handled;
use shared_core::customer::{Aim, CellPhase, Customer, Failure, Phase, Transition};
use shared_core::elapsed;
use shared_core::event::{
    Content, CustomerOffboarded, CustomerOffboardingFailed, DeletedSecret, OutboundEvent,
};
use shared_core::ids::CustomerId;
use shared_core::place::Cell;
use shared_core::request::OffboardingRequest;

use crate::begin::{Begun, Envelope, resumes};
use crate::session::Session;
use crate::{Attempt, FlowError, Remover};

impl From<&OffboardingRequest> for Envelope {
    fn from(request: &OffboardingRequest) -> Self {
        Self {
            request_id: request.request_id.clone(),
            requested_at: request.requested_at,
            customer_id: request.customer_id.clone(),
            actor: request.actor.to_string(),
            reason: request.reason.to_string(),
            aim: Aim::Offboard,
            cells: Vec::new(),
            drain: request.drain,
        }
    }
}

/// By how much later than its time says a write may land: it may be repeated, and clocks differ. Until then
/// readers that keep what they read still read the phase before it.
const LANDING: Duration = Duration::from_secs(30);

impl Remover {
    /// Carries out an offboarding, from wherever an earlier attempt left it.
    ///
    /// # Errors
    /// [`FlowError`]; its class says what is to become of the message.
    pub async fn offboard(
        &self,
        request: &OffboardingRequest,
        attempt: &Attempt,
    ) -> Result<Handled, FlowError> {
        let this = self.at(attempt);
        let envelope = Envelope::from(request);
        let mut session = match this.begin(&envelope, attempt).await? {
            Begun::Ended(handled) => return Ok(*handled),
            Begun::Working(session) => session.unless_paused().await?,
        };
        let came_to = this.offboarding(&mut session, &envelope).await;
        session.end(&envelope.request_id, came_to).await
    }

    /// Ends an offboarding that has waited too long. The customer stays in its phase, and a new request
    /// goes on from there.
    ///
    /// # Errors
    /// [`FlowError`] where the registry fails, or another invocation works on the customer.
    pub async fn give_up_offboarding(
        &self,
        request: &OffboardingRequest,
        failure: Failure,
        attempt: &Attempt,
    ) -> Result<Handled, FlowError> {
        let event = CustomerOffboardingFailed {
            request_id: request.request_id.clone(),
            customer_id: request.customer_id.clone(),
            reason_code: failure.code.clone(),
            explanation: failure.explanation.clone(),
        };
        self.give_up(&Envelope::from(request), failure, event, attempt).await
    }

    /// Ends a request that is in work, or that never came to be.
    pub(crate) async fn give_up(
        &self,
        envelope: &Envelope,
        failure: Failure,
        event: impl Into<Content>,
        attempt: &Attempt,
    ) -> Result<Handled, FlowError> {
        match self.begin(envelope, attempt).await? {
            Begun::Ended(handled) => Ok(*handled),
            Begun::Working(session) if resumes(session.customer(), envelope) => {
                session.finish(Transition::GiveUp { failure }, &envelope.request_id, event).await
            }
            Begun::Working(session) => {
                let handled = Handled {
                    request_id: envelope.request_id.clone(),
                    customer_id: envelope.customer_id.clone(),
                    handled_at: session.now(),
                    event: OutboundEvent::new(event, session.now()),
                    announced: false,
                };
                let recorded = self.registry.record_handled(handled).await;
                session.release().await;
                recorded.map_err(FlowError::from)
            }
        }
    }

    async fn offboarding(
        &self,
        session: &mut Session,
        envelope: &Envelope,
    ) -> Result<(Transition, CustomerOffboarded), FlowError> {
        if !resumes(session.customer(), envelope) {
            self.admit(session, envelope).await?;
            session.step(Transition::Offboard { work: envelope.work(session.now()) }).await?;
        }
        let secrets = self.remove(session).await?;
        let customer = session.customer();
        let mut certificate = customer.certificate.clone();
        certificate.secrets.clone_from(&secrets);
        let event = CustomerOffboarded {
            request_id: envelope.request_id.clone(),
            customer_id: customer.customer_id.clone(),
            generation: customer.generation,
            certificate,
        };
        Ok((Transition::FinishOffboarding { secrets }, event))
    }

    /// Removes everything of a customer in phase [`Phase::Offboarding`]; answers its deleted secrets.
    /// It is also how an onboarding that failed for good is undone.
    pub(crate) async fn remove(&self, session: &mut Session) -> Result<Vec<DeletedSecret>, FlowError> {
        if session.customer().phase != Phase::Offboarding {
            return Err(FlowError::Contract(
                "only a customer that is being offboarded is removed".to_owned(),
            ));
        }
        self.cancel_rotations(session.customer()).await?;
        self.drain(session).await?;
        self.wait_for_readers(session)?;
        self.cut_off(session).await?;
        if let Some(tenant) = session.customer().tenant.clone()
            && session.customer().certificate.proved_by_listing_at.is_none()
        {
            if let Some(id) = self.find_tenant(session).await? {
                self.empty_tenant(session, &id).await?;
            }
            self.delete_tenant(session, &tenant.name).await?;
        }
        self.delete_secrets(session.customer()).await
    }

    async fn cancel_rotations(&self, customer: &Customer) -> Result<(), FlowError> {
        for &cell in customer.cells.keys() {
            let name = self.vault.prefix().secret_name(&customer.customer_id, cell);
            self.vault.cancel_rotation(&name).await?;
        }
        Ok(())
    }

    /// Nothing is deleted while a reader may still use it, or while a create may still land.
    fn wait_for_readers(&self, session: &Session) -> Result<(), FlowError> {
        let customer = session.customer();
        let Some(work) = customer.work.as_ref().filter(|_| customer.failure.is_none()) else { return Ok(()) };
        let mut wait = Duration::ZERO;
        if customer.cells.values().any(|cell| cell.phase == CellPhase::Active) {
            let cache = self.rules.reader_cache;
            wait = wait.max(cache + cache.min(LANDING));
        }
        if customer.tenant.is_some() {
            wait = wait.max(self.rules.settle);
        }
        let passed = elapsed(work.accepted_at, session.now());
        match wait.checked_sub(passed) {
            Some(left) if !left.is_zero() => {
                Err(FlowError::not_yet(left, "readers may still use the customer's credentials"))
            }
            _ => Ok(()),
        }
    }

    /// Schedules the deletion of a cell's secret; `None` where there is none.
    pub(crate) async fn delete_secret(
        &self,
        customer_id: &CustomerId,
        cell: Cell,
    ) -> Result<Option<DeletedSecret>, FlowError> {
        let name = self.vault.prefix().secret_name(customer_id, cell);
        let until = self.vault.delete(&name, self.rules.recovery_window_days).await?;
        Ok(until.map(|recoverable_until| DeletedSecret { secret_name: name.to_string(), recoverable_until }))
    }

    async fn delete_secrets(&self, customer: &Customer) -> Result<Vec<DeletedSecret>, FlowError> {
        let mut deleted = Vec::new();
        for &cell in customer.cells.keys() {
            deleted.extend(self.delete_secret(&customer.customer_id, cell).await?);
        }
        Ok(deleted)
    }
}
