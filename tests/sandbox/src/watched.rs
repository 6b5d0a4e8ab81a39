//! What the template watches: the metrics of its alarms and of its dashboard.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

/// The namespace of the metrics that the functions write.
pub const OURS: &str = "ResistantTenants";

/// A metric by its namespace, its name and the names of its dimensions, sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each field is what its name says")]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeSet<String>,
}

impl Metric {
    /// One of them.
    pub fn new<'a>(
        namespace: &str,
        name: &str,
        dimensions: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Result<Self> {
        let dimensions = dimensions.into_iter().map(|name| name.map(str::to_owned));
        let dimensions = dimensions.collect::<Option<_>>().context("a dimension has no name")?;
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), dimensions })
    }
}

/// An alarm of the template.
pub struct Alarm {
    /// Its name, without the stack's.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// Whether it goes where alarms go that need somebody now.
    pub urgent: bool,
    /// What it looks at.
    pub metrics: BTreeSet<Metric>,
}

/// All alarms.
///
/// # Errors
/// If one is not of the form that the template gives them.
pub fn alarms(template: &Value) -> Result<Vec<Alarm>> {
    resources(template, "AWS::CloudWatch::Alarm")
        .map(|(id, alarm)| alarm_of(alarm).with_context(|| format!("the alarm {id}")))
        .collect()
}

/// Every metric on the dashboard.
///
/// # Errors
/// If its body is not JSON, or no dashboard's.
pub fn on_dashboard(template: &Value) -> Result<BTreeSet<Metric>> {
    let mut found = BTreeSet::new();
    for (id, dashboard) in resources(template, "AWS::CloudWatch::Dashboard") {
        let body = dashboard["DashboardBody"]["Fn::Sub"].as_str().context("a dashboard without a body")?;
        let body: Value = serde_json::from_str(body).with_context(|| format!("the body of {id}"))?;
        for widget in body["widgets"].as_array().context("no widgets")? {
            for metric in widget["properties"]["metrics"].as_array().context("a widget without metrics")? {
                found.insert(of_widget(metric).with_context(|| format!("{metric}"))?);
            }
        }
    }
    Ok(found)
}

fn resources<'a>(template: &'a Value, kind: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let all = template["Resources"].as_object().into_iter().flatten();
    all.filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(id, resource)| (id, &resource["Properties"]))
}

fn alarm_of(alarm: &Value) -> Result<Alarm> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("something that is no text");
    let name = text(&alarm["AlarmName"]["Fn::Sub"])?;
    let name = name.strip_prefix("${AWS::StackName}-").context("a name without the stack's")?.to_owned();
    let topic = text(&alarm["AlarmActions"]["Fn::If"][1][0]["Ref"])?;
    let metrics = match alarm["Metrics"].as_array() {
        None => BTreeSet::from([metric_of(alarm)?]),
        Some(all) => {
            let stats = all.iter().map(|metric| &metric["MetricStat"]["Metric"]);
            stats.filter(|metric| !metric.is_null()).map(metric_of).collect::<Result<_>>()?
        }
    };
    Ok(Alarm {
        name,
        description: text(&alarm["AlarmDescription"])?,
        urgent: topic == "AlarmTopicArn",
        metrics,
    })
}

fn metric_of(value: &Value) -> Result<Metric> {
    let namespace = value["Namespace"].as_str().context("no namespace")?;
    let name = value["MetricName"].as_str().context("no metric's name")?;
    let dimensions = value["Dimensions"].as_array().context("no dimensions")?;
    Metric::new(namespace, name, dimensions.iter().map(|dimension| dimension["Name"].as_str()))
}

/// `[namespace, name, dimension, value, …]`.
fn of_widget(metric: &Value) -> Result<Metric> {
    let parts = metric.as_array().context("no list")?;
    let [namespace, name, dimensions @ ..] = parts.as_slice() else { anyhow::bail!("too short") };
    let (namespace, name) = namespace.as_str().zip(name.as_str()).context("no names")?;
    Metric::new(namespace, name, dimensions.iter().step_by(2).map(Value::as_str))
}
