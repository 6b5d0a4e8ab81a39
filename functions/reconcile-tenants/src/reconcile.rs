//! The reconciliation: what the vendor holds, what is recorded and what the vault keeps, compared.
//!
//! | module | does |
//! |---|---|
//! | [`findings`] | the table of what can be found |
//! | [`facts`], [`join`] | from what was seen to what is wrong, without a call |
//! | `commands` | the commands that findings name |
//! | `look`, `pace` | sees, one call after the other and not too fast |
//! | `repair` | what mode `apply` does |
//! | `slice`, `state` | one invocation's share, and what is kept until the next |
//! | [`reports`] | the bucket of reports |

mod commands;
pub mod facts;
pub mod findings;
pub mod join;
mod look;
mod pace;
mod repair;
pub mod reports;
mod slice;
mod state;
mod stop;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lifecycle::Remover;
use registry::Documents;
use resistant::Vendor;
use runtime::{Backlog, Bus, Invocation, Message, Metrics, Report, Verdict};
use serde_json::json;
use shared_core::elapsed;
use shared_core::event::{OutboundEvent, ReasonCode, ReconciliationFinished};
use shared_core::request::{ReconciliationRequest, Refusal, Violation};

use facts::Terms;
use findings::Code;
use look::Look;
use pace::Pace;
use reports::Reports;
use slice::Slice;
use state::State;
use stop::Stop;

/// When to ask again while another reconciliation is unfinished.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// What a reconciliation works with.
#[derive(Clone)]
pub struct Reconciler {
    /// The registry, the vault, the control plane, and the flows over them.
    pub remover: Remover,
    /// The vendor's tokens.
    pub vendor: Vendor,
    /// The bus.
    pub bus: Bus,
    /// The bucket of reports.
    pub reports: Arc<dyn Reports>,
    /// The queues.
    pub backlog: Arc<dyn Backlog>,
    /// The documents, to see which are stuck.
    pub documents: Documents,
    /// What the deployment is told.
    pub terms: Terms,
}

/// How far a slice came.
enum Came {
    ToTheEnd(ReconciliationFinished),
    ToAPause(Stop),
}

impl Reconciler {
    /// Carries out a request, or goes on with it, or answers what became of it.
    pub(crate) async fn asked(&self, message: &Message, invocation: &Invocation) -> Verdict {
        let runtime::Payload::Event(said) = &message.payload else {
            return Verdict::Bug("a reconciliation is asked for by an event".into());
        };
        let request = match ReconciliationRequest::parse(said) {
            Ok(request) => request,
            Err(refusal) => return self.bus.refuse(&refusal, message, invocation.now()).await,
        };
        invocation.concerns(&request.request_id);
        match self.answer(&request, message, invocation).await {
            Ok(verdict) => verdict,
            Err(stop) => Verdict::of(stop, None),
        }
    }

