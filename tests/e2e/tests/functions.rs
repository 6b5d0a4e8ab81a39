//! The control plane's functions as Lambda runs them, one delivery at a time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;

use aws_parts::proxy::{Effect, Matcher};
use e2e::messages::{later, offboarding, on_the_bus, onboarding, secret};
use e2e::world::World;
use serde_json::{Value, json};

#[tokio::test]
async fn a_customer_comes_to_life_in_every_cell_it_asked_for() {
    let world = World::signed("acme", &["eu-1", "us-1", "ca-1"]).await;
    world.assert_vendor_holds(1, 3);
    let event = world.events("CustomerOnboarded").remove(0);
    assert_eq!(event["request_id"], "r-1");
    assert_eq!(event["cells"].as_array().unwrap().len(), 3);
    for cell in event["cells"].as_array().unwrap() {
        assert_eq!(cell["status"], "ACTIVE");
        let name = cell["secret_name"].as_str().unwrap();
        let state = world.secrets.secret(name).expect("the secret that the event names");
        assert_eq!(state.rotation_enabled, Some(true));
        let value: Value = serde_json::from_str(&world.secrets.reveal(name, "AWSCURRENT").unwrap()).unwrap();
        assert_eq!(value["application_id"], cell["application_id"]);
        assert_eq!(value["cell"], cell["cell"]);
    }
}

#[tokio::test]
async fn a_request_s_trace_goes_with_its_calls_and_with_its_event() {
    let world = World::signed("acme", &["eu-1"]).await;
    let calls = world.proxy.calls();
    let announced = calls.iter().find(|call| call.action == "PutEvents").unwrap();
    let trace = announced.trace.clone().expect("the trace that Lambda named");
    assert!(trace.starts_with("Root=1-"), "{trace}");
    assert_eq!(
        world.services.traces(),
        [Some(trace.clone())],
        "an event keeps it only as a field of its own"
    );
    for action in ["GetItem", "CreateSecret", "RotateSecret"] {
        let call = calls.iter().find(|call| call.action == action).unwrap();
        assert_eq!(call.trace.as_ref(), Some(&trace), "{call}");
    }
}

#[tokio::test]
async fn a_repeat_of_a_handled_request_costs_one_call_and_changes_nothing() {
    let world = World::signed("acme", &["eu-1"]).await;
    let (aws, vendor) = (world.proxy.calls().len(), world.vendor.vendor().state().calls.len());
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    let calls: Vec<String> = world.proxy.calls()[aws..].iter().map(|call| call.action.clone()).collect();
    assert_eq!(calls, ["GetItem"]);
    assert_eq!(world.vendor.vendor().state().calls.len(), vendor);
    assert_eq!(world.events("CustomerOnboarded").len(), 1);
}

#[tokio::test]
async fn an_end_that_was_not_announced_is_announced_by_the_next_delivery() {
    let world = World::start().await.unwrap();
    let rule = world.proxy.rule(Matcher::any().action("PutEvents"), Effect::CutBefore);
    let body = on_the_bus(&onboarding("r-1", "acme", &["eu-1"])).to_string();
    let delivered = world.deliver("onboard-customer", &body, &BTreeMap::new()).await.unwrap();
    assert!(delivered.returned && world.services.events().is_empty());
    world.proxy.remove_rule(rule);
    let vendor = world.vendor.vendor().state().calls.len();
    world.settle("onboard-customer", &body).await.unwrap();
    assert_eq!(world.events("CustomerOnboarded").len(), 1);
    assert_eq!(world.vendor.vendor().state().calls.len(), vendor, "nothing is done again but to say so");
}

#[tokio::test]
async fn a_client_secret_is_stored_whole_and_works() {
    let world = World::start().await.unwrap();
    let mut request = onboarding("r-1", "acme", &["eu-1"]);
    request["authentication"] = json!("CLIENT_SECRET");
    world.request("onboard-customer", &request).await.unwrap();
    let value = world.secrets.reveal(&secret("acme", "eu-1"), "AWSCURRENT").unwrap();
    assert!(value.contains("client_secret") && !value.contains("private_key"));
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 1);
}

