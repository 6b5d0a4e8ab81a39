//! Every kind of drift, made by hand, and how reconciliations are asked for.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::time::Duration;

use laboratory::delivery::{Delivered, End, Work};
use laboratory::fault::{Fault, Site};
use laboratory::files::File;
use laboratory::lab::{DEAD_LETTERS, Lab, OVERLAP, Setup};
use laboratory::scenarios::{ONE, TWO};
use laboratory::table::Table;
use laboratory::world::Ask;
use reconcile_tenants::reconcile::findings::Code;
use serde_json::{Value, json};
use shared_core::ids::{Generation, TenantName};

use crate::asked::ours;
use crate::credential::{NAME, current, labelled, rotated, signed, step};

/// A request for a reconciliation.
pub(crate) fn request(id: &str, mode: &str) -> Work {
    let said = json!({
        "type": "ReconciliationRequested", "version": "1", "request_id": id, "mode": mode, "actor": "jane",
        "reason": "a test"
    });
    Work::Reconcile(said.to_string())
}

/// Reconciles to the end, in one call.
pub(crate) fn reconcile(lab: &Lab, id: &str, mode: &str) -> (Delivered, Value) {
    let delivered = lab.deliver(request(id, mode), vec![]);
    assert_eq!(delivered.end, End::Done, "{:?}", delivered.said);
    let report = report(lab, &delivered);
    (delivered, report)
}

pub(crate) fn plan(lab: &Lab, id: &str) -> (Delivered, Value) {
    reconcile(lab, id, "plan")
}

/// The report that an answer names.
pub(crate) fn report(lab: &Lab, delivered: &Delivered) -> Value {
    let said: Value = serde_json::from_str(delivered.said.as_ref().unwrap()).unwrap();
    let key = said["report"]["key"].as_str().unwrap_or_else(|| panic!("no report: {said}"));
    serde_json::from_slice(&lab.world().reports[key]).unwrap()
}

/// The codes of what was found.
pub(crate) fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// No call was made that changes anything but the report.
pub(crate) fn only_looked(calls: &[Site]) {
    let looks = [
        "getTenants",
        "getTenant",
        "getTenantApplications",
        "token",
        "GetItem",
        "Query",
        "ListSecrets",
        "DescribeSecret",
        "GetSecretValue",
        "GetObject",
        "PutObject",
        "GetQueueAttributes",
        "PutEvents",
    ];
    let others: Vec<&Site> = calls.iter().filter(|site| !looks.contains(&site.operation)).collect();
    assert!(others.is_empty(), "{others:?}");
}

/// Nobody else has a tenant in the organization.
pub(crate) fn strangers_leave(lab: &Lab) {
    let mut world = lab.world();
    for (tenant, _) in std::mem::take(&mut world.strangers) {
        world.vendor.delete_by_hand(&tenant);
    }
}

/// What they have may be touched from now on.
pub(crate) fn strangers_stay_no_longer(lab: &Lab) {
    lab.world().strangers.clear();
}

pub(crate) fn clean(lab: Lab) -> Lab {
    strangers_leave(&lab);
    lab
}

/// What somebody does to a secret by hand.
fn secret(lab: &Lab, operation: &str, input: &Value) {
    let mut world = lab.world();
    world.upstream_was_touched = true;
    let now = world.now;
    world.secrets.call(operation, input, now).unwrap();
}

/// Another value becomes current.
pub(crate) fn put(lab: &Lab, name: &str, value: &str) {
    let token = "a".repeat(32);
    let input = json!({"SecretId": name, "ClientRequestToken": token, "SecretString": value});
    secret(lab, "PutSecretValue", &input);
}

/// The value of a secret, with a field that is another one.
pub(crate) fn altered(lab: &Lab, name: &str, field: &str, to: Value) -> String {
    let mut value: Value =
        serde_json::from_str(lab.world().secrets.reveal(name, "AWSCURRENT").unwrap()).unwrap();
    value[field] = to;
    value.to_string()
}

/// The table is restored to an earlier time.
pub(crate) fn set_back(lab: &Lab, table: Table) {
    let mut world = lab.world();
    world.upstream_was_touched = true;
    world.table = table;
}

/// The payload of the first command that a finding of the report names.
pub(crate) fn command(report: &Value) -> String {
    let action = report["findings"][0]["action"].as_str().unwrap();
    let (_, payload) = action.split_once("--payload '").unwrap_or_else(|| panic!("no command: {action}"));
    payload.split_once('\'').unwrap().0.to_owned()
}

/// The rotation that Secrets Manager has begun, step by step.
pub(crate) fn rotate_to_the_end(lab: &Lab) {
    let rotating = || !lab.world().rotating.is_empty();
    while rotating() {
        let step = step(lab, vec![]);
        assert_eq!(step.end, End::Done, "{:?}", step.said);
    }
}

/// A code, and a world in which it and nothing else is to be found.
type Drift = (Code, fn() -> Lab);

