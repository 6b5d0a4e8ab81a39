//! Metrics: a log line in CloudWatch's embedded metric format, which costs no call.
//!
//! [The format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
//! is read by CloudWatch Logs, wherever the line comes from. It is written whatever the log level is, for alarms
//! stand on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "ResistantTenants";

/// The dimension that every metric has: two stacks of an account are told apart.
pub const STACK: &str = "Stack";

/// How many values one metric may have in a line (AWS: "Target members" of the format's specification).
pub const MOST_VALUES: usize = 100;

/// What was measured up to one moment, by its names. Its dimensions take few values each, for every combination
/// is a metric that is paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    at: Timestamp,
    dimensions: Vec<(&'static str, String)>,
    measured: BTreeMap<String, (&'static str, Value)>,
}

impl Metrics {
    /// Nothing measured yet, in this stack at this time.
    pub fn new(stack: impl Into<String>, at: Timestamp) -> Self {
        Self { at, dimensions: vec![(STACK, stack.into())], measured: BTreeMap::new() }
    }

    /// By one dimension more.
    #[must_use]
    pub fn by(mut self, dimension: &'static str, value: impl Into<String>) -> Self {
        self.dimensions.push((dimension, value.into()));
        self
    }

    /// With a count.
    #[must_use]
    pub fn count(self, name: impl Into<String>, count: u64) -> Self {
        self.with(name, "Count", count.into())
    }

    /// With a percentage.
    #[must_use]
    pub fn percent(self, name: impl Into<String>, percent: u64) -> Self {
        self.with(name, "Percent", percent.into())
    }

    /// With a figure whose unit CloudWatch does not know; its name says it.
    #[must_use]
    pub fn figure(self, name: impl Into<String>, figure: u64) -> Self {
        self.with(name, "None", figure.into())
    }

    /// With how long each of several things took; no more than [`MOST_VALUES`].
    #[must_use]
    pub fn milliseconds(self, name: impl Into<String>, each: &[u64]) -> Self {
        self.with(name, "Milliseconds", each.into())
    }

    fn with(mut self, name: impl Into<String>, unit: &'static str, value: Value) -> Self {
        self.measured.insert(name.into(), (unit, value));
        self
    }

    /// The line.
    pub fn line(&self) -> String {
        let metrics = self.measured.iter().map(|(name, (unit, _))| json!({"Name": name, "Unit": unit}));
        let names: Vec<_> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let directive = json!({
            "Namespace": NAMESPACE,
            "Dimensions": [names],
            "Metrics": metrics.collect::<Vec<_>>(),
        });
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({"Timestamp": self.at.as_millisecond(), "CloudWatchMetrics": [directive]}),
        );
        line.extend(self.dimensions.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())));
        line.extend(self.measured.iter().map(|(name, (_, value))| (name.clone(), value.clone())));
        Value::Object(line).to_string()
    }

    /// Writes the line to standard output, from where Lambda takes it.
    #[expect(clippy::print_stdout, reason = "a metric is a line of standard output")]
    pub fn put(&self) {
        println!("{}", self.line());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let metrics = Metrics::new("acme", at).by("Cell", "eu-1").count("Throttled", 2);
        let line: Value =
            serde_json::from_str(&metrics.milliseconds("Latency", &[3, 4]).percent("Left", 20).line())
                .unwrap();
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 1_767_225_600_000_u64);
        assert_eq!(directive["Namespace"], NAMESPACE);
        assert_eq!(directive["Dimensions"], json!([["Stack", "Cell"]]));
        assert_eq!(
            directive["Metrics"],
            json!([
                {"Name": "Latency", "Unit": "Milliseconds"},
                {"Name": "Left", "Unit": "Percent"},
                {"Name": "Throttled", "Unit": "Count"},
            ])
        );
        assert_eq!((&line["Stack"], &line["Cell"]), (&"acme".into(), &"eu-1".into()));
        assert_eq!(
            (&line["Throttled"], &line["Latency"], &line["Left"]),
            (&2.into(), &json!([3, 4]), &20.into())
        );
    }
}
