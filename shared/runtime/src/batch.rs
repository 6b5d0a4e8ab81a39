//! A queue's batch: each record for itself.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lambda_events::sqs::SqsBatchResponse;
use futures::StreamExt;

use crate::deferral::Postpone;
use crate::envelope::Record;
use crate::{Handler, Invocation, Verdict, unit};

/// Works on a batch, so many records side by side. What does not fit into the time that is left
/// goes back untouched.
///
/// The answer names the records to be delivered again, in the order of their ids. All others are done
/// with (AWS: Lambda Developer Guide, "Handling errors for an SQS event source").
pub async fn work<H: Handler, P: Postpone>(
    handler: &H,
    postpone: &P,
    records: Vec<Record>,
    invocation: &Invocation,
) -> SqsBatchResponse {
    let limits = handler.limits();
    // Where a whole invocation is shorter than one unit may need, half of it has to do: else
    // nothing would ever be begun.
    let needed = limits.time_needed.min(invocation.deadline.remaining() / 2);
    let outcomes = futures::stream::iter(records)
        .map(|record| work_record(handler, postpone, record, invocation, needed))
        .buffer_unordered(limits.concurrency.max(1))
        .filter_map(std::future::ready);
    let failures: BTreeSet<String> = outcomes.collect().await;
    let mut answer = SqsBatchResponse::default();
    answer.set_failures(failures);
    answer
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
