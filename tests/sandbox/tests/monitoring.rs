//! Every alarm is explained, and the tables about alarms and metrics say what the template and the code do.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::collections::{BTreeMap, BTreeSet};

use sandbox::watched::{self, Alarm, Metric};
use sandbox::{functions, places, python, stack};
use serde_json::Value;

/// What AWS counts by itself, of the services used here (AWS: "Available CloudWatch metrics for Amazon SQS",
/// "Types of metrics for Lambda functions").
const OF_AWS: [(&str, &[&str], &str); 2] = [
    ("AWS/SQS", &["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"], "QueueName"),
    ("AWS/Lambda", &["ConcurrentExecutions", "Duration", "Errors", "Throttles"], "FunctionName"),
];

async fn template() -> Value {
    let python = python::interpreter().await.unwrap();
    stack::template(&python).await.unwrap()
}

fn file(path: &str) -> String {
    std::fs::read_to_string(places::workspace().join(path)).unwrap()
}

/// The cells of a table of `infra/README.md`, row by row, without its head.
fn table(marker: &str) -> Vec<Vec<String>> {
    let readme = file("infra/README.md");
    let (_, table) = readme.split_once(&format!("<!-- {marker} -->\n")).unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn section(alarm: &Alarm) -> &str {
    let (_, anchor) = alarm
        .description
        .split_once(" RUNBOOK.md#")
        .unwrap_or_else(|| panic!("{} names no section of the runbook: {}", alarm.name, alarm.description));
    anchor
}

/// As GitHub makes a heading's.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    kept.chars()
        .filter(|one| one.is_alphanumeric() || " -_".contains(*one))
        .collect::<String>()
        .replace(' ', "-")
}

#[tokio::test]
async fn every_alarm_names_a_section_of_the_runbook_that_says_what_to_do() {
    let runbook = file("infra/RUNBOOK.md");
    let sections: BTreeMap<String, &str> = runbook
        .split("\n## ")
        .skip(1)
        .filter(|section| section.starts_with("Alarm: "))
        .map(|section| (anchor(section.lines().next().unwrap()), section))
        .collect();
    let alarms = watched::alarms(&template().await).unwrap();
    let named: BTreeSet<&str> = alarms.iter().map(section).collect();
    assert_eq!(named, sections.keys().map(String::as_str).collect());
    for (anchor, section) in sections {
        for part in ["**Means.**", "**Look.**", "**Do.**", "**Do not**"] {
            assert_eq!(section.matches(part).count(), 1, "{part} in {anchor}");
        }
    }
}

#[tokio::test]
async fn the_table_of_alarms_is_the_template() {
    let alarms = watched::alarms(&template().await).unwrap();
    let mut of_sections = BTreeMap::<&str, Vec<&Alarm>>::new();
    for alarm in &alarms {
        of_sections.entry(section(alarm)).or_default().push(alarm);
    }
    let mut told = BTreeSet::new();
    for row in table("alarms") {
        let [runbook, names, metrics, who, _, _] = row.as_slice() else { panic!("{row:?}") };
        let (_, anchor) = runbook.trim_end_matches(')').split_once("(RUNBOOK.md#").unwrap();
        let those = of_sections.get(anchor).unwrap_or_else(|| panic!("no alarm has {anchor}"));
        let are: BTreeSet<_> = those.iter().map(|alarm| alarm.name.clone()).collect();
        assert_eq!(expanded(names, &are), are, "{anchor}");
        let looked_at = those.iter().flat_map(|alarm| &alarm.metrics).map(|metric| metric.name.clone());
        assert_eq!(quoted(metrics), looked_at.collect(), "{anchor}");
        assert!(those.iter().all(|alarm| alarm.urgent == (who == "now")), "{anchor} is told {who}");
        told.insert(anchor.to_owned());
    }
    assert_eq!(told, of_sections.keys().map(|anchor| (*anchor).to_owned()).collect());
}

/// The names in a cell, where `crashes-…` stands for every name that begins like it.
fn expanded(cell: &str, all: &BTreeSet<String>) -> BTreeSet<String> {
    let names = quoted(cell).into_iter();
    names
        .flat_map(|name| match name.strip_suffix('…') {
            None => vec![name],
            Some(family) => all.iter().filter(|one| one.starts_with(family)).cloned().collect(),
        })
        .collect()
}

/// The ordinary journey of the sandbox holds that each of them is written.
#[tokio::test]
async fn the_table_of_metrics_has_every_metric_that_is_watched() {
    let template = template().await;
    let told: BTreeSet<Metric> = table("metrics")
        .iter()
        .flat_map(|row| {
            let dimensions = quoted(&row[1]);
            let of = move |name: &String| {
                let dimensions = dimensions.iter().map(|name| Some(name.as_str()));
                Metric::new(watched::OURS, name, dimensions).unwrap()
            };
            quoted(&row[0]).iter().map(of).collect::<Vec<_>>()
        })
        .collect();
    let mut all = watched::on_dashboard(&template).unwrap();
    all.extend(watched::alarms(&template).unwrap().into_iter().flat_map(|alarm| alarm.metrics));
    for metric in all {
        if metric.namespace == watched::OURS {
            assert!(told.contains(&metric), "{metric:?} is not in the table");
        } else {
            let known = OF_AWS.into_iter().any(|(namespace, names, dimension)| {
                metric.namespace == namespace
                    && names.contains(&metric.name.as_str())
                    && metric.dimensions == BTreeSet::from([dimension.to_owned()])
            });
            assert!(known, "AWS does not count {metric:?}");
        }
    }
}

#[tokio::test]
async fn every_function_queue_and_dead_letter_queue_has_its_alarms() {
    let alarms = watched::alarms(&template().await).unwrap();
    let of = |family: &str| -> BTreeSet<String> {
        let names = alarms.iter().filter_map(|alarm| alarm.name.strip_prefix(family));
        names.map(str::to_owned).collect()
    };
    let all: BTreeSet<String> = functions::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(of("error-budget-"), all);
    assert_eq!(of("crashes-"), all);
    let queues = ["onboarding", "offboarding", "submission", "results"].map(str::to_owned);
    assert_eq!(of("queue-age-"), BTreeSet::from(queues.clone()));
    let undelivered = ["undelivered".to_owned()];
    assert_eq!(of("dead-letters-"), queues.into_iter().chain(undelivered).collect());
}
