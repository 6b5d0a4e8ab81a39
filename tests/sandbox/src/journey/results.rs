//! Verdicts come back: by looks, by the vendor's notifications, by a look where a notification was lost, and
//! not at all.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{OutcomeRule, Status, SubmissionState};

use super::documents::put;
use super::{Customer, PATIENCE};
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

/// So many documents go each way.
const DOCUMENTS: usize = 50;

/// Of these, the notification of one is lost.
const LOST: usize = 17;

/// How many minutes an analysis takes at most, and one more.
const OVERDUE: i64 = 16;

pub(super) async fn verdicts_come_back(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) {
    report.chapter("Verdicts come back");
    let [polled, notified, ..] = customers else { return };
    let quiet = async { sandbox.quiet().await.map(|()| seen("nothing waits")) };
    report.expect("every verdict so far has come", quiet).await;
    report.expect("each document so far has one, as the vendor decided", all_right(sandbox)).await;
    let usual = sandbox.simulator.settings();
    decide(sandbox);
    let (looks, told) =
        tokio::join!(collected(sandbox, polled, None), collected(sandbox, notified, Some(LOST)));
    report.expect(&format!("{DOCUMENTS} by looks, each told of once"), async { looks }).await;
    report.expect(&format!("{DOCUMENTS} by notifications, and a lost one by a look"), async { told }).await;
    report.expect("an analysis that never ends does end for us", never_ends(sandbox, polled)).await;
    sandbox.simulator.set_settings(usual);
}

/// What the vendor decides from now on.
fn decide(sandbox: &Sandbox) {
    let containing =
        |text: &str| OutcomeRule { document_contains: Some(text.to_owned()), ..OutcomeRule::default() };
    let outcomes = vec![
        OutcomeRule { score: Some("HIGH_RISK".to_owned()), ..containing("risky") },
        OutcomeRule { status: Some(Status::Failed), ..containing("broken") },
    ];
    sandbox.simulator.set_settings(simulator::Settings { outcomes, ..simulator::Settings::default() });
}

/// Drops documents of one customer and waits for their verdicts. Where a notification is named that is lost, all
/// others are sent as soon as the vendor has a result.
async fn collected(sandbox: &Sandbox, customer: &Customer, lost: Option<usize>) -> Result<Seen<()>> {
    let cell = customer.cells.first().context("a customer without a cell")?;
    let before = sandbox.bus.events().len();
    let way = if lost.is_some() { "told" } else { "looked-for" };
    let drops = (0..DOCUMENTS).map(|number| async move {
        let kind = ["plain", "risky", "broken"][number % 3];
        let key = format!("{}/{cell}/{way}/{number}-{kind}.pdf", customer.id);
        let version = put(sandbox, &key, &pdf(&format!("{way} {number} {kind}"), 1, 0)).await?;
        anyhow::Ok((number, key, version))
    });
    let dropped = try_join_all(drops).await?;
    let verdicts = join_all(dropped.iter().map(async |(number, key, version)| {
        let of_it = |event: &Value, kind: &str| {
            event["type"].as_str().is_some_and(|name| name.starts_with(kind))
                && event["document"]["key"] == key.as_str()
                && event["document"]["version_id"] == version.as_str()
        };
        let submitted = |event: &Value| of_it(event, "DocumentSubmitted");
        let submitted = sandbox.bus.wait_for("submission", PATIENCE * 2, submitted).await?;
        if lost.is_some_and(|lost| lost != *number) {
            notify(sandbox, &submitted).await?;
        }
        let ended = |event: &Value| of_it(event, "DocumentAnal");
        let ended = sandbox.bus.wait_for("verdict", PATIENCE * 2, ended).await?;
        right(sandbox, &ended)?;
        anyhow::Ok(ended)
    }));
    let verdicts: Vec<Value> = verdicts.await.into_iter().collect::<Result<_>>()?;
    told_once(sandbox, before, &verdicts)?;
    let by_notification = by_notification(sandbox, way)?;
    ensure!(lost.is_none() || by_notification > 0, "no notification led to a verdict");
    let scores = |score: &str| verdicts.iter().filter(|event| event["score"] == score).count();
    let failed = verdicts.iter().filter(|event| event["type"] == "DocumentAnalysisFailed").count();
    let (risky, normal) = (scores("HIGH_RISK"), scores("NORMAL"));
    ensure!(risky + normal + failed == DOCUMENTS, "{risky}, {normal} and {failed}");
    let how = if lost.is_some() { format!(", {by_notification} by notification") } else { String::new() };
    Ok(seen(format!("{normal} normal, {risky} risky, {failed} failed{how}")))
}

