//! The customer's tenant and what it holds: found by its derived name, never made twice, gone when no
//! listing shows it.

use std::time::Duration;

use resistant::{Application, CallError, Gone, Tenant};
use shared_core::customer::{Failure, Transition};
use shared_core::event::ReasonCode;
use shared_core::ids::{ApplicationId, TenantId, TenantName};

use crate::session::Session;
use crate::{FlowError, Remover};

impl Remover {
    /// The tenant's id: as recorded, else as listed under its name, which is then recorded.
    pub(crate) async fn find_tenant(&self, session: &mut Session) -> Result<Option<TenantId>, FlowError> {
        let Some(tenant) = session.customer().tenant.clone() else { return Ok(None) };
        if tenant.id.is_some() {
            return Ok(tenant.id);
        }
        match self.control.find_tenant_by_name(&tenant.name).await? {
            Some(found) => self.record_tenant(session, found).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn record_tenant(
        &self,
        session: &mut Session,
        found: Tenant,
    ) -> Result<TenantId, FlowError> {
        session.step(Transition::TenantFound { id: found.id.clone() }).await?;
        Ok(found.id)
    }

    /// The tenant's applications. "No such tenant" is not taken at its word: what it would prove is that
    /// nothing of ours is left there, and only the listing of tenants proves that.
    pub(crate) async fn applications(&self, tenant: &TenantId) -> Result<Vec<Application>, FlowError> {
        match self.control.applications(tenant).await? {
            Some(listed) => Ok(listed),
            None => Err(self.tenant_not_found(tenant).await?),
        }
    }

    /// The same for who removes them: with the tenant, they are gone.
    async fn applications_left(&self, tenant: &TenantId) -> Result<Vec<Application>, FlowError> {
        match self.applications(tenant).await {
            Err(FlowError::Hopeless(_)) => Ok(Vec::new()),
            listed => listed,
        }
    }

    /// What it means that the vendor says it does not know the tenant.
    pub(crate) async fn tenant_not_found(&self, tenant: &TenantId) -> Result<FlowError, FlowError> {
        if self.control.all_tenants().await?.iter().any(|listed| listed.id == *tenant) {
            return Ok(FlowError::not_yet(
                AGAIN,
                format!("the vendor lists tenant {tenant} and says that it does not exist"),
            ));
        }
        let explanation = format!(
            "tenant {tenant} was deleted at the vendor by somebody else: offboard the customer, then onboard it anew"
        );
        Ok(FlowError::Hopeless(Failure::new(ReasonCode::TenantGone, explanation)))
    }

    /// Deletes applications, and records them as gone once the listing no longer shows them. What a
    /// deletion answers decides nothing: "not found" may be said of one that is there.
    pub(crate) async fn delete_applications(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        ids: &[ApplicationId],
    ) -> Result<(), FlowError> {
        self.delete_unrecorded(tenant, ids).await?;
        let (ids, at) = (ids.to_vec(), session.now());
        session.step(Transition::ApplicationsGone { ids, at }).await
    }

    /// Deletes applications, and sees that the listing no longer shows them; records nothing.
    pub(crate) async fn delete_unrecorded(
        &self,
        tenant: &TenantId,
        ids: &[ApplicationId],
    ) -> Result<(), FlowError> {
        let mut refused = None;
        for id in ids {
            match self.control.delete_application(tenant, id).await {
                Ok(Gone::Deleted | Gone::AlreadyGone) => {}
                // Perhaps another code for "not found": the listing tells.
                Err(error @ CallError::Refused { .. }) => refused = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        let left = self.applications_left(tenant).await?;
        match left.iter().filter(|left| ids.contains(&left.id)).count() {
            0 => Ok(()),
            left => Err(still_there(&format!("{left} of {} deleted applications", ids.len()), refused)),
        }
    }

    /// Deletes every application that the tenant has, whoever made it, until none is listed.
    pub(crate) async fn empty_tenant(
        &self,
        session: &mut Session,
        tenant: &TenantId,
    ) -> Result<(), FlowError> {
        let listed = self.applications_left(tenant).await?;
        let mut ids: Vec<ApplicationId> = listed.into_iter().map(|application| application.id).collect();
        if !ids.is_empty() {
            self.delete_unrecorded(tenant, &ids).await?;
        }
        // Those that an earlier attempt, or somebody else, deleted.
        let recorded = session.customer().recorded().map(|application| application.id.clone());
        ids.extend(recorded.filter(|id| !ids.contains(id)).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(());
        }
        session.step(Transition::ApplicationsGone { ids, at: session.now() }).await
    }

    /// Deletes the tenant and proves it by a full listing. What the deletion answers decides nothing:
    /// the vendor does not say which code means "gone before" (vendor: deleteTenant).
    pub(crate) async fn delete_tenant(
        &self,
        session: &mut Session,
        name: &TenantName,
    ) -> Result<(), FlowError> {
        let answer = match session.customer().tenant_id() {
            Some(id) => self.control.delete_tenant(id).await.map(drop),
            None => Ok(()),
        };
        let deleted_at = session.now();
        let listed = self.control.all_tenants().await?;
        let id = session.customer().tenant_id();
        if listed.iter().any(|tenant| tenant.name == name.as_str() || Some(&tenant.id) == id) {
            return Err(match answer {
                Ok(()) => still_there("the tenant", None),
                // Perhaps it has applications that are not listed yet.
                Err(error @ (CallError::Refused { .. } | CallError::Conflict { .. })) => {
                    still_there("the tenant", Some(error))
                }
                Err(error) => error.into(),
            });
        }
        let tenants_listed = listed.len() as u64;
        session.step(Transition::TenantGone { deleted_at, proved_at: session.now(), tenants_listed }).await
    }
}

/// When to look again at what the vendor's listing should not, or should no longer, say.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);

fn still_there(what: &str, said: Option<CallError>) -> FlowError {
    let said = said.map(|error| format!(" ({error})")).unwrap_or_default();
    FlowError::not_yet(AGAIN, format!("{what} still in the vendor's listing{said}"))
}
