//! One unit of work, from its beginning to the line at its end.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt;
use shared_core::document::Look;
use tracing::Instrument;

use crate::deferral::{Parcel, Postpone};
use crate::envelope::Unit;
use crate::{Handler, Invocation, ObjectCreated, Report, Unreadable, Verdict, telemetry};

/// So much time is left at the end of an invocation to defer, to log and to answer.
const MARGIN: Duration = Duration::from_secs(1);

/// What a document's messages are, which its function's name says already: two in three lines are about these, and
/// each byte is paid for.
const ORDINARY_KINDS: [&str; 2] = [ObjectCreated::KIND, Look::TYPE];

/// Works on one unit: whatever happens in it, a verdict comes out, before the invocation ends.
pub(crate) async fn work<H: Handler>(handler: &H, unit: Unit, invocation: &Invocation) -> Verdict {
    let line = Line::of(&unit);
    told(handler, unit, invocation, line).await
}

async fn told<H: Handler>(handler: &H, unit: Unit, invocation: &Invocation, line: Line) -> Verdict {
    let begun = Instant::now();
    let span = tracing::info_span!(
        target: telemetry::UNIT,
        "unit",
        correlation_id = line.correlation_id,
        request.id = invocation.request_id,
        origin = line.origin
    );
    let verdict = guarded(handler, unit, invocation).instrument(span.clone()).await;
    span.in_scope(|| line.write(handler.name(), invocation, &verdict, begun.elapsed()));
    verdict
}

async fn guarded<H: Handler>(handler: &H, unit: Unit, invocation: &Invocation) -> Verdict {
    let work = async {
        match unit {
            Unit::Message(message) => handler.handle(message, invocation).await,
            Unit::Unreadable(unreadable) => handler.reject(unreadable, invocation).await,
            Unit::Ignored { what, .. } => Verdict::Done(Report::new(format!("ignored: {what}"))),
        }
    };
    // A panic must not take other records with it, and an invocation that Lambda ends takes all of
    // them. Both leave what a crash leaves, which every flow continues from.
    let remaining = invocation.deadline.remaining();
    let budget = remaining.saturating_sub(MARGIN.min(remaining / 10));
    // Boxed: a handler's future nests the SDK's, deeper than the compiler lays out in one type.
    let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    match tokio::time::timeout(budget, work).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => Verdict::Bug("the work panicked; the log says where".into()),
        Err(_) => Verdict::Retry("the invocation's time ran out".into()),
    }
}

/// Works on one unit of a queue: what is too early goes back into it.
pub(crate) async fn work_queued<H: Handler, P: Postpone>(
    handler: &H,
    postpone: &P,
    unit: Unit,
    invocation: &Invocation,
) -> Verdict {
    let line = Line { queued: true, ..Line::of(&unit) };
    let Unit::Message(message) = unit else {
        return told(handler, unit, invocation, line).await;
    };
    if let Some(hop) = Parcel::hop(&message, invocation.now()) {
        return sent(postpone, &hop, "waiting").await;
    }
    let kept = message.without_payload();
    match told(handler, Unit::Message(message), invocation, line).await {
        Verdict::Defer { delay, longest, group, reason } => {
            let parcel = Parcel::next(&kept, delay, longest, group, invocation.now());
            sent(postpone, &parcel, &reason).await
        }
        other => other,
    }
}

/// The new message first; only then is the old one done with.
async fn sent(postpone: &impl Postpone, parcel: &Parcel, reason: &str) -> Verdict {
    match postpone.postpone(parcel).await {
        Ok(()) => Verdict::Done(Report::new(format!("deferred: {reason}"))),
        Err(error) => {
            tracing::warn!(
                error = telemetry::chain(&*error),
                "Deferring failed; the message is left to the queue."
            );
            Verdict::Retry(error)
        }
    }
}

/// What the line at the end says of the unit.
struct Line {
    kind: String,
    correlation_id: Option<String>,
    origin: String,
    attempt: u32,
    receive_count: u32,
    queued: bool,
}

impl Line {
    fn of(unit: &Unit) -> Self {
        match unit {
            Unit::Message(message) => Self {
                kind: message.kind().to_owned(),
                correlation_id: message.correlation_id(),
                origin: message.origin.to_string(),
                attempt: message.attempt,
                receive_count: message.receive_count,
                queued: false,
            },
            Unit::Unreadable(Unreadable { origin, .. }) => Self::without_message("unreadable", origin),
            Unit::Ignored { origin, .. } => Self::without_message("ignored", origin),
        }
    }

    fn without_message(kind: &str, origin: &crate::Origin) -> Self {
        let (kind, origin) = (kind.to_owned(), origin.to_string());
        Self { kind, correlation_id: None, origin, attempt: 1, receive_count: 1, queued: false }
    }

    /// What came from a queue and was done at once has nothing to tell but what it was, and there is most of it.
    fn is_brief(&self, verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Done(_)) && self.queued && (self.attempt, self.receive_count) == (1, 1)
    }

    fn write(&self, function: &str, invocation: &Invocation, verdict: &Verdict, took: Duration) {
        let subject = invocation.subject();
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Verdict::Done(report) = verdict
            && self.is_brief(verdict)
        {
            let (verdict, outcome) = (verdict.word(), &report.outcome);
            let kind = Some(self.kind.as_str()).filter(|kind| !ORDINARY_KINDS.contains(kind));
            tracing::info!(target: telemetry::UNIT, function, kind, subject, verdict, outcome, duration_ms);
            return;
        }
        macro_rules! line {
            ($level:ident, $outcome:expr, $message:literal) => {
                tracing::$level!(
                    target: telemetry::UNIT,
                    function,
                    kind = self.kind,
                    subject,
                    verdict = verdict.word(),
                    outcome = $outcome,
                    attempt = self.attempt,
                    receive_count = self.receive_count,
                    duration_ms,
                    $message
                )
            };
        }
        match verdict {
            Verdict::Done(report) => line!(info, report.outcome, "Worked on a message."),
            Verdict::Rejected(report) => line!(warn, report.outcome, "Rejected a message."),
            Verdict::Failed(report) => line!(error, report.outcome, "A message failed for good."),
            Verdict::Defer { reason, .. } => line!(info, reason, "A message is too early."),
            Verdict::Retry(error) => {
                line!(warn, telemetry::chain(&**error), "A message is to be tried again.")
            }
            Verdict::Bug(error) => line!(error, telemetry::chain(&**error), "A message met a bug."),
        }
    }
}
