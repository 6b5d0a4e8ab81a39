//! What operators ask of a credential, and what somebody did by hand: each with every single fault, and
//! repeated as an operator repeats what got no answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use jiff::SignedDuration;
use laboratory::delivery::{Delivered, End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::ONE;
use laboratory::world::{Ask, World};
use serde_json::{Value, json};
use shared_core::credential::{AuthenticationKind, Credential};

const NAME: &str = "resistant/acme/eu-1/credential";

fn signed() -> Lab {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&Ask::onboard("r-1", "acme", ONE, 1));
    lab.run(&[]).unwrap();
    lab
}

/// Rotated once, and the replaced application's overlap has just begun.
fn rotated() -> Lab {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    for _ in 0..4 {
        assert_eq!(step(&lab, vec![]).end, End::Done);
    }
    assert!(lab.world().rotating.is_empty());
    lab
}

fn step(lab: &Lab, plan: Vec<(usize, Fault)>) -> Delivered {
    lab.deliver(Work::Step(NAME.to_owned()), plan)
}

/// A rotation whose last step is refused until it is given up: its label stays where it is.
fn stuck() -> Lab {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    for _ in 0..3 {
        assert_eq!(step(&lab, vec![]).end, End::Done);
    }
    let calls = {
        let world = lab.world().clone();
        let calls = step(&lab, vec![]).calls;
        lab.enter(world);
        calls
    };
    let promoted = calls.iter().position(|call| call.operation == "UpdateSecretVersionStage").unwrap();
    assert_eq!(step(&lab, vec![(promoted + 1, Fault::Status(400))]).end, End::Returned);
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
    asked(request_id, json!({"type": "SecretRollBackRequested", "version_id": version}))
}

/// The version with a label. What these answer holds no lock on the world.
fn labelled(lab: &Lab, label: &str) -> Option<String> {
    let world = lab.world();
    let secret = world.secrets.secrets().find(|secret| secret.name == NAME).unwrap();
    secret.version(label).map(str::to_owned)
}

fn current(lab: &Lab) -> Credential {
    let world = lab.world();
    Credential::from_secret_value(world.secrets.reveal(NAME, "AWSCURRENT").unwrap()).unwrap()
}

fn has(world: &World, application: &str) -> bool {
    world.vendor.applications().any(|one| one.id == application)
}

