//! A cell's next application: made once, adopted where that is in doubt, proved before use.

use std::time::Duration;

use resistant::{
    Application as Listed, ApplicationKey, CallError, CreatedApplication, DocumentsScope, NewAuthentication,
    PublicKey,
};
use secrecy::SecretString;
use shared_core::credential::{Authentication, AuthenticationKind, Credential};
use shared_core::customer::{Application, Customer, Failure, NextApplication, Sealed, Transition};
use shared_core::elapsed;
use shared_core::event::ReasonCode;
use shared_core::ids::{ApplicationId, ClientId, TenantId};
use shared_core::place::Cell;
use vault::Context;

use crate::onboard::{ACCEPTANCE, Intent, refused};
use crate::session::Session;
use crate::{FlowError, Provider};

impl Provider {
    /// Sees to it that the vendor has made the cell's next application, and that it is recorded.
    pub(crate) async fn ensure_application(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
        intent: Intent,
    ) -> Result<(), FlowError> {
        let next = next_of(session.customer(), cell)?.clone();
        if next.application.is_some() {
            return Ok(());
        }
        if intent == Intent::Found && self.resolve_doubt(session, tenant, cell, &next).await? {
            return Ok(());
        }
        session.time_for_a_create()?;
        match self.create(session, tenant, cell, &next).await {
            Ok(created) => self.record(session, cell, created).await,
            Err(FlowError::Vendor(error)) if error.may_have_happened() => {
                session.step(Transition::Doubt { cell, since: session.now() }).await?;
                Err(self.settling())
            }
            Err(FlowError::Vendor(CallError::NotFound { .. })) => {
                Err(self.remover.tenant_not_found(tenant).await?)
            }
            Err(FlowError::Vendor(error @ CallError::Refused { .. })) => Err(refused(&error)),
            Err(error) => Err(error),
        }
    }

    async fn create(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
        next: &NextApplication,
    ) -> Result<CreatedApplication, FlowError> {
        let authentication = match next.authentication {
            AuthenticationKind::KeyPair => {
                NewAuthentication::Ec(public(&self.authentication(session, cell, next).await?)?)
            }
            AuthenticationKind::ClientSecret => NewAuthentication::ClientSecret,
        };
        let control = &self.remover.control;
        Ok(control.create_application(tenant, cell, &DocumentsScope::ALL, &authentication).await?)
    }

    async fn record(
        &self,
        session: &mut Session,
        cell: Cell,
        created: CreatedApplication,
    ) -> Result<(), FlowError> {
        let sealed = match &created.client_secret {
            Some(secret) => Some(self.seal(session.customer(), cell, secret).await?),
            None => None,
        };
        let application = recorded(session, created.application.id, created.application.client_id);
        session.step(Transition::ApplicationFound { cell, application, sealed }).await
    }

    /// An earlier attempt may have called create. The vendor's listing decides, and only once
    /// `settle` has passed may it decide that nothing was made. Answers whether ours was found.
    async fn resolve_doubt(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
        next: &NextApplication,
    ) -> Result<bool, FlowError> {
        let candidates = self.unrecorded(session, tenant, cell).await?;
        match next.authentication {
            AuthenticationKind::KeyPair => {
                let ours = self.accepting_our_key(session, tenant, cell, next, &candidates).await?;
                if let Some((first, rest)) = ours.split_first() {
                    let doubles: Vec<ApplicationId> = rest.iter().map(|double| double.id.clone()).collect();
                    if !doubles.is_empty() {
                        self.remover.delete_unrecorded(tenant, &doubles).await?;
                    }
                    let application = recorded(session, first.id.clone(), first.client_id.clone());
                    session.step(Transition::ApplicationFound { cell, application, sealed: None }).await?;
                    return Ok(true);
                }
                // What is there may be ours and accepted late.
                let patience = if candidates.is_empty() { self.remover.rules.settle } else { ACCEPTANCE };
                self.settle(session, cell, next, patience).await?;
            }
            AuthenticationKind::ClientSecret => {
                self.settle(session, cell, next, self.remover.rules.settle).await?;
                self.replace_lost_secret(tenant, cell, &candidates).await?;
            }
        }
        session.step(Transition::NothingMade { cell }).await?;
        Ok(false)
    }

