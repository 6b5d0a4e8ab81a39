//! A queue's batch: each record for itself.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use serde::Serialize;

use crate::deferral::Postpone;
use crate::envelope::Record;
use crate::{Handler, Invocation, Verdict, unit};

/// The answer to a batch: which records must be delivered again. All others are done with
/// (AWS: Lambda Developer Guide, "Handling errors for an SQS event source").
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl BatchAnswer {
    /// The records to be delivered again, in the order of their ids.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str())
    }
}

/// Works on a batch, so many records side by side. What does not fit into the time that is left
/// goes back untouched.
pub async fn work<H: Handler, P: Postpone>(
    handler: &H,
    postpone: &P,
    records: Vec<Record>,
    invocation: &Invocation,
) -> BatchAnswer {
    let limits = handler.limits();
    // Where a whole invocation is shorter than one unit may need, half of it has to do: else
    // nothing would ever be begun.
    let needed = limits.time_needed.min(invocation.deadline.remaining() / 2);
    let outcomes = futures::stream::iter(records)
        .map(|record| work_record(handler, postpone, record, invocation, needed))
        .buffer_unordered(limits.concurrency.max(1))
        .filter_map(std::future::ready);
    let failures: BTreeSet<String> = outcomes.collect().await;
    let failed = |item_identifier| Failure { item_identifier };
    BatchAnswer { batch_item_failures: failures.into_iter().map(failed).collect() }
}

/// The record's id, if it must be delivered again.
async fn work_record<H: Handler, P: Postpone>(
    handler: &H,
    postpone: &P,
    record: Record,
    invocation: &Invocation,
    needed: Duration,
) -> Option<String> {
    let Record { message_id, units } = record;
    for one in units {
        if !invocation.deadline.allows(needed) {
            tracing::warn!(
                message.id = message_id,
                "No time is left to begin; the record goes back untouched."
            );
            return Some(message_id);
        }
        match unit::work_queued(handler, postpone, one, &invocation.another()).await {
            Verdict::Done(_) | Verdict::Rejected(_) | Verdict::Failed(_) => {}
            Verdict::Defer { .. } | Verdict::Retry(_) | Verdict::Bug(_) => return Some(message_id),
        }
    }
    None
}

#[cfg(test)]
mod tests;
