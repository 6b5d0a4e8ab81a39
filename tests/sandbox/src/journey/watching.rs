//! What the functions said while all this happened: lines for people, metrics for alarms.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;
use crate::stack;
use crate::watched::{self, Metric};

/// How many bytes of log a document may cost, from its submission to its verdict: every line about it. Metrics of
/// documents are written together, and apart from it.
const MOST_BYTES: usize = 600;

pub(super) async fn everything_was_told(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("What the log tells");
    let log = sandbox.log().unwrap_or_default();
    let lines: Vec<(usize, Value)> = log.lines().filter_map(line).collect();
    let events = sandbox.bus.events();
    report.expect("a document costs little log", async { documents_are_cheap(&lines, &events) }).await;
    report
        .expect("an event is found in the log by its own id", async { ids_are_carried(&lines, &events) })
        .await;
    report
        .expect("every metric of an alarm or the dashboard was written", async {
            what_is_watched_is_written(&lines, &sandbox.template().await?)
        })
        .await;
}

/// A line of a function, with its length in bytes.
fn line(text: &str) -> Option<(usize, Value)> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.is_object().then_some((text.len() + 1, value))
}

/// Those whose verdict was there at the first look.
fn documents_are_cheap(lines: &[(usize, Value)], events: &[Value]) -> Result<Seen<()>> {
    let mut of_document = BTreeMap::<&str, (usize, usize)>::new();
    for (bytes, line) in lines {
        if let Some(id) = line["correlation_id"].as_str() {
            let (count, sum) = of_document.entry(id).or_default();
            (*count, *sum) = (*count + 1, *sum + bytes);
        }
    }
    let analyzed = events.iter().filter(|event| event["type"] == "DocumentAnalyzed");
    let ids = analyzed.filter_map(|event| event["document_id"].as_str()).collect::<BTreeSet<_>>();
    let at_once: Vec<usize> = ids
        .iter()
        .filter_map(|id| of_document.get(id))
        .filter(|(count, _)| *count == 2)
        .map(|(_, sum)| *sum)
        .collect();
    let most = at_once.iter().max().context("no document was submitted and looked for in two lines")?;
    ensure!(*most <= MOST_BYTES, "one costs {most} bytes");
    Ok(seen(format!("at most {most} bytes, {} documents", at_once.len())))
}

/// What a platform holds in its hands, when it asks what happened, is an event.
fn ids_are_carried(lines: &[(usize, Value)], events: &[Value]) -> Result<Seen<()>> {
    let ends = lines.iter().filter(|(_, line)| line["verdict"].is_string());
    let known: BTreeSet<&str> = ends.filter_map(|(_, line)| line["correlation_id"].as_str()).collect();
    let mut found = 0;
    for event in events {
        let ids = ["document_id", "request_id"].into_iter().filter_map(|name| event[name].as_str());
        let Some(id) = ids.into_iter().next() else { continue };
        ensure!(known.contains(id), "no line has {id} of {event}");
        found += 1;
    }
    ensure!(found > 0, "no event has an id");
    Ok(seen(format!("{found} events")))
}

/// An alarm on a metric that nobody writes never goes off, and says nothing of it.
fn what_is_watched_is_written(lines: &[(usize, Value)], template: &Value) -> Result<Seen<()>> {
    let written = written(lines)?;
    let on_dashboard = watched::on_dashboard(template)?;
    let alarms = watched::alarms(template)?;
    let of_alarms = alarms.iter().flat_map(|alarm| &alarm.metrics);
    let ours: BTreeSet<_> =
        of_alarms.chain(&on_dashboard).filter(|metric| metric.namespace == watched::OURS).collect();
    for metric in &ours {
        ensure!(written.contains(*metric), "nobody wrote {metric:?}");
    }
    ensure!(!ours.is_empty(), "nothing is watched");
    Ok(seen(format!("{} of {} metrics, {} alarms", ours.len(), written.len(), alarms.len())))
}

/// Every metric that was written for this stack.
fn written(lines: &[(usize, Value)]) -> Result<BTreeSet<Metric>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = BTreeSet::new();
    for (_, line) in lines.iter().filter(|(_, line)| line["Stack"] == stack::NAME) {
        for directive in list(&line["_aws"]["CloudWatchMetrics"]) {
            let namespace = directive["Namespace"].as_str().context("no namespace")?;
            let dimensions = list(&directive["Dimensions"][0]);
            for metric in list(&directive["Metrics"]) {
                let name = metric["Name"].as_str().unwrap_or_default();
                if line[name].is_number() || line[name].is_array() {
                    found.insert(Metric::new(namespace, name, dimensions.iter().map(Value::as_str))?);
                }
            }
        }
    }
    Ok(found)
}
