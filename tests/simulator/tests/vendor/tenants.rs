//! Tenants: names, quota, pages, the order of deletion.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulator::Settings;

use crate::clients::{House, body, send, text};

#[tokio::test]
async fn a_tenant_is_created_read_and_deleted() {
    let house = House::open().await;
    let asked = json!({ "name": "abc1", "cells": ["eu-1", "us-1"], "more": true });
    let answer = send(house.manage(Method::POST, "/tenants").json(&asked)).await;
    assert_eq!(answer.status(), 201);
    let location = answer.headers()["location"].to_str().expect("text").to_owned();
    let created = body(answer).await;
    assert_eq!(location, format!("/tenants/{}", text(&created["id"])));
    assert_eq!(created["cells"], json!(["eu-1", "us-1"]));
    assert_eq!(created["_links"]["documents-ui"][1]["href"], "abc1-simulated.us-1.documents.resistant.ai");

    assert_eq!(body(send(house.manage(Method::GET, &location)).await).await, created);
    let gone = send(house.manage(Method::DELETE, &location)).await;
    assert_eq!((gone.status(), gone.content_length()), (StatusCode::NO_CONTENT, Some(0)));
    assert_eq!(send(house.manage(Method::GET, &location)).await.status(), 404);
    assert_eq!(send(house.manage(Method::DELETE, &location)).await.status(), 404);
    assert!(house.simulator.audit().clean);
}

#[tokio::test]
async fn a_bad_create_is_refused_with_a_message() {
    let house = House::open().await;
    for bad in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "Upper" }),
        json!({ "name": "with_underscore" }),
        json!({ "name": "a".repeat(62) }),
        json!({ "name": "ok", "cells": ["eu-9"] }),
        json!({ "name": "ok", "cells": "eu-1" }),
    ] {
        let answer = send(house.manage(Method::POST, "/tenants").json(&bad)).await;
        assert_eq!(answer.status(), 400, "{bad}");
        assert!(body(answer).await["message"].is_string(), "{bad}");
    }
    let plain = house.manage(Method::POST, "/tenants").header("content-type", "text/plain").body("{}");
    assert_eq!(send(plain).await.status(), 415);
}

#[tokio::test]
async fn a_name_is_unique_and_free_again_after_deletion() {
    let house = House::open().await;
    let id = house.create_tenant("same").await;
    let again = || house.manage(Method::POST, "/tenants").json(&json!({ "name": "same" }));
    assert_eq!(send(again()).await.status(), 400);
    assert_eq!(send(house.manage(Method::DELETE, &format!("/tenants/{id}"))).await.status(), 204);
    assert_eq!(send(again()).await.status(), 201);
}

#[tokio::test]
async fn the_quota_is_20_and_its_code_a_choice() {
    let house = House::open().await;
    for n in 0..20 {
        house.create_tenant(&format!("t{n}")).await;
    }
    let one_more = || house.manage(Method::POST, "/tenants").json(&json!({ "name": "onemore" }));
    let full = send(one_more()).await;
    assert_eq!(full.status(), 429);
    assert_eq!(full.content_length(), Some(0), "no body is declared for 429");
    let change = json!({ "tenants": 20, "status": 403 });
    send(house.http.post(house.url("/_simulator/quota")).json(&change)).await;
    assert_eq!(send(one_more()).await.status(), 403);
}

async fn page(house: &House, query: &str) -> (Vec<String>, Option<String>) {
    let answer = send(house.manage(Method::GET, &format!("/tenants{query}"))).await;
    assert_eq!(answer.status(), 200);
    let page = body(answer).await;
    let items = page["items"].as_array().expect("items").iter().map(|item| text(&item["name"])).collect();
    (items, page["_links"]["next"]["href"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn pages_follow_each_other_even_when_the_last_tenant_of_one_is_deleted() {
    let house = House::open().await;
    for n in 0..7 {
        house.create_tenant(&format!("t{n}")).await;
    }
    let (first, next) = page(&house, "?limit=3").await;
    assert_eq!(first, ["t0", "t1", "t2"]);
    let next = next.expect("a second page");
    assert!(next.starts_with("/tenants?limit=3&after_id="), "{next}");
    let cursor = next.rsplit('=').next().expect("an id");
    assert_eq!(send(house.manage(Method::DELETE, &format!("/tenants/{cursor}"))).await.status(), 204);

    let (second, next) = page(&house, next.trim_start_matches("/tenants")).await;
    assert_eq!(second, ["t3", "t4", "t5"]);
    let (third, next) = page(&house, next.expect("a third page").trim_start_matches("/tenants")).await;
    assert_eq!((third, next), (vec!["t6".to_owned()], None));
}

#[tokio::test]
async fn pages_have_a_default_a_largest_size_and_no_empty_last_one() {
    let house = House::with(Settings { quota: 40, largest_page: 30, ..Settings::default() }).await;
    for n in 0..30 {
        house.create_tenant(&format!("t{n}")).await;
    }
    assert_eq!(page(&house, "").await.0.len(), 20);
    let (all, next) = page(&house, "?limit=1000").await;
    assert_eq!((all.len(), next), (30, None));
    for bad in ["?limit=0", "?limit=-1", "?limit=many", "?after_id=nobody"] {
        assert_eq!(send(house.manage(Method::GET, &format!("/tenants{bad}"))).await.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn applications_go_before_their_tenant() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let tenant = format!("/tenants/{}", member.tenant);
    let refused = send(house.manage(Method::DELETE, &tenant)).await;
    assert_eq!(refused.status(), 400);
    house.simulator.set_settings(Settings { tenant_in_use_status: 403, ..house.simulator.settings() });
    assert_eq!(send(house.manage(Method::DELETE, &tenant)).await.status(), 403);
    let application = format!("{tenant}/applications/{}", member.application);
    assert_eq!(send(house.manage(Method::DELETE, &application)).await.status(), 204);
    assert_eq!(send(house.manage(Method::DELETE, &tenant)).await.status(), 204);
    assert!(house.simulator.audit().clean);
}

#[tokio::test]
async fn what_is_not_there_is_forbidden() {
    let house = House::open().await;
    for (method, path) in [
        (Method::GET, "/organizations"),
        (Method::PATCH, "/tenants/abc"),
        (Method::PUT, "/tenants"),
        (Method::GET, "/tenants/"),
    ] {
        let answer = send(house.manage(method, path)).await;
        assert_eq!(answer.status(), 403, "{path}");
        assert!(body(answer).await["message"].is_string());
    }
}

#[tokio::test]
async fn the_audit_names_what_is_left() {
    let house = House::open().await;
    let member = house.member("left").await;
    let empty = house.create_submission(&member, json!({})).await;
    let one = house.submit(&member, json!({}), b"%PDF-1.4 same").await;
    let two = house.submit(&member, json!({}), b"%PDF-1.4 same").await;
    house.submit(&member, json!({}), b"%PDF-1.4 other").await;

    let audit: Value = body(send(house.http.get(house.url("/_simulator/audit"))).await).await;
    assert_eq!(audit["clean"], false);
    assert_eq!(audit["tenants"], json!([member.tenant]));
    assert_eq!(audit["applications"], json!([member.application]));
    assert_eq!(audit["never_uploaded"], json!([empty["submission_id"]]));
    assert_eq!(audit["doubles"], json!([[one, two]]));
    assert_eq!(send(house.http.post(house.url("/_simulator/reset"))).await.status(), 204);
    assert!(house.simulator.audit().clean);
}
