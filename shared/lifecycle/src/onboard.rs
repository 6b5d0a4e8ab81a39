//! Onboarding: a tenant, then for each cell an application, a proof, a secret and its rotation.

use std::collections::BTreeMap;
use std::time::Duration;

use registry::Handled;
use resistant::CallError;
use shared_core::credential::AuthenticationKind;
use shared_core::customer::{
    Aim, CellPhase, CellState, Customer, Failure, NextApplication, Phase, Transition,
};
use shared_core::elapsed;
use shared_core::event::{Content, ReasonCode};
use shared_core::ids::{Generation, InstallationId, TenantId, TenantName};
use shared_core::place::Cell;
use shared_core::request::OnboardingRequest;
use vault::Context;

use crate::begin::{Begun, Envelope, resumes};
use crate::outcome::{failed, failure_of, outcome};
use crate::session::Session;
use crate::{Attempt, FlowError, Provider};

impl From<&OnboardingRequest> for Envelope {
    fn from(request: &OnboardingRequest) -> Self {
        Self {
            request_id: request.request_id.clone(),
            requested_at: request.requested_at,
            customer_id: request.customer_id.clone(),
            actor: request.actor.to_string(),
            reason: request.reason.to_string(),
            aim: Aim::Onboard,
            cells: request.cells.to_vec(),
            drain: false,
        }
    }
}

/// What onboarding keeps to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Keeps two deployments in one vendor organization apart.
    pub installation: InstallationId,
    /// How many tenants the vendor allows the organization.
    pub quota: usize,
}

/// Whether a create that the record intends may have been called before this attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// It was saved by this attempt: surely not.
    Fresh,
    /// It was found in the record: perhaps.
    Found,
}

impl Provider {
    /// Carries out an onboarding, from wherever an earlier attempt left it.
    ///
    /// # Errors
    /// [`FlowError`]; its class says what is to become of the message.
    pub async fn onboard(
        &self,
        request: &OnboardingRequest,
        terms: &Terms,
        attempt: &Attempt,
    ) -> Result<Handled, FlowError> {
        let this = self.at(attempt);
        let envelope = Envelope::from(request);
        let mut session = match this.remover.begin(&envelope, attempt).await? {
            Begun::Ended(handled) => return Ok(*handled),
            Begun::Working(session) => session.unless_paused().await?,
        };
        let came_to = this.onboarding(&mut session, &envelope, request.authentication, terms).await;
        session.end(&envelope.request_id, came_to).await
    }

    /// Ends an onboarding that has waited too long, without undoing it: what keeps it from going on
    /// would keep it from going back. A new request goes on from there.
    ///
    /// # Errors
    /// [`FlowError`] where the registry fails, or another invocation works on the customer.
    pub async fn give_up_onboarding(
        &self,
        request: &OnboardingRequest,
        failure: Failure,
        attempt: &Attempt,
    ) -> Result<Handled, FlowError> {
        let envelope = Envelope::from(request);
        let event = failed(&envelope, failure.clone());
        self.remover.give_up(&envelope, failure, event, attempt).await
    }

    async fn onboarding(
        &self,
        session: &mut Session,
        envelope: &Envelope,
        authentication: AuthenticationKind,
        terms: &Terms,
    ) -> Result<(Transition, Content), FlowError> {
        let intent = if resumes(session.customer(), envelope) {
            Intent::Found
        } else {
            self.finish_removal(session).await?;
            self.accept(session, envelope, authentication, terms).await?
        };
        if session.customer().phase == Phase::Onboarding
            && let Some(failure) = self.provide(session, intent, terms).await?
        {
            if session.customer().adopted_at().is_some() {
                // Its tenant was there before us, with what others have in it.
                let event = failed(envelope, failure.clone());
                return Ok((Transition::GiveUp { failure }, event));
            }
            session.step(Transition::Undo { failure }).await?;
        }
        if session.customer().phase == Phase::Offboarding {
            return self.undo(session, envelope).await;
        }
        Ok((Transition::FinishOnboarding, outcome(session.customer(), envelope, self.remover.vault.prefix())))
    }

