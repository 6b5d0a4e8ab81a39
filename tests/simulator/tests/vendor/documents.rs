//! Submissions: uploads as S3 takes them, results when they are ready.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use simulator::{Limits, OutcomeRule, Settings, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::clients::{House, body, send, text};

const PDF: &[u8] = b"%PDF-1.4 a document";
const PDF_SHA256: &str = "d9ee405443ab48ff717857a5e817271b9ad19d1b7fedcbcba11b3a706ac37da9";

/// Results only after ten seconds of a stopped clock.
async fn slow_house() -> House {
    let limits = Limits { enabled: false, ..Limits::default() };
    let house = House::with(Settings { limits, result_delay_ms: 10_000, ..Settings::default() }).await;
    house.freeze();
    house
}

#[tokio::test]
async fn a_document_is_submitted_and_analysed() {
    let house = slow_house().await;
    let member = house.member("abc").await;
    let id = house.submit(&member, json!({ "query_id": "q-1" }), PDF).await;
    assert_eq!(house.result(&member, &id, "fraud").await.status(), 404);
    assert_eq!(send(house.documents(&member, Method::DELETE, &format!("/{id}"))).await.status(), 409);
    house.advance(10.0);
    let result = body(house.result(&member, &id, "fraud").await).await;
    assert_eq!(result["status"], "SUCCESS");
    assert_eq!(result["query_id"], "q-1");
    assert_eq!(result["sha256"], PDF_SHA256);

    let state = house.simulator.state();
    let kept = &state.submissions[0];
    assert_eq!((kept.sha256.as_deref(), kept.size, kept.uploads), (Some(PDF_SHA256), Some(19), 1));
    assert_eq!((&kept.tenant, &kept.application), (&member.tenant, &member.application));
    assert_eq!(send(house.documents(&member, Method::DELETE, &format!("/{id}"))).await.status(), 204);
    assert_eq!(send(house.documents(&member, Method::DELETE, &format!("/{id}"))).await.status(), 404);
    assert_eq!(house.result(&member, &id, "fraud").await.status(), 404);
}

#[tokio::test]
async fn another_tenants_submission_does_not_exist() {
    let house = House::open().await;
    let (mine, theirs) = (house.member("mine").await, house.member("theirs").await);
    let id = house.submit(&theirs, json!({}), PDF).await;
    assert_eq!(house.result(&theirs, &id, "fraud").await.status(), 200);
    assert_eq!(house.result(&mine, &id, "fraud").await.status(), 404);
    assert_eq!(send(house.documents(&mine, Method::DELETE, &format!("/{id}"))).await.status(), 404);
}

#[tokio::test]
async fn a_body_is_optional_but_not_arbitrary() {
    let house = House::open().await;
    let member = house.member("abc").await;
    assert_eq!(send(house.documents(&member, Method::POST, "")).await.status(), 200);
    let post = |body| send(house.documents(&member, Method::POST, "").json(&body));
    assert_eq!(post(json!({ "query_id": null })).await.status(), 200);
    assert_eq!(post(json!({ "query_id": "q".repeat(1025) })).await.status(), 400);
    assert_eq!(post(json!({ "pipeline_configuration": "QUALITY_AND_FRAUD" })).await.status(), 400);
    assert_eq!(post(json!({ "enable_decision": "yes" })).await.status(), 400);
    assert_eq!(send(house.documents(&member, Method::POST, "").body("{}")).await.status(), 415);
}

#[tokio::test]
async fn storage_refuses_what_s3_refuses() {
    let house = slow_house().await;
    let member = house.member("abc").await;
    let url = text(&house.create_submission(&member, json!({})).await["upload_url"]);
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(PDF)]);
    let chunked = house.upload(&url, reqwest::Body::wrap_stream(chunks)).await;
    assert_eq!(chunked.status(), StatusCode::NOT_IMPLEMENTED);
    assert!(chunked.text().await.expect("text").contains("<Code>NotImplemented</Code>"));

    let put = |url: &str| house.http.put(url).body(PDF);
    assert_eq!(send(put(&url).bearer_auth(&member.token)).await.status(), 400);
    assert_eq!(send(put(&url).header("x-amz-acl", "public-read")).await.status(), 403);
    assert_eq!(send(put(url.split_once('?').expect("a query").0)).await.status(), 403);
    assert_eq!(send(put(&url.replace("Expires=900", "Expires=9000"))).await.status(), 403);
    let other = text(&house.create_submission(&member, json!({})).await["upload_url"]);
    let path = |url: &str| {
        url.split_once('?').map(|(path, query)| (path.to_owned(), query.to_owned())).expect("a query")
    };
    let ((path_of_one, _), (_, query_of_other)) = (path(&url), path(&other));
    assert_eq!(send(put(&format!("{path_of_one}?{query_of_other}"))).await.status(), 403);

    house.advance(900.0);
    assert_eq!(send(put(&url)).await.status(), 403);
    assert!(house.simulator.state().submissions.iter().all(|one| one.uploads == 0));
}