#[tokio::test]
async fn a_customer_leaves_with_proof_and_can_come_back() {
    let world = World::signed("acme", &["eu-1", "us-1"]).await;
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    let event =
        world.events("CustomerOffboarded").pop().unwrap_or_else(|| panic!("{:?}", world.services.events()));
    world.assert_vendor_holds(0, 0);
    let certificate = &event["certificate"];
    assert_eq!(certificate["applications"].as_array().unwrap().len(), 2);
    assert_eq!(certificate["tenants_listed"], 0);
    assert!(certificate["proved_by_listing_at"].is_string() && certificate["tenant_id"].is_string());
    assert!(world.secrets.secret(&secret("acme", "eu-1")).unwrap().deletion.is_some());

    let back = later(onboarding("r-3", "acme", &["eu-1"]), "2026-01-03T00:00:00Z");
    world.request("onboard-customer", &back).await.unwrap();
    world.assert_vendor_holds(1, 1);
    assert_eq!(world.events("CustomerOnboarded")[1]["generation"], 2);
    assert!(world.secrets.secret(&secret("acme", "eu-1")).unwrap().deletion.is_none());
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 1);
}

#[tokio::test]
async fn a_request_older_than_the_last_applied_one_is_superseded() {
    let world = World::start().await.unwrap();
    // Never onboarded: the offboarding leaves a tombstone that an older onboarding meets.
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.assert_vendor_holds(0, 0);
    let refused = world.events("RequestRejected");
    assert_eq!((refused.len(), &refused[0]["reason_code"]), (1, &json!("SUPERSEDED")));
    assert_eq!(refused[0]["request_id"], "r-1");
    // And again: the same event, the same id.
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    assert_eq!(world.events("RequestRejected").len(), 1);
}

#[tokio::test]
async fn more_cells_later_are_added_to_the_same_tenant() {
    let world = World::signed("acme", &["eu-1"]).await;
    let more = later(onboarding("r-2", "acme", &["us-1"]), "2026-01-02T00:00:00Z");
    world.request("onboard-customer", &more).await.unwrap();
    world.assert_vendor_holds(1, 2);
    let event = world.events("CustomerOnboarded").remove(1);
    assert_eq!((event["generation"].as_u64(), &event["cells"][0]["cell"]), (Some(1), &json!("us-1")));
}

#[tokio::test]
async fn a_full_quota_fails_for_good_and_leaves_nothing() {
    let world = World::start_with(&[("TENANT_QUOTA", "1")]).await.unwrap();
    let mut settings = world.vendor.vendor().settings();
    settings.quota = 1;
    world.vendor.vendor().set_settings(settings);
    world.request("onboard-customer", &onboarding("r-1", "first", &["eu-1"])).await.unwrap();
    world.request("onboard-customer", &onboarding("r-2", "second", &["eu-1"])).await.unwrap();
    let failed = world.events("CustomerOnboardingFailed");
    assert_eq!((failed.len(), &failed[0]["reason_code"]), (1, &json!("QUOTA_FULL")));
    world.assert_vendor_holds(1, 1);
    assert!(world.secrets.secret(&secret("second", "eu-1")).is_none());
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_by_field_value_and_rule() {
    let world = World::start().await.unwrap();
    let good = onboarding("r-1", "acme", &["eu-1"]);
    let cases: [(&str, Value, &str); 7] = [
        ("customer_id", json!("a/b"), "INVALID_FIELD"),
        ("cells", json!(["eu-9"]), "INVALID_FIELD"),
        ("cells", json!([]), "INVALID_FIELD"),
        ("cells", json!(["ap-2"]), "CELL_NOT_ALLOWED"),
        ("version", json!("2"), "WRONG_VERSION"),
        ("actor", Value::Null, "INVALID_FIELD"),
        ("requested_at", json!("yesterday"), "INVALID_FIELD"),
    ];
    for (field, value, code) in cases {
        let mut bad = good.clone();
        bad[field] = value.clone();
        let before = world.events("RequestRejected").len();
        let deliveries = world.request("onboard-customer", &bad).await.unwrap();
        let refused = world.events("RequestRejected").split_off(before);
        assert_eq!((refused.len(), deliveries), (1, 1), "{field} = {value}");
        assert_eq!(refused[0]["reason_code"], code, "{field} = {value}: {refused:?}");
        let explanation = refused[0]["explanation"].as_str().unwrap();
        assert!(explanation.contains(field), "{explanation}");
        assert!(refused[0]["original"].is_object() || refused[0]["original"].is_string());
    }
    world.settle("onboard-customer", "{ not json").await.unwrap();
    assert_eq!(world.events("RequestRejected").last().unwrap()["reason_code"], "NOT_JSON");
    world.assert_vendor_holds(0, 0);
}

#[tokio::test]
async fn an_id_that_was_used_for_another_request_is_refused() {
    let world = World::signed("acme", &["eu-1"]).await;
    world.request("offboard-customer", &offboarding("r-1", "acme")).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "other", &["eu-1"])).await.unwrap();
    let refused = world.events("RequestRejected");
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|event| event["reason_code"] == "REQUEST_ID_REUSED"), "{refused:?}");
    world.assert_vendor_holds(1, 1);
}

