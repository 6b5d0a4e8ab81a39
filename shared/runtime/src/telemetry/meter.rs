//! What CloudWatch counts: units of work by their end, announced events, calls, and how the vendor answers.
//!
//! Nothing is counted where it is done. The places of the calls write lines at level DEBUG, and a unit one at its
//! end; this layer reads them, whatever is printed of them.
//!
//! A line of metrics for each document would cost more than its log. So what is ordinary (a document that is
//! submitted, or has its verdict, or waits) is written at most once a minute, and what a process has counted in its
//! last minute goes with it where no other unit comes. Everything else is written at once.

use std::collections::BTreeMap;
use std::io::Write;
use std::mem::take;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::lines::Fields;
use super::tally::Tally;
use crate::clock;
use crate::metrics::{MOST_VALUES, Metrics};

/// Under this target the client of the vendor tells of each call.
const VENDOR: &str = "resistant::transport";

/// Under this target each request to AWS is told of.
pub(crate) const AWS: &str = "runtime::aws";

/// Under this target each announced event is told of.
pub(crate) const BUS: &str = "runtime::bus";

/// How long ordinary counts are kept together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// Events that come with every document.
const ORDINARY_EVENTS: [&str; 2] = ["DocumentSubmitted", "DocumentAnalyzed"];

/// The metric of each way in which a unit can end, by the verdict's word.
const VERDICTS: [(&str, &str); 6] = [
    ("Done", "Done"),
    ("Wait", "Waited"),
    ("Rejected", "Rejected"),
    ("Failed", "Failed"),
    ("Retry", "Retried"),
    ("Bug", "Bugs"),
];

/// A subscriber's layer that writes the metrics.
pub(super) struct Meter {
    stack: String,
    now: fn() -> Timestamp,
    counted: Mutex<Counted>,
    out: Mutex<Box<dyn Write + Send>>,
}

/// What is not written yet.
#[derive(Default)]
struct Counted {
    written_at: Option<Timestamp>,
    unusual: bool,
    verdicts: BTreeMap<&'static str, u64>,
    events: BTreeMap<String, u64>,
    functions: BTreeMap<String, Work>,
    cells: BTreeMap<String, Answers>,
}

/// What a function has done.
#[derive(Default)]
struct Work {
    units: u64,
    faults: u64,
    calls: Tally,
}

/// How the vendor answered in one cell, or in the control plane.
#[derive(Default)]
struct Answers {
    took: Vec<u64>,
    throttled: u64,
}

impl Meter {
    /// Writes to standard output, from where Lambda takes it.
    pub(super) fn to_stdout(stack: String) -> Self {
        Self::to(stack, clock::now, std::io::stdout())
    }

    fn to(stack: String, now: fn() -> Timestamp, out: impl Write + Send + 'static) -> Self {
        Self { stack, now, counted: Mutex::default(), out: Mutex::new(Box::new(out)) }
    }

    /// What it has to see, whatever is printed.
    pub(super) fn filter() -> Targets {
        let all = [VENDOR, AWS, BUS, super::UNIT];
        Targets::new().with_targets(all.map(|target| (target, Level::DEBUG)))
    }