/// Sends bytes as they are and reads what comes back.
async fn raw(house: &House, request: &[u8], then_close: bool) -> String {
    let mut stream = tokio::net::TcpStream::connect(house.simulator.address()).await.expect("a connection");
    stream.write_all(request).await.expect("sent");
    if then_close {
        stream.shutdown().await.expect("closed");
    }
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_uploaded_and_a_short_length_cuts_silently() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let url = text(&house.create_submission(&member, json!({})).await["upload_url"]);
    let path = url.strip_prefix(house.simulator.base_url()).expect("a path");
    let head = |length: &str| format!("PUT {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{length}\r\n");

    let none = raw(&house, head("").as_bytes(), false).await;
    assert!(none.starts_with("HTTP/1.1 411"), "{none}");
    let long = [head("content-length: 100\r\n").as_bytes(), PDF].concat();
    let answer = raw(&house, &long, true).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(house.simulator.state().submissions[0].uploads, 0);

    let short = [head("content-length: 8\r\n").as_bytes(), PDF].concat();
    let answer = raw(&house, &short, false).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(house.simulator.state().submissions[0].size, Some(8), "only the record shows it");
}

#[tokio::test]
async fn a_second_upload_is_a_choice() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let url = text(&house.create_submission(&member, json!({})).await["upload_url"]);
    assert_eq!(house.upload(&url, PDF).await.status(), 200);
    assert_eq!(house.upload(&url, "other").await.status(), 200);
    house.simulator.set_settings(Settings { second_upload: false, ..house.simulator.settings() });
    assert_eq!(house.upload(&url, "third").await.status(), 412);
    let kept = &house.simulator.state().submissions[0];
    assert_eq!((kept.uploads, kept.sha256.as_deref()), (2, Some(PDF_SHA256)));
}

#[tokio::test]
async fn characteristics_are_required_once_announced_and_refused_otherwise() {
    let house = slow_house().await;
    let member = house.member("abc").await;
    let put = |id: &str, body| {
        send(house.documents(&member, Method::PUT, &format!("/{id}/characteristics")).json(&body))
    };
    let id = house.submit(&member, json!({ "enable_submission_characteristics": true }), PDF).await;
    house.advance(60.0);
    assert_eq!(house.result(&member, &id, "fraud").await.status(), 404);
    assert_eq!(house.simulator.audit().awaiting_characteristics, vec![id.clone()]);
    assert_eq!(
        put(&id, json!({ "document_characteristics": { "document_type": "novel" } })).await.status(),
        400
    );
    assert_eq!(put(&id, json!({ "customer_case_id": "c-1" })).await.status(), 204);
    assert_eq!(house.result(&member, &id, "fraud").await.status(), 404, "the analysis has only begun");
    house.advance(10.0);
    assert_eq!(house.result(&member, &id, "fraud").await.status(), 200);

    let plain = house.submit(&member, json!({}), PDF).await;
    assert_eq!(put(&plain, json!({})).await.status(), 400);
    assert_eq!(put("nothing", json!({})).await.status(), 404);

    // A second time is a choice.
    assert_eq!(put(&id, json!({ "customer_case_id": "c-2" })).await.status(), 204);
    house.simulator.set_settings(Settings { second_characteristics: false, ..house.simulator.settings() });
    assert_eq!(put(&id, json!({ "customer_case_id": "c-3" })).await.status(), 400);
    let kept = &house.simulator.state().submissions[0];
    assert_eq!(kept.characteristics, Some(json!({ "customer_case_id": "c-2" })));
}

#[tokio::test]
async fn each_pipeline_has_its_result() {
    let house = House::open().await;
    let member = house.member("abc").await;
    for (pipeline, own, other) in [
        ("FRAUD_ONLY", "fraud", "quality"),
        ("QUALITY_ONLY", "quality", "classification"),
        ("CLASSIFICATION_ONLY", "classification", "fraud"),
    ] {
        let id = house.submit(&member, json!({ "pipeline_configuration": pipeline }), PDF).await;
        assert_eq!(body(house.result(&member, &id, own).await).await["status"], "SUCCESS", "{pipeline}");
        assert_eq!(house.result(&member, &id, other).await.status(), 404, "{pipeline}");
        assert_eq!(house.result(&member, &id, "decision").await.status(), 400, "{pipeline}");
    }
}