    /// Those that accept our key: whatever does is ours.
    async fn accepting_our_key(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
        next: &NextApplication,
        candidates: &[Listed],
    ) -> Result<Vec<Listed>, FlowError> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let authentication = self.authentication(session, cell, next).await?;
        let mut ours = Vec::new();
        for candidate in candidates {
            let application = recorded(session, candidate.id.clone(), candidate.client_id.clone());
            let credential =
                self.credential(session.customer(), tenant, cell, &application, authentication.clone())?;
            if self.accepted(&credential).await? {
                ours.push(candidate.clone());
            }
        }
        Ok(ours)
    }

    /// A client secret whose answer was lost cannot be recovered and its application cannot be proved
    /// ours. Exactly one unrecorded application is taken for it; more are a person's to sort out.
    async fn replace_lost_secret(
        &self,
        tenant: &TenantId,
        cell: Cell,
        candidates: &[Listed],
    ) -> Result<(), FlowError> {
        let as_ours = |listed: &&Listed| {
            let is =
                |scope: &DocumentsScope| listed.scopes.iter().any(|name| name == scope.management_name());
            listed.scopes.len() == DocumentsScope::ALL.len() && DocumentsScope::ALL.iter().all(is)
        };
        match candidates.iter().filter(as_ours).collect::<Vec<_>>().as_slice() {
            [] => Ok(()),
            [lost] => self.remover.delete_unrecorded(tenant, std::slice::from_ref(&lost.id)).await,
            several => Err(FlowError::not_yet(
                Duration::from_secs(900),
                format!(
                    "{} applications of tenant {tenant} in cell {cell} are not recorded, and a client secret proves \
                     none of them: delete those that are not in use",
                    several.len()
                ),
            )),
        }
    }

    async fn unrecorded(
        &self,
        session: &Session,
        tenant: &TenantId,
        cell: Cell,
    ) -> Result<Vec<Listed>, FlowError> {
        let listed = self.remover.applications(tenant).await?;
        let known =
            |id: &ApplicationId| session.customer().recorded().any(|application| application.id == *id);
        Ok(listed.into_iter().filter(|listed| listed.cell == cell && !known(&listed.id)).collect())
    }

    async fn settle(
        &self,
        session: &mut Session,
        cell: Cell,
        next: &NextApplication,
        patience: Duration,
    ) -> Result<(), FlowError> {
        let Some(since) = next.in_doubt_since else {
            session.step(Transition::Doubt { cell, since: session.now() }).await?;
            return Err(self.settling());
        };
        let passed = elapsed(since, session.now());
        match patience.checked_sub(passed) {
            Some(left) if !left.is_zero() => {
                let delay = left.min(self.remover.rules.settle.max(Duration::from_secs(1)));
                Err(FlowError::not_yet(delay, "an application's creation had no answer"))
            }
            _ => Ok(()),
        }
    }

    fn settling(&self) -> FlowError {
        FlowError::not_yet(self.remover.rules.settle, "an application's creation had no answer")
    }

    /// Whether the vendor gives a token for a credential. A "no" leads to another create, or to the end of
    /// an application, so it is not believed at once.
    async fn accepted(&self, credential: &Credential) -> Result<bool, FlowError> {
        let plane = self.vendor.data_plane(credential)?;
        Ok(plane.client_accepted().await? || plane.client_accepted().await?)
    }

    /// Proves the next application's credential by a new token. A new application may be accepted
    /// late, and one that somebody deleted by hand is made again.
    pub(crate) async fn prove(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        credential: &Credential,
    ) -> Result<(), FlowError> {
        let age = session.now().duration_since(credential.created_at);
        let age = Duration::try_from(age).unwrap_or_default();
        let is_new = age < ACCEPTANCE;
        let accepted = if is_new {
            self.vendor.data_plane(credential)?.client_accepted().await?
        } else {
            self.accepted(credential).await?
        };
        if accepted {
            return Ok(());
        }
        if is_new {
            let delay = age.clamp(Duration::from_secs(2), Duration::from_secs(60));
            return Err(FlowError::not_yet(delay, "the vendor does not accept the new application yet"));
        }
        let listed = self.remover.applications(tenant).await?;
        if listed.iter().all(|listed| listed.id != credential.application_id) {
            let (ids, at) = (vec![credential.application_id.clone()], session.now());
            session.step(Transition::ApplicationsGone { ids, at }).await?;
            return Err(FlowError::not_yet(
                Duration::from_secs(1),
                "the new application was deleted at the vendor",
            ));
        }
        Err(FlowError::Hopeless(Failure::new(
            ReasonCode::VendorRefused,
            format!("the vendor made application {} and gives no token for it", credential.application_id),
        )))
    }

    /// The credential of the cell's next application, once that is recorded.
    pub(crate) async fn next_credential(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        cell: Cell,
    ) -> Result<Credential, FlowError> {
        let next = next_of(session.customer(), cell)?.clone();
        let application = next.application.as_ref().ok_or_else(|| no_intent(cell))?;
        let authentication = self.authentication(session, cell, &next).await?;
        self.credential(session.customer(), tenant, cell, application, authentication)
    }

    fn credential(
        &self,
        customer: &Customer,
        tenant: &TenantId,
        cell: Cell,
        application: &Application,
        authentication: Authentication,
    ) -> Result<Credential, FlowError> {
        let endpoints = self.vendor.endpoints().cell(cell).map_err(resistant::CredentialError::Mixed)?;
        Ok(endpoints.credential(
            tenant.clone(),
            application.id.clone(),
            application.client_id.clone(),
            authentication,
            customer.generation,
            application.recorded_at,
        ))
    }

    /// The next application's key or secret, opened once in a session.
    async fn authentication(
        &self,
        session: &mut Session,
        cell: Cell,
        next: &NextApplication,
    ) -> Result<Authentication, FlowError> {
        let sealed = next.sealed.as_ref().ok_or_else(|| no_intent(cell))?;
        if let Some(opened) = session.opened(sealed) {
            return Ok(opened);
        }
        let opened = self.sealer.open(sealed, &context(session.customer(), cell)).await?;
        let authentication = match next.authentication {
            AuthenticationKind::KeyPair => ApplicationKey::from_pem(&opened)?.authentication(),
            AuthenticationKind::ClientSecret => Authentication::ClientSecret { client_secret: opened },
        };
        session.keep_opened(sealed, authentication.clone());
        Ok(authentication)
    }

    async fn seal(
        &self,
        customer: &Customer,
        cell: Cell,
        secret: &SecretString,
    ) -> Result<Sealed, FlowError> {
        Ok(self.sealer.seal(secret, &context(customer, cell)).await?)
    }
}

/// The public half of a key pair, as the vendor is told it.
fn public(authentication: &Authentication) -> Result<PublicKey, FlowError> {
    match authentication {
        Authentication::KeyPair { private_key, .. } => Ok(ApplicationKey::from_pem(private_key)?.public()),
        Authentication::ClientSecret { .. } => {
            Err(FlowError::Contract("a client secret has no public key".to_owned()))
        }
    }
}

fn context(customer: &Customer, cell: Cell) -> Context<'_> {
    Context { customer_id: &customer.customer_id, cell, generation: customer.generation }
}

fn recorded(session: &Session, id: ApplicationId, client_id: ClientId) -> Application {
    Application { id, client_id, recorded_at: session.now(), unreferenced_since: None }
}

pub(crate) fn next_of(customer: &Customer, cell: Cell) -> Result<&NextApplication, FlowError> {
    customer.cells.get(&cell).and_then(|state| state.next.as_ref()).ok_or_else(|| no_intent(cell))
}

fn no_intent(cell: Cell) -> FlowError {
    FlowError::Contract(format!("no application is intended in cell {cell}"))
}
