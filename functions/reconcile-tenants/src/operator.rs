//! What operators ask of the registry: to look, to pause a customer, to ask again for what failed, to import a
//! tenant, to restore a record.
//!
//! Each says who and why. A change of one customer goes into that customer's audit trail, with the change;
//! everything else is noted before it is done.

mod import;
mod retry;

use lifecycle::{FlowError, Restored};
use registry::{Operation, Registry, RegistryError};
use runtime::{Invocation, Message, Report, Verdict};
use serde_json::{Value, json};
use shared_core::event::ReasonCode;
use shared_core::request::{
    ApproveRequest, Asked, ImportRequest, ListRequest, NoteRequest, PauseRequest, Refusal, RestoreRequest,
    RetryRequest, ShowRequest, Violation,
};

use crate::{ReconcileTenants, Reconciler};

/// How many entries of an audit trail are shown at once.
const ENTRIES: usize = 20;

impl ReconcileTenants {
    /// Does what an operator asks, and answers.
    pub(crate) async fn operate(&self, said: &Value, message: &Message, invocation: &Invocation) -> Verdict {
        let by = By { registry: self.reconciler.remover.registry(), message, invocation };
        let answered = match message.kind() {
            ListRequest::TYPE => by.list(said).await,
            ShowRequest::TYPE => by.show(said).await,
            NoteRequest::TYPE => by.note_only(said).await,
            ApproveRequest::TYPE => by.approve(said).await,
            PauseRequest::TYPE => self.pause(said, &by).await,
            RetryRequest::TYPE => self.retry(said, &by).await,
            ImportRequest::TYPE => self.import(said, &by).await,
            RestoreRequest::TYPE => self.restore(said, &by).await,
            other => Err(FlowError::Refused(unknown(other))),
        };
        match answered {
            Ok(verdict) => verdict,
            Err(FlowError::Refused(refusal)) => {
                self.reconciler.bus.refuse(&refusal, message, invocation.now()).await
            }
            Err(error) => Verdict::of(error, None),
        }
    }

    async fn pause(&self, said: &Value, by: &By<'_>) -> Result<Verdict, FlowError> {
        let request = PauseRequest::parse(said).map_err(FlowError::Refused)?;
        by.invocation.concerns(&request.customer_id);
        let changed = self.reconciler.remover.pause(&request, &by.invocation.attempt(by.message)).await?;
        Ok(done(match (request.paused, changed) {
            (true, true) => "paused",
            (true, false) => "nothing to do: it is paused",
            (false, true) => "resumed",
            (false, false) => "nothing to do: it is not paused",
        }))
    }

    async fn restore(&self, said: &Value, by: &By<'_>) -> Result<Verdict, FlowError> {
        let request = RestoreRequest::parse(said).map_err(FlowError::Refused)?;
        by.invocation.concerns(&request.customer_id);
        let Reconciler { remover, vendor, terms, .. } = &self.reconciler;
        let attempt = by.invocation.attempt(by.message);
        let Restored { changed, cells, left_out } =
            remover.restore(&request, vendor, &terms.installation, &attempt).await?;
        let outcome = match changed {
            true => "restored",
            false => "nothing to do: the record names what the secrets name",
        };
        Ok(answer(outcome, json!({"cells": cells, "left_out": left_out})))
    }
}

/// One operator's request, and what it is about.
struct By<'a> {
    registry: &'a Registry,
    message: &'a Message,
    invocation: &'a Invocation,
}

impl By<'_> {
    /// Writes into the audit trail what is about to be done.
    async fn note(&self, asked: &Asked, what: String) -> Result<(), RegistryError> {
        let operation = Operation {
            at: self.invocation.now(),
            what,
            actor: asked.actor.to_string(),
            reason: asked.reason.to_string(),
            request_id: asked.request_id.clone(),
            origin: self.message.origin.to_string(),
        };
        self.registry.note_operation(&operation).await
    }

    async fn note_only(&self, said: &Value) -> Result<Verdict, FlowError> {
        let request = NoteRequest::parse(said).map_err(FlowError::Refused)?;
        self.note(&request.asked, request.what.to_string()).await?;
        Ok(done("noted"))
    }

    async fn approve(&self, said: &Value) -> Result<Verdict, FlowError> {
        let request = ApproveRequest::parse(said).map_err(FlowError::Refused)?;
        let id = &request.offboarding_request_id;
        self.note(&request.asked, format!("offboarding {id} approved")).await?;
        self.registry.approve(id).await?;
        Ok(done("approved"))
    }

    async fn list(&self, said: &Value) -> Result<Verdict, FlowError> {
        let ListRequest { asked, after } = ListRequest::parse(said).map_err(FlowError::Refused)?;
        self.note(&asked, "customers listed".to_owned()).await?;
        let page = self.registry.list(after.as_ref()).await?;
        let next = page.customers.last().filter(|_| page.more).map(|last| &last.customer_id);
        let customers: Vec<Value> = page
            .customers
            .iter()
            .map(|one| json!({"customer_id": one.customer_id, "phase": one.phase, "spare": one.spare}))
            .collect();
        Ok(answer("listed", json!({"customers": customers, "next": next})))
    }

    async fn show(&self, said: &Value) -> Result<Verdict, FlowError> {
        let ShowRequest { asked, customer_id, before } =
            ShowRequest::parse(said).map_err(FlowError::Refused)?;
        self.invocation.concerns(&customer_id);
        self.note(&asked, format!("customer {customer_id} shown")).await?;
        let seen = self.registry.look(&customer_id).await?;
        let record = seen.customer.readable();
        let holder = seen.lease.filter(|holder| holder.until > self.invocation.now());
        let lease = holder.map(|holder| json!({"owner": holder.owner, "until": holder.until}));
        let trail = self.registry.trail(&customer_id, before.as_deref(), ENTRIES).await?;
        let shown = json!({
            "record": record, "lease": lease, "trail": trail.entries, "next": trail.next
        });
        Ok(answer("shown", shown))
    }
}

fn done(outcome: &str) -> Verdict {
    Verdict::Done(Report::new(outcome))
}

fn answer(outcome: &str, detail: Value) -> Verdict {
    Verdict::Done(Report::new(outcome).with(detail))
}

fn unknown(kind: &str) -> Refusal {
    let rule = "one of the requests that this function takes, or no type at all: then it cleans up";
    Refusal::new(ReasonCode::WrongType, Violation::of_text("type", kind, rule))
}
