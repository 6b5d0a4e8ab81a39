//! What a flow does with the time it has, in doubt, and where it is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use jiff::SignedDuration;
use laboratory::delivery::{End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::{ONE, TWO};
use laboratory::vendor::Proof;
use laboratory::world::Ask;
use lifecycle::FlowError;

mod asked;

use asked::{MORE, OFF, event, lab_with, on, ours};

#[test]
fn a_flow_begins_no_create_whose_end_it_would_not_see() {
    // Of a tenant; and, where that is there already, of an application.
    for (before, ask) in [(vec![], on(ONE)), (vec![on(ONE)], MORE())] {
        let lab = lab_with(&before);
        lab.world().ask(&ask);
        let asked = lab.world().clone();
        let lab = Lab::new(Setup { time_left: Some(Duration::from_secs(12)), ..Setup::default() });
        lab.enter(asked);
        let id = lab.world().queue[0].id;
        let delivered = lab.deliver(Work::Message(id), Vec::new());
        assert_eq!(delivered.end, End::Done);
        assert!(delivered.calls.iter().all(|call| !call.operation.starts_with("create")), "{delivered:?}");
        assert_eq!(lab.world().queue.len(), 1, "it is deferred, with all that it needs recorded");

        let waiting = lab.world().clone();
        let lab = Lab::new(Setup::default());
        lab.enter(waiting.clone());
        lab.run(&[]).unwrap();
        // Not all of an invocation's time is needed.
        let lab = Lab::new(Setup { time_left: Some(Duration::from_secs(20)), ..Setup::default() });
        lab.enter(waiting);
        lab.run(&[]).unwrap();
    }
}

#[test]
fn a_flow_takes_no_passing_404_for_a_tenant_that_is_gone() {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE));
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenantApplication");
    lab.run(&[(made, Fault::Status(404))]).unwrap();
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded");
}

#[test]
fn a_flow_whose_create_was_lost_waits_once_and_makes_it_again() {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE));
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenantApplication");
    assert_eq!(lab.run(&[(made, Fault::Lost)]).unwrap().deliveries, 2);
}

#[test]
fn a_flow_makes_no_second_client_secret_before_the_first_must_be_listed() {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE).with_client_secrets());
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenantApplication");
    lab.world().vendor.lag.listing = SignedDuration::from_secs(100);
    lab.deliver(work, vec![(made, Fault::CrashAfter)]);
    lab.world().vendor.lag.listing = SignedDuration::ZERO;
    lab.run(&[]).unwrap();
    assert_eq!(lab.world().vendor.applications().count(), 2, "the stranger's, and one of ours");
}

#[test]
fn a_flow_that_another_request_gave_up_is_taken_up_with_its_doubt() {
    // An application was made unseen, in one of two cells, and the listing failed for a day.
    let lab = lab_with(&[on(ONE)]);
    lab.world().ask(&MORE());
    let id = lab.world().queue[0].id;
    let made = lab.first(&Work::Message(id), "createTenantApplication");
    lab.deliver(Work::Message(id), vec![(made, Fault::CrashAfter)]);
    lab.world().is_deferred_for_a_day(id);
    let listed = lab.first(&Work::Message(id), "getTenantApplications");
    lab.deliver(Work::Message(id), vec![(listed, Fault::Status(429))]);
    assert!(lab.world().queue.is_empty(), "it is given up");
    lab.world().ask(&Ask::onboard("r-4", "acme", TWO, 4));
    lab.run(&[]).unwrap();
    assert_eq!(lab.world().vendor.applications().count(), 3, "the stranger's, and one in each cell");
}

#[test]
fn a_flow_leaves_no_secret_in_a_cell_that_cannot_be_had() {
    // Its credential was stored, which nobody recorded; then somebody deleted its application.
    let lab = lab_with(&[on(ONE)]);
    lab.world().ask(&MORE());
    let work = Work::Message(lab.world().queue[0].id);
    let stored = lab.first(&work, "CreateSecret");
    lab.deliver(work, vec![(stored, Fault::CrashAfter)]);
    let application = lab.world().vendor.applications().last().unwrap().id.clone();
    lab.world().delete_application_upstream(&application);
    lab.world().vendor.lag.acceptance = SignedDuration::from_hours(24);
    lab.pass(Duration::from_secs(700));
    lab.run(&[]).unwrap();
    assert_eq!(event(&lab.world())["cells"][1]["status"], "FAILED");
    let secret = lab.world().secrets.secret("resistant/acme/us-1/credential").unwrap();
    assert!(secret.deletion.is_some());
}

