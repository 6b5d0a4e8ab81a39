//! More documents than the vendor takes at once, with its limits on: one customer drops 620 of them at
//! once, which it takes minutes to take, while 19 others drop theirs at half of what it takes.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use simulator::{Limits, Operation, SubmissionState};
use tokio::time::sleep_until;

use crate::journey::audit::no_dead_letters;
use crate::journey::documents::{put, sha256};
use crate::journey::{Customer, PATIENCE};
use crate::load::{self, CUSTOMERS, Sent, cell, lines_of_submission};
use crate::pdf::pdf;
use crate::progress::seconds;
use crate::report::{Report, Seen, seen};
use crate::sandbox::{Options, Sandbox};

/// All documents.
const DOCUMENTS: usize = 2_000;

/// Those of the loud customer, which is the first one.
const LOUD: usize = 620;

/// How many documents a quiet customer drops in a second: half of what the vendor takes of it.
const QUIET_RATE: f64 = 2.0;

/// How often quiet documents may be deferred, all together.
///
/// By the limits none need be: the vendor takes 6 at once and 4 a second of each, and each drops 2 a
/// second, so whatever the loud customer does there is a permit for every one. Only a machine that
/// stops brings them together: after a stop of 3 seconds they are the 6 that are taken at once, and
/// each further second adds 2 of each of the 19 that have to wait, once. This allows for one such
/// second, a stop of 4 seconds.
const MOST_QUIET_DEFERRALS: usize = 2 * (CUSTOMERS - 1);

/// How long no document may end before the story gives up. Generous: a slow machine is no failure.
const LONGEST: Duration = PATIENCE.saturating_mul(4);

/// The sandbox that this story wants: the vendor's limits, and caches as in production.
pub fn options() -> Options {
    let limits = Limits { enabled: true, ..Limits::default() };
    Options {
        vendor: simulator::Settings { quota: CUSTOMERS, limits, ..simulator::Settings::default() },
        parameters: BTreeMap::from([("CredentialCacheSeconds".to_owned(), "300".to_owned())]),
        ..Options::default()
    }
}

/// The whole story. The report says what held.
pub async fn run(sandbox: &Sandbox, report: &mut Report) {
    let Some(customers) = load::customers_are_signed(sandbox, report).await else { return };
    let began = Instant::now();
    report.chapter(&format!("{DOCUMENTS} documents, {LOUD} of them of one customer"));
    let Some(dropped) = report.expect("all are dropped", drop_all(sandbox, &customers)).await else { return };
    let ended = all_end(sandbox, report, dropped).await;
    let Some(sent) = report.expect("all are submitted", async { ended }).await else { return };
    nothing_is_lost(sandbox, report, &customers, &sent).await;
    report.chapter("The limits");
    let limited = async { loud_was_limited(sandbox, &customers[0]) };
    report.expect("the loud customer had to wait for the vendor", limited).await;
    let quiet = async { quiet_were_served(sandbox, &customers[1..]) };
    report.expect("the quiet customers did not wait for the loud one", quiet).await;
    tell_numbers(sandbox, report, &customers, began.elapsed());
}

/// A document that was dropped.
struct Dropped {
    customer: usize,
    key: String,
    version: String,
    sha256: String,
}

/// The loud customer's as fast as they can be put; the others' beside them, one after the other.
async fn drop_all(sandbox: &Sandbox, customers: &[Customer]) -> Result<Seen<Vec<Dropped>>> {
    let began = tokio::time::Instant::now();
    let quiet = CUSTOMERS - 1;
    let loud = (0..LOUD).map(|number| (0, number, Duration::ZERO));
    let others = (0..DOCUMENTS - LOUD).map(|number| {
        let apart = 1.0 / (QUIET_RATE * quiet as f64);
        (1 + number % quiet, number / quiet, Duration::from_secs_f64(apart * number as f64))
    });
    let drop = |(customer, number, after): (usize, usize, Duration)| async move {
        sleep_until(began + after).await;
        let key = format!("{}/{}/{number}.pdf", customers[customer].id, cell(&customers[customer]));
        let bytes = pdf(&key, 1, 0);
        let version = put(sandbox, &key, &bytes).await?;
        anyhow::Ok(Dropped { customer, key, version, sha256: sha256(&bytes) })
    };
    let loud = stream::iter(loud).map(drop).buffer_unordered(4).try_collect::<Vec<_>>();
    let others = stream::iter(others).map(drop).buffer_unordered(4).try_collect::<Vec<_>>();
    let (mut all, others) = tokio::try_join!(loud, others)?;
    all.extend(others);
    ensure!(all.len() == DOCUMENTS, "{} were", all.len());
    Ok(seen(format!("{DOCUMENTS} in {}", seconds(began.elapsed()))).with(all))
}

