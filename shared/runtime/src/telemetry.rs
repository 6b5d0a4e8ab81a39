//! Lines that a person can read alone and a machine can query.

use std::panic::PanicHookInfo;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

mod lines;
mod meter;
mod tally;
#[cfg(test)]
mod written;

pub use lines::Lines;
use meter::Meter;
pub(crate) use meter::{AWS, BUS};

use crate::environment::{Environment, LOG_LEVEL};

/// Under this target a unit of work has its span, and says its end.
pub(crate) const UNIT: &str = "runtime::unit";

/// The crates whose lines follow `LOG_LEVEL`. All others say only what goes wrong: at finer levels
/// the SDKs and the Lambda runtime print whole payloads, and those hold credentials.
const OURS: [&str; 13] = [
    "runtime",
    "registry",
    "vault",
    "resistant",
    "lifecycle",
    "shared_core",
    "onboard_customer",
    "offboard_customer",
    "rotate_secret",
    "reconcile_tenants",
    "submit_document",
    "collect_result",
    "access",
];

/// Writes one JSON object a line to standard output, metrics and panics too. To be called once.
pub fn start(environment: &Environment) {
    let level = environment.get(LOG_LEVEL).and_then(|text| text.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = Lines::to_stdout().with_filter(filter(level));
    let meter = Meter::to_stdout(stack(environment)).with_filter(Meter::filter());
    // A second start, in a test's process, keeps the first.
    let _ = tracing_subscriber::registry().with(meter).with(lines).try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// The stack's name, which is its bus's; another region's stack has that bus's ARN.
fn stack(environment: &Environment) -> String {
    let bus = environment.get("EVENT_BUS_NAME").unwrap_or_default();
    bus.rsplit('/').next().unwrap_or_default().to_owned()
}

fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|ours| (ours, level)))
        // It logs each error that a handler returns, which the line at the unit's end has said.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
}

/// Where it was, and what it says if that was written in the source: a formatted message may hold
/// anything, a secret too.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let says =
        panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(not shown: it was formatted)");
    tracing::error!(panic.location = location, panic.says = says, "Panicked.");
}

/// An error and its causes, in one line: `claiming the request: DynamoDB answered 500: time-out`.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some libraries print their cause in their own text.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner(#[source] std::io::Error);

    #[test]
    fn others_never_say_more_than_warnings() {
        use tracing::Level;
        let filter = filter(LevelFilter::TRACE);
        assert!(filter.would_enable("registry", &Level::TRACE));
        assert!(filter.would_enable("submit_document::submit", &Level::TRACE));
        assert!(filter.would_enable("aws_smithy_runtime", &Level::WARN));
        for payload in ["aws_smithy_runtime::client", "lambda_runtime::layers::api_response", "hyper"] {
            assert!(!filter.would_enable(payload, &Level::INFO), "{payload}");
        }
        assert!(!super::filter(LevelFilter::ERROR).would_enable("hyper", &Level::WARN));
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let error = Outer(Inner(std::io::Error::other("refused")));
        assert_eq!(chain(&error), "outer: inner: refused");
    }
}