/// One for each code.
pub(crate) const DRIFTS: &[Drift] = &[
    (Code::OrphanTenant, || {
        let lab = clean(signed());
        let now = lab.world().now;
        lab.world().vendor.stranger("somebody", now);
        lab
    }),
    (Code::TenantLeftOver, || {
        let lab = clean(signed());
        lab.world().ask(&crate::asked::OFF());
        lab.run(&[]).unwrap();
        let (installation, customer) = ("test-1".parse().unwrap(), "acme".parse().unwrap());
        let name = TenantName::derive(&installation, &customer, Generation::NONE.next());
        let now = lab.world().now;
        lab.world().vendor.stranger(name.as_str(), now);
        lab
    }),
    (Code::UnknownApplication, || {
        let lab = clean(signed());
        let tenant = ours(&lab);
        lab.world().intrude(&tenant);
        lab
    }),
    (Code::RecordBehind, || {
        let lab = clean(signed());
        let before = lab.world().table.clone();
        assert!(lab.world().rotate(NAME));
        rotate_to_the_end(&lab);
        set_back(&lab, before);
        lab
    }),
    (Code::TenantDeletedUpstream, || {
        let lab = clean(signed());
        let tenant = ours(&lab);
        lab.world().delete_upstream(&tenant);
        lab
    }),
    (Code::ApplicationDeletedUpstream, || {
        let lab = clean(signed());
        let application = current(&lab).application_id;
        lab.world().delete_application_upstream(application.as_str());
        lab.pass(Duration::from_secs(61));
        lab
    }),
    (Code::SecretMissing, || {
        let lab = clean(signed());
        secret(&lab, "DeleteSecret", &json!({"SecretId": NAME, "RecoveryWindowInDays": 7}));
        lab
    }),
    (Code::SecretUnreadable, || {
        let lab = clean(signed());
        put(&lab, NAME, "{}");
        lab
    }),
    (Code::CredentialRefused, || {
        let lab = clean(signed());
        let value = altered(&lab, NAME, "client_id", "another-client".into());
        put(&lab, NAME, &value);
        lab
    }),
    (Code::RetirementDue, || {
        let lab = clean(rotated());
        lab.pass(OVERLAP + Duration::from_secs(5));
        lab
    }),
    (Code::PendingTooOld, || {
        let lab = clean(signed());
        assert!(lab.world().rotate(NAME));
        for _ in 0..3 {
            assert_eq!(step(&lab, vec![]).end, End::Done);
        }
        let promoted = lab.first(&Work::Step(NAME.to_owned()), "UpdateSecretVersionStage");
        assert_eq!(step(&lab, vec![(promoted, Fault::Status(400))]).end, End::Returned);
        lab.world().rotating.clear();
        assert!(labelled(&lab, "AWSPENDING").is_some());
        lab.pass(Duration::from_secs(25 * 60 * 60));
        lab
    }),
    (Code::RotationOff, || {
        let lab = clean(signed());
        secret(&lab, "CancelRotateSecret", &json!({"SecretId": NAME}));
        lab
    }),
    (Code::RotationOverdue, || {
        let lab = clean(signed());
        lab.pass(Duration::from_secs(40 * 24 * 60 * 60));
        lab
    }),
    (Code::CustomerStuck, || {
        let lab = clean(signed());
        lab.world().ask(&Ask::onboard("r-2", "acme", TWO, 2));
        let work = Work::Message(lab.world().queue[0].id);
        let made = lab.first(&work, "createTenantApplication");
        assert_eq!(lab.deliver(work, vec![(made, Fault::Status(403))]).end, End::Done);
        lab.pass(Duration::from_secs(25 * 60 * 60));
        lab
    }),
    (Code::LeaseAbandoned, || {
        let lab = clean(signed());
        lab.world().ask(&Ask::onboard("r-2", "acme", TWO, 2));
        let work = Work::Message(lab.world().queue[0].id);
        let leased = lab.first(&work, "UpdateItem");
        assert_eq!(lab.deliver(work, vec![(leased, Fault::CrashAfter)]).end, End::Killed);
        lab.world().queue.clear();
        lab.pass(Duration::from_secs(2 * 60 * 60));
        lab
    }),
    (Code::SecretWithoutCustomer, || {
        let lab = clean(signed());
        let input = json!({
            "Name": "resistant/nobody/eu-1/credential", "SecretString": "{}",
            "ClientRequestToken": "b".repeat(32)
        });
        secret(&lab, "CreateSecret", &input);
        lab
    }),
    (Code::QuotaHeadroom, || {
        let lab = Lab::new(Setup { quota: 1, ..Setup::default() });
        lab.world().ask(&Ask::onboard("r-1", "acme", ONE, 1));
        lab.run(&[]).unwrap();
        clean(lab)
    }),
    (Code::DocumentStuck, || {
        let lab = clean(signed());
        lab.world().put(File::plain("acme/a.pdf"));
        let submission = lab.world().next().unwrap();
        assert_eq!(lab.deliver(submission, vec![]).end, End::Done);
        // The look at its result is lost.
        lab.world().queue.clear();
        lab.pass(Duration::from_secs(25 * 3600));
        lab
    }),
    (Code::DeadLettersWaiting, || {
        let lab = clean(signed());
        lab.world().dead_letters.insert(DEAD_LETTERS.to_owned(), 3);
        lab
    }),
];