/// Waits as long as any ends.
async fn all_end(sandbox: &Sandbox, report: &Report, dropped: Vec<Dropped>) -> Result<Seen<Vec<Sent>>> {
    let began = Instant::now();
    let (mut ended, mut told, mut progress) = (HashMap::new(), Instant::now(), Instant::now());
    let mut number = 0;
    while ended.len() < dropped.len() {
        let next = tokio::time::timeout(Duration::from_secs(1), sandbox.bus.nth(number)).await;
        if let Ok(event) = next {
            number += 1;
            let document = &event["document"];
            let verdict = event["type"].as_str().is_some_and(|kind| kind.starts_with("DocumentAnal"));
            if let (Some(key), Some(version)) = (document["key"].as_str(), document["version_id"].as_str())
                && !verdict
            {
                progress = Instant::now();
                ended.insert((key.to_owned(), version.to_owned()), event);
            }
        }
        let open = dropped.len() - ended.len();
        ensure!(progress.elapsed() < LONGEST, "{open} do not end");
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            report.tell("so far", &format!("{} documents, {}", ended.len(), seconds(began.elapsed())));
        }
    }
    let sent = dropped.into_iter().map(|Dropped { customer, key, version, sha256 }| {
        let event: Value =
            ended.remove(&(key.clone(), version.clone())).context("an event of no document")?;
        let submission = event["submission_id"].as_str().with_context(|| event.to_string())?.to_owned();
        Ok(Sent { customer, key, version, sha256, submission })
    });
    let sent: Vec<_> = sent.collect::<Result<_>>()?;
    Ok(seen(format!("{} documents", sent.len())).with(sent))
}

async fn nothing_is_lost(sandbox: &Sandbox, report: &mut Report, customers: &[Customer], sent: &[Sent]) {
    report.chapter("Nothing is lost, and nothing is done twice");
    let quiet = async { sandbox.quiet().await.map(|()| seen("4 queues")) };
    report.expect("the queues before the functions are empty", quiet).await;
    let events = sandbox.bus.events();
    let ended = async { load::ended_once(&events, sent) };
    report.expect("each document ended as one DocumentSubmitted", ended).await;
    let whole = async { load::each_at_the_vendor(sandbox, customers, sent) };
    report.expect("the vendor has each once, whole, of its own customer", whole).await;
    report.expect("each is analysed", all_analysed(sandbox)).await;
    report.expect("no attempt failed", async { load::no_attempt_failed(sandbox) }).await;
    report.expect("no dead letter, no undelivered request", no_dead_letters(sandbox)).await;
}

async fn all_analysed(sandbox: &Sandbox) -> Result<Seen<()>> {
    let analysis = Duration::from_millis(sandbox.simulator.settings().result_delay_ms.into());
    tokio::time::sleep(analysis).await;
    let all = sandbox.simulator.state().submissions;
    let open = all.iter().filter(|one| !one.finished).count();
    ensure!(open == 0, "{open} are not");
    Ok(seen(format!("{} results", all.len())))
}

/// The vendor's limits were on, by its own clock: of a tenant it takes the burst, and then the rate.
fn loud_was_limited(sandbox: &Sandbox, loud: &Customer) -> Result<Seen<()>> {
    let all = sandbox.simulator.state().submissions;
    let times =
        || all.iter().filter(|one| one.tenant == loud.tenant).map(|one: &SubmissionState| one.created);
    let (first, last) = times().min().zip(times().max()).context("it has no submission")?;
    let took = last.duration_since(first).as_secs_f64();
    let limits = Limits::default();
    let least = (LOUD as f64 - limits.submissions_burst) / limits.submissions_per_second;
    ensure!(took > least - 1.0, "{took:.0} s for {LOUD} documents");
    Ok(seen(format!("{took:.0} s for {LOUD} documents, and {least:.0} s is the least")))
}

fn quiet_were_served(sandbox: &Sandbox, quiet: &[Customer]) -> Result<Seen<()>> {
    let deferrals = deferrals(sandbox)?;
    ensure!(!deferrals.is_empty(), "the log has no deferral at all, not even of the loud one");
    let of_quiet = quiet.iter().filter_map(|customer| deferrals.get(&customer.id)).sum::<usize>();
    ensure!(of_quiet <= MOST_QUIET_DEFERRALS, "{of_quiet} deferrals: {deferrals:?}");
    Ok(seen(format!("{of_quiet} deferrals of {} documents", DOCUMENTS - LOUD)))
}

/// How often documents of each customer were deferred.
fn deferrals(sandbox: &Sandbox) -> Result<BTreeMap<String, usize>> {
    let mut deferrals = BTreeMap::new();
    for line in lines_of_submission(&sandbox.log()?).filter(|line| line["verdict"] == "Wait") {
        *deferrals.entry(line["subject"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    Ok(deferrals)
}

fn tell_numbers(sandbox: &Sandbox, report: &Report, customers: &[Customer], took: Duration) {
    let calls = sandbox.simulator.state().calls;
    let throttled = |loud: bool| {
        let of = |tenant: &Option<String>| (tenant.as_ref() == Some(&customers[0].tenant)) == loud;
        let all = calls.iter().filter(|call| call.operation == Some(Operation::CreateSubmission));
        all.filter(|call| call.status == Some(429) && of(&call.tenant)).count()
    };
    let deferrals = deferrals(sandbox).unwrap_or_default();
    let loud = deferrals.get(&customers[0].id).copied().unwrap_or_default();
    report.tell("loud", &format!("{loud} deferrals, {} answers 429", throttled(true)));
    let quiet = deferrals.values().sum::<usize>() - loud;
    report.tell("quiet", &format!("{quiet} deferrals, {} answers 429", throttled(false)));
    report.tell("aws", &format!("{} calls", sandbox.calls.calls().len()));
    report.tell("time", &seconds(took));
}
