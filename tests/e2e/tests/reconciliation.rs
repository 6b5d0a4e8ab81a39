//! The reconciliation as Lambda runs it: by the real binary, over HTTP.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;

use e2e::messages::onboarding;
use e2e::world::World;
use serde_json::{Value, json};

const NAME: &str = "resistant/acme/eu-1/credential";

fn asked(request_id: &str, mode: &str) -> Value {
    json!({
        "type": "ReconciliationRequested", "version": "1", "request_id": request_id, "mode": mode,
        "actor": "jane", "reason": "a test"
    })
}

/// Reconciles, and reads the report from the bucket.
async fn reconcile(world: &World, request_id: &str, mode: &str) -> Value {
    let answer = world.operate("reconcile-tenants", &asked(request_id, mode)).await.unwrap();
    assert_eq!(answer["report"]["bucket"], "reports", "{answer}");
    let key = answer["report"]["key"].as_str().unwrap();
    assert!(key.starts_with("reconciliations/20") && key.ends_with(".json"), "{key}");
    serde_json::from_slice(&world.objects.content("reports", key).unwrap()).unwrap()
}

/// A customer whose replaced application is due, and whose rotation somebody turned off.
async fn drifted() -> World {
    let world = World::start_with(&[("OVERLAP_SECONDS", "1")]).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.secrets.rotations_ended().await;
    world.rotate(NAME).await;
    world.cancel_rotation(NAME).await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    world
}

#[tokio::test]
async fn a_plan_changes_nothing_and_apply_says_in_the_audit_trail_who_and_why() {
    let world = drifted().await;
    let audited = world.audit("acme").await.len();
    let planned = reconcile(&world, "ops/1", "plan").await;
    assert_eq!(planned["counts"], json!({"RETIREMENT_DUE": 1, "ROTATION_OFF": 1}), "{planned:#}");
    world.assert_vendor_holds(1, 2);
    assert_eq!(world.audit("acme").await.len(), audited);

    let applied = reconcile(&world, "ops/2", "apply").await;
    assert!(
        applied["findings"].as_array().unwrap().iter().all(|one| one["outcome"] == "repaired"),
        "{applied:#}"
    );
    world.assert_vendor_holds(1, 1);
    world.secrets.rotations_ended().await;
    assert_eq!(world.secrets.secret(NAME).unwrap().rotation_enabled, Some(true));
    let entries = world.audit("acme").await.split_off(audited);
    let done: Vec<&str> = entries.iter().map(|[what, ..]| what.as_str()).collect();
    assert!(done.contains(&"applications deleted") && done.contains(&"rotation scheduled again"), "{done:?}");
    assert!(entries.iter().all(|[_, who @ ..]| *who == ["jane", "a test", "ops/2"]), "{entries:?}");

    assert_eq!(reconcile(&world, "ops/3", "plan").await["counts"], json!({}));
    let events = world.events("ReconciliationFinished");
    let repaired: Vec<&Value> = events.iter().map(|event| &event["repaired"]).collect();
    assert_eq!(repaired, [&json!(0), &json!(2), &json!(0)]);
    // Said after all that is looked for.
    let log = world.log_with("reconcile-tenants", r#""reconciliation.id":"ops/3""#).await;
    assert!(log.contains("RETIREMENT_DUE"), "{log}");
    let counted = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let counted =
        counted.filter(|line| line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "ResistantTenants");
    let counted: Vec<Value> = counted
        .filter(|line| line["Findings"].is_u64())
        .map(|line| {
            json!([
                line["Findings"],
                line["ROTATION_OFF"],
                line["RetirementsOverdue"],
                line["TenantsLeft"],
                line["TenantsLeftPercent"],
                line["OldestCredentialDays"],
                line["Stack"]
            ])
        })
        .collect();
    let stack = &world.environment()["EVENT_BUS_NAME"];
    let two = json!([2, 1, 1, 19, 95, 0, stack]);
    assert_eq!(counted, [two.clone(), two, json!([0, null, 0, 19, 95, 0, stack])]);
}

#[tokio::test]
async fn a_repeat_is_answered_from_the_bucket() {
    let world = World::signed("acme", &["eu-1"]).await;
    world.services.let_wait(2);
    let first = reconcile(&world, "ops-1", "plan").await;
    assert_eq!(first["counts"], json!({"DEAD_LETTERS_WAITING": 1}), "{first:#}");
    let calls = world.proxy.calls().len();
    assert_eq!(reconcile(&world, "ops-1", "plan").await, first);
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    for call in &world.proxy.calls()[calls..] {
        *made.entry(call.action.clone()).or_default() += 1;
    }
    assert_eq!(made, BTreeMap::from([("GetObject".to_owned(), 1)]));
    assert_eq!(world.events("ReconciliationFinished").len(), 1);
}
