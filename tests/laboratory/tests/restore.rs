//! A table that was restored to an earlier time, and tenants that were there before us: what operators have
//! brought into the record.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod asked;
mod credential;
mod drift;

use std::time::Duration;

use asked::{MORE, OFF, event, lab_with, on};
use credential::{NAME, signed, step};
use drift::{clean, codes, command, plan, rotate_to_the_end, set_back};
use jiff::SignedDuration;
use laboratory::BEGINNING;
use laboratory::delivery::{Delivered, End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::{ONE, TWO};
use laboratory::table::Table;
use laboratory::world::Ask;
use serde_json::{Value, json};
use shared_core::customer::{Customer, Phase};

fn customer(lab: &Lab) -> Customer {
    lab.world().table.row(&"acme".parse().unwrap()).unwrap().customer.clone()
}

fn table(lab: &Lab) -> Table {
    lab.world().table.clone()
}

fn ask(lab: &Lab, ask: &Ask<'_>) {
    lab.world().ask(ask);
    lab.run(&[]).unwrap();
}

/// The same where the table lacks what was before, so that the laws of a run from the beginning cannot hold.
fn ask_later(lab: &Lab, ask: &Ask<'_>) {
    lab.world().ask(ask);
    loop {
        // In a statement of its own, or the world would stay locked.
        let next = lab.world().next();
        let Some(work) = next.filter(|work| *work != Work::CleanUp) else { break };
        lab.deliver(work, vec![]);
    }
}

/// The hour of a request that is made after all that has been.
fn later(lab: &Lab) -> i64 {
    lab.pass(Duration::from_secs(3601));
    lab.world().now.duration_since(BEGINNING).as_hours() + 24
}

fn operator(kind: &str, request_id: &str, more: &Value) -> Work {
    let mut said = json!({
        "type": kind, "version": "1", "request_id": request_id, "actor": "jane", "reason": "an audit"
    });
    said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Work::Operator(said.to_string())
}

fn restore() -> Work {
    operator("CustomerRestoreRequested", "o-1", &json!({"customer_id": "acme"}))
}

fn import(request_id: &str, customer: &str, tenant: &str) -> Work {
    let more = json!({"customer_id": customer, "tenant_id": tenant});
    operator("TenantImportRequested", request_id, &more)
}

fn refused(lab: &Lab, work: Work, why: &str) {
    let Delivered { end, said, .. } = lab.deliver(work, vec![]);
    assert_eq!(end, End::Returned);
    assert!(said.as_ref().unwrap().contains(why), "`{why}` is not in: {said:?}");
}

/// A world whose table was set back, and how the record was just before.
type SetBack = (&'static str, fn() -> (Lab, Customer));

fn after(lab: Lab, begin: fn(&Lab), since: fn(&Lab)) -> (Lab, Customer) {
    begin(&lab);
    let then = table(&lab);
    since(&lab);
    let record = customer(&lab);
    set_back(&lab, then);
    (lab, record)
}

fn rotate(lab: &Lab) {
    assert!(lab.world().rotate(NAME));
    rotate_to_the_end(lab);
}

const SET_BACK: &[SetBack] = &[
    ("signed since", || after(clean(Lab::new(Setup::default())), |_| {}, |lab| ask(lab, &on(ONE)))),
    ("rotated since", || after(clean(signed()), |_| {}, rotate)),
    ("to the middle of a rotation", || {
        let middle = |lab: &Lab| {
            assert!(lab.world().rotate(NAME));
            let created = lab.first(&Work::Step(NAME.to_owned()), "PutSecretValue");
            step(lab, vec![(created, Fault::CrashAfter)]);
            lab.pass(Duration::from_secs(70));
        };
        after(clean(signed()), middle, rotate_to_the_end)
    }),
    ("more cells since", || after(clean(signed()), |_| {}, |lab| ask(lab, &MORE()))),
    ("another life since", || {
        let since = |lab: &Lab| {
            ask(lab, &OFF());
            ask(lab, &Ask::onboard("r-3", "acme", ONE, 3));
        };
        after(clean(signed()), |_| {}, since)
    }),
    ("back since", || {
        let back = |lab: &Lab| ask(lab, &Ask::onboard("r-3", "acme", ONE, 3));
        after(clean(signed()), |lab| ask(lab, &OFF()), back)
    }),
];

#[test]
fn a_record_that_was_set_back_is_told_again_from_its_secrets() {
    for (what, make) in SET_BACK {
        let (lab, before) = make();
        let (_, report) = plan(&lab, "q-1");
        assert_eq!(codes(&report), ["RECORD_BEHIND"], "{what}: {report:#}");
        let restored = lab.deliver(Work::Operator(command(&report)), vec![]);
        assert_eq!(restored.end, End::Done, "{what}: {:?}", restored.said);
        holds(&lab, what, &before);
    }
}

#[test]
fn it_is_told_again_whatever_befalls_that() {
    for (what, make) in SET_BACK {
        let (lab, before) = make();
        let start = lab.world().clone();
        let calls = lab.deliver(restore(), vec![]).calls;
        assert!(calls.len() >= 8, "{calls:?}");
        for (at, site) in calls.iter().enumerate() {
            for fault in site.faults() {
                lab.enter(start.clone());
                lab.deliver(restore(), vec![(at + 1, fault)]);
                // A lease that was left ends before anybody asks again.
                lab.pass(Duration::from_secs(70));
                let again = lab.deliver(restore(), vec![]);
                let struck = format!("{what}: {fault:?} at call {} ({site})", at + 1);
                assert_eq!(again.end, End::Done, "{struck}: {:?}", again.said);
                assert_eq!(names(&customer(&lab)), names(&before), "{struck}");
            }
        }
    }
}

/// What a record is about: its life, its tenant, and the applications that its labels name.
fn names(record: &Customer) -> String {
    let mut ids: Vec<&str> = record.recorded().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    format!("{:?} {} {:?} {ids:?}", record.phase, record.generation, record.tenant)
}

/// The record names what it named, and all goes on from there.
fn holds(lab: &Lab, what: &str, before: &Customer) {
    let record = customer(lab);
    assert_eq!(names(&record), names(before), "{what}");
    assert!(record.cells.values().all(|cell| cell.next.is_none()), "{what}: {record:?}");
    lab.pass(OVERLAP + Duration::from_secs(5));
    assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Done, "{what}");
    assert_eq!(codes(&plan(lab, "q-2").1), [""; 0], "{what}");
    let again = lab.deliver(restore(), vec![]).said.unwrap();
    assert!(again.contains("nothing to do"), "{what}: {again}");
    // What was asked for before is not done again, and what is asked for now is.
    ask_later(lab, &Ask::offboard("r-old", "acme", 1));
    assert_eq!(event(&lab.world())["reason_code"], "SUPERSEDED", "{what}");
    assert_eq!(customer(lab).phase, Phase::Active, "{what}");
    rotate(lab);
    ask_later(lab, &Ask::offboard("r-new", "acme", later(lab)));
    assert_eq!(event(&lab.world())["type"], "CustomerOffboarded", "{what}");
    assert_eq!(lab.world().vendor.tenants().count(), 0, "{what}");
}

#[test]
fn an_application_that_is_listed_late_is_waited_for() {
    let (lab, before) =
        after(clean(signed()), |lab| lab.world().vendor.lag.listing = SignedDuration::from_secs(300), rotate);
    refused(&lab, restore(), "does not list it yet");
    lab.pass(Duration::from_secs(301));
    assert_eq!(lab.deliver(restore(), vec![]).end, End::Done);
    assert_eq!(names(&customer(&lab)), names(&before));
}

const OTHER: &str = "resistant/acme/us-1/credential";

/// Signed in two cells since, and the second one's secret was altered.
fn altered_since(field: &str, to: Value) -> Value {
    let lab = clean(Lab::new(Setup::default()));
    let then = table(&lab);
    ask(&lab, &on(TWO));
    drift::put(&lab, OTHER, &drift::altered(&lab, OTHER, field, to));
    set_back(&lab, then);
    let Delivered { end, said, .. } = lab.deliver(restore(), vec![]);
    assert_eq!(end, End::Done, "{said:?}");
    let cells: Vec<_> = customer(&lab).cells.into_keys().collect();
    assert_eq!(cells, ONE, "the other cell is not told");
    serde_json::from_str(&said.unwrap()).unwrap()
}

#[test]
fn a_cell_whose_secret_proves_nothing_is_left_out() {
    let refused = altered_since("client_id", json!("another-client"));
    assert_eq!(refused["left_out"], json!({"us-1": "the vendor gives no token for its AWSCURRENT"}));
    let earlier = altered_since("generation", json!(0));
    assert_eq!(earlier["left_out"], json!({"us-1": "its secret belongs to an earlier life"}));
    let unreadable = altered_since("tenant_id", json!(""));
    assert!(unreadable["left_out"]["us-1"].as_str().unwrap().contains("credential"), "{unreadable}");
    assert_eq!(unreadable["cells"], json!(["eu-1"]));
}

#[test]
fn what_is_recorded_and_there_stays_recorded() {
    let since = |lab: &Lab| {
        rotate(lab);
        // No label names the replaced application any more.
        let current = lab.world().secrets.reveal(NAME, "AWSCURRENT").unwrap().to_owned();
        drift::put(lab, NAME, &current);
    };
    let (lab, before) = after(clean(signed()), |_| {}, since);
    assert_eq!(lab.deliver(restore(), vec![]).end, End::Done);
    assert_eq!((names(&customer(&lab)), before.recorded().count()), (names(&before), 2));
}

#[test]
fn what_proves_nothing_restores_nothing() {
    refused(&clean(Lab::new(Setup::default())), restore(), "no secret for which the vendor gives a token");
    let (lab, _) = after(clean(signed()), |_| {}, |lab| ask(lab, &OFF()));
    refused(&lab, restore(), "no secret for which the vendor gives a token");
    assert_eq!(codes(&plan(&lab, "q-1").1), ["TENANT_DELETED_UPSTREAM"]);
}

/// A tenant that somebody made at the vendor, with an application; and its id.
fn with_theirs(lab: Lab) -> (Lab, String, String) {
    let now = lab.world().now;
    let (tenant, application) = lab.world().vendor.stranger("theirs", now);
    // It is not to be touched, but by an offboarding.
    lab.world().strangers.push((tenant.clone(), application.clone()));
    lab.pass(Duration::from_secs(61));
    (lab, tenant, application)
}

#[test]
fn a_tenant_that_exists_is_found_and_imported_and_what_is_in_it_stays() {
    let (lab, tenant, application) = with_theirs(clean(signed()));
    let (_, report) = plan(&lab, "q-1");
    assert_eq!(codes(&report), ["ORPHAN_TENANT"]);
    let payload = command(&report);
    let work = Work::Operator(payload.replace("CUSTOMER ID", "globex"));
    assert_eq!(lab.deliver(work.clone(), vec![]).end, End::Done);
    lab.run(&[]).unwrap();
    let onboarded = event(&lab.world());
    assert_eq!((&onboarded["type"], &onboarded["tenant_id"]), (&json!("CustomerOnboarded"), &json!(tenant)));
    assert!(lab.world().vendor.applications().any(|one| one.id == application && one.lives()));
    assert_eq!(codes(&plan(&lab, "q-2").1), ["UNKNOWN_APPLICATION"], "theirs, which is not touched");

    // A repeat is the same request; another customer's is refused.
    assert_eq!(lab.deliver(work, vec![]).end, End::Done);
    lab.run(&[]).unwrap();
    assert_eq!(lab.world().vendor.applications().filter(|one| one.tenant == tenant).count(), 2);
    refused(&lab, import("i-2", "initech", &tenant), "recorded for `globex`");
    refused(&lab, import("i-3", "acme", &tenant), "this one has");
    refused(&lab, import("i-4", "initech", "tenant-of-nobody"), "a tenant of the organization");

    drift::strangers_stay_no_longer(&lab);
    ask(&lab, &Ask::offboard("r-9", "globex", later(&lab)));
    assert_eq!(event(&lab.world())["certificate"]["tenant_name"], "theirs");
    assert!(lab.world().vendor.tenants().all(|one| one.id != tenant));
}

#[test]
fn the_command_of_an_orphan_wants_to_know_whose_it_is() {
    let (lab, ..) = with_theirs(clean(signed()));
    let (_, report) = plan(&lab, "q-1");
    refused(&lab, Work::Operator(command(&report)), "CUSTOMER ID");
}

#[test]
fn an_import_is_made_once_whatever_befalls_it() {
    let (lab, tenant, _) = with_theirs(clean(signed()));
    let start = lab.world().clone();
    let work = import("i-1", "globex", &tenant);
    let calls = lab.deliver(work.clone(), vec![]).calls;
    for (at, site) in calls.iter().enumerate() {
        for fault in site.faults() {
            lab.enter(start.clone());
            lab.deliver(work.clone(), vec![(at + 1, fault)]);
            lab.pass(Duration::from_secs(70));
            let struck = format!("{fault:?} at call {} ({site})", at + 1);
            let again = lab.deliver(work.clone(), vec![]);
            assert_eq!(again.end, End::Done, "{struck}: {:?}", again.said);
            lab.run(&[]).unwrap();
            let world = lab.world();
            let made = world.vendor.applications().filter(|one| one.tenant == tenant && one.lives()).count();
            let row = world.table.row(&"globex".parse().unwrap()).unwrap();
            assert_eq!((made, row.customer.phase), (2, Phase::Active), "{struck}");
            assert!(world.broken.is_empty(), "{struck}: {:?}", world.broken);
        }
    }
}

#[test]
fn a_tenant_that_was_there_before_us_is_not_undone() {
    let (lab, tenant, application) = with_theirs(lab_with(&[]));
    assert_eq!(lab.deliver(import("i-1", "globex", &tenant), vec![]).end, End::Done);
    let work = Work::Message(lab.world().queue[0].id);
    let made = lab.first(&work, "createTenantApplication");
    assert_eq!(lab.deliver(work, vec![(made, Fault::Status(422))]).end, End::Done);
    let failed = event(&lab.world());
    assert_eq!(failed["type"], "CustomerOnboardingFailed", "{failed}");
    assert!(lab.world().vendor.applications().any(|one| one.id == application && one.lives()));
    // The next request goes on in it.
    ask(&lab, &Ask::onboard("r-2", "globex", ONE, later(&lab)));
    assert_eq!(event(&lab.world())["tenant_id"], json!(tenant));
}
