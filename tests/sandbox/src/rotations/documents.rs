//! Documents without pause: of every customer some are on their way at any moment.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::{Counts, LONGEST, TIMES};
use crate::journey::Customer;
use crate::journey::documents::{about, put, sha256};
use crate::load::{Sent, cell, each_at_the_vendor, ended_once, no_attempt_failed, none_rejected};
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

/// How many documents of each customer are on their way at once.
const AT_ONCE: usize = 2;

/// Who waits for the end of which key. A search through all events for every document would take
/// longer with every document.
#[derive(Default)]
struct Waiting(Mutex<HashMap<String, oneshot::Sender<Value>>>);

impl Waiting {
    fn keys(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Value>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, key: &str) -> oneshot::Receiver<Value> {
        let (sender, receiver) = oneshot::channel();
        self.keys().insert(key.to_owned(), sender);
        receiver
    }

    /// Hands every event to whoever waits for it, for ever.
    async fn hand_out(&self, sandbox: &Sandbox) {
        for number in 0.. {
            let event = sandbox.bus.nth(number).await;
            let waiting = event["document"]["key"].as_str().and_then(|key| self.keys().remove(key));
            if let Some(waiting) = waiting {
                // Whoever has given up has said so.
                drop(waiting.send(event));
            }
        }
    }
}

/// Submits documents of every customer until it is over. One that fails does not stop the others.
pub(super) async fn without_pause(
    sandbox: &Sandbox,
    customers: &[Customer],
    counts: &Counts,
) -> Vec<Result<Sent>> {
    let waiting = Waiting::default();
    let waiting = &waiting;
    let senders = (0..customers.len() * AT_ONCE).map(async |sender| {
        let (number, lane) = (sender % customers.len(), sender / customers.len());
        let folder = format!("{}/{}", customers[number].id, cell(&customers[number]));
        let mut ends = Vec::new();
        while !counts.over.get() {
            let key = format!("{folder}/{lane}-{}.pdf", ends.len());
            let end = one(sandbox, number, key, waiting).await;
            if end.is_err() {
                sleep(Duration::from_secs(1)).await; // what fails at once must not fill the memory
            }
            ends.push(end);
            Counts::one_more(&counts.documents);
        }
        ends
    });
    tokio::select! {
        ends = join_all(senders) => ends.into_iter().flatten().collect(),
        () = waiting.hand_out(sandbox) => Vec::new(),
    }
}

/// Those that were submitted, unless one was not.
pub(super) async fn all_submitted(report: &mut Report, ends: Vec<Result<Sent>>) -> Vec<Sent> {
    let mut failed = Vec::new();
    let mut sent = Vec::new();
    for end in ends {
        match end {
            Ok(one) => sent.push(one),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    let none_failed = async {
        ensure!(failed.is_empty(), "{} of {}: {}", failed.len(), failed.len() + sent.len(), failed[0]);
        ensure!(!sent.is_empty(), "there was none");
        Ok(seen(format!("{} documents", sent.len())))
    };
    report.expect("documents were submitted all the time, and none failed", none_failed).await;
    sent
}

/// Drops one document and waits for its end.
async fn one(sandbox: &Sandbox, customer: usize, key: String, waiting: &Waiting) -> Result<Sent> {
    let (bytes, end) = (pdf(&key, 1, 0), waiting.wait(&key));
    let version = put(sandbox, &key, &bytes).await?;
    let event = timeout(LONGEST, end).await.with_context(|| format!("{key} does not end"))??;
    ensure!(about(&event, &key, &version) && event["type"] == "DocumentSubmitted", "{event}");
    let submission = event["submission_id"].as_str().context("no submission in the event")?.to_owned();
    Ok(Sent { customer, key, version, sha256: sha256(&bytes), submission })
}

/// What the load came to.
pub(super) async fn nothing_failed(
    sandbox: &Sandbox,
    report: &mut Report,
    customers: &[Customer],
    sent: &[Sent],
) {
    report.chapter("No submission has failed");
    let quiet = async { sandbox.quiet().await.map(|()| seen("4 queues")) };
    report.expect("the queues before the functions are empty", quiet).await;
    let events = sandbox.bus.events();
    let ended = async { ended_once(&events, sent) };
    report.expect("each document ended as one DocumentSubmitted", ended).await;
    report.expect("no document was rejected", async { none_rejected(&events) }).await;
    let whole = async { each_at_the_vendor(sandbox, customers, sent) };
    report.expect("the vendor has each once, whole, of its own customer", whole).await;
    report.expect("no attempt of submit-document failed", async { no_attempt_failed(sandbox) }).await;
    let announced = async { rotations_announced(&events, customers) };
    report.expect(&format!("{TIMES} SecretRotated for each customer, in a row"), announced).await;
}

/// Each rotation took over from the one before it.
fn rotations_announced(events: &[Value], customers: &[Customer]) -> Result<Seen<()>> {
    let mut total = 0;
    for customer in customers {
        let rotated: Vec<_> = events
            .iter()
            .filter(|event| event["type"] == "SecretRotated" && event["customer_id"] == customer.id.as_str())
            .collect();
        ensure!(rotated.len() == TIMES, "{} of {}", rotated.len(), customer.id);
        let next: HashMap<_, _> = rotated
            .iter()
            .filter_map(|event| {
                Some((event["previous_application_id"].as_str()?, event["application_id"].as_str()?))
            })
            .collect();
        let made: BTreeSet<_> = next.values().copied().collect();
        let mut last = next.keys().copied().find(|first| !made.contains(first));
        let mut length = 0;
        while let Some(after) = last.and_then(|last| next.get(last).copied()) {
            (last, length) = (Some(after), length + 1);
        }
        ensure!(length == TIMES, "only {length} in a row of {}: {rotated:?}", customer.id);
        total += length;
    }
    Ok(seen(format!("{total} events")))
}
