//! A request that failed, asked for again: the same wish, with an id and a time of its own.
//!
//! It is sent over the bus, as the platform sends requests, so that it waits in its queue where it has to.

use lifecycle::FlowError;
use registry::Handled;
use runtime::Verdict;
use serde_json::{Value, json};
use shared_core::credential::AuthenticationKind;
use shared_core::customer::{Aim, Customer, Work};
use shared_core::event::{Content, ReasonCode};
use shared_core::ids::{CustomerId, RequestId};
use shared_core::request::{Cells, OffboardingRequest, OnboardingRequest, Refusal, RetryRequest, Violation};

use super::{By, answer, done};
use crate::ReconcileTenants;

/// How many entries of an audit trail are looked through at once for the one that accepted a request.
const ENTRIES: usize = 50;

/// A request that failed, and what it wanted.
struct Failed {
    customer_id: CustomerId,
    aim: Aim,
}

impl ReconcileTenants {
    pub(super) async fn retry(&self, said: &Value, by: &By<'_>) -> Result<Verdict, FlowError> {
        let request = RetryRequest::parse(said).map_err(FlowError::Refused)?;
        let Failed { customer_id, aim } = by.failed(&request).await?;
        by.invocation.concerns(&customer_id);
        let customer = by.registry.customer(&customer_id).await?;
        let last = customer.last_request.map(|last| last.request_id);
        if last.as_ref() == Some(&request.asked.request_id) {
            return Ok(done("nothing to do: it was asked for again, and the customer follows it"));
        }
        if last.as_ref() != Some(&request.failed_request_id) {
            return Err(refused(
                &request,
                "the last request that was applied to its customer: of others \
                 nobody knows whether they are still wanted, so decide anew and send a new request",
            ));
        }
        let (kind, event) = match aim {
            Aim::Onboard => (OnboardingRequest::TYPE, by.onboarding(&request, customer_id).await?.to_event()),
            Aim::Offboard => (OffboardingRequest::TYPE, by.offboarding(&request, customer_id).to_event()),
        };
        let what = format!("request {} asked for again", request.failed_request_id);
        by.note(&request.asked, what).await?;
        match self.reconciler.bus.ask(kind, &event).await {
            Ok(()) => Ok(answer("asked for again", json!({"request": event}))),
            Err(error) => Ok(Verdict::of(error, None)),
        }
    }
}

impl By<'_> {
    /// The request that is to be asked for again, if it ended in a failure.
    async fn failed(&self, request: &RetryRequest) -> Result<Failed, FlowError> {
        let Some(Handled { customer_id, event, .. }) =
            self.registry.handled(&request.failed_request_id).await?
        else {
            return Err(refused(request, "a request that has ended"));
        };
        let aim = match event.content() {
            Content::CustomerOnboardingFailed(_) => Aim::Onboard,
            Content::CustomerOffboardingFailed(_) => Aim::Offboard,
            other => {
                let ended = other.detail_type();
                let rule = format!("a request that failed; this one ended in {ended}");
                return Err(refused(request, &rule));
            }
        };
        Ok(Failed { customer_id, aim })
    }

    async fn onboarding(
        &self,
        request: &RetryRequest,
        customer_id: CustomerId,
    ) -> Result<OnboardingRequest, FlowError> {
        let Some(accepted) = self.accepted(&customer_id, &request.failed_request_id).await? else {
            return Err(refused(request, "a request whose acceptance is in its customer's audit trail"));
        };
        let authentication = authentication(&accepted);
        let wanted = accepted.work.map(|work| work.cells).unwrap_or_default();
        Ok(OnboardingRequest {
            request_id: request.asked.request_id.clone(),
            requested_at: self.invocation.now(),
            customer_id,
            cells: Cells::new(wanted).map_err(|rule| refused(request, rule))?,
            authentication,
            actor: request.asked.actor.clone(),
            reason: request.asked.reason.clone(),
        })
    }

    fn offboarding(&self, request: &RetryRequest, customer_id: CustomerId) -> OffboardingRequest {
        OffboardingRequest {
            // It failed after a day: no analysis that was under way then is still.
            drain: false,
            request_id: request.asked.request_id.clone(),
            requested_at: self.invocation.now(),
            customer_id,
            actor: request.asked.actor.clone(),
            reason: request.asked.reason.clone(),
        }
    }

    /// The record as it was once the request had been accepted: with the cells that it named, and with an
    /// intent for each that was new.
    async fn accepted(
        &self,
        customer_id: &CustomerId,
        request_id: &RequestId,
    ) -> Result<Option<Customer>, FlowError> {
        let mut before: Option<String> = None;
        loop {
            let trail = self.registry.trail(customer_id, before.as_deref(), ENTRIES).await?;
            let ours = |work: &Work| work.request_id == *request_id;
            let works_on_it = |record: &Customer| record.work.as_ref().is_some_and(ours);
            for entry in trail.entries {
                let records = (serde_json::from_value(entry.before), serde_json::from_value(entry.after));
                let (Ok(before), Ok(after)): (Result<Customer, _>, Result<Customer, _>) = records else {
                    continue;
                };
                if works_on_it(&after) && !works_on_it(&before) {
                    return Ok(Some(after));
                }
            }
            before = trail.next;
            if before.is_none() {
                return Ok(None);
            }
        }
    }
}

/// How the applications were to authenticate that the request would have made.
fn authentication(accepted: &Customer) -> AuthenticationKind {
    let mut intents = accepted.cells.values().filter_map(|cell| cell.next.as_ref());
    intents.next().map_or(AuthenticationKind::KeyPair, |intent| intent.authentication)
}

fn refused(request: &RetryRequest, rule: &str) -> FlowError {
    let violation = Violation::of_text("failed_request_id", request.failed_request_id.as_str(), rule);
    let refusal = Refusal::new(ReasonCode::InvalidField, violation);
    FlowError::Refused(refusal.about(Some(request.asked.request_id.clone()), None))
}