#[tokio::test]
async fn rules_decide_how_an_analysis_ends() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let rule = |text: &str, status| OutcomeRule {
        query_id_contains: Some(text.to_owned()),
        status: Some(status),
        ..OutcomeRule::default()
    };
    let mut risky = rule("risky", Status::Success);
    risky.score = Some("HIGH_RISK".to_owned());
    let outcomes = vec![rule("fails", Status::Failed), rule("skips", Status::Skipped), risky];
    house.simulator.set_settings(Settings { outcomes, ..house.simulator.settings() });
    for (query, document, status, decision) in [
        ("it fails", PDF, "FAILED", "FAILED"),
        ("it skips", PDF, "SKIPPED", "SKIPPED"),
        ("text", &b"plain text"[..], "INVALID_INPUT", "INVALID_INPUT"),
        ("risky", PDF, "SUCCESS", "SUCCESS"),
    ] {
        let id = house.submit(&member, json!({ "query_id": query, "enable_decision": true }), document).await;
        assert_eq!(body(house.result(&member, &id, "fraud").await).await["status"], status);
        let decided = body(house.result(&member, &id, "decision").await).await;
        assert_eq!(decided["status"], decision);
        assert_eq!(decided["decision"].as_str(), (query == "risky").then_some("DECLINED"));
        let report = house.result(&member, &id, "report").await.status();
        assert_eq!(report.as_u16(), if status == "SUCCESS" { 200 } else { 409 });
    }
}

#[tokio::test]
async fn a_report_and_a_large_result_are_downloaded() {
    let house = House::open().await;
    let member = house.member("abc").await;
    let id = house.submit(&member, json!({}), PDF).await;
    let report = body(house.result(&member, &id, "report").await).await;
    let bytes = send(house.http.get(text(&report["download_url"]))).await.bytes().await.expect("a report");
    assert!(bytes.starts_with(b"%PDF-"));

    house.simulator.set_settings(Settings { presigned_results: true, ..house.simulator.settings() });
    assert_eq!(house.result(&member, &id, "fraud").await.status(), 400);
    let answer = body(house.result(&member, &id, "fraud?presign=True").await).await;
    let result = body(send(house.http.get(text(&answer["download_url"]))).await).await;
    assert_eq!(result["sha256"], PDF_SHA256);
}

#[tokio::test]
async fn each_tenant_has_two_limits_of_its_own() {
    let house = House::with(Settings::default()).await;
    house.freeze();
    let (mine, theirs) = (house.member("mine").await, house.member("theirs").await);
    let create = || send(house.documents(&mine, Method::POST, ""));
    for n in 0..6 {
        assert_eq!(create().await.status(), 200, "{n}");
    }
    let limited = create().await;
    assert_eq!((limited.status().as_u16(), limited.content_length()), (429, Some(0)));
    assert!(!limited.headers().contains_key("retry-after"), "the vendor promises none");
    for n in 0..15 {
        assert_eq!(house.result(&mine, "none", "fraud").await.status(), 404, "{n}");
    }
    assert_eq!(house.result(&mine, "none", "fraud").await.status(), 429);
    assert_eq!(send(house.documents(&theirs, Method::POST, "")).await.status(), 200);

    house.advance(0.25);
    assert_eq!(
        (create().await.status(), create().await.status()),
        (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS)
    );
    send(house.http.post(house.url("/_simulator/limits")).json(&json!({ "enabled": false }))).await;
    assert_eq!(create().await.status(), 200);
}

#[tokio::test]
async fn deleting_what_was_never_uploaded_is_a_choice() {
    let house = House::open().await;
    let member = house.member("abc").await;
    house.simulator.set_settings(Settings { delete_unuploaded_status: 409, ..house.simulator.settings() });
    let id = text(&house.create_submission(&member, json!({})).await["submission_id"]);
    let delete = || send(house.documents(&member, Method::DELETE, &format!("/{id}")));
    assert_eq!(delete().await.status(), 409);
    house.simulator.set_settings(Settings { delete_unuploaded_status: 204, ..house.simulator.settings() });
    assert_eq!(delete().await.status(), 204);
    assert!(house.simulator.audit().never_uploaded.is_empty());
}
