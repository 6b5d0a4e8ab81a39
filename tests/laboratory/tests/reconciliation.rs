//! The reconciliation: each kind of drift is made by hand, found, told, and repaired where that is safe.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod asked;
mod credential;
mod drift;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use credential::{rotated, signed};
use drift::{DRIFTS, clean, codes, plan, reconcile, report, request};
use laboratory::delivery::{End, Work};
use laboratory::fault::{Fault, Service};
use laboratory::lab::{Lab, OVERLAP, Setup};
use laboratory::scenarios::ONE;
use laboratory::world::Ask;
use reconcile_tenants::reconcile::findings::{Code, Remedy};
use serde_json::json;

#[test]
fn a_house_in_order_has_no_findings() {
    let lab = clean(signed());
    let (delivered, report) = plan(&lab, "q-1");
    assert_eq!(codes(&report), [""; 0]);
    assert_eq!(
        (&report["customers"], &report["tenants"], &report["unseen"]),
        (&json!(1), &json!(1), &json!({}))
    );
    let event = asked::event(&lab.world());
    assert_eq!((&event["type"], &event["findings"]), (&json!("ReconciliationFinished"), &json!({})));
    assert_eq!(event["report"]["bucket"], "reports");
    assert!(lab.world().reports.contains_key(event["report"]["key"].as_str().unwrap()), "{delivered:?}");
}

#[test]
fn every_drift_is_found_and_nothing_else() {
    let tried: Vec<Code> = DRIFTS.iter().map(|(code, _)| *code).collect();
    assert_eq!(tried, Code::ALL, "a drift for each code, in their order");
    for (code, make) in DRIFTS {
        let lab = make();
        let (delivered, report) = plan(&lab, "q-1");
        assert_eq!(codes(&report), [code.as_str()], "{report:#}");
        let event = asked::event(&lab.world());
        assert_eq!(event["findings"], json!({code.as_str(): 1}), "{code}");
        let finding = &report["findings"][0];
        assert_eq!(finding["safe"], json!(code.remedy() == Remedy::Repaired), "{code}");
        assert!(finding["outcome"].is_null(), "{code}: a plan repairs nothing");
        let has_command = finding["action"].as_str().unwrap().contains("aws ");
        assert_eq!(has_command, code.remedy() == Remedy::Command, "{finding:#}");
        drift::only_looked(&delivered.calls);
    }
}

#[test]
fn what_is_safe_is_repaired_and_what_is_not_is_not_touched() {
    for (code, make) in DRIFTS {
        let lab = make();
        let (delivered, report) = reconcile(&lab, "q-1", "apply");
        assert_eq!(codes(&report), [code.as_str()], "{report:#}");
        if code.remedy() != Remedy::Repaired {
            drift::only_looked(&delivered.calls);
            continue;
        }
        assert_eq!(report["findings"][0]["outcome"], json!("repaired"), "{report:#}");
        assert_eq!(asked::event(&lab.world())["repaired"], 1);
        let (_, again) = plan(&lab, "q-2");
        assert_eq!(codes(&again), [""; 0], "{code}: {again:#}");
        assert!(lab.world().broken.is_empty(), "{:?}", lab.world().broken);
    }
}

#[test]
fn what_an_operator_is_told_to_run_heals() {
    let healed =
        [Code::CredentialRefused, Code::ApplicationDeletedUpstream, Code::PendingTooOld, Code::RecordBehind];
    for code in healed {
        let (_, make) = DRIFTS.iter().find(|(one, _)| *one == code).unwrap();
        let lab = make();
        let (_, report) = plan(&lab, "q-1");
        let payload = drift::command(&report);
        assert_eq!(lab.deliver(Work::Operator(payload.clone()), vec![]).end, End::Done, "{payload}");
        drift::rotate_to_the_end(&lab);
        lab.pass(OVERLAP + Duration::from_secs(5));
        lab.deliver(Work::CleanUp, vec![]);
        let (_, again) = plan(&lab, "q-2");
        assert_eq!(codes(&again), [""; 0], "{code}: {again:#}");
    }
}

#[test]
fn a_finished_reconciliation_is_not_made_again() {
    let lab = clean(signed());
    let first = plan(&lab, "q-1").1;
    let again = lab.deliver(request("q-1", "plan"), vec![]);
    assert_eq!((again.end, again.calls.len()), (End::Done, 1), "{again:?}");
    assert!(again.said.as_ref().unwrap().contains("reconciled before"), "{again:?}");
    assert_eq!(report(&lab, &again), first);
    let other = lab.deliver(request("q-1", "apply"), vec![]);
    assert_eq!(other.end, End::Returned);
    assert_eq!(asked::event(&lab.world())["reason_code"], "REQUEST_ID_REUSED");
}