fn pass(lab: &Lab, time: Duration) {
    let mut world = lab.world();
    let later = world.now + SignedDuration::try_from(time).unwrap();
    world.pass_to(later);
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
            pass(&lab, Duration::from_secs(70));
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
    assert_eq!((under_way.end, under_way.calls.len()), (End::Done, 1), "it is under way");
    lab.run(&[]).unwrap();
    assert_eq!(outcome(&work).calls.len(), 1, "it is complete");
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
    let calls = {
        let world = lab.world().clone();
        let calls = step(&lab, vec![]).calls;
        lab.enter(world);
        calls
    };
    let made = calls.iter().position(|call| call.operation == "createTenantApplication").unwrap();
    assert_eq!(step(&lab, vec![(made + 1, Fault::Refused)]).end, End::Returned);
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
        (OVERLAP - settle + Duration::from_secs(5), false),
        (OVERLAP + Duration::from_secs(5), false),
    ] {
        let lab = rotated();
        let bad = labelled(&lab, "AWSCURRENT").unwrap();
        pass(&lab, passed);
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
fn a_rotation_whose_application_was_deleted_by_hand_is_taken_back() {
    let lab = signed();
    let first = current(&lab).application_id;
    assert!(lab.world().rotate(NAME));
    assert_eq!(step(&lab, vec![]).end, End::Done);
    let pending = labelled(&lab, "AWSPENDING");
    let world = lab.world().clone();
    let value = Credential::from_secret_value(world.secrets.reveal(NAME, "AWSPENDING").unwrap()).unwrap();
    lab.world().delete_application_upstream(value.application_id.as_str());
    // Refused at first for all that a new application may be.
    assert_eq!(step(&lab, vec![]).end, End::Done, "setSecret");
    assert_eq!(step(&lab, vec![]).end, End::Returned, "testSecret");
    assert_eq!(labelled(&lab, "AWSPENDING"), pending);
    lab.run(&[]).unwrap();
    assert_eq!(labelled(&lab, "AWSPENDING"), None, "it is taken back");
    assert_eq!(current(&lab).application_id, first);
    assert!(lab.world().rotate(NAME), "and the next one makes another");
    lab.run(&[]).unwrap();
    assert_ne!(current(&lab).application_id, first);
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

#[test]
fn a_rotation_is_repeated_step_by_step_from_either_legal_end() {
    let lab = rotated();
    let version = labelled(&lab, "AWSCURRENT").unwrap();
    assert_eq!(labelled(&lab, "AWSPENDING"), Some(version.clone()), "one end: both labels on one version");
    for _ in 0..2 {
        let before = lab.world().vendor.applications().count();
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
            let event = json!({"Step": step, "SecretId": NAME, "ClientRequestToken": version});
            let repeated = lab.deliver(Work::Operator(event.to_string()), vec![]);
            assert_eq!(repeated.end, End::Done, "{step}: {:?}", repeated.said);
        }
        assert_eq!(lab.world().vendor.applications().count(), before, "nothing is made twice");
        assert_eq!(labelled(&lab, "AWSCURRENT"), Some(version.clone()));
        if labelled(&lab, "AWSPENDING").is_some() {
            let input =
                json!({"SecretId": NAME, "VersionStage": "AWSPENDING", "RemoveFromVersionId": version});
            let now = lab.world().now;
            lab.world().secrets.call("UpdateSecretVersionStage", &input, now).unwrap();
        }
    }
    assert_eq!(labelled(&lab, "AWSPENDING"), None, "the other: no AWSPENDING at all");
}

#[test]
fn a_rotation_is_refused_while_an_application_retires() {
    let lab = rotated();
    let applications = lab.world().vendor.applications().count();
    assert!(lab.world().rotate(NAME));
    let refused = step(&lab, vec![]);
    assert_eq!(refused.end, End::Returned);
    let said = refused.said.unwrap();
    assert!(said.contains("still retires") && said.contains("rotate again after"), "{said}");
    assert_eq!(lab.world().vendor.applications().count(), applications, "no third application");
    lab.run(&[]).unwrap();
}

#[test]
fn a_rotation_of_who_leaves_is_not_finished() {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    for _ in 0..3 {
        assert_eq!(step(&lab, vec![]).end, End::Done);
    }
    // The phase is recorded, and the rotation not yet cancelled.
    lab.world().ask(&Ask::offboard("r-2", "acme", 2));
    let id = lab.world().queue[0].id;
    let calls = {
        let world = lab.world().clone();
        let calls = lab.deliver(Work::Message(id), vec![]).calls;
        lab.enter(world);
        calls
    };
    let recorded = calls.iter().position(|call| call.operation == "TransactWriteItems").unwrap();
    assert_eq!(lab.deliver(Work::Message(id), vec![(recorded + 1, Fault::CrashAfter)]).end, End::Killed);
    pass(&lab, Duration::from_secs(66));
    let before = labelled(&lab, "AWSCURRENT");
    let refused = step(&lab, vec![]);
    assert_eq!((refused.end, labelled(&lab, "AWSCURRENT")), (End::Returned, before));
    assert!(refused.said.unwrap().contains("nothing to rotate"));
    lab.run(&[]).unwrap();
}

#[test]
fn the_clean_up_stamps_from_when_the_secret_was_changed() {
    // finishSecret dies once the label has moved, and is not called again.
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    for _ in 0..3 {
        step(&lab, vec![]);
    }
    let world = lab.world().clone();
    let calls = step(&lab, vec![]).calls;
    lab.enter(world);
    let promoted = calls.iter().position(|call| call.operation == "UpdateSecretVersionStage").unwrap();
    assert_eq!(step(&lab, vec![(promoted + 1, Fault::CrashAfter)]).end, End::Killed);
    lab.world().rotating.clear();
    let applications = lab.world().vendor.applications().count();
    // Secrets Manager may leave the second's fraction out, so one second is added.
    pass(&lab, OVERLAP);
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Done);
    assert_eq!(lab.world().vendor.applications().count(), applications, "its overlap goes on");
    pass(&lab, Duration::from_secs(2));
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Done);
    assert_eq!(lab.world().vendor.applications().count(), applications - 1, "and ends when it should");
}

#[test]
fn nothing_is_deleted_by_a_secret_that_names_nothing() {
    let lab = rotated();
    pass(&lab, OVERLAP + Duration::from_secs(5));
    let applications = lab.world().vendor.applications().count();
    // Somebody deletes the secret by hand.
    let now = lab.world().now;
    let deleted =
        lab.world().secrets.call("DeleteSecret", &json!({"SecretId": NAME, "RecoveryWindowInDays": 7}), now);
    deleted.unwrap();
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Returned);
    assert_eq!(lab.world().vendor.applications().count(), applications);
}
