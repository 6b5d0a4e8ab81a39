//! What requests and documents cost in calls: the README's table is what is measured.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use laboratory::delivery::{End, Work};
use laboratory::fault::{Fault, Service, Site};
use laboratory::files::File;
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::{ONE, THREE};
use laboratory::world::{Ask, World};
use serde_json::json;

mod asked;

use asked::{OFF, lab_with, on};

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
    let asked = json!({
        "type": "ReconciliationRequested", "version": "1", "request_id": "q-1", "mode": "plan", "actor": "a",
        "reason": "r"
    });
    let reconciliation = lab.deliver(Work::Reconcile(asked.to_string()), Vec::new());
    row("reconciliation of one customer with one cell", &reconciliation.calls);
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
    row("first document of a customer, with its verdict", &put(File::plain("acme/1.pdf")));
    row("document, with its verdict at the first look", &put(File::plain("acme/2.pdf")));
    row(
        "document with characteristics, with its verdict at the first look",
        &put(File::described("acme/3.pdf")),
    );
    row("a repeat of a document that has ended", &put(File::plain("acme/2.pdf")));
    let made = lab.world().vendor.submissions().next().cloned();
    lab.world().notify(&made.unwrap());
    row("a notification of a result that was told of", &lab.run(&[]).unwrap().calls);
    row("a document of an unknown customer", &put(File::plain("nobody/4.pdf")));
    assert_eq!(lab.world().vendor.submissions().count(), 3);
    let (cache, first_look) = (Duration::from_secs(300), Duration::from_secs(1));
    let early = Lab::new(Setup { cache, first_look, ..Setup::default() });
    early.world().ask(&on(ONE));
    early.world().put(File::plain("acme/1.pdf"));
    early.run(&[]).unwrap();
    early.world().put(File::plain("acme/2.pdf"));
    let submitted = early.world().next().unwrap();
    early.deliver(submitted, Vec::new());
    let look = early.world().next().unwrap();
    let calls = early.deliver(look, Vec::new()).calls;
    row("a look that finds no result", &calls);
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

/// As infra/README.md says it: replicas are made with their secret, and removed before it is deleted.
#[test]
fn replicas_cost_three_calls_at_the_end_of_a_cell() {
    let secrets_calls = |replicas: &'static [&'static str], before: &[Ask<'static>], ask: Ask<'static>| {
        let lab = Lab::new(Setup { replicas, ..Setup::default() });
        for ask in before {
            lab.world().ask(ask);
            lab.run(&[]).unwrap();
        }
        by_service(&calls(&lab, &ask))[2]
    };
    for (before, ask, more) in [(vec![], on(THREE), 0), (vec![on(THREE)], OFF(), 3 * 3)] {
        let alone = secrets_calls(&[], &before, ask);
        assert_eq!(secrets_calls(&["eu-west-1", "us-west-2"], &before, ask), alone + more);
    }
}