    /// A customer that is being removed is removed first; only then a newer onboarding may begin. A
    /// removal that was given up has nobody else to finish it.
    async fn finish_removal(&self, session: &mut Session) -> Result<(), FlowError> {
        if session.customer().phase != Phase::Offboarding {
            return Ok(());
        }
        if session.customer().work.is_some() {
            let reason = "the customer's earlier life is being removed";
            return Err(FlowError::not_yet(Duration::from_secs(30), reason));
        }
        let secrets = self.remover.remove(session).await?;
        session.step(Transition::FinishOffboarding { secrets }).await
    }

    /// Saves the request together with an intent, and its sealed key, for each application to be made.
    async fn accept(
        &self,
        session: &mut Session,
        envelope: &Envelope,
        authentication: AuthenticationKind,
        terms: &Terms,
    ) -> Result<Intent, FlowError> {
        let customer = session.customer();
        let had_intents = customer.lives() && customer.cells.values().any(|cell| cell.next.is_some());
        let generation = if customer.lives() { customer.generation } else { customer.generation.next() };
        let tenant_name = TenantName::derive(&terms.installation, &customer.customer_id, generation);
        let cells: Vec<Cell> = customer.cells_without_intent(&envelope.cells).collect();
        let mut intents = BTreeMap::new();
        for cell in cells {
            intents.insert(cell, self.intent(session, cell, generation, authentication).await?);
        }
        let work = envelope.work(session.now());
        session.step(Transition::Onboard { work, tenant_name, intents }).await?;
        Ok(if had_intents { Intent::Found } else { Intent::Fresh })
    }

    /// A new application's key, sealed before anybody hears of it.
    pub(crate) async fn intent(
        &self,
        session: &mut Session,
        cell: Cell,
        generation: Generation,
        authentication: AuthenticationKind,
    ) -> Result<NextApplication, FlowError> {
        match authentication {
            AuthenticationKind::ClientSecret => Ok(NextApplication::client_secret(session.now())),
            AuthenticationKind::KeyPair => {
                let key = (self.keys)()?;
                let context = Context { customer_id: &session.customer().customer_id, cell, generation };
                let sealed = self.sealer.seal(&key.to_pem(), &context).await?;
                session.keep_opened(&sealed, key.authentication());
                Ok(NextApplication::key_pair(key.key_id(), sealed, session.now()))
            }
        }
    }