#[test]
fn what_is_no_request_is_refused() {
    let lab = signed();
    for (said, code) in [
        (json!({"type": "SecretRotationRequested"}), "WRONG_TYPE"),
        (json!({"type": "ReconciliationRequested", "version": "1", "mode": "repair"}), "MISSING_FIELD"),
    ] {
        let refused = lab.deliver(Work::Reconcile(said.to_string()), vec![]);
        assert_eq!((refused.end, refused.calls.len()), (End::Returned, 1), "{said}");
        assert_eq!(asked::event(&lab.world())["reason_code"], code);
    }
}

#[test]
fn a_customer_that_is_worked_on_is_left_alone() {
    let lab = clean(rotated());
    lab.pass(OVERLAP + Duration::from_secs(5));
    lab.world().ask(&Ask::onboard("r-2", "acme", ONE, 2));
    let work = Work::Message(lab.world().queue[0].id);
    let leased = lab.first(&work, "UpdateItem");
    assert_eq!(lab.deliver(work, vec![(leased, Fault::CrashAfter)]).end, End::Killed);
    let (_, report) = plan(&lab, "q-1");
    assert_eq!((codes(&report), &report["busy"]), (vec![], &json!(["acme"])));
}

#[test]
fn short_invocations_come_to_the_same_as_a_long_one() {
    let many = |time_left| {
        let lab = Lab::new(Setup { time_left, ..Setup::default() });
        for n in 0..12 {
            lab.world().ask(&Ask::onboard(&format!("r-{n}"), &format!("customer-{n}"), ONE, n));
        }
        lab.run(&[]).unwrap();
        let now = lab.world().now;
        for name in ["resistant/customer-3/eu-1/credential", "resistant/customer-7/eu-1/credential"] {
            lab.world().secrets.call("CancelRotateSecret", &json!({"SecretId": name}), now).unwrap();
        }
        lab
    };
    let long = many(None);
    let whole = plan(&long, "q-1").1;
    assert_eq!((&whole["invocations"], codes(&whole).len()), (&json!(1), 3), "{whole:#}");

    // A second of work for each, beside what is kept free.
    let short = many(Some(Duration::from_millis(36_000)));
    let mut calls = 0;
    let last = loop {
        let delivered = short.deliver(request("q-1", "plan"), vec![]);
        assert_eq!(delivered.end, End::Done, "{delivered:?}");
        calls += 1;
        if !delivered.said.as_ref().unwrap().contains("to be continued") {
            break delivered;
        }
        assert!(calls < 20, "{delivered:?}");
    };
    let sliced = report(&short, &last);
    assert_eq!(sliced["invocations"], json!(calls));
    assert!(calls >= 3, "{calls}");
    for told in ["findings", "counts", "customers", "tenants", "unseen", "busy"] {
        assert_eq!(sliced[told], whole[told], "{told}");
    }
    // The hourly schedule goes on with it too.
    assert!(short.deliver(request("q-2", "plan"), vec![]).said.unwrap().contains("to be continued"));
    let other = short.deliver(request("q-3", "plan"), vec![]);
    assert_eq!(other.end, End::Returned);
    assert!(other.said.unwrap().contains("q-2"));
    let hourly = short.deliver(Work::CleanUp, vec![]);
    assert_eq!(asked::event(&short.world())["request_id"], "q-2", "{hourly:?}");
    assert!(hourly.said.unwrap().contains("ROTATION_OFF"));
}

#[test]
fn a_vendor_that_asks_for_fewer_calls_is_left_in_peace() {
    let lab = clean(signed());
    let throttled = lab.first(&request("q-1", "plan"), "getTenantApplications");
    let paused = lab.deliver(request("q-1", "plan"), vec![(throttled, Fault::Status(429))]);
    let said = paused.said.unwrap();
    assert_eq!(paused.end, End::Done, "{said}");
    assert!(said.contains("to be continued") && said.contains("vendor"), "{said}");
    let after = paused.calls[throttled..].iter().filter(|site| site.service == Service::Vendor).count();
    assert_eq!(after, 0, "{:?}", paused.calls);
    let (_, report) = plan(&lab, "q-1");
    assert_eq!((codes(&report), &report["invocations"]), (vec![], &json!(2)));
}

