use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::telemetry::written::Written;
use crate::telemetry::{Lines, UNIT, filter};

thread_local! {
    static SECONDS: AtomicI64 = const { AtomicI64::new(0) };
}

fn clock() -> Timestamp {
    SECONDS.with(|seconds| Timestamp::from_second(seconds.load(Ordering::Relaxed)).unwrap())
}

fn pass(seconds: i64) {
    SECONDS.with(|at| at.fetch_add(seconds, Ordering::Relaxed));
}

/// What is printed, and what is counted, of whatever `work` says.
fn watched(level: LevelFilter, work: impl FnOnce(&Written, &Written)) {
    let (lines, metrics) = (Written::default(), Written::default());
    let meter = Meter::to("stack-1".to_owned(), clock, metrics.clone());
    let subscriber = tracing_subscriber::registry()
        .with(meter.with_filter(Meter::filter()))
        .with(Lines::to(lines.clone()).with_filter(filter(level)));
    tracing::subscriber::with_default(subscriber, || work(&lines, &metrics));
}

/// A unit that makes two calls to AWS and one to the vendor.
fn unit(function: &str, verdict: &str, status: u16) {
    let span = tracing::info_span!(target: UNIT, "unit", correlation_id = "r-1", request.id = "i-1");
    span.in_scope(|| {
        tracing::debug!(target: AWS, "Called AWS.");
        tracing::debug!(target: AWS, "Called AWS.");
        called("getTenant", "control", status, 7);
        called("upload", "eu-1", 200, 900);
        tracing::info!(target: UNIT, function, verdict, outcome = "x");
    });
}

fn called(operation: &str, cell: &str, status: u16, duration_ms: u64) {
    tracing::debug!(
        target: VENDOR,
        duration_ms,
        vendor.operation = operation,
        vendor.cell = cell,
        http.status = status,
        "Called the vendor."
    );
}

fn latencies(metrics: &[Value]) -> Vec<Value> {
    metrics.iter().filter_map(|line| line.get("VendorLatency")).cloned().collect()
}

fn of<'a>(metrics: &'a [Value], dimension: &str, value: &str) -> &'a Value {
    metrics.iter().find(|line| line[dimension] == value).unwrap_or_else(|| panic!("{metrics:?}"))
}

#[test]
fn a_unit_is_counted_by_its_end_its_function_and_its_calls() {
    watched(LevelFilter::INFO, |lines, metrics| {
        unit("rotate-secret", "Bug", 200);
        let metrics = metrics.lines();
        assert_eq!(metrics.len(), 5, "{metrics:?}");
        let whole = &metrics[0];
        assert_eq!(
            (&whole["Bugs"], &whole["Done"], &whole["Stack"]),
            (&1.into(), &0.into(), &"stack-1".into())
        );
        let function = of(&metrics, "Function", "rotate-secret");
        assert_eq!((&function["Units"], &function["Faults"]), (&1.into(), &1.into()));
        assert_eq!((&function["VendorCalls"], &function["AwsCalls"]), (&2.into(), &2.into()));
        assert_eq!(of(&metrics, "Cell", "control")["VendorThrottled"], 0);
        assert_eq!(latencies(&metrics), [json!([7])], "an upload's time is its document's size");
        let line = &lines.lines()[0];
        assert_eq!((&line["vendor_calls"], &line["aws_calls"]), (&2.into(), &2.into()));
    });
}

#[test]
fn what_is_ordinary_is_written_once_a_minute_and_nothing_of_it_is_lost() {
    watched(LevelFilter::INFO, |_, metrics| {
        let ordinary = || unit("submit-document", "Done", 201);
        ordinary();
        assert_eq!(metrics.lines()[0]["Done"], 1, "the first is written at once: there may be no other");
        for _ in 0..3 {
            pass(15);
            ordinary();
        }
        assert!(metrics.lines().is_empty());
        pass(15);
        ordinary();
        let written = metrics.lines();
        assert_eq!(written[0]["Done"], 4);
        assert_eq!(latencies(&written), [json!([7, 7, 7, 7])]);
    });
}

#[test]
fn what_is_not_ordinary_is_written_at_once() {
    watched(LevelFilter::INFO, |_, metrics| {
        unit("submit-document", "Done", 201);
        let written = || metrics.lines().len();
        written();
        unit("submit-document", "Done", 201);
        assert_eq!(written(), 0);
        unit("submit-document", "Wait", 429);
        assert!(written() > 0, "the vendor refused by its limit");
        unit("submit-document", "Retry", 201);
        assert!(written() > 0, "an attempt failed");
        tracing::debug!(target: BUS, event_type = "DocumentSubmitted", "Announced an event.");
        unit("submit-document", "Done", 201);
        assert_eq!(written(), 0);
        tracing::debug!(target: BUS, event_type = "CustomerOnboarded", "Announced an event.");
        unit("onboard-customer", "Done", 201);
        let written = metrics.lines();
        assert_eq!(
            (&written[0]["CustomerOnboarded"], &written[0]["DocumentSubmitted"]),
            (&1.into(), &1.into())
        );
    });
}

/// A line of metrics takes a hundred values.
#[test]
fn no_latency_is_lost_and_no_line_is_too_full() {
    watched(LevelFilter::INFO, |_, metrics| {
        (0..150).for_each(|_| unit("collect-result", "Done", 200));
        let counts = |written: &[Value]| -> Vec<_> {
            latencies(written).iter().map(|values| values.as_array().unwrap().len()).collect()
        };
        assert_eq!(counts(&metrics.lines()), [1, 100], "the rest is younger than a minute");
        let span = tracing::info_span!(target: UNIT, "unit");
        span.in_scope(|| (0..150).for_each(|_| called("listTenants", "control", 200, 7)));
        unit("reconcile-tenants", "Failed", 200);
        assert_eq!(counts(&metrics.lines()), [100, 100]);
    });
}

#[test]
fn it_counts_whatever_is_printed() {
    watched(LevelFilter::ERROR, |lines, metrics| {
        unit("rotate-secret", "Retry", 200);
        assert!(lines.lines().is_empty());
        assert_eq!(metrics.lines()[0]["Retried"], 1);
    });
}