#[test]
fn a_flow_refuses_what_was_asked_in_the_future() {
    // The laboratory begins at the 24th hour.
    for (hour, expected) in [(24, "CustomerOnboarded"), (25, "RequestRejected")] {
        let lab = Lab::new(Setup::default());
        lab.world().ask(&Ask::onboard("r-1", "acme", ONE, hour));
        let work = Work::Message(lab.world().queue[0].id);
        lab.deliver(work, vec![]);
        assert_eq!(lab.world().bus.last().unwrap().detail_type(), expected, "at hour {hour}");
    }
}

#[test]
fn a_flow_refuses_the_id_of_another_request() {
    let other = Ask::onboard("r-1", "bolt", ONE, 2);
    for reused in [other, Ask::offboard("r-1", "acme", 2), Ask::offboard("r-1", "bolt", 2)] {
        let lab = lab_with(&[on(ONE)]);
        lab.world().ask(&reused);
        let work = Work::Message(lab.world().queue[0].id);
        lab.deliver(work, vec![]);
        assert_eq!(event(&lab.world())["reason_code"], "REQUEST_ID_REUSED", "{reused:?}");
    }
}

#[test]
fn a_flow_that_finds_the_organization_full_says_so() {
    let lab = Lab::new(Setup { quota: 1, ..Setup::default() });
    lab.world().vendor.quota = 1;
    lab.world().ask(&on(ONE));
    lab.run(&[]).unwrap();
    assert_eq!(event(&lab.world())["reason_code"], "QUOTA_FULL");
}

#[test]
fn a_flow_that_removes_waits_for_readers_or_for_a_create_that_may_land() {
    // What is removed: a customer who is served, and one whose tenant may just be being made.
    for (served, wait) in [(true, 330), (false, 60)] {
        let before = if served { vec![on(ONE)] } else { vec![] };
        let lab = lab_with(&before);
        if !served {
            lab.world().ask(&on(ONE));
            let work = Work::Message(lab.world().queue[0].id);
            let made = lab.first(&work, "createTenant");
            lab.deliver(work, vec![(made, Fault::CrashBefore)]);
            lab.pass(Duration::from_secs(66));
        }
        lab.world().ask(&OFF());
        let work = Work::Message(lab.world().queue.last().unwrap().id);
        lab.deliver(work, vec![]);
        let due = {
            let world = lab.world();
            world.queue.last().unwrap().due.duration_since(world.now)
        };
        assert_eq!(due.as_secs(), wait);
        lab.run(&[]).unwrap();
    }
}

#[test]
fn a_flow_whose_tenant_was_made_unheard_finds_it_at_once() {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE));
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenant");
    lab.deliver(work, vec![(made, Fault::Unheard)]);
    assert!(lab.world().queue.is_empty(), "one delivery is enough");
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded");
}

#[test]
fn a_flow_takes_no_passing_refusal_of_a_token_for_an_answer() {
    // What would follow is another application, or the end of this one: neither may hang on one answer.
    for (operation, cut_off, later) in [
        ("createTenantApplication", Fault::CrashAfter, Duration::ZERO),
        ("token", Fault::CrashBefore, Duration::from_secs(700)),
    ] {
        let lab = Lab::new(Setup::default());
        lab.world().ask(&on(ONE));
        let work = Work::Message(lab.world().queue[0].id);
        let at = lab.first(&work, operation);
        lab.deliver(work.clone(), vec![(at, cut_off)]);
        lab.pass(later);
        let token = lab.first(&work, "token");
        lab.deliver(work, vec![(token, Fault::Status(401))]);
        assert!(lab.world().queue.is_empty(), "it asks again, and is done");
        assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded");
        assert_eq!(lab.world().vendor.applications().count(), 2, "the stranger's, and one of ours");
    }
}

#[test]
fn a_flow_that_waits_for_its_application_looks_for_it_again_and_again() {
    // It made none, and somebody else's stands in the cell, which may be ours and accepted late.
    let lab = lab_with(&[on(ONE)]);
    let tenant = ours(&lab);
    lab.world().intrude(&tenant);
    lab.world().ask(&MORE());
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenantApplication");
    lab.deliver(work, vec![(made, Fault::CrashBefore)]);
    let mut waits = Vec::new();
    loop {
        let next = lab.world().next();
        let Some(work) = next else { break };
        lab.deliver(work, vec![]);
        let world = lab.world();
        waits.extend(world.queue.first().map(|message| message.due.duration_since(world.now)));
    }
    // Who waits longer waits longer each time.
    let first = waits.iter().take(5).all(|wait| wait.as_secs() == 60);
    assert!(first && waits.len() > 5, "{waits:?}");
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded");
    lab.run(&[]).unwrap();
}

