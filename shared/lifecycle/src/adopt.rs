//! Import: a tenant that exists already becomes a customer's, by an operator's word.
//!
//! Only the tenant is taken over. Its applications' credentials were shown once, to whoever made them, so the
//! onboarding that follows makes applications of its own beside them.

use shared_core::customer::{Customer, Tenant, Transition};
use shared_core::event::ReasonCode;
use shared_core::ids::{CustomerId, TenantName};
use shared_core::request::{ImportRequest, Refusal, Violation};

use crate::session::{Session, cause_of};
use crate::{Attempt, FlowError, Remover};

impl Remover {
    /// Begins a life of the customer in the tenant; a repeat finds that done. An onboarding is to follow.
    ///
    /// One import at a time: two at once could give one tenant to two customers.
    ///
    /// # Errors
    /// [`FlowError::Refused`] where the vendor does not list the tenant, another customer has it, or the customer
    /// has one; [`FlowError::NotYet`] where another invocation works on the customer.
    pub async fn adopt(&self, request: &ImportRequest, attempt: &Attempt) -> Result<(), FlowError> {
        let this = self.at(attempt);
        let cause = cause_of(&request.asked, attempt);
        let session = Session::open_patiently(&this, &request.customer_id, &cause, attempt).await?;
        let mut session = session.unless_paused().await?;
        let adopted = this.adopt_under_lease(&mut session, request).await;
        session.release().await;
        adopted
    }

    async fn adopt_under_lease(
        &self,
        session: &mut Session,
        request: &ImportRequest,
    ) -> Result<(), FlowError> {
        let customer = session.customer();
        let has_it = customer.tenant_id() == Some(&request.tenant_id) && customer.lives();
        if has_it && customer.adopted_at().is_some() {
            return Ok(());
        }
        if customer.tenant.is_some() {
            return Err(refused(request, "customer_id", "a customer that has no tenant: this one has"));
        }
        let name = self.name_of(request).await?;
        if let Some(other) = self.owner(&name, request).await? {
            let rule = format!("a tenant that no customer has: this one is recorded for `{other}`");
            return Err(refused(request, "tenant_id", &rule));
        }
        let (id, adopted_at) = (Some(request.tenant_id.clone()), Some(session.now()));
        session.step(Transition::Adopt { tenant: Tenant { name, id, adopted_at } }).await
    }

    /// The tenant's name, as the whole listing of the organization has it.
    async fn name_of(&self, request: &ImportRequest) -> Result<TenantName, FlowError> {
        let listed = self.control.all_tenants().await?;
        let Some(tenant) = listed.into_iter().find(|tenant| tenant.id == request.tenant_id) else {
            return Err(refused(request, "tenant_id", "the id of a tenant of the organization"));
        };
        tenant.name.parse().map_err(|invalid: shared_core::ids::Invalid| {
            let rule = format!("a tenant whose name the vendor would take today ({invalid})");
            refused(request, "tenant_id", &rule)
        })
    }

    /// Whose the tenant is already, by its id or by its name.
    async fn owner(
        &self,
        name: &TenantName,
        request: &ImportRequest,
    ) -> Result<Option<CustomerId>, FlowError> {
        let mut after = None;
        loop {
            let page = self.registry.list(after.as_ref()).await?;
            for listed in &page.customers {
                if has(&self.registry.customer(&listed.customer_id).await?, name, request) {
                    return Ok(Some(listed.customer_id.clone()));
                }
            }
            after = page.customers.last().filter(|_| page.more).map(|last| last.customer_id.clone());
            if after.is_none() {
                return Ok(None);
            }
        }
    }
}

fn has(customer: &Customer, name: &TenantName, request: &ImportRequest) -> bool {
    let tenant = customer.tenant.as_ref();
    tenant.is_some_and(|tenant| tenant.name == *name || tenant.id.as_ref() == Some(&request.tenant_id))
}

fn refused(request: &ImportRequest, field: &'static str, rule: &str) -> FlowError {
    let value = match field {
        "tenant_id" => request.tenant_id.as_str(),
        _ => request.customer_id.as_str(),
    };
    let refusal = Refusal::new(ReasonCode::InvalidField, Violation::of_text(field, value, rule));
    let (request_id, customer_id) = (request.asked.request_id.clone(), request.customer_id.clone());
    FlowError::Refused(refusal.about(Some(request_id), Some(customer_id)))
}