    fn write(&self, lines: &[Metrics]) {
        let text: String = lines.iter().map(|metrics| format!("{}\n", metrics.line())).collect();
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nowhere to report that there is nowhere to report to.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Meter {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target() == super::UNIT
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().insert(Tally::default());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let said = |name: &str| fields.0.get(name);
        let text = |name: &str| said(name).and_then(Value::as_str).unwrap_or_default();
        let tally = |change: fn(&mut Tally)| {
            let spans = context.event_scope(event).into_iter().flatten();
            let mut all = spans.filter_map(|span| {
                let mut extensions = span.extensions_mut();
                let tally = extensions.get_mut::<Tally>()?;
                change(tally);
                Some(*tally)
            });
            all.next().unwrap_or_default()
        };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match event.metadata().target() {
            VENDOR => {
                tally(|tally| tally.vendor += 1);
                let number = |name| said(name).and_then(Value::as_u64);
                counted.answered(
                    text("vendor.cell"),
                    text("vendor.operation"),
                    number("http.status"),
                    number("duration_ms"),
                );
            }
            AWS => {
                tally(|tally| tally.aws += 1);
            }
            BUS => counted.announced(text("event_type")),
            // Whatever else a unit says is only to be read.
            super::UNIT if said("verdict").is_some() => {
                let calls = tally(|_| ());
                if let Some(lines) =
                    counted.ended(text("function"), text("verdict"), calls, &self.stack, (self.now)())
                {
                    drop(counted);
                    self.write(&lines);
                }
            }
            _ => {}
        }
    }
}

impl Counted {
    fn answered(&mut self, cell: &str, operation: &str, status: Option<u64>, took: Option<u64>) {
        let answers = self.cells.entry(cell.to_owned()).or_default();
        if status == Some(429) {
            answers.throttled += 1;
            self.unusual = true;
        }
        // How long an upload takes is the document's size, and says little of the vendor.
        if let Some(took) = took
            && operation != "upload"
        {
            answers.took.push(took);
        }
    }

    fn announced(&mut self, event: &str) {
        *self.events.entry(event.to_owned()).or_default() += 1;
        self.unusual |= !ORDINARY_EVENTS.contains(&event);
    }

    /// Counts a unit's end. What is to be written now, if it is time.
    fn ended(
        &mut self,
        function: &str,
        verdict: &str,
        calls: Tally,
        stack: &str,
        now: Timestamp,
    ) -> Option<Vec<Metrics>> {
        let (_, metric) = VERDICTS.into_iter().find(|(word, _)| *word == verdict)?;
        *self.verdicts.entry(metric).or_default() += 1;
        self.unusual |= !matches!(verdict, "Done" | "Wait");
        let work = self.functions.entry(function.to_owned()).or_default();
        work.units += 1;
        work.faults += u64::from(matches!(verdict, "Retry" | "Bug"));
        work.calls.vendor += calls.vendor;
        work.calls.aws += calls.aws;
        let full = self.cells.values().any(|answers| answers.took.len() >= MOST_VALUES);
        let old = self.written_at.is_none_or(|at| now.duration_since(at) >= TOGETHER);
        (self.unusual || full || old).then(|| self.taken(stack, now))
    }

    /// Everything, as it is to be written; nothing is left.
    fn taken(&mut self, stack: &str, now: Timestamp) -> Vec<Metrics> {
        self.written_at = Some(now);
        self.unusual = false;
        let mut whole = Metrics::new(stack, now);
        let verdicts = take(&mut self.verdicts);
        // Zeros too: an alarm tells "none" from "nobody counts".
        for (_, metric) in VERDICTS {
            whole = whole.count(metric, verdicts.get(metric).copied().unwrap_or_default());
        }
        for (event, count) in take(&mut self.events) {
            whole = whole.count(event, count);
        }
        let functions = take(&mut self.functions).into_iter().map(|(function, work)| {
            Metrics::new(stack, now)
                .by("Function", function)
                .count("Units", work.units)
                .count("Faults", work.faults)
                .count("VendorCalls", work.calls.vendor)
                .count("AwsCalls", work.calls.aws)
        });
        let cells = take(&mut self.cells).into_iter().flat_map(|(cell, answers)| {
            let by = Metrics::new(stack, now).by("Cell", cell);
            let throttled = by.clone().count("VendorThrottled", answers.throttled);
            let took =
                answers.took.chunks(MOST_VALUES).map(|took| by.clone().milliseconds("VendorLatency", took));
            [throttled].into_iter().chain(took).collect::<Vec<_>>()
        });
        [whole].into_iter().chain(functions).chain(cells).collect()
    }
}

#[cfg(test)]
mod tests;