#[tokio::test]
async fn an_id_that_is_in_work_for_another_request_is_refused() {
    let world = World::start().await.unwrap();
    // The onboarding stays in work: its rotation cannot be set.
    let refuse = Effect::Answer { status: 400, body: "{\"__type\":\"AccessDeniedException\"}".to_owned() };
    let rule = world.proxy.rule(Matcher::any().action("RotateSecret"), refuse);
    let body = on_the_bus(&onboarding("r-1", "acme", &["eu-1"])).to_string();
    assert!(world.deliver("onboard-customer", &body, &BTreeMap::new()).await.unwrap().returned);
    world.request("offboard-customer", &offboarding("r-1", "acme")).await.unwrap();
    assert_eq!(world.events("RequestRejected").pop().unwrap()["reason_code"], "REQUEST_ID_REUSED");
    world.assert_vendor_holds(1, 1);
    // An offboarding with an id of its own removes it, although its secret was never rotated.
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    assert_eq!(world.events("CustomerOffboarded").len(), 1);
    world.assert_vendor_holds(0, 0);
    // And the onboarding, delivered again, comes too late.
    world.proxy.remove_rule(rule);
    world.settle("onboard-customer", &body).await.unwrap();
    assert_eq!(world.events("RequestRejected").pop().unwrap()["reason_code"], "SUPERSEDED");
    world.assert_vendor_holds(0, 0);
}

#[tokio::test]
async fn nothing_is_stored_for_readers_before_a_token_was_obtained() {
    let world = World::start().await.unwrap();
    let late = simulator::Effect::LateAcceptance { seconds: 30 };
    let operation = simulator::Operation::CreateTenantApplication;
    world.vendor.vendor().add_fault(simulator::Fault::next(operation, late));
    let body = on_the_bus(&onboarding("r-1", "acme", &["eu-1"])).to_string();
    let early = world.deliver("onboard-customer", &body, &BTreeMap::new()).await.unwrap();
    assert!(!early.returned && early.deferred.len() == 1, "{early:?}");
    assert!(world.secrets.secret(&secret("acme", "eu-1")).is_none());
    let forward = simulator::ClockChange { advance_seconds: 31.0, ..Default::default() };
    world.vendor.vendor().change_clock(&forward);
    world.settle("onboard-customer", &body).await.unwrap();
    assert!(world.accepts(&world.secrets.reveal(&secret("acme", "eu-1"), "AWSCURRENT").unwrap()).await);
    world.assert_vendor_holds(1, 1);
}

