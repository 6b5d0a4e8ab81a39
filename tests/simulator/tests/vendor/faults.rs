//! The switchboard: each effect, and which calls it hits.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use simulator::{ClockChange, Effect, Fault, HoldAt, Operation, Release};

use crate::clients::{DOCUMENT_SCOPES, EU_SERVER, House, body, send, soon, text};

async fn set(house: &House, fault: Value) -> u64 {
    let answer = send(house.http.post(house.url("/_simulator/faults")).json(&fault)).await;
    assert_eq!(answer.status(), 200, "{fault}");
    body(answer).await["id"].as_u64().expect("a number")
}

/// A create, of which the connection may be closed.
async fn create(house: &House, name: &str) -> Option<Response> {
    house.manage(Method::POST, "/tenants").json(&json!({ "name": name })).send().await.ok()
}

async fn status(house: &House, name: &str) -> Option<u16> {
    create(house, name).await.map(|answer| answer.status().as_u16())
}

fn names(house: &House) -> Vec<String> {
    house.simulator.state().tenants.into_iter().map(|tenant| tenant.name).collect()
}

async fn listed(house: &House) -> Vec<String> {
    let page = body(send(house.manage(Method::GET, "/tenants")).await).await;
    page["items"].as_array().expect("items").iter().map(|item| text(&item["name"])).collect()
}

#[tokio::test]
async fn a_refused_call_does_nothing_and_answers_nothing() {
    let house = House::open().await;
    set(&house, json!({ "operation": "createTenant", "effect": { "kind": "refuse" } })).await;
    assert_eq!(status(&house, "abc").await, None);
    assert!(names(&house).is_empty());
    let record = house.simulator.state().calls.pop().expect("a call");
    assert_eq!((record.operation, record.status, record.effect), (Some(Operation::CreateTenant), None, None));
    assert_eq!(status(&house, "abc").await, Some(201), "only the next call was hit");
}