#[test]
fn any_single_fault_changes_nothing_of_what_is_found_or_repaired() {
    for mode in ["plan", "apply"] {
        let lab = clean(rotated());
        lab.pass(OVERLAP + Duration::from_secs(5));
        let start = lab.world().clone();
        let calls = lab.deliver(request("q-1", mode), vec![]).calls;
        for (at, site) in calls.iter().enumerate() {
            for fault in site.faults() {
                lab.enter(start.clone());
                lab.deliver(request("q-1", mode), vec![(at + 1, fault)]);
                let struck = format!("{mode}: {fault:?} at call {} ({site})", at + 1);
                for _ in 0..3 {
                    // A lease that was left ends before anybody asks again.
                    lab.pass(Duration::from_secs(70));
                    lab.deliver(request("q-1", mode), vec![]);
                }
                let again = lab.deliver(request("q-1", mode), vec![]);
                assert!(again.said.as_ref().unwrap().contains("reconciled before"), "{struck}: {again:?}");
                if mode == "plan" {
                    assert_eq!(codes(&report(&lab, &again)), ["RETIREMENT_DUE"], "{struck}");
                } else {
                    let (first, (_, second)) = (report(&lab, &again), plan(&lab, "q-2"));
                    let told = first["busy"] != json!([]) || first.to_string().contains("not_repaired");
                    assert!(codes(&second).is_empty() || told, "{struck}: {first:#}");
                    reconcile(&lab, "q-3", "apply");
                    assert_eq!(codes(&plan(&lab, "q-4").1), [""; 0], "{struck}");
                }
                let told: Vec<String> = lab
                    .world()
                    .bus
                    .iter()
                    .filter(|event| event.detail_type() == "ReconciliationFinished")
                    .map(|event| event.event_id().to_owned())
                    .collect();
                let requests = if mode == "plan" { 1 } else { 4 };
                assert_eq!(BTreeSet::from_iter(told).len(), requests, "{struck}: one event for each request");
                assert!(lab.world().broken.is_empty(), "{struck}: {:?}", lab.world().broken);
            }
        }
    }
}

#[test]
fn a_thousand_tenants_cost_two_calls_each_at_eight_a_second() {
    let time_left = Some(Duration::from_secs(900));
    let lab = Lab::new(Setup { quota: 2000, time_left, ..Setup::default() });
    drift::strangers_leave(&lab);
    {
        let mut world = lab.world();
        world.vendor.quota = 2000;
        // What must hold at every moment is not looked at: it would be, of a thousand customers, at every call.
        (world.upstream_was_touched, world.forced) = (true, true);
    }
    for n in 0..1000 {
        lab.world().ask(&Ask::onboard(&format!("r-{n}"), &format!("customer-{n}"), ONE, 1));
        let id = lab.world().queue[0].id;
        assert_eq!(lab.deliver(Work::Message(id), vec![]).end, End::Done);
    }
    let begun = lab.world().now;
    let (delivered, report) = plan(&lab, "q-1");
    let took = lab.world().now.duration_since(begun);
    assert_eq!((codes(&report), &report["customers"]), (vec![], &json!(1000)), "{report:#}");
    let mut by_operation: BTreeMap<String, usize> = BTreeMap::new();
    for site in &delivered.calls {
        *by_operation.entry(site.to_string()).or_default() += 1;
    }
    let expected = [
        ("DynamoDb GetItem", 1000),
        ("DynamoDb Query", 1001),
        ("EventBridge PutEvents", 1),
        ("S3 GetObject", 2),
        ("S3 PutObject", 4),
        ("SecretsManager DescribeSecret", 1000),
        ("SecretsManager GetSecretValue", 1000),
        ("SecretsManager ListSecrets", 10),
        ("Sqs GetQueueAttributes", 1),
        ("Vendor getTenantApplications", 1000),
        // Pages of a hundred.
        ("Vendor getTenants", 10),
        ("Vendor token", 1000),
    ];
    assert_eq!(by_operation, expected.map(|(site, calls)| (site.to_owned(), calls)).into());
    assert!(took.as_secs() >= 2009 / 8, "{took}");
}

#[test]
fn the_table_of_findings_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, table) = readme.split_once("<!-- findings -->\n").expect("infra/README.md has the table");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).skip(2).collect();
    let expected: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("| `{code}` | {} | {} |", code.means(), code.remedy().words()))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_runbook_has_a_section_for_each_finding() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/RUNBOOK.md");
    let runbook = std::fs::read_to_string(path).expect("infra/RUNBOOK.md is there");
    let sections: Vec<&str> = runbook.split("\n## ").skip(1).collect();
    let titles = sections.iter().map(|section| section.lines().next().unwrap());
    // Alarms have theirs too, which the test of the template holds to it.
    let titles: Vec<&str> = titles.filter(|title| !title.starts_with("Alarm: ")).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(titles, codes);
    for section in sections {
        for part in ["**Means.**", "**Look.**", "**Do.**", "**Do not**"] {
            assert_eq!(section.matches(part).count(), 1, "{part} in {section}");
        }
    }
}
