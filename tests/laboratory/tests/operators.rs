//! What operators ask of a credential, with every single fault, and repeated as an operator repeats what
//! got no answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod credential;

use std::time::Duration;

use credential::{NAME, current, labelled, rotated, signed, step};
use laboratory::delivery::{End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::world::{Ask, World};
use serde_json::{Value, json};
use shared_core::credential::{AuthenticationKind, Credential};

/// A rotation whose last step is refused until it is given up: its label stays where it is.
fn stuck() -> Lab {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    for _ in 0..3 {
        assert_eq!(step(&lab, vec![]).end, End::Done);
    }
    let promoted = lab.first(&Work::Step(NAME.to_owned()), "UpdateSecretVersionStage");
    assert_eq!(step(&lab, vec![(promoted, Fault::Status(400))]).end, End::Returned);
    lab.world().rotating.clear();
    lab
}

fn asked(request_id: &str, more: Value) -> Work {
    let mut said = json!({
        "type": "SecretRotationRequested", "version": "1", "request_id": request_id, "customer_id": "acme",
        "cell": "eu-1", "actor": "ops", "reason": "r"
    });
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Work::Operator(said.to_string())
}

fn roll_back(request_id: &str, version: &str) -> Work {
    Work::Operator(World::roll_back(NAME, request_id, version))
}

fn has(world: &World, application: &str) -> bool {
    world.vendor.applications().any(|one| one.id == application)
}

fn refused(lab: &Lab, work: Work, why: &[&str]) {
    let (before, delivered) = (labelled(lab, "AWSCURRENT"), lab.deliver(work, vec![]));
    let said = delivered.said.unwrap_or_default();
    assert_eq!(delivered.end, End::Returned);
    assert!(why.iter().all(|why| said.contains(why)), "{why:?} is not in: {said}");
    assert_eq!(labelled(lab, "AWSCURRENT"), before);
}

/// Every single fault at every call of what an operator asks; then it is asked again, until it is done.
fn struck(begin: fn() -> (Lab, Work), holds: fn(&World)) {
    let (lab, work) = begin();
    let start = lab.world().clone();
    let calls = lab.deliver(work.clone(), vec![]).calls;
    assert!(calls.len() >= 5, "{calls:?}");
    for (at, site) in calls.iter().enumerate() {
        for fault in site.faults() {
            lab.enter(start.clone());
            lab.deliver(work.clone(), vec![(at + 1, fault)]);
            // A lease that was left ends before anybody asks again.
            lab.pass(Duration::from_secs(70));
            let again = lab.deliver(work.clone(), vec![]);
            assert_eq!(again.end, End::Done, "{fault:?} at call {} ({site}): {:?}", at + 1, again.said);
            let run = lab.run(&[]);
            assert!(run.is_ok(), "{fault:?} at call {} ({site}): {run:?}", at + 1);
            holds(&lab.world());
        }
    }
}

#[test]
fn a_rotation_is_asked_for_once_by_one_request() {
    struck(
        || (signed(), asked("o-1", json!({}))),
        |world| {
            let rotated = world.bus.iter().filter(|event| event.detail_type() == "SecretRotated");
            let mut ids: Vec<&str> = rotated.map(|event| event.event_id()).collect();
            ids.dedup();
            assert_eq!(ids.len(), 1, "one rotation");
        },
    );
    let lab = signed();
    let outcome = |work: &Work| lab.deliver(work.clone(), vec![]);
    let work = asked("o-1", json!({}));
    assert_eq!(outcome(&work).end, End::Done);
    let under_way = outcome(&work);
    assert_eq!((under_way.end, under_way.calls.len()), (End::Done, 1));
    assert!(under_way.said.unwrap().contains("under way"));
    lab.run(&[]).unwrap();
    let complete = outcome(&work);
    assert_eq!((complete.end, complete.calls.len()), (End::Done, 1));
    assert!(complete.said.unwrap().contains("complete"));
}

#[test]
fn force_ends_the_overlap() {
    let lab = rotated();
    let first = current(&lab).application_id;
    refused(&lab, asked("o-1", json!({})), &["still retires", "force"]);
    struck(
        || {
            let lab = rotated();
            lab.world().forced = true;
            (lab, asked("o-2", json!({"force": true})))
        },
        |_| {},
    );
    lab.world().forced = true;
    let retiring = lab.world().vendor.applications().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(lab.deliver(asked("o-2", json!({"force": true})), vec![]).end, End::Done);
    let world = lab.world().clone();
    assert_eq!(retiring.iter().filter(|id| !has(&world, id)).count(), 1, "the retiring one is gone at once");
    assert!(has(&world, first.as_str()), "readers have their credential until the new one is there");
    lab.run(&[]).unwrap();
    assert_ne!(current(&lab).application_id, first);
}

#[test]
fn force_takes_a_stuck_rotation_back() {
    let lab = stuck();
    let pending = labelled(&lab, "AWSPENDING").unwrap();
    refused(&lab, asked("o-1", json!({})), &["not complete", &pending]);
    refused(&lab, roll_back("o-2", &labelled(&lab, "AWSCURRENT").unwrap()), &["not complete"]);
    struck(
        || {
            let lab = stuck();
            lab.world().forced = true;
            (lab, asked("o-1", json!({"force": true})))
        },
        |world| assert_eq!(world.bus.iter().filter(|one| one.detail_type() == "SecretRotated").count(), 1),
    );
}

#[test]
fn the_kind_of_credential_changes_for_good() {
    let lab = signed();
    for (request, kind) in [("o-1", "CLIENT_SECRET"), ("o-2", "KEY_PAIR")] {
        assert_eq!(lab.deliver(asked(request, json!({"authentication": kind})), vec![]).end, End::Done);
        lab.run(&[]).unwrap();
        assert!(lab.world().rotate(NAME));
        lab.run(&[]).unwrap();
        let now = current(&lab).authentication.kind();
        let wanted =
            if kind == "KEY_PAIR" { AuthenticationKind::KeyPair } else { AuthenticationKind::ClientSecret };
        assert_eq!(now, wanted, "the schedule goes on with it");
    }
    // While an application of one kind is being made, none of another is asked for.
    assert!(lab.world().rotate(NAME));
    let made = lab.first(&Work::Step(NAME.to_owned()), "createTenantApplication");
    assert_eq!(step(&lab, vec![(made, Fault::Refused)]).end, End::Returned);
    let other = asked("o-3", json!({"authentication": "CLIENT_SECRET", "force": true}));
    refused(&lab, other, &["other kind"]);
    lab.run(&[]).unwrap();
}

#[test]
fn a_roll_back_is_done_once_and_while_the_old_application_lives() {
    struck(
        || {
            let lab = rotated();
            let bad = labelled(&lab, "AWSCURRENT").unwrap();
            (lab, roll_back("o-1", &bad))
        },
        |world| {
            let told: Vec<_> =
                world.bus.iter().filter(|one| one.detail_type() == "SecretRolledBack").collect();
            assert!(told.iter().all(|one| one.event_id() == told[0].event_id()) && !told.is_empty());
            assert!(world.table.requests().any(|one| one.request_id.as_str() == "o-1" && one.announced));
        },
    );
    let lab = rotated();
    let (good, bad) = (labelled(&lab, "AWSPREVIOUS"), labelled(&lab, "AWSCURRENT").unwrap());
    assert_eq!(lab.deliver(roll_back("o-1", &bad), vec![]).end, End::Done);
    assert_eq!(labelled(&lab, "AWSCURRENT"), good);
    assert_eq!(labelled(&lab, "AWSPENDING"), None, "no label blocks the next rotation");
    assert_eq!(lab.deliver(roll_back("o-1", &bad), vec![]).calls.len(), 1, "it was handled");
    // The same id for something else, and a version that is neither.
    refused(&lab, roll_back("o-2", &"0".repeat(64)), &["not the current one"]);
    let other = asked("o-1", json!({"type": "SecretRollBackRequested", "version_id": bad, "cell": "us-1"}));
    refused(&lab, other, &["REQUEST_ID_REUSED"]);
    lab.run(&[]).unwrap();
    assert_eq!(labelled(&lab, "AWSCURRENT"), good);
}

#[test]
fn a_roll_back_comes_too_late_once_a_deletion_may_have_begun() {
    let settle = Setup::default().rules.settle;
    for (passed, works) in [
        (OVERLAP - settle - Duration::from_secs(5), true),
        (OVERLAP - settle, false),
        (OVERLAP + Duration::from_secs(5), false),
    ] {
        let lab = rotated();
        let bad = labelled(&lab, "AWSCURRENT").unwrap();
        lab.pass(passed);
        if works {
            assert_eq!(lab.deliver(roll_back("o-1", &bad), vec![]).end, End::Done, "{passed:?}");
        } else {
            refused(&lab, roll_back("o-1", &bad), &["cannot be rolled back", "ask for a rotation"]);
        }
        lab.run(&[]).unwrap();
    }
    let lab = signed();
    let only = labelled(&lab, "AWSCURRENT").unwrap();
    refused(&lab, roll_back("o-1", &only), &["there is no earlier version"]);
}

#[test]
fn a_roll_back_to_what_gets_no_token_is_refused() {
    let lab = rotated();
    let bad = labelled(&lab, "AWSCURRENT").unwrap();
    let world = lab.world().clone();
    let old = Credential::from_secret_value(world.secrets.reveal(NAME, "AWSPREVIOUS").unwrap()).unwrap();
    lab.world().delete_application_upstream(old.application_id.as_str());
    refused(&lab, roll_back("o-1", &bad), &["no token"]);
}

#[test]
fn what_is_not_a_working_cell_is_not_rotated() {
    let lab = signed();
    refused(&lab, asked("o-1", json!({"cell": "us-1"})), &["there is no secret"]);
    refused(&lab, asked("o-2", json!({"customer_id": "nobody"})), &["there is no secret"]);
    refused(&lab, asked("o-3", json!({"actor": " "})), &["actor"]);
    lab.world().ask(&Ask::offboard("r-2", "acme", 2));
    let id = lab.world().queue[0].id;
    lab.deliver(Work::Message(id), vec![]);
    refused(&lab, asked("o-4", json!({})), &["nothing to rotate"]);
    lab.run(&[]).unwrap();
}