    async fn answer(
        &self,
        request: &ReconciliationRequest,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Verdict, Stop> {
        if let Some(finished) = state::finished(&*self.reports, &request.request_id).await? {
            return Ok(match finished.mode == request.mode {
                true => Verdict::Done(told("reconciled before", &finished)),
                false => self.bus.refuse(&reused(request), message, invocation.now()).await,
            });
        }
        if let Some(unfinished) = State::unfinished(&*self.reports).await? {
            if unfinished.request_id == request.request_id {
                return match unfinished.mode == request.mode {
                    true => self.go_on(unfinished, message, invocation).await,
                    false => Ok(self.bus.refuse(&reused(request), message, invocation.now()).await),
                };
            }
            let other = unfinished.request_id.clone();
            if let Came::ToAPause(_) = self.slice(unfinished, message, invocation).await? {
                let reason = format!("the reconciliation `{other}` is not finished, and goes on every hour");
                return Ok(Verdict::wait(AGAIN, None, reason));
            }
        }
        let state = State::new(request, invocation.now());
        // Before anything is looked at: whatever stops it, the next call goes on.
        state.save(&*self.reports).await?;
        self.go_on(state, message, invocation).await
    }

    /// Goes on with what is unfinished, if anything is.
    pub(crate) async fn unfinished(&self, message: &Message, invocation: &Invocation) -> Option<Verdict> {
        let went_on = match State::unfinished(&*self.reports).await {
            Ok(Some(state)) => self.go_on(state, message, invocation).await,
            Ok(None) => return None,
            Err(stop) => Err(stop),
        };
        Some(went_on.unwrap_or_else(|stop| Verdict::of(stop, None)))
    }

    async fn go_on(&self, state: State, message: &Message, invocation: &Invocation) -> Result<Verdict, Stop> {
        let id = state.request_id.clone();
        Ok(Verdict::Done(match self.slice(state, message, invocation).await? {
            Came::ToTheEnd(finished) => told("reconciled", &finished),
            Came::ToAPause(stop) => {
                let detail =
                    json!({"request_id": id, "goes_on": "with the next call", "why": stop.to_string()});
                Report::new("to be continued").with(detail)
            }
        }))
    }

    async fn slice(
        &self,
        mut state: State,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Came, Stop> {
        state.slices += 1;
        let calls_end = Slice::calls_end(invocation);
        let mut slice = Slice {
            remover: &self.remover,
            backlog: &*self.backlog,
            terms: &self.terms,
            look: Look {
                registry: self.remover.registry().clone(),
                documents: self.documents.clone(),
                vault: self.remover.vault().clone(),
                control: self.remover.control().with_deadline(calls_end),
                vendor: self.vendor.with_deadline(calls_end),
                pace: Pace::default(),
            },
            message,
            invocation,
        };
        match slice.run(&mut state).await {
            Ok(()) => self.finish(&state, invocation).await.map(Came::ToTheEnd),
            Err(stop) => {
                state.save(&*self.reports).await?;
                let (id, why) = (&state.request_id, reasons(&stop));
                tracing::info!(reconciliation.id = %id, why, "The reconciliation is to be continued.");
                if stop.is_a_pause() { Ok(Came::ToAPause(stop)) } else { Err(stop) }
            }
        }
    }

    /// Each of these steps may be repeated: until the last one is done, the next call does them again.
    async fn finish(&self, state: &State, invocation: &Invocation) -> Result<ReconciliationFinished, Stop> {
        let finished = state.event(&self.terms.reports_bucket);
        state.report(&*self.reports, invocation.now()).await?;
        self.bus.announce(&OutboundEvent::new(finished.clone(), invocation.now())).await?;
        state::keep_finished(&*self.reports, &finished).await?;
        State::clear(&*self.reports).await?;
        self.metrics(state, &finished, invocation.now()).put();
        tracing::info!(
            reconciliation.id = %finished.request_id,
            mode = %finished.mode,
            customers = finished.customers,
            unseen = finished.unseen,
            tenants = finished.tenants,
            findings = json!(finished.findings).to_string(),
            repaired = finished.repaired,
            invocations = state.slices,
            "Reconciled."
        );
        Ok(finished)
    }

    /// How much was found, of each kind that was found, how much room is left at the vendor, and how old the oldest
    /// credential is. Alarms stand on the first six, which are there also where they are zero.
    fn metrics(&self, state: &State, finished: &ReconciliationFinished, now: Timestamp) -> Metrics {
        let quota = (self.terms.quota as u64).max(1);
        let left = quota.saturating_sub(finished.tenants);
        let age = state.oldest_credential.map(|since| elapsed(since, now).as_secs() / (24 * 60 * 60));
        let found = |code: Code| finished.findings.get(code.as_str()).copied().unwrap_or_default();
        let metrics = Metrics::new(&self.terms.bus_name, now)
            .count("Findings", finished.findings.values().sum())
            .count("TenantsLeft", left)
            .percent("TenantsLeftPercent", left * 100 / quota)
            .figure("OldestCredentialDays", age.unwrap_or_default())
            .count("RotationsOverdue", found(Code::RotationOverdue))
            .count("RetirementsOverdue", found(Code::RetirementDue));
        finished.findings.iter().fold(metrics, |metrics, (code, count)| metrics.count(code, *count))
    }
}

fn told(outcome: &str, finished: &ReconciliationFinished) -> Report {
    Report::new(outcome).with(json!(finished))
}

fn reused(request: &ReconciliationRequest) -> Refusal {
    let rule = "an id of its own: a reconciliation in the other mode has this one";
    let violation = Violation::of_text("request_id", request.request_id.as_str(), rule);
    Refusal::new(ReasonCode::RequestIdReused, violation).about(Some(request.request_id.clone()), None)
}

/// An error with its causes. None of those that come here shows a secret.
fn reasons(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl fmt::Debug for Reconciler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconciler").field("terms", &self.terms).finish_non_exhaustive()
    }
}