#[tokio::test]
async fn a_request_that_waited_too_long_ends_and_the_next_one_goes_on() {
    let world = World::start().await.unwrap();
    let forbidden = simulator::Effect::Status { status: 403 };
    for operation in
        [simulator::Operation::CreateTenantApplication, simulator::Operation::GetTenantApplications]
    {
        let fault = simulator::Fault { count: None, ..simulator::Fault::next(operation, forbidden.clone()) };
        world.vendor.vendor().add_fault(fault);
    }
    let body = on_the_bus(&onboarding("r-1", "acme", &["eu-1"])).to_string();
    let young = world.deliver("onboard-customer", &body, &BTreeMap::new()).await.unwrap();
    assert!(!young.returned && young.deferred.len() == 1, "{young:?}");
    let mut old = young.deferred[0].attributes.clone();
    old.insert("first_seen".to_owned(), "2026-01-01T00:00:00Z".to_owned());
    // It is its attempts that make it old, not its age alone.
    let replayed = world.deliver("onboard-customer", &body, &old).await.unwrap();
    assert!(!replayed.returned && replayed.deferred.len() == 1, "{replayed:?}");
    old.insert("attempt".to_owned(), "10".to_owned());
    old.remove("not_before");
    let ended = world.deliver("onboard-customer", &body, &old).await.unwrap();
    assert!(!ended.returned && ended.deferred.is_empty(), "{ended:?}");
    let failed = world.events("CustomerOnboardingFailed").pop().unwrap();
    assert_eq!(failed["reason_code"], "CONTROL_PLANE_FORBIDDEN");
    world.assert_vendor_holds(1, 0);

    world.vendor.vendor().remove_faults(None);
    let again = later(onboarding("r-2", "acme", &["eu-1"]), "2026-01-02T00:00:00Z");
    world.request("onboard-customer", &again).await.unwrap();
    let event = world.events("CustomerOnboarded").pop().unwrap();
    assert_eq!(event["generation"], 1, "the life that was given up goes on");
    world.assert_vendor_holds(1, 1);
}

#[tokio::test]
async fn a_request_from_the_future_is_refused() {
    let world = World::start().await.unwrap();
    let request = later(onboarding("r-1", "acme", &["eu-1"]), "2099-01-01T00:00:00Z");
    world.request("onboard-customer", &request).await.unwrap();
    let refused = world.events("RequestRejected").pop().unwrap();
    assert!(refused["explanation"].as_str().unwrap().contains("requested_at"), "{refused}");
    world.request("onboard-customer", &onboarding("r-2", "acme", &["eu-1"])).await.unwrap();
    assert_eq!(world.events("CustomerOnboarded").len(), 1);
}

#[tokio::test]
async fn no_secret_is_in_any_log_or_event_or_table() {
    let world = World::signed("acme", &["eu-1"]).await;
    world.rotate(&secret("acme", "eu-1")).await;
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    let mut said = serde_json::to_string(&world.services.events()).unwrap();
    for function in ["onboard-customer", "offboard-customer", "rotate-secret", "submit-document"] {
        let log = world.log(function);
        assert!(!log.is_empty(), "{function} logged nothing");
        said.push_str(&log.join("\n"));
    }
    for secret in ["PRIVATE KEY", "Bearer ", "client_assertion", "eyJ", "X-Amz-Signature", "signature="] {
        assert!(!said.contains(secret), "`{secret}` is in a log or an event");
    }
}

#[tokio::test]
async fn a_function_without_its_variables_does_not_start_and_names_them() {
    let world = World::start_with(&[("STAGE", "testing"), ("CELLS", "eu-1,us-1"), ("TENANT_QUOTA", "many")])
        .await
        .unwrap();
    let body = on_the_bus(&onboarding("r-1", "acme", &["eu-1"])).to_string();
    assert!(world.deliver("onboard-customer", &body, &BTreeMap::new()).await.is_err());
    let log = world.log_with("onboard-customer", "TENANT_QUOTA").await;
    for told in ["CELLS", "us-1", "eu-1` only", "TENANT_QUOTA", "many"] {
        assert!(log.contains(told), "`{told}` is not in: {log}");
    }
    assert!(!log.contains("SECRET_PREFIX"), "what is right is not complained of: {log}");
}
