//! What operators ask of the registry: to look, to pause a customer, to ask again for what failed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod asked;
mod credential;

use std::time::Duration;

use asked::{MORE, OFF, event, lab_with, on};
use credential::{NAME, labelled, rotated, signed, step};
use laboratory::delivery::{Delivered, End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::{ONE, TWO};
use laboratory::world::{Ask, World};
use lifecycle::FlowError;
use serde_json::{Value, json};
use shared_core::customer::{Customer, Phase};

fn said(kind: &str, request_id: &str, more: &Value) -> Work {
    let mut said = json!({
        "type": kind, "version": "1", "request_id": request_id, "actor": "jane", "reason": "an audit"
    });
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Work::Operator(said.to_string())
}

fn pause(request_id: &str, paused: bool) -> Work {
    said("CustomerPauseRequested", request_id, &json!({"customer_id": "acme", "paused": paused}))
}

fn retry(request_id: &str, failed: &str) -> Work {
    said("RequestRetryRequested", request_id, &json!({"failed_request_id": failed}))
}

fn done(lab: &Lab, work: Work) -> Value {
    let Delivered { end, said, .. } = lab.deliver(work, vec![]);
    assert_eq!(end, End::Done, "{said:?}");
    serde_json::from_str(&said.unwrap()).unwrap()
}

fn refused(lab: &Lab, work: Work, why: &str) {
    let Delivered { end, said, .. } = lab.deliver(work, vec![]);
    assert_eq!(end, End::Returned);
    assert!(said.as_ref().unwrap().contains(why), "`{why}` is not in: {said:?}");
}

fn customer(lab: &Lab) -> Customer {
    lab.world().table.row(&"acme".parse().unwrap()).unwrap().customer.clone()
}

/// Every single fault at every call of what an operator asks; then it is asked again, and it is done.
fn struck(begin: fn() -> Lab, work: &Work, holds: fn(&Lab)) {
    let lab = begin();
    let start = lab.world().clone();
    let calls = lab.deliver(work.clone(), vec![]).calls;
    assert!(calls.len() >= 3, "{calls:?}");
    for (at, site) in calls.iter().enumerate() {
        for fault in site.faults() {
            lab.enter(start.clone());
            lab.deliver(work.clone(), vec![(at + 1, fault)]);
            // A lease that was left ends before anybody asks again.
            lab.pass(Duration::from_secs(70));
            let again = lab.deliver(work.clone(), vec![]);
            assert_eq!(again.end, End::Done, "{fault:?} at call {} ({site}): {:?}", at + 1, again.said);
            holds(&lab);
        }
    }
}

#[test]
fn a_pause_is_said_once_whatever_befalls_it() {
    struck(signed, &pause("o-1", true), |lab| {
        let paused = customer(lab).paused.unwrap();
        assert_eq!((paused.actor.as_str(), paused.reason.as_str()), ("jane", "an audit"));
        let shown = done(lab, said("CustomerShowRequested", "o-9", &json!({"customer_id": "acme"})));
        let told = |what: &str| {
            let trail = shown["trail"].as_array().unwrap().iter();
            trail.filter(|entry| entry["what"] == what).count()
        };
        assert_eq!((told("paused"), &shown["trail"][0]["request_id"]), (1, &json!("o-1")));
    });
    let lab = signed();
    assert_eq!(done(&lab, pause("o-1", true))["outcome"], "paused");
    assert_eq!(done(&lab, pause("o-2", true))["outcome"], "nothing to do: it is paused");
    assert_eq!(done(&lab, pause("o-3", false))["outcome"], "resumed");
    assert_eq!(done(&lab, pause("o-3", false))["outcome"], "nothing to do: it is not paused");
    assert_eq!((customer(&lab).phase, customer(&lab).paused), (Phase::Active, None));
    lab.run(&[]).unwrap();
}

/// The world as the vendor and the readers of secrets see it. Holds no lock on it afterwards.
fn outside(lab: &Lab) -> String {
    let world = lab.world();
    let secrets: Vec<String> = world.secrets.secrets().map(|secret| format!("{secret:?}")).collect();
    format!("{:?} {secrets:?}", world.vendor)
}

#[test]
fn while_a_customer_is_paused_no_flow_moves_it_and_then_each_goes_on() {
    for ask in [MORE(), OFF()] {
        let lab = rotated();
        let bad = labelled(&lab, "AWSCURRENT").unwrap();
        done(&lab, pause("o-1", true));
        lab.world().ask(&ask);
        assert!(lab.world().rotate(NAME));
        lab.pass(OVERLAP + Duration::from_secs(2));
        let (before, record) = (outside(&lab), customer(&lab));

        let id = lab.world().queue[0].id;
        assert_eq!(lab.deliver(Work::Message(id), vec![]).end, End::Done, "it waits");
        assert_eq!(lab.world().queue.len(), 1);
        assert!(lab.world().queue[0].parcel.attempt > 1);
        let rotation = step(&lab, vec![]);
        assert_eq!(rotation.end, End::Returned);
        assert!(rotation.said.unwrap().contains("the customer is paused by jane: an audit"));
        refused(&lab, Work::Operator(World::roll_back(NAME, "o-2", &bad)), "paused by jane");
        let asked = json!({"customer_id": "acme", "cell": "eu-1", "force": true});
        refused(&lab, said("SecretRotationRequested", "o-3", &asked), "paused by jane");
        assert_eq!(done(&lab, Work::CleanUp)["paused"], 1);
        assert_eq!((outside(&lab), customer(&lab)), (before, record));

        done(&lab, pause("o-4", false));
        lab.run(&[]).unwrap();
        assert_eq!(customer(&lab).last_request.unwrap().request_id.as_str(), ask.request);
    }
}

#[test]
fn who_is_not_a_customer_yet_can_be_paused_beforehand() {
    let lab = Lab::new(Setup::default());
    done(&lab, pause("o-1", true));
    lab.world().ask(&on(ONE));
    let id = lab.world().queue[0].id;
    lab.deliver(Work::Message(id), vec![]);
    assert_eq!(customer(&lab).phase, Phase::Absent);
    assert_eq!(lab.world().queue.len(), 1, "it waits");
    done(&lab, pause("o-2", false));
    lab.run(&[]).unwrap();
    assert_eq!(customer(&lab).phase, Phase::Active);
}

#[test]
fn what_waits_for_a_pause_ends_after_a_day_and_says_for_whom_it_waited() {
    let paused = FlowError::Paused { actor: "jane".to_owned(), reason: "an audit".to_owned() };
    assert!(paused.is_too_old(Duration::from_secs(86_401), 10));
    let lab = lab_with(&[on(ONE)]);
    done(&lab, pause("o-1", true));
    lab.world().ask(&MORE());
    let long_ago = lab.world().now;
    lab.pass(Duration::from_secs(86_402));
    let mut world = lab.world();
    (world.queue[0].parcel.attempt, world.queue[0].parcel.first_seen) = (10, long_ago);
    let id = world.queue[0].id;
    drop(world);
    lab.deliver(Work::Message(id), vec![]);
    let told = event(&lab.world());
    assert_eq!(
        (&told["type"], &told["reason_code"]),
        (&json!("CustomerOnboardingFailed"), &json!("TOO_OLD"))
    );
    assert!(told["explanation"].as_str().unwrap().contains("paused by jane: an audit"), "{told}");
}

/// A request that failed for good: the quota was full.
fn failed() -> Lab {
    let lab = Lab::new(Setup { quota: 1, ..Setup::default() });
    lab.world().vendor.quota = 1;
    let authentication = "CLIENT_SECRET";
    lab.world().ask(&Ask { authentication, ..Ask::onboard("r-1", "acme", TWO, 1) });
    lab.run(&[]).unwrap();
    assert_eq!(event(&lab.world())["type"], "CustomerOnboardingFailed");
    lab.world().vendor.quota = 20;
    lab
}

#[test]
fn a_request_that_failed_is_asked_for_again_as_it_was() {
    let lab = failed();
    let again = done(&lab, retry("o-1", "r-1"));
    let request = &again["request"];
    assert_eq!((&request["cells"], &request["authentication"]), (&json!(TWO), &json!("CLIENT_SECRET")));
    assert_eq!((&request["request_id"], &request["actor"]), (&json!("o-1"), &json!("jane")));
    lab.run(&[]).unwrap();
    let told = event(&lab.world());
    assert_eq!((&told["type"], &told["request_id"]), (&json!("CustomerOnboarded"), &json!("o-1")));
    assert_eq!(
        done(&lab, retry("o-1", "r-1"))["outcome"].as_str().unwrap().split(':').next(),
        Some("nothing to do")
    );
    struck(failed, &retry("o-1", "r-1"), |lab| {
        lab.run(&[]).unwrap();
        assert_eq!(customer(lab).phase, Phase::Active);
        let told = lab.world().bus.iter().filter(|one| one.detail_type() == "CustomerOnboarded").count();
        assert_eq!(told, 1, "asked for twice is done once");
    });
}

#[test]
fn an_offboarding_that_was_given_up_is_asked_for_again() {
    let lab = lab_with(&[on(ONE)]);
    lab.world().ask(&OFF());
    let id = lab.world().queue[0].id;
    lab.deliver(Work::Message(id), vec![]);
    let long_ago = lab.world().now;
    lab.pass(Duration::from_secs(86_402));
    let mut world = lab.world();
    (world.queue[0].parcel.attempt, world.queue[0].parcel.first_seen) = (10, long_ago);
    let work = Work::Message(world.queue[0].id);
    drop(world);
    let deleted = lab.first(&work, "deleteTenant");
    lab.deliver(work, vec![(deleted, Fault::Status(403))]);
    assert_eq!(event(&lab.world())["type"], "CustomerOffboardingFailed");
    done(&lab, retry("o-1", "r-2"));
    lab.run(&[]).unwrap();
    let told = event(&lab.world());
    assert_eq!((&told["type"], &told["request_id"]), (&json!("CustomerOffboarded"), &json!("o-1")));
}

#[test]
fn only_the_last_request_of_a_customer_that_failed_is_asked_for_again() {
    let lab = failed();
    refused(&lab, retry("o-1", "r-9"), "a request that has ended");
    let lab_of_two = lab_with(&[on(ONE)]);
    refused(&lab_of_two, retry("o-1", "r-1"), "this one ended in CustomerOnboarded");
    lab.world().ask(&OFF());
    lab.run(&[]).unwrap();
    refused(&lab, retry("o-1", "r-1"), "decide anew");
    assert!(lab.world().queue.is_empty(), "a customer who has left does not come back so");
    assert_eq!(lab.world().table.operations().count(), 0, "what is refused was not done");
}

#[test]
fn looking_is_noted_before_anything_is_shown() {
    let lab = failed();
    let list = said("CustomersListRequested", "o-1", &json!({}));
    let show = said("CustomerShowRequested", "o-2", &json!({"customer_id": "acme"}));
    let note = said("OperationNoteRequested", "o-3", &json!({"what": "dead letters moved back"}));
    for work in [&list, &show, &note] {
        let unnoted = lab.deliver(work.clone(), vec![(1, Fault::Refused)]);
        assert_eq!((unnoted.end, unnoted.calls.len()), (End::Returned, 1), "{:?}", unnoted.calls);
    }
    assert_eq!(
        done(&lab, list)["customers"],
        json!([{"customer_id": "acme", "phase": "FAILED", "spare": 0}])
    );
    let shown = done(&lab, show);
    assert_eq!((&shown["record"]["phase"], &shown["lease"]), (&json!("FAILED"), &Value::Null));
    assert_eq!(shown["trail"][0]["what"], "offboarding finished");
    assert!(!shown.to_string().contains("sealed\":\""), "{shown}");
    done(&lab, note);
    let world = lab.world();
    let noted: Vec<(&str, &str, &str)> = world
        .table
        .operations()
        .map(|one| (one.request_id.as_str(), one.what.as_str(), one.actor.as_str()))
        .collect();
    assert_eq!(
        noted,
        [
            ("o-1", "customers listed", "jane"),
            ("o-2", "customer acme shown", "jane"),
            ("o-3", "dead letters moved back", "jane")
        ]
    );
}

#[test]
fn a_long_trail_is_read_page_by_page_and_a_held_lease_is_shown() {
    let lab = lab_with(&[on(ONE)]);
    for round in 0..15 {
        done(&lab, pause(&format!("p-{round}"), true));
        done(&lab, pause(&format!("q-{round}"), false));
    }
    let id = "acme".parse().unwrap();
    let now = lab.world().now;
    let until = now + jiff::SignedDuration::from_secs(60);
    let registry = lab.adapters().registry;
    drop(lab.block_on(registry.acquire(&id, "somebody", now, until)).unwrap());
    let (mut keys, mut before) = (Vec::new(), json!({}));
    loop {
        let mut more = json!({"customer_id": "acme"});
        more.as_object_mut().unwrap().extend(before.as_object().unwrap().clone());
        let shown = done(&lab, said("CustomerShowRequested", "o-1", &more));
        assert_eq!(shown["lease"]["owner"], "somebody");
        let page = shown["trail"].as_array().unwrap();
        keys.extend(page.iter().map(|entry| entry["key"].as_str().unwrap().to_owned()));
        if shown["next"].is_null() {
            break;
        }
        before = json!({"before": shown["next"]});
    }
    assert!(keys.len() > 30 && keys.is_sorted_by(|later, earlier| later > earlier), "{keys:?}");
}

#[test]
fn a_request_that_nobody_knows_is_refused_and_starts_no_clean_up() {
    let lab = rotated();
    lab.pass(OVERLAP + Duration::from_secs(2));
    refused(&lab, said("CustomerListRequested", "o-1", &json!({})), "CustomerListRequested");
    assert_eq!(lab.world().vendor.applications().count(), 3, "the stranger's and ours, one of them replaced");
    lab.run(&[]).unwrap();
}

fn limited(most: usize) -> Lab {
    let usual = Setup::default();
    let rules = lifecycle::Rules { offboardings_an_hour: most, ..usual.rules.clone() };
    let lab = Lab::new(Setup { rules, ..usual });
    for (request, customer) in [("r-1", "acme"), ("r-2", "zenith")] {
        lab.world().ask(&Ask::onboard(request, customer, ONE, 1));
        lab.run(&[]).unwrap();
    }
    lab
}

fn phase(lab: &Lab, customer: &str) -> Phase {
    lab.world().table.row(&customer.parse().unwrap()).unwrap().customer.phase
}

#[test]
fn more_offboardings_in_an_hour_than_are_allowed_wait_for_an_operator() {
    let lab = limited(1);
    lab.world().ask(&Ask::offboard("r-3", "acme", 2));
    lab.run(&[]).unwrap();
    assert_eq!(phase(&lab, "acme"), Phase::Offboarded);
    lab.world().ask(&Ask::offboard("r-4", "zenith", 3));
    // Not in this hour, and not in the next ones either.
    for _ in 0..30 {
        let due = lab.world().next().unwrap();
        assert_eq!(lab.deliver(due, vec![]).end, End::Done);
    }
    assert_eq!(phase(&lab, "zenith"), Phase::Active);
    let approve = json!({"offboarding_request_id": "r-4"});
    done(&lab, said("OffboardingApproveRequested", "o-1", &approve));
    lab.run(&[]).unwrap();
    assert_eq!(phase(&lab, "zenith"), Phase::Offboarded);
    let noted: Vec<String> = lab.world().table.operations().map(|one| one.what.clone()).collect();
    assert_eq!(noted, ["offboarding r-4 approved"]);
}

#[test]
fn who_is_not_there_and_who_leaves_already_is_not_counted() {
    let lab = limited(1);
    lab.world().ask(&Ask::offboard("r-3", "nobody", 2));
    lab.world().ask(&Ask::offboard("r-4", "acme", 2));
    lab.run(&[]).unwrap();
    lab.world().ask(&Ask::offboard("r-5", "acme", 3));
    lab.run(&[]).unwrap();
    assert_eq!(phase(&lab, "acme"), Phase::Offboarded);
}

#[test]
fn an_approval_that_is_struck_is_asked_for_again() {
    fn begin() -> Lab {
        limited(0)
    }
    let approve = json!({"offboarding_request_id": "r-4"});
    let work = said("OffboardingApproveRequested", "o-1", &approve);
    let lab = begin();
    let calls = lab.deliver(work.clone(), vec![]).calls;
    assert_eq!(calls.len(), 2, "{calls:?}");
    for (at, site) in calls.iter().enumerate() {
        for fault in site.faults() {
            let lab = begin();
            lab.deliver(work.clone(), vec![(at + 1, fault)]);
            done(&lab, work.clone());
            lab.world().ask(&Ask::offboard("r-4", "acme", 2));
            lab.run(&[]).unwrap();
            assert_eq!(phase(&lab, "acme"), Phase::Offboarded, "{fault:?}");
        }
    }
}

#[test]
fn where_none_may_leave_each_is_approved() {
    let lab = limited(0);
    lab.world().ask(&Ask::offboard("r-3", "acme", 2));
    let due = lab.world().next().unwrap();
    assert_eq!(lab.deliver(due, vec![]).end, End::Done);
    assert_eq!(phase(&lab, "acme"), Phase::Active);
    done(&lab, said("OffboardingApproveRequested", "o-1", &json!({"offboarding_request_id": "r-3"})));
    lab.run(&[]).unwrap();
    assert_eq!(phase(&lab, "acme"), Phase::Offboarded);
}
