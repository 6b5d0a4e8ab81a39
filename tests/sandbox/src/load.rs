//! Many customers and many documents: what the longer stories share.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::journey::Customer;
use crate::journey::onboarding::announced;
use crate::journey::requests::onboarding;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

/// As many as the vendor's quota allows.
pub(crate) const CUSTOMERS: usize = 20;

/// Signs as many customers as the quota allows, and waits until nothing runs any more.
pub(crate) async fn customers_are_signed(sandbox: &Sandbox, report: &mut Report) -> Option<Vec<Customer>> {
    report.chapter(&format!("{CUSTOMERS} customers are signed"));
    let customers = report.expect("all are onboarded and announced", signed(sandbox)).await?;
    let full = async {
        let tenants = sandbox.simulator.state().tenants.len();
        ensure!(tenants == CUSTOMERS, "{tenants} tenants");
        Ok(seen(format!("{tenants} tenants")))
    };
    report.expect("the vendor made a tenant for each, and no other", full).await?;
    let quiet = async { sandbox.quiet().await.map(|()| seen("nothing runs")) };
    report.expect("their schedules are tried out", quiet).await?;
    Some(customers)
}

/// Both cells and both ways to authenticate, in every combination.
async fn signed(sandbox: &Sandbox) -> Result<Seen<Vec<Customer>>> {
    let requests: Vec<_> = (0..CUSTOMERS)
        .map(|number| {
            let id = format!("customer-{number:02}");
            let cell = ["eu-1", "us-1"][number % 2];
            let mut request = onboarding(&format!("load-onboard-{id}"), &id, &[cell]);
            request["authentication"] = json!(["KEY_PAIR", "CLIENT_SECRET"][number / 2 % 2]);
            (id, request)
        })
        .collect();
    let signing = requests.iter().map(|(id, request)| announced(sandbox, id, request));
    let signed: Result<Vec<_>> = join_all(signing).await.into_iter().collect();
    let customers: Vec<_> = signed?.into_iter().map(Seen::found).collect();
    Ok(seen(format!("{} customers in eu-1 and us-1", customers.len())).with(customers))
}

/// The one cell of a customer.
pub(crate) fn cell(customer: &Customer) -> &str {
    customer.cells.first().map_or("", String::as_str)
}

/// A document that was dropped, and announced as submitted.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) customer: usize,
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
    pub(crate) submission: String,
}

pub(crate) fn ended_once(events: &[Value], sent: &[Sent]) -> Result<Seen<()>> {
    let mut ends = BTreeMap::<_, Vec<_>>::new();
    let of_submission = |event: &&Value| {
        let kind = event["type"].as_str().unwrap_or_default();
        matches!(kind, "DocumentSubmitted" | "DocumentRejected")
    };
    for event in events.iter().filter(of_submission) {
        let text = |field: &str| event["document"][field].as_str().unwrap_or_default();
        ends.entry((text("key"), text("version_id"))).or_default().push(event);
    }
    let mut ids = BTreeSet::new();
    for one in sent {
        let events = ends.remove(&(one.key.as_str(), one.version.as_str())).unwrap_or_default();
        ensure!(events.len() == 1 && events[0]["type"] == "DocumentSubmitted", "{}: {events:?}", one.key);
        ensure!(events[0]["submission_id"] == one.submission.as_str(), "{}: {events:?}", one.key);
        ensure!(ids.insert(one.submission.as_str()), "two documents are submission {}", one.submission);
    }
    ensure!(ends.is_empty(), "{} others, such as {:?}", ends.len(), ends.keys().next());
    Ok(seen(format!("{} documents, {} submissions", sent.len(), ids.len())))
}

pub(crate) fn none_rejected(events: &[Value]) -> Result<Seen<()>> {
    let rejected: Vec<_> = events.iter().filter(|event| event["type"] == "DocumentRejected").collect();
    ensure!(rejected.is_empty(), "{} are, such as {:?}", rejected.len(), rejected.first());
    Ok(seen("none"))
}

pub(crate) fn each_at_the_vendor(
    sandbox: &Sandbox,
    customers: &[Customer],
    sent: &[Sent],
) -> Result<Seen<()>> {
    let state = sandbox.simulator.state();
    ensure!(state.submissions.len() == sent.len(), "it has {} submissions", state.submissions.len());
    let known: HashMap<_, _> = state.submissions.iter().map(|one| (one.id.as_str(), one)).collect();
    for one in sent {
        let found = known.get(one.submission.as_str()).with_context(|| format!("it has not {one:?}"))?;
        let customer = &customers[one.customer];
        ensure!(found.tenant == customer.tenant && found.cell == cell(customer), "{found:?}");
        ensure!(found.uploads == 1 && found.deleted.is_none(), "{found:?}");
        ensure!(found.sha256.as_deref() == Some(&one.sha256), "other bytes arrived: {found:?}");
    }
    Ok(seen(format!("{} submissions", sent.len())))
}

/// By the function's own log: an attempt that failed, even one that a repeat made good, is not done.
pub(crate) fn no_attempt_failed(sandbox: &Sandbox) -> Result<Seen<()>> {
    let mut verdicts = BTreeMap::<String, usize>::new();
    for line in lines_of_submission(&sandbox.log()?) {
        if let Some(verdict) = line["verdict"].as_str() {
            *verdicts.entry(verdict.to_owned()).or_default() += 1;
        }
    }
    let other: Vec<_> =
        verdicts.keys().filter(|verdict| !matches!(verdict.as_str(), "Done" | "Wait")).collect();
    ensure!(other.is_empty(), "{verdicts:?}");
    let of = |verdict| verdicts.get(verdict).copied().unwrap_or_default();
    ensure!(of("Done") > 0, "the log has no line of it");
    Ok(seen(format!("{} done, {} had to wait", of("Done"), of("Wait"))))
}

/// The lines that submit-document has logged.
pub(crate) fn lines_of_submission(log: &str) -> impl Iterator<Item = Value> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["function"] == "submit-document")
}