#[test]
fn a_flow_deletes_the_application_of_a_cell_that_cannot_be_had() {
    let lab = lab_with(&[on(ONE)]);
    lab.world().vendor.lag.acceptance = SignedDuration::from_hours(24);
    lab.world().ask(&MORE());
    lab.run(&[]).unwrap();
    let told = event(&lab.world());
    assert_eq!(told["cells"][1]["status"], "FAILED", "{told}");
    assert_eq!(
        lab.world().vendor.applications().count(),
        2,
        "the stranger's, and that of the cell that works"
    );
}

#[test]
fn a_flow_knows_the_application_of_a_lost_client_secret_by_its_scopes() {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE).with_client_secrets());
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenantApplication");
    lab.deliver(work, vec![(made, Fault::CrashAfter)]);
    let (tenant, now) = (ours(&lab), lab.world().now);
    let (read, write, other) =
        ("documents.submissions.read", "documents.submissions.write", "documents.other");
    for scopes in [&[read][..], &[read, other], &[read, write, other]] {
        let mut world = lab.world();
        let theirs = Proof::Secret("somebody else's".to_owned());
        let id = world.vendor.add_application(&tenant, "eu-1", theirs, now);
        world.vendor.allow(&id, scopes);
        world.strangers.push((tenant.clone(), id));
    }
    lab.run(&[]).unwrap();
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded");
    assert_eq!(lab.world().vendor.applications().count(), 5, "four of others, and one of ours");
}

#[test]
fn a_flow_that_gives_up_before_it_began_holds_nobody_up() {
    let lab = lab_with(&[on(ONE)]);
    lab.world().ask(&OFF());
    let off = Work::Message(lab.world().queue[0].id);
    lab.deliver(off, Vec::new());
    let waits = Work::Message(lab.world().queue[0].id);
    lab.world().ask(&Ask::onboard("r-3", "acme", ONE, 3));
    let on = lab.world().queue.last().unwrap().id;
    lab.world().is_deferred_for_a_day(on);
    lab.deliver(Work::Message(on), Vec::new());
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboardingFailed");
    lab.deliver(waits, Vec::new());
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOffboarded", "nobody has the lease");
    lab.run(&[]).unwrap();
}

#[test]
fn a_flow_takes_no_passing_refusal_for_a_full_quota() {
    for status in [403, 404, 429] {
        let lab = Lab::new(Setup::default());
        lab.world().ask(&on(ONE));
        lab.run(&[(5, Fault::Status(status))]).unwrap();
        let told = lab.world().bus.last().unwrap().detail_type();
        assert_eq!(told, "CustomerOnboarded", "createTenant answered {status} once, and there was room");
    }
}

#[test]
fn a_flow_that_begins_a_new_life_lets_the_removal_of_the_old_one_end_first() {
    let lab = lab_with(&[on(ONE)]);
    lab.world().ask(&OFF());
    let off = lab.world().queue[0].id;
    lab.deliver(Work::Message(off), Vec::new());
    lab.world().ask(&Ask::onboard("r-3", "acme", ONE, 3));
    let on = lab.world().queue.last().unwrap().id;
    lab.deliver(Work::Message(on), Vec::new());
    lab.run(&[]).unwrap();
    let told: Vec<&str> = lab.world().bus.iter().map(|event| event.detail_type()).collect();
    assert_eq!(
        told,
        ["CustomerOnboarded", "CustomerOffboarded", "CustomerOnboarded"],
        "with its certificate"
    );
}

#[test]
fn a_flow_that_removes_nobody_waits_for_nothing() {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&OFF());
    assert_eq!(lab.run(&[]).unwrap().deliveries, 1);
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOffboarded");
}

#[test]
fn a_flow_has_waited_too_long_after_a_day_and_ten_attempts() {
    let waits = FlowError::NotYet { delay: Duration::ZERO, reason: "it is early".to_owned() };
    let (day, moment) = (Duration::from_secs(86_400), Duration::from_secs(1));
    assert!(waits.is_too_old(day + moment, 10));
    assert!(!waits.is_too_old(day, 10) && !waits.is_too_old(day + moment, 9));
}
