//! Credentials are rotated under load: of every customer that the vendor's quota allows, ten times
//! each, side by side, while documents of all of them are submitted without pause.

mod cycles;
mod documents;
mod leftovers;
mod vendor;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use aws_parts::proxy::Service;

use crate::journey::audit::no_dead_letters;
use crate::journey::{Customer, PATIENCE};
use crate::load::{self, CUSTOMERS, Sent};
use crate::progress::seconds;
use crate::report::Report;
use crate::sandbox::{Options, Sandbox};

/// How often each is rotated.
const TIMES: usize = 10;

/// How long a function uses a credential that it has read (in production 5 minutes).
const CACHE: Duration = Duration::from_secs(3);

/// How long a token lives (at the vendor 15 minutes).
const TOKEN: Duration = Duration::from_secs(6);

/// How long a replaced application lives on (in production 2 hours).
const OVERLAP: Duration = Duration::from_secs(12);

/// The longest that a document or a rotation may take. Generous: a slow machine is no failure.
const LONGEST: Duration = PATIENCE.saturating_mul(4);

// The promise rests on this.
const _: () = assert!(OVERLAP.as_secs() > TOKEN.as_secs() + CACHE.as_secs());

/// How far it has come.
#[derive(Default)]
struct Counts {
    rotations: Cell<usize>,
    documents: Cell<usize>,
    /// Every rotation has ended.
    over: Cell<bool>,
}

impl Counts {
    fn one_more(count: &Cell<usize>) {
        count.set(count.get() + 1);
    }
}

/// The sandbox that this story wants: short times, and a vendor that is as hard as it may be.
pub fn options() -> Options {
    Options {
        patience: CACHE,
        vendor: simulator::Settings {
            quota: CUSTOMERS,
            token_seconds: u32::try_from(TOKEN.as_secs()).unwrap_or(u32::MAX),
            // The vendor does not say so. Where it is so, nothing but the overlap keeps tokens alive
            // that warm functions hold.
            deletion_revokes_tokens: true,
            ..simulator::Settings::default()
        },
        parameters: BTreeMap::from([("OverlapSeconds".to_owned(), OVERLAP.as_secs().to_string())]),
        ..Options::default()
    }
}

/// The whole story. The report says what held.
pub async fn run(sandbox: &Sandbox, report: &mut Report) {
    let began = Instant::now();
    let Some(customers) = load::customers_are_signed(sandbox, report).await else { return };
    let sent = under_load(sandbox, report, &customers).await;
    documents::nothing_failed(sandbox, report, &customers, &sent).await;
    report.expect("no dead letter, no undelivered request", no_dead_letters(sandbox)).await;
    vendor::old_ones_served_on(sandbox, report).await;
    leftovers::in_order(sandbox, report, &customers).await;
    tell_numbers(sandbox, report, sent.len(), began.elapsed());
}

/// Rotations and submissions at once, until the last rotation has ended. Gives what was submitted.
async fn under_load(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) -> Vec<Sent> {
    report.chapter(&format!("Each is rotated {TIMES} times while its documents are submitted"));
    let counts = Counts::default();
    let rotations = async {
        let rotated = cycles::all(sandbox, customers, &counts).await;
        counts.over.set(true);
        rotated
    };
    let documents = documents::without_pause(sandbox, customers, &counts);
    let (rotated, ends) = tokio::select! {
        both = async { tokio::join!(rotations, documents) } => both,
        () = tell_progress(report, &counts) => return Vec::new(),
    };
    report.expect("every rotation succeeded", async { cycles::succeeded(rotated) }).await;
    documents::all_submitted(report, ends).await
}

/// A line every few seconds, for ever.
async fn tell_progress(report: &Report, counts: &Counts) {
    let began = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (rotations, documents) = (counts.rotations.get(), counts.documents.get());
        let so_far = format!(
            "{rotations} of {} rotations, {documents} documents, {}",
            CUSTOMERS * TIMES,
            seconds(began.elapsed())
        );
        report.tell("so far", &so_far);
    }
}

fn tell_numbers(sandbox: &Sandbox, report: &Report, documents: usize, took: Duration) {
    let state = sandbox.simulator.state();
    let calls = sandbox.calls.calls();
    let of_submission = calls.iter().filter(|call| {
        call.caller.as_deref().is_some_and(|caller| caller.ends_with("submit-document"))
            && call.service == Service::SecretsManager
    });
    let used: BTreeSet<_> = state.submissions.iter().map(|one| &one.application).collect();
    report.tell("customers", &CUSTOMERS.to_string());
    report.tell("rotations", &(CUSTOMERS * TIMES).to_string());
    report.tell("documents", &format!("{documents}, by {} applications", used.len()));
    report.tell("vendor", &format!("{} calls", state.calls.len()));
    report.tell("aws", &format!("{} calls", calls.len()));
    report.tell("secrets", &format!("read {} times by submit-document", of_submission.count()));
    report.tell("time", &seconds(took));
}
