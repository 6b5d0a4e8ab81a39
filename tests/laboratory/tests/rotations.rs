//! Rotations and the clean-up, where a step is repeated, comes too early or too late, or where somebody did
//! something by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod credential;

use std::time::Duration;

use credential::{NAME, current, labelled, rotated, signed, step};
use jiff::SignedDuration;
use laboratory::delivery::{End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::{ONE, TWO};
use laboratory::world::Ask;
use serde_json::{Value, json};
use shared_core::credential::Credential;

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
    for _ in 0..20 {
        if labelled(&lab, "AWSPENDING").is_some() {
            step(&lab, vec![]);
        }
    }
    assert_eq!(labelled(&lab, "AWSPENDING"), None, "it is taken back");
    assert!(step(&lab, vec![]).calls.is_empty(), "it is over");
    assert_eq!(current(&lab).application_id, first);
    assert!(lab.world().rotate(NAME), "and the next one makes another");
    assert!(lab.world().table.rows().all(|row| row.lease.is_none()), "nobody works on the customer");
    lab.run(&[]).unwrap();
    assert_ne!(current(&lab).application_id, first);
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
    let begun = lab.world().clone();
    assert!(lab.world().rotate(NAME));
    let refused = step(&lab, vec![]);
    assert_eq!(refused.end, End::Returned);
    let said = refused.said.unwrap();
    assert!(said.contains("still retires") && said.contains("rotate again after"), "{said}");
    assert!(!said.contains(current(&lab).application_id.as_str()), "not the one in use: {said}");
    assert_eq!(lab.world().vendor.applications().count(), applications, "no third application");
    lab.run(&[]).unwrap();
    // Once the overlap has passed it is deleted on the way.
    lab.enter(begun);
    lab.pass(OVERLAP + Duration::from_secs(2));
    assert!(lab.world().rotate(NAME));
    let begun = step(&lab, vec![]);
    assert_eq!(begun.end, End::Done, "{:?}", begun.said);
    lab.run(&[]).unwrap();
}

#[test]
fn a_rotation_waits_a_moment_for_who_works_on_the_customer() {
    // Killed with a lease of 65 seconds.
    let lab = signed();
    lab.world().ask(&Ask::onboard("r-2", "acme", TWO, 2));
    let work = Work::Message(lab.world().queue[0].id);
    let leased = lab.first(&work, "UpdateItem");
    assert_eq!(lab.deliver(work, vec![(leased, Fault::CrashAfter)]).end, End::Killed);
    let held = lab.world().clone();
    // For a third of the time that it has.
    for (left, passed, end) in
        [(60, 50, End::Done), (60, 30, End::Returned), (30, 60, End::Done), (30, 50, End::Returned)]
    {
        let lab = Lab::new(Setup { time_left: Some(Duration::from_secs(left)), ..Setup::default() });
        lab.enter(held.clone());
        lab.pass(Duration::from_secs(passed));
        assert!(lab.world().rotate(NAME));
        assert_eq!(step(&lab, vec![]).end, end, "with {left} seconds, after {passed}");
        lab.run(&[]).unwrap();
    }
}

#[test]
fn a_rotation_whose_application_is_there_and_gets_no_token_is_not_taken_back() {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    lab.world().vendor.lag.acceptance = SignedDuration::from_hours(1);
    assert_eq!(step(&lab, vec![]).end, End::Done, "createSecret");
    assert_eq!(step(&lab, vec![]).end, End::Done, "setSecret");
    let pending = labelled(&lab, "AWSPENDING");
    lab.pass(Duration::from_secs(700));
    let refused = step(&lab, vec![]);
    assert_eq!(refused.end, End::Returned, "testSecret");
    assert!(refused.said.unwrap().contains("no token"));
    assert_eq!(labelled(&lab, "AWSPENDING"), pending);
    lab.pass(Duration::from_secs(3600));
    lab.run(&[]).unwrap();
    assert_eq!(labelled(&lab, "AWSCURRENT"), pending, "it goes on once the vendor accepts it");
}

