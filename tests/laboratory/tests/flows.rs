//! What a flow costs, what it does with the time it has, and what it does when somebody else was at the
//! vendor.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use laboratory::delivery::{End, Work};
use laboratory::fault::{Fault, Service, Site};
use laboratory::files::File;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::{ONE, THREE, TWO};
use laboratory::vendor::Proof;
use laboratory::world::{Ask, World};
use lifecycle::FlowError;
use serde_json::Value;

fn lab_with(asks: &[Ask<'_>]) -> Lab {
    let lab = Lab::new(Setup::default());
    for ask in asks {
        lab.world().ask(ask);
        lab.run(&[]).unwrap();
    }
    lab
}

fn on(cells: &'static [shared_core::place::Cell]) -> Ask<'static> {
    Ask::onboard("r-1", "acme", cells, 1)
}

const OFF: fn() -> Ask<'static> = || Ask::offboard("r-2", "acme", 2);

const MORE: fn() -> Ask<'static> = || Ask::onboard("r-3", "acme", TWO, 3);

/// The customer's tenant.
fn ours(lab: &Lab) -> String {
    let world = lab.world();
    world.vendor.tenants().find(|tenant| tenant.name != "strangers").unwrap().id.clone()
}

/// The calls that a request makes, over all its deliveries.
fn calls(lab: &Lab, ask: &Ask<'_>) -> Vec<Site> {
    lab.world().ask(ask);
    lab.run(&[]).unwrap().calls
}

/// Calls by service, in the order of the README's columns.
fn by_service(calls: &[Site]) -> Vec<usize> {
    let services = [
        Service::Vendor,
        Service::DynamoDb,
        Service::SecretsManager,
        Service::Kms,
        Service::EventBridge,
        Service::Sqs,
        Service::S3,
    ];
    services.map(|service| calls.iter().filter(|call| call.service == service).count()).to_vec()
}

/// The rows of the README's table of budgets.
fn budgets() -> BTreeMap<String, Vec<usize>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let table = text.split_once("<!-- call-budgets -->\n").expect("the README has a table of budgets").1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0].to_owned(), cells[1..].iter().map(|cell| cell.parse().unwrap()).collect())
    })
    .collect()
}

#[test]
fn a_flow_makes_the_calls_of_its_budget() {
    let mut measured = BTreeMap::new();
    let mut row = |name: &str, calls: &[Site]| drop(measured.insert(name.to_owned(), by_service(calls)));
    row("onboarding, 1 cell", &calls(&lab_with(&[]), &on(ONE)));
    row("onboarding, 3 cells", &calls(&lab_with(&[]), &on(THREE)));
    row("offboarding, 1 cell", &calls(&lab_with(&[on(ONE)]), &OFF()));
    row("offboarding, 3 cells", &calls(&lab_with(&[on(THREE)]), &OFF()));
    let lab = lab_with(&[on(THREE), OFF()]);
    row("a repeat of a request that has ended", &calls(&lab, &OFF()));
    row("a request that is superseded", &calls(&lab, &Ask::onboard("r-0", "acme", ONE, 0)));
    let lab = lab_with(&[on(ONE)]);
    let name = "resistant/acme/eu-1/credential";
    row("clean-up with nothing to do", &lab.deliver(Work::CleanUp, Vec::new()).calls);
    assert!(lab.world().rotate(name));
    let mut rotation = Vec::new();
    while !lab.world().rotating.is_empty() {
        let step = lab.deliver(Work::Step(name.to_owned()), Vec::new());
        assert_eq!(step.end, End::Done);
        rotation.extend(step.calls);
    }
    row("rotation", &rotation);
    let rotated = lab.world().clone();
    let bad = rotated.secrets.secret(name).unwrap().version("AWSCURRENT").unwrap().to_owned();
    row("roll back", &lab.deliver(Work::Operator(World::roll_back(name, "o-1", &bad)), Vec::new()).calls);
    lab.enter(rotated);
    lab.pass(OVERLAP + Duration::from_secs(2));
    row("clean-up of a replaced application", &lab.deliver(Work::CleanUp, Vec::new()).calls);
    assert_eq!(lab.world().vendor.applications().count(), 2, "the stranger's and ours");
    documents(&mut |name, calls| drop(measured.insert(name.to_owned(), by_service(calls))));
    assert_eq!(measured, budgets(), "the README's table is what is measured");
}

/// What documents cost, with and without what the function keeps of their customer.
fn documents(row: &mut dyn FnMut(&str, &[Site])) {
    let lab = Lab::new(Setup { cache: Duration::from_secs(300), ..Setup::default() });
    lab.world().ask(&on(ONE));
    lab.run(&[]).unwrap();
    let put = |file: File| {
        lab.world().put(file);
        lab.run(&[]).unwrap().calls
    };
    row("first document of a customer", &put(File::plain("acme/1.pdf")));
    row("document", &put(File::plain("acme/2.pdf")));
    row("document with characteristics", &put(File::described("acme/3.pdf")));
    row("a repeat of a document that has ended", &put(File::plain("acme/2.pdf")));
    row("a document of an unknown customer", &put(File::plain("nobody/4.pdf")));
    assert_eq!(lab.world().vendor.submissions().count(), 3);
}

