//! Metrics: a log line in CloudWatch's embedded metric format, which costs no call.
//!
//! [The format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
//! is read by CloudWatch Logs, wherever the line comes from. It is written whatever the log level is, for alarms
//! stand on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "ResistantTenants";

/// The one dimension: two stacks of an account are told apart, and the number of metrics stays bounded.
pub const DIMENSION: &str = "Stack";

/// What was counted up to one moment, by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    stack: String,
    at: Timestamp,
    counts: BTreeMap<String, u64>,
}

impl Metrics {
    /// Nothing counted yet, in this stack at this time.
    pub fn new(stack: impl Into<String>, at: Timestamp) -> Self {
        Self { stack: stack.into(), at, counts: BTreeMap::new() }
    }

    /// With a count more.
    #[must_use]
    pub fn count(mut self, name: impl Into<String>, count: u64) -> Self {
        self.counts.insert(name.into(), count);
        self
    }

    /// The line.
    pub fn line(&self) -> String {
        let metrics: Vec<Value> =
            self.counts.keys().map(|name| json!({"Name": name, "Unit": "Count"})).collect();
        let directive = json!({"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics});
        let mut line = json!({
            "_aws": {"Timestamp": self.at.as_millisecond(), "CloudWatchMetrics": [directive]},
            DIMENSION: self.stack,
        });
        for (name, count) in &self.counts {
            line[name] = (*count).into();
        }
        line.to_string()
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
    fn a_line_is_what_the_format_s_specification_asks_for() {
        let at = Timestamp::constant(1_800_000_000, 5_000_000);
        let line = Metrics::new("stack-1", at).count("Findings", 3).count("ROTATION_OFF", 2).line();
        let expected = json!({
            "_aws": {"Timestamp": 1_800_000_000_005_i64, "CloudWatchMetrics": [{
                "Namespace": "ResistantTenants", "Dimensions": [["Stack"]],
                "Metrics": [{"Name": "Findings", "Unit": "Count"}, {"Name": "ROTATION_OFF", "Unit": "Count"}]
            }]},
            "Stack": "stack-1", "Findings": 3, "ROTATION_OFF": 2
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(!line.contains('\n'));
    }
}