/// The vendor's notification of a submission, once it has its result.
async fn notify(sandbox: &Sandbox, submitted: &Value) -> Result<()> {
    let id = submitted["submission_id"].as_str().context("no submission")?;
    let one = loop {
        let one = sandbox.submission(id)?;
        if one.finished {
            break one;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let body = json!({
        "type": "documents.analysis.fraud.finished", "version": "1", "tenant_id": one.tenant,
        "payload": {
            "id": one.id, "status": "SUCCESS", "analysis_time": Timestamp::now(), "query_id": one.query_id,
            "result_url": format!("/v2/submission/{}/fraud", one.id)
        }
    });
    let send = sandbox.aws.sqs.send_message().queue_url(&sandbox.stack.results_queue_url);
    send.message_body(body.to_string()).send().await?;
    Ok(())
}

/// An event says what the vendor decided, and nothing else.
fn right(sandbox: &Sandbox, event: &Value) -> Result<()> {
    let one: SubmissionState =
        sandbox.submission(event["submission_id"].as_str().context("no submission")?)?;
    ensure!(event["document_id"].as_str() == one.query_id.as_deref(), "another document: {event}");
    let succeeded = one.status == Some(Status::Success);
    let kind = if succeeded { "DocumentAnalyzed" } else { "DocumentAnalysisFailed" };
    ensure!(event["type"] == kind && event["status"] == json!(one.status), "{event}, and {one:?}");
    ensure!(!succeeded || event["score"].as_str() == one.score.as_deref(), "{event}, and {one:?}");
    ensure!(event["results"].is_object(), "{event}");
    Ok(())
}

async fn all_right(sandbox: &Sandbox) -> Result<Seen<()>> {
    let began = Instant::now();
    // What was announced last is heard a moment later.
    while let Err(error) = each_has_one(sandbox) {
        ensure!(began.elapsed() < PATIENCE, error);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    each_has_one(sandbox)
}

fn each_has_one(sandbox: &Sandbox) -> Result<Seen<()>> {
    let events = sandbox.bus.events();
    let of = |kind: &str| {
        let of_kind = |event: &&Value| event["type"].as_str().is_some_and(|name| name.starts_with(kind));
        events
            .iter()
            .filter(of_kind)
            .filter_map(|event| event["document_id"].as_str())
            .collect::<BTreeSet<_>>()
    };
    let (submitted, ended) = (of("DocumentSubmitted"), of("DocumentAnal"));
    ensure!(submitted == ended, "{} were submitted, {} have a verdict", submitted.len(), ended.len());
    for event in events.iter().filter(|event| event["status"].is_string()) {
        right(sandbox, event)?;
    }
    Ok(seen(format!("{} documents", ended.len())))
}

/// Of each document there is one verdict, under one id.
fn told_once(sandbox: &Sandbox, before: usize, verdicts: &[Value]) -> Result<()> {
    let events = sandbox.bus.events().split_off(before);
    for verdict in verdicts {
        let mut of_it = events.iter().filter(|event| {
            event["document_id"] == verdict["document_id"] && event["type"] != "DocumentSubmitted"
        });
        ensure!(of_it.all(|event| event["event_id"] == verdict["event_id"]), "several of {verdict}");
    }
    let ids: BTreeSet<_> = verdicts.iter().map(|event| event["event_id"].as_str()).collect();
    ensure!(ids.len() == verdicts.len(), "{} ids for {} verdicts", ids.len(), verdicts.len());
    Ok(())
}

/// How many notifications led to the end of an analysis.
fn by_notification(sandbox: &Sandbox, way: &str) -> Result<usize> {
    if way != "told" {
        return Ok(0);
    }
    let log = sandbox.log()?;
    let lines = log.lines().filter(|line| line.contains("documents.analysis.fraud.finished"));
    Ok(lines.filter(|line| line.contains(r#""DocumentAnal"#)).count())
}

/// An analysis takes 15 minutes at most. What time does, is done to the record: it is set back.
async fn never_ends(sandbox: &Sandbox, customer: &Customer) -> Result<Seen<()>> {
    let settings = simulator::Settings { result_delay_ms: u32::MAX, ..simulator::Settings::default() };
    sandbox.simulator.set_settings(settings);
    let cell = customer.cells.first().context("a customer without a cell")?;
    let key = format!("{}/{cell}/never.pdf", customer.id);
    let version = put(sandbox, &key, &pdf("never", 1, 0)).await?;
    let of_it = |event: &Value, kind: &str| {
        event["type"] == kind
            && event["document"]["key"] == key.as_str()
            && event["document"]["version_id"] == version.as_str()
    };
    let submitted = |event: &Value| of_it(event, "DocumentSubmitted");
    let submitted = sandbox.bus.wait_for("submission", PATIENCE, submitted).await?;
    let then = Timestamp::now() - SignedDuration::from_mins(OVERDUE);
    let id = submitted["document_id"].as_str().context("no document")?;
    let update = sandbox.aws.dynamodb.update_item().table_name(&sandbox.stack.documents_table_name);
    let update = update.key("pk", AttributeValue::S(format!("DOCUMENT#{id}")));
    let update = update
        .update_expression("SET #record.ended_at = :then")
        .expression_attribute_names("#record", "record");
    let update = update
        .condition_expression("#record.#state = :submitted")
        .expression_attribute_names("#state", "state");
    let update = update.expression_attribute_values(":submitted", AttributeValue::S("SUBMITTED".to_owned()));
    update.expression_attribute_values(":then", AttributeValue::S(then.to_string())).send().await?;
    let ended = |event: &Value| of_it(event, "DocumentAnalysisFailed");
    let ended = sandbox.bus.wait_for("end", PATIENCE, ended).await?;
    ensure!(ended["reason_code"] == "NO_RESULT" && ended["status"].is_null(), "{ended}");
    Ok(seen(format!("NO_RESULT, {OVERDUE} minutes after its submission")))
}