#[test]
fn a_flow_that_is_struck_once_makes_few_calls_more() {
    for (ask, before, most) in [(on(ONE), vec![], 16), (OFF(), vec![on(THREE)], 20)] {
        let lab = lab_with(&before);
        lab.world().ask(&ask);
        let world = lab.world().clone();
        let good = lab.run(&[]).unwrap().calls;
        let mut worst = 0;
        for (at, site) in good.iter().enumerate() {
            // How often it is looked again depends on how late the vendor is.
            let late = |fault: &Fault| {
                matches!(fault, Fault::ListedLate | Fault::UnheardAndListedLate | Fault::AcceptedLate)
            };
            for fault in site.faults().filter(|fault| !late(fault)) {
                lab.enter(world.clone());
                worst = worst.max(lab.run(&[(at + 1, fault)]).unwrap().calls.len());
            }
        }
        println!("{}: {} calls, {worst} after the worst fault", ask.request, good.len());
        assert!(worst <= good.len() + most, "{worst} calls for what costs {} without a fault", good.len());
    }
}

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
fn a_flow_certifies_no_removal_of_a_tenant_that_is_listed_under_another_name() {
    let lab = lab_with(&[on(ONE)]);
    let tenant = ours(&lab);
    lab.world().vendor.rename(&tenant, "renamed");
    lab.world().ask(&OFF());
    let first = Work::Message(lab.world().queue[0].id);
    lab.deliver(first, vec![]);
    let work = Work::Message(lab.world().queue[0].id);
    let deleted = lab.first(&work, "deleteTenant");
    lab.deliver(work, vec![(deleted, Fault::ListedLate)]);
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded", "it is still listed");
    lab.run(&[]).unwrap();
    let certificate = event(&lab.world())["certificate"].clone();
    assert_eq!(certificate["tenants_listed"], 1, "{certificate}");
    assert_eq!(certificate["secrets"].as_array().unwrap().len(), 1, "{certificate}");
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
fn a_flow_survives_that_its_tenant_was_deleted_by_hand() {
    let cut_off = Some((9, Fault::CrashAfter));
    for (what, fault, ask, expected) in [
        ("offboarding", None, OFF(), "CustomerOffboarded"),
        ("more cells", None, MORE(), "CustomerOnboarded"),
        ("in the middle of an onboarding", cut_off, on(ONE), "CustomerOnboardingFailed"),
    ] {
        let lab = Lab::new(Setup::default());
        lab.world().ask(&on(ONE));
        let id = lab.world().queue[0].id;
        lab.deliver(Work::Message(id), fault.into_iter().collect());
        let tenant = ours(&lab);
        lab.world().delete_upstream(&tenant);
        if fault.is_none() {
            lab.world().ask(&ask);
        }
        let ended = lab.run(&[]);
        assert!(ended.is_ok(), "{what}: {ended:?}");
        let last = lab.world().bus.last().cloned().unwrap();
        assert_eq!(last.detail_type(), expected, "{what}");
        let told = event(&lab.world());
        match expected {
            "CustomerOnboardingFailed" => assert_eq!(told["reason_code"], "TENANT_GONE", "{what}"),
            "CustomerOnboarded" => {
                assert_eq!(told["cells"][1]["status"], "FAILED", "{what}");
                assert!(
                    told["cells"][1]["reason"].as_str().unwrap().contains("deleted at the vendor"),
                    "{told}"
                );
            }
            _ => {}
        }
    }
}

#[test]
fn a_flow_survives_that_its_application_was_deleted_by_hand() {
    // Made and recorded, not yet proved: whoever deletes it now has it made again, whatever else there is.
    for (before, ask, left) in [(vec![], on(ONE), 2), (vec![on(ONE)], MORE(), 3)] {
        let lab = lab_with(&before);
        lab.world().ask(&ask);
        let work = Work::Message(lab.world().queue[0].id);
        let proved = lab.first(&work, "token");
        lab.deliver(work, vec![(proved, Fault::CrashBefore)]);
        let application = lab.world().vendor.applications().last().unwrap().id.clone();
        lab.world().delete_application_upstream(&application);
        lab.run(&[]).unwrap();
        let told = event(&lab.world());
        let mut cells = told["cells"].as_array().unwrap().iter();
        assert!(cells.all(|cell| cell["status"] == "ACTIVE"), "{told}");
        assert_eq!(
            lab.world().vendor.applications().count(),
            left,
            "the stranger's, and ours, one of them new"
        );
    }
}

#[test]
fn a_flow_that_finds_its_application_twice_keeps_one() {
    // Two creates of one key landed: nobody promises that they cannot.
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE));
    let id = lab.world().queue[0].id;
    let made = lab.first(&Work::Message(id), "createTenantApplication");
    lab.deliver(Work::Message(id), vec![(made, Fault::CrashAfter)]);
    let ours = lab.world().vendor.applications().last().unwrap().clone();
    let now = lab.world().now;
    lab.world().vendor.add_application(&ours.tenant, &ours.cell, ours.proof, now);
    lab.run(&[]).unwrap();
    assert_eq!(lab.world().vendor.applications().count(), 2, "the stranger's, and one of ours");
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

fn event(world: &World) -> Value {
    serde_json::to_value(world.bus.last().unwrap()).unwrap()
}
