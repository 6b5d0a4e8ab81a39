//! The customer's tenant: found by its derived name, never made twice.

use std::time::Duration;

use resistant::{Gone, Tenant};
use shared_core::customer::Transition;
use shared_core::ids::{TenantId, TenantName};

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

    /// Deletes the tenant's applications as the vendor lists them, until it lists none.
    pub(crate) async fn delete_applications(
        &self,
        session: &mut Session,
        tenant: &TenantId,
    ) -> Result<(), FlowError> {
        let listed = self.control.applications(tenant).await?.unwrap_or_default();
        if listed.is_empty() {
            return Ok(());
        }
        for application in &listed {
            // Only the next listing decides, so an error here just ends this attempt.
            let (Gone::Deleted | Gone::AlreadyGone) =
                self.control.delete_application(tenant, &application.id).await?;
            let at = session.now();
            session.step(Transition::ApplicationGone { id: application.id.clone(), at }).await?;
        }
        match self.control.applications(tenant).await?.unwrap_or_default() {
            left if left.is_empty() => Ok(()),
            left => Err(still_there(&format!("{} applications of the tenant", left.len()))),
        }
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
            return Err(answer.err().map_or_else(|| still_there("the tenant"), FlowError::from));
        }
        let tenants_listed = listed.len() as u64;
        session.step(Transition::TenantGone { deleted_at, proved_at: session.now(), tenants_listed }).await
    }
}

fn still_there(what: &str) -> FlowError {
    FlowError::not_yet(Duration::from_secs(5), format!("{what} still stands in the vendor's listing"))
}
