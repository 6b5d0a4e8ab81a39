//! What the vendor saw of the rotations: replaced applications that were used on, and none that was
//! used after its end.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use simulator::{ApplicationState, CallRecord, Operation, State};

use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

pub(super) async fn old_ones_served_on(sandbox: &Sandbox, report: &mut Report) {
    let state = sandbox.simulator.state();
    let refused = async { none_used_after_its_end(&state) };
    report.expect("no application was used after its deletion", refused).await;
    let overlapped = async { used_after_their_replacement(&state) };
    report.expect("replaced credentials were used during the overlap", overlapped).await;
    tell_calls(report, &state);
}

/// A token that expires on its way is asked for again: no fault of a rotation. A client that is refused
/// makes the function read its secret again, which saves the document: the refusal is a fault all the
/// same.
fn none_used_after_its_end(state: &State) -> Result<Seen<()>> {
    let applications: HashMap<_, _> = state.applications.iter().map(|one| (one.id.as_str(), one)).collect();
    let used = |call: &CallRecord| applications.get(call.application.as_deref()?).copied();
    let refused = state.calls.iter().filter(|call| matches!(call.status, Some(401 | 403)));
    let refused: Vec<_> = refused.filter_map(|call| Some((call, used(call)?))).collect();
    let rereads = refused.iter().filter(|(call, _)| call.operation == Some(Operation::Token)).count();
    let ended = |call: &CallRecord, used: &ApplicationState| used.deleted.is_some_and(|at| at <= call.at);
    let late: Vec<_> = refused.iter().filter(|(call, used)| ended(call, used)).collect();
    let told = late.first().map(|(call, used)| format!("{} {} by {}", call.method, call.path, used.id));
    ensure!(
        late.is_empty(),
        "{} calls, and {rereads} forced re-reads: {}",
        late.len(),
        told.unwrap_or_default()
    );
    Ok(seen(format!("{rereads} forced re-reads, {} expired tokens", refused.len() - rereads)))
}

/// How many submissions were made by an application when its successor had already made one: functions
/// that were warm went on with what they had read. Without any, the load would prove nothing.
fn used_after_their_replacement(state: &State) -> Result<Seen<()>> {
    let born: HashMap<_, _> =
        state.applications.iter().enumerate().map(|(n, one)| (one.id.as_str(), n)).collect();
    let mut newest = HashMap::new();
    let mut by_replaced = 0;
    for one in &state.submissions {
        let newest = newest.entry(one.tenant.as_str()).or_insert(0);
        let age = born.get(one.application.as_str()).copied().unwrap_or_default();
        by_replaced += usize::from(age < *newest);
        *newest = age.max(*newest);
    }
    ensure!(by_replaced > 0, "no submission was made by a replaced application");
    Ok(seen(format!("{by_replaced} submissions after the next one's first")))
}

fn tell_calls(report: &Report, state: &State) {
    let count = |operation, wanted: fn(u16) -> bool| {
        let those = state.calls.iter().filter(|call| call.operation == Some(operation));
        those.filter(|call| call.status.is_some_and(wanted)).count()
    };
    for operation in [
        Operation::Token,
        Operation::CreateSubmission,
        Operation::Upload,
        Operation::CreateTenantApplication,
        Operation::DeleteTenantApplication,
    ] {
        let (good, throttled) =
            (count(operation, |status| status < 300), count(operation, |status| status == 429));
        report.tell("vendor", &format!("{operation:?}: {good} done, {throttled} throttled"));
    }
}
