//! The clean-up: deletes the applications that no secret names any more, once their overlap has passed.
//!
//! It is called on a schedule. What it does at a customer is [`lifecycle::Remover::clean_up`]; here the
//! customers are found that have something to be cleaned up. What it does not get to, the next call does.

use std::time::Duration;

use lifecycle::{CleanedUp, FlowError, Remover};
use registry::{Cause, Listed, RegistryError};
use runtime::{Invocation, Message, Report, Verdict};
use serde_json::json;
use shared_core::ids::CustomerId;

/// How long one customer may take, and no longer is its lease held by a clean-up that was killed.
const TURN: Duration = Duration::from_secs(60);

/// With less time than this left, no customer is begun.
const NEEDED: Duration = Duration::from_secs(15);

/// What a clean-up came to.
#[derive(Debug, Default)]
struct Tally {
    deleted: usize,
    retiring: usize,
    /// Customers that another invocation works on.
    busy: usize,
    /// Customers that an operator has paused.
    paused: usize,
    failed: Vec<CustomerId>,
    /// Customers that the time did not suffice for.
    left: usize,
}

/// Cleans up wherever there is something to be cleaned up.
pub(crate) async fn run(remover: &Remover, message: &Message, invocation: &Invocation) -> Verdict {
    match clean_up(remover, message, invocation).await {
        Ok(tally) => tally.verdict(),
        Err(error) => Verdict::of(error, None),
    }
}

async fn clean_up(
    remover: &Remover,
    message: &Message,
    invocation: &Invocation,
) -> Result<Tally, RegistryError> {
    let mut tally = Tally::default();
    for Listed { customer_id, .. } in crowded(remover).await? {
        if !invocation.deadline.allows(NEEDED) {
            tally.left += 1;
            continue;
        }
        let attempt = invocation.turn(message, TURN);
        let cause = Cause {
            actor: "clean-up".to_owned(),
            reason: "applications that no secret names any more".to_owned(),
            request_id: None,
            origin: attempt.origin.clone(),
        };
        let cleaned = remover.clean_up(&customer_id, cause, &attempt).await;
        tally.count(customer_id, cleaned);
    }
    Ok(tally)
}

/// The customers with more applications than their secrets can name.
async fn crowded(remover: &Remover) -> Result<Vec<Listed>, RegistryError> {
    let (mut crowded, mut after) = (Vec::new(), None);
    loop {
        let page = remover.registry().list(after.as_ref()).await?;
        after = page.customers.last().map(|last| last.customer_id.clone());
        crowded.extend(page.customers.into_iter().filter(|customer| customer.spare > 0));
        if !page.more || after.is_none() {
            return Ok(crowded);
        }
    }
}

impl Tally {
    fn count(&mut self, customer_id: CustomerId, cleaned: Result<CleanedUp, FlowError>) {
        match cleaned {
            Ok(CleanedUp { deleted, retiring }) => {
                self.deleted += deleted.len();
                self.retiring += retiring.len();
            }
            Err(FlowError::NotYet { .. }) => self.busy += 1,
            Err(FlowError::Paused { .. }) => self.paused += 1,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, customer = %customer_id, "The customer was not cleaned up.");
                self.failed.push(customer_id);
            }
        }
    }

    fn verdict(self) -> Verdict {
        let Self { deleted, retiring, busy, paused, failed, left } = self;
        if !failed.is_empty() {
            let failed: Vec<&str> = failed.iter().map(CustomerId::as_str).collect();
            return Verdict::Retry(format!("{} could not be cleaned up", failed.join(", ")).into());
        }
        let detail = json!({
            "deleted": deleted, "retiring": retiring, "busy": busy, "paused": paused, "left": left
        });
        Verdict::Done(Report::new("cleaned up").with(detail))
    }
}
