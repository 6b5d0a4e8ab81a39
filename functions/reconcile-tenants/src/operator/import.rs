//! A tenant that exists already becomes a customer's, and the customer is onboarded into it.

use lifecycle::FlowError;
use runtime::Verdict;
use serde_json::{Value, json};
use shared_core::request::{ImportRequest, OnboardingRequest};

use super::{By, answer};
use crate::ReconcileTenants;

impl ReconcileTenants {
    /// One at a time: this function runs once at a time.
    pub(super) async fn import(&self, said: &Value, by: &By<'_>) -> Result<Verdict, FlowError> {
        let request = ImportRequest::parse(said).map_err(FlowError::Refused)?;
        by.invocation.concerns(&request.customer_id);
        self.reconciler.remover.adopt(&request, &by.invocation.attempt(by.message)).await?;
        let event = by.onboarding_into(request).to_event();
        match self.reconciler.bus.ask(OnboardingRequest::TYPE, &event).await {
            Ok(()) => Ok(answer("imported, and asked for its onboarding", json!({"request": event}))),
            Err(error) => Ok(Verdict::of(error, None)),
        }
    }
}

impl By<'_> {
    fn onboarding_into(&self, request: ImportRequest) -> OnboardingRequest {
        let ImportRequest { asked, customer_id, cells, authentication, .. } = request;
        OnboardingRequest {
            request_id: asked.request_id,
            requested_at: self.invocation.now(),
            customer_id,
            cells,
            authentication,
            actor: asked.actor,
            reason: asked.reason,
        }
    }
}