#[test]
fn a_rotation_does_nothing_with_a_version_of_an_earlier_life() {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    assert_eq!(step(&lab, vec![]).end, End::Done, "createSecret");
    let version = labelled(&lab, "AWSPENDING").unwrap();
    for ask in [Ask::offboard("r-2", "acme", 2), Ask::onboard("r-3", "acme", ONE, 3)] {
        lab.world().ask(&ask);
        lab.run(&[]).unwrap();
    }
    // The new life took the label off. Somebody puts it back by hand.
    assert_eq!(labelled(&lab, "AWSPENDING"), None);
    let (now, label) = (lab.world().now, "AWSPENDING");
    let back = json!({"SecretId": NAME, "VersionStage": label, "MoveToVersionId": version});
    lab.world().secrets.call("UpdateSecretVersionStage", &back, now).unwrap();
    let before = labelled(&lab, "AWSCURRENT");
    for step in ["createSecret", "finishSecret"] {
        let event = json!({"Step": step, "SecretId": NAME, "ClientRequestToken": version});
        let refused = lab.deliver(Work::Operator(event.to_string()), vec![]);
        assert_eq!((refused.end, labelled(&lab, "AWSCURRENT")), (End::Returned, before.clone()), "{step}");
        assert!(refused.said.unwrap().contains("earlier life"), "{step}");
    }
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
    let recorded = lab.first(&Work::Message(id), "TransactWriteItems");
    assert_eq!(lab.deliver(Work::Message(id), vec![(recorded, Fault::CrashAfter)]).end, End::Killed);
    lab.pass(Duration::from_secs(66));
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
    let promoted = lab.first(&Work::Step(NAME.to_owned()), "UpdateSecretVersionStage");
    assert_eq!(step(&lab, vec![(promoted, Fault::CrashAfter)]).end, End::Killed);
    lab.world().rotating.clear();
    let applications = lab.world().vendor.applications().count();
    // Secrets Manager may leave the second's fraction out, so one second is added.
    lab.pass(OVERLAP);
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Done);
    assert_eq!(lab.world().vendor.applications().count(), applications, "its overlap goes on");
    lab.pass(Duration::from_secs(2));
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Done);
    assert_eq!(lab.world().vendor.applications().count(), applications - 1, "and ends when it should");
}

#[test]
fn the_clean_up_tells_what_retires_and_what_it_deleted() {
    let lab = rotated();
    let moment = Duration::from_millis(1);
    for (passed, deleted, retiring) in [(Duration::ZERO, 0, 1), (OVERLAP - moment, 0, 1), (moment, 1, 0)] {
        lab.pass(passed);
        let said = lab.deliver(Work::CleanUp, vec![]).said.unwrap();
        let told: Value = serde_json::from_str(&said).unwrap();
        assert_eq!((&told["deleted"], &told["retiring"]), (&json!(deleted), &json!(retiring)), "{told}");
    }
    // What a rotation has just made does not retire.
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    assert_eq!(step(&lab, vec![]).end, End::Done);
    let said = lab.deliver(Work::CleanUp, vec![]).said.unwrap();
    assert!(said.contains("\"retiring\":0"), "{said}");
    lab.run(&[]).unwrap();
}

#[test]
fn nothing_is_deleted_by_a_secret_that_names_nothing() {
    let lab = rotated();
    lab.pass(OVERLAP + Duration::from_secs(5));
    let applications = lab.world().vendor.applications().count();
    // Somebody deletes the secret by hand.
    let now = lab.world().now;
    let deleted =
        lab.world().secrets.call("DeleteSecret", &json!({"SecretId": NAME, "RecoveryWindowInDays": 7}), now);
    deleted.unwrap();
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Returned);
    assert_eq!(lab.world().vendor.applications().count(), applications);
}