#[tokio::test]
async fn a_status_comes_without_or_with_the_effect() {
    let house = House::open().await;
    set(&house, json!({ "operation": "createTenant", "effect": { "kind": "status", "status": 503 } })).await;
    assert_eq!(status(&house, "one").await, Some(503));
    assert!(names(&house).is_empty());
    set(
        &house,
        json!({ "operation": "createTenant", "effect": { "kind": "done_then_status", "status": 504 } }),
    )
    .await;
    assert_eq!(status(&house, "two").await, Some(504));
    assert_eq!(names(&house), ["two"]);
    let record = house.simulator.state().calls.pop().expect("a call");
    assert_eq!((record.status, record.effect), (Some(504), Some(201)));
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect() {
    let house = House::open().await;
    set(&house, json!({ "operation": "createTenant", "effect": { "kind": "done_then_cut" } })).await;
    assert_eq!(status(&house, "abc").await, None);
    assert_eq!(names(&house), ["abc"]);
    assert_eq!(status(&house, "abc").await, Some(400), "the name is taken");
}

#[tokio::test]
async fn a_late_effect_comes_by_the_clock() {
    let house = House::open().await;
    house.freeze();
    set(&house, json!({ "operation": "createTenant", "effect": { "kind": "late", "after_ms": 5000 } })).await;
    assert_eq!(status(&house, "late").await, None);
    let timeout =
        json!({ "operation": "createTenant", "effect": { "kind": "late", "after_ms": 2000, "status": 504 } });
    set(&house, timeout).await;
    assert_eq!(status(&house, "later").await, Some(504));
    assert!(names(&house).is_empty());
    assert_eq!(house.simulator.audit().under_way, 2);
    let advance = json!({ "advance_seconds": 4.0 });
    assert_eq!(send(house.http.post(house.url("/_simulator/clock")).json(&advance)).await.status(), 200);
    assert_eq!(listed(&house).await, ["later"]);
    house.advance(1.0);
    assert_eq!(listed(&house).await, ["later", "late"]);
    assert_eq!(house.simulator.audit().under_way, 0);
}

#[tokio::test]
async fn a_late_effect_of_a_call_that_would_be_refused_never_comes() {
    let house = House::open().await;
    house
        .simulator
        .add_fault(Fault::next(Operation::CreateTenant, Effect::Late { after_ms: 1, status: None }));
    let create = house.http.post(house.url("/tenants-api/v0/tenants")).bearer_auth("nobody");
    assert!(create.json(&json!({ "name": "abc" })).send().await.is_err());
    house.advance(1.0);
    assert!(names(&house).is_empty());
}

#[tokio::test]
async fn listings_may_lag_behind_writes() {
    let house = House::open().await;
    house.freeze();
    let lag = json!({ "kind": "late_listing", "seconds": 10 });
    set(&house, json!({ "operation": "createTenant", "effect": lag })).await;
    let id = text(&body(create(&house, "abc").await.expect("an answer")).await["id"]);
    assert_eq!(send(house.manage(Method::GET, &format!("/tenants/{id}"))).await.status(), 200);
    assert!(listed(&house).await.is_empty());
    house.advance(10.0);
    assert_eq!(listed(&house).await, ["abc"]);

    set(&house, json!({ "operation": "deleteTenant", "effect": lag })).await;
    assert_eq!(send(house.manage(Method::DELETE, &format!("/tenants/{id}"))).await.status(), 204);
    assert_eq!(listed(&house).await, ["abc"]);
    house.advance(10.0);
    assert!(listed(&house).await.is_empty());

    house.advance(10.0);
    status(&house, "fresh").await;
    set(&house, json!({ "operation": "getTenants", "effect": lag })).await;
    assert!(listed(&house).await.is_empty(), "a listing of ten seconds ago");
    assert_eq!(listed(&house).await, ["fresh"]);
}

#[tokio::test]
async fn a_fresh_application_may_be_accepted_late() {
    let house = House::open().await;
    house.freeze();
    let late = json!({ "kind": "late_acceptance", "seconds": 30 });
    set(&house, json!({ "operation": "createTenantApplication", "cell": "eu-1", "effect": late })).await;
    let member = house.newcomer("abc").await;
    assert_eq!(house.secret_token(&member, EU_SERVER, DOCUMENT_SCOPES).await.status(), 401);
    house.advance(30.0);
    assert_eq!(house.secret_token(&member, EU_SERVER, DOCUMENT_SCOPES).await.status(), 200);
}

#[tokio::test]
async fn a_held_call_goes_on_even_when_its_caller_is_gone() {
    let house = House::open().await;
    set(&house, json!({ "operation": "createTenant", "effect": { "kind": "hold", "at": "before" } })).await;
    let request = house.manage(Method::POST, "/tenants").json(&json!({ "name": "orphan" }));
    let caller = tokio::spawn(request.send());
    let held = send(house.http.get(house.url("/_simulator/held?wait=1"))).await;
    let held = body(held).await;
    assert_eq!((&held[0]["operation"], &held[0]["at"]), (&json!("createTenant"), &json!("before")));
    caller.abort();
    assert!(caller.await.is_err());
    assert!(names(&house).is_empty());

    let order = json!({ "id": held[0]["id"] });
    let released = send(house.http.post(house.url("/_simulator/release")).json(&order)).await;
    assert_eq!(body(released).await["released"], 1);
    soon(async {
        while names(&house).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(names(&house), ["orphan"]);
}

#[tokio::test]
async fn a_call_held_after_its_effect_answers_when_released() {
    let house = House::open().await;
    house.simulator.add_fault(Fault::next(Operation::CreateTenant, Effect::Hold { at: HoldAt::After }));
    let create = async { status(&house, "abc").await };
    let release = async {
        house.held().await;
        assert_eq!(names(&house), ["abc"]);
        assert_eq!(house.simulator.release(None, Release::Proceed), 1);
    };
    let (answered, ()) = soon(async { tokio::join!(create, release) }).await;
    assert_eq!(answered, Some(201));
}

#[tokio::test]
async fn a_discarded_call_never_happens() {
    let house = House::open().await;
    house.simulator.add_fault(Fault::next(Operation::CreateTenant, Effect::Hold { at: HoldAt::Before }));
    let create = async { status(&house, "abc").await };
    let discard = async {
        house.held().await;
        house.simulator.release(None, Release::Discard);
    };
    let (answered, ()) = soon(async { tokio::join!(create, discard) }).await;
    assert_eq!((answered, names(&house).len()), (None, 0));
}

#[tokio::test]
async fn a_fault_hits_the_calls_it_names() {
    let house = House::open().await;
    let effect = json!({ "kind": "status", "status": 500 });
    let id =
        set(&house, json!({ "operation": "createTenant", "nth": 2, "count": 2, "effect": effect })).await;
    let mut answers = Vec::new();
    for name in ["a", "b", "c", "d"] {
        answers.push(status(&house, name).await);
    }
    assert_eq!(answers, [Some(201), Some(500), Some(500), Some(201)]);
    let faults = house.simulator.faults();
    assert_eq!(faults.iter().map(|one| (one.id, one.seen, one.hits)).collect::<Vec<_>>(), [(id, 4, 2)]);

    set(&house, json!({ "tenant": "e", "count": null, "effect": effect })).await;
    assert_eq!((status(&house, "e").await, status(&house, "e").await), (Some(500), Some(500)));
    assert_eq!(status(&house, "f").await, Some(201), "another tenant");
    let delete = house.http.delete(house.url("/_simulator/faults"));
    assert_eq!(send(delete).await.status(), 204);
    assert_eq!(status(&house, "e").await, Some(201));
}

#[tokio::test]
async fn a_fault_finds_a_member_by_tenant_and_cell_in_both_planes() {
    let house = House::open().await;
    let (mine, theirs) = (house.member("mine").await, house.member("theirs").await);
    let effect = json!({ "kind": "status", "status": 500 });
    for operation in ["token", "createSubmission", "upload"] {
        let fault =
            json!({ "operation": operation, "tenant": mine.tenant, "cell": "eu-1", "effect": effect });
        set(&house, fault).await;
    }
    set(&house, json!({ "operation": "token", "tenant": mine.tenant, "cell": "us-1", "effect": effect }))
        .await;
    assert_eq!(house.secret_token(&theirs, EU_SERVER, DOCUMENT_SCOPES).await.status(), 200);
    let refused = house.secret_token(&mine, EU_SERVER, DOCUMENT_SCOPES).await;
    assert_eq!(refused.status(), 500);
    assert!(body(refused).await["error"].is_string(), "an OAuth error");
    assert_eq!(house.secret_token(&mine, EU_SERVER, DOCUMENT_SCOPES).await.status(), 200);

    house.submit(&theirs, json!({}), b"%PDF-1.4").await;
    assert_eq!(send(house.documents(&mine, Method::POST, "")).await.status(), 500);
    let url = text(&house.create_submission(&mine, json!({})).await["upload_url"]);
    let upload = house.upload(&url, "%PDF-1.4").await;
    assert_eq!(upload.status(), 500);
    assert!(upload.text().await.expect("text").contains("<Error>"), "an S3 error");
    assert_eq!(house.upload(&url, "%PDF-1.4").await.status(), 200);
}

#[tokio::test]
async fn an_upload_can_be_lost_either_way() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let uploads = |house: &House| house.simulator.state().submissions[0].uploads;
    let url = text(&house.create_submission(&member, json!({})).await["upload_url"]);
    let put = || house.http.put(&url).body("%PDF-1.4").send();
    house.simulator.add_fault(Fault::next(Operation::Upload, Effect::Refuse));
    assert!(put().await.is_err());
    assert_eq!(uploads(&house), 0);
    house.simulator.add_fault(Fault::next(Operation::Upload, Effect::DoneThenCut));
    assert!(put().await.is_err());
    assert_eq!(uploads(&house), 1);
}

#[tokio::test]
async fn a_snapshot_is_gone_back_to_and_a_reset_forgets_all() {
    let house = House::open().await;
    status(&house, "before").await;
    let snapshot = house.simulator.snapshot();
    status(&house, "after").await;
    house.simulator.restore(&snapshot);
    assert_eq!(names(&house), ["before"]);
    house.simulator.add_fault(Fault::next(Operation::GetTenants, Effect::Refuse));
    house
        .simulator
        .change_clock(&ClockChange { assertion_skew_seconds: Some(3600.0), ..ClockChange::default() });
    house.simulator.reset();
    assert!(house.simulator.faults().is_empty() && names(&house).is_empty() && house.simulator.audit().clean);
    assert_eq!(send(house.manage(Method::GET, "/tenants")).await.status(), 401, "tokens are forgotten too");
    house.organization_token("tenants.read").await;
}