    /// Brings every wanted cell to its end. `Some` where a first onboarding is to be undone.
    async fn provide(
        &self,
        session: &mut Session,
        intent: Intent,
        terms: &Terms,
    ) -> Result<Option<Failure>, FlowError> {
        let tenant = match self.ensure_tenant(session, intent, terms).await {
            Ok(tenant) => tenant,
            Err(FlowError::Hopeless(failure)) => return Ok(Some(failure)),
            Err(error) => return Err(error),
        };
        let mut stopped = None;
        for cell in unfinished(session.customer()) {
            match self.provide_cell(session, &tenant, cell, intent).await {
                Ok(()) => {}
                Err(FlowError::Hopeless(failure)) => self.give_up(session, &tenant, cell, failure).await?,
                // One cell's outage must not hold up the others.
                Err(error @ (FlowError::NotYet { .. } | FlowError::Vendor(_) | FlowError::Token(_))) => {
                    stopped = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        match stopped {
            Some(error) => Err(error),
            None => Ok(nothing_works(session.customer())),
        }
    }

    async fn ensure_tenant(
        &self,
        session: &mut Session,
        intent: Intent,
        terms: &Terms,
    ) -> Result<TenantId, FlowError> {
        if let Some(id) = session.customer().tenant_id() {
            return Ok(id.clone());
        }
        if intent == Intent::Found
            && let Some(id) = self.remover.find_tenant(session).await?
        {
            return Ok(id);
        }
        let customer = session.customer();
        let name = customer.tenant.as_ref().map(|tenant| tenant.name.clone());
        let name =
            name.ok_or_else(|| FlowError::Contract("an onboarding without a tenant's name".to_owned()))?;
        let cells: Vec<Cell> = customer.cells.keys().copied().collect();
        session.time_for_a_create()?;
        match self.remover.control.create_tenant(&name, &cells).await {
            Ok(tenant) => self.remover.record_tenant(session, tenant).await,
            Err(error) => self.tenant_after(session, &name, error, terms).await,
        }
    }

    /// After a create that did not answer with a tenant, the listing says what there is.
    async fn tenant_after(
        &self,
        session: &mut Session,
        name: &TenantName,
        error: CallError,
        terms: &Terms,
    ) -> Result<TenantId, FlowError> {
        let listed = self.remover.control.all_tenants().await?;
        if let Some(ours) = listed.iter().find(|tenant| tenant.name == name.as_str()) {
            return self.remover.record_tenant(session, ours.clone()).await;
        }
        if error.may_mean_a_full_quota() && listed.len() >= terms.quota {
            let explanation = format!(
                "the organization holds {} of {} tenants: ask the vendor for a higher quota, or offboard a \
                 customer, then request the onboarding again",
                listed.len(),
                terms.quota
            );
            return Err(FlowError::Hopeless(Failure::new(ReasonCode::QuotaFull, explanation)));
        }
        match error {
            // A name that is taken, perhaps by ours: the listing may be late.
            CallError::Refused { .. } => match self.unsettled(session) {
                Some(left) => Err(FlowError::not_yet(left, "a tenant's creation was refused")),
                None => Err(refused(&error)),
            },
            // The name is unique, so a create that lands late is found by the next attempt.
            error if error.may_have_happened() => {
                Err(FlowError::not_yet(self.remover.rules.settle, "a tenant's creation had no answer"))
            }
            error => Err(error.into()),
        }
    }

    /// How long it is until a create of an earlier attempt must be listed.
    fn unsettled(&self, session: &Session) -> Option<Duration> {
        let since = session.customer().work.as_ref()?.accepted_at;
        let passed = elapsed(since, session.now());
        self.remover.rules.settle.checked_sub(passed).filter(|left| !left.is_zero())
    }

    async fn provide_cell(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
        intent: Intent,
    ) -> Result<(), FlowError> {
        self.ensure_application(session, tenant, cell, intent).await?;
        let credential = self.next_credential(session, tenant, cell).await?;
        self.prove(session, tenant, &credential).await?;
        let vault = &self.remover.vault;
        let name = vault.prefix().secret_name(&session.customer().customer_id, cell);
        vault.store_current(&name, &credential).await?;
        if let Some(schedule) = &self.schedule {
            vault.schedule_rotation(&name, schedule).await?;
        }
        session.step(Transition::Stored { cell }).await
    }

    /// Ends a cell that cannot be had, and removes what was made for it.
    async fn give_up(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
        failure: Failure,
    ) -> Result<(), FlowError> {
        let made =
            session.customer().cells.get(&cell).and_then(|state| state.next.as_ref()?.application.clone());
        if let Some(application) = made {
            self.remover.delete_applications(session, tenant, &[application.id]).await?;
        }
        // An earlier attempt may have stored its credential before it could record that.
        self.remover.delete_secret(&session.customer().customer_id, cell).await?;
        session.step(Transition::CellFailed { cell, failure }).await
    }

    async fn undo(
        &self,
        session: &mut Session,
        envelope: &Envelope,
    ) -> Result<(Transition, Content), FlowError> {
        let secrets = self.remover.remove(session).await?;
        let event = failed(envelope, failure_of(session.customer()));
        Ok((Transition::FinishOffboarding { secrets }, event))
    }
}

/// The vendor's word that it will not do this.
pub(crate) fn refused(error: &CallError) -> FlowError {
    FlowError::Hopeless(Failure::new(ReasonCode::VendorRefused, error.to_string()))
}

fn unfinished(customer: &Customer) -> Vec<Cell> {
    let open = |state: &CellState| state.phase == CellPhase::Provisioning;
    customer.cells.iter().filter(|(_, state)| open(state)).map(|(&cell, _)| cell).collect()
}

/// The reason to undo: there is one only where no cell of the customer works.
fn nothing_works(customer: &Customer) -> Option<Failure> {
    if customer.cells.values().any(|state| state.phase == CellPhase::Active) {
        return None;
    }
    customer.cells.values().find_map(|state| state.failure.clone()).or_else(|| Some(failure_of(customer)))
}

/// How long a new application's token may be refused before that is taken for an answer.
pub(crate) const ACCEPTANCE: Duration = Duration::from_secs(600);
