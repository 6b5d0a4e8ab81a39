//! How tokens are asked for, shared, renewed and dropped, over real HTTP.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod stub;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::join_all;
use jiff::Timestamp;
use resistant::{ApplicationKey, CallError, Clock, DataPlane, Probe, TokenError, Vendor};
use serde_json::{Value, json};
use shared_core::credential::Authentication;
use shared_core::ids::SubmissionId;
use stub::{Reply, Stub, control, credential, token};

fn submission() -> SubmissionId {
    "submission-1".parse().unwrap()
}

/// A stub that grants numbered tokens and knows no submission.
async fn granting() -> Stub {
    Stub::start(
        |request, before| {
            if request.is_token_request() { token(before) } else { Reply::Json(404, json!({})) }
        },
    )
    .await
}

#[tokio::test]
async fn the_organization_asks_with_an_assertion() {
    let stub = granting().await;
    assert!(stub.control().tenant(&"t".parse().unwrap()).await.unwrap().is_none());

    let request = &stub.token_requests()[0];
    assert_eq!(request.path, "/oauth2/aus17c172cLOCWEyk417/v1/token");
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("user-agent"), Some(concat!("resistant-tenants/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(request.form("grant_type").unwrap(), "client_credentials");
    let scopes = "tenants.read tenants.write tenants.applications.read tenants.applications.write";
    assert_eq!(request.form("scope").unwrap(), scopes);
    let assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(request.form("client_assertion_type").unwrap(), assertion_type);
    let claims = claims(&request.form("client_assertion").unwrap());
    assert_eq!(claims["aud"], format!("{}{}", stub.base, request.path));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("organization"), &json!("organization")));

    assert_eq!(stub.calls()[0].path, "/tenants-api/v0/tenants/t");
    assert_eq!(stub.calls()[0].header("authorization"), Some("Bearer token-0"));
}

fn claims(assertion: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_client_secret_is_sent_as_http_basic() {
    let stub = granting().await;
    assert!(stub.data().fraud(&submission()).await.unwrap().is_none());
    let request = &stub.token_requests()[0];
    assert_eq!(request.path, "/oauth2/aus3tzuy12e5blAJi417/v1/token");
    let expected = format!("Basic {}", STANDARD.encode("client:client-secret"));
    assert_eq!(request.header("authorization"), Some(expected.as_str()));
    assert_eq!(request.form("scope").unwrap(), "submissions.read submissions.write");
    assert_eq!(request.form("client_assertion"), None);
    assert_eq!(stub.calls()[0].path, "/documents/us-1/v2/submission/submission-1/fraud");
}

#[tokio::test]
async fn a_key_pair_signs_for_its_own_cell() {
    let stub = granting().await;
    let vendor = stub.vendor();
    let mut credential = credential(&vendor);
    let key = ApplicationKey::generate().unwrap();
    credential.authentication = key.authentication();
    vendor.data_plane(&credential).unwrap().fraud(&submission()).await.unwrap();
    let request = &stub.token_requests()[0];
    let assertion = request.form("client_assertion").unwrap();
    assert_eq!(claims(&assertion)["aud"], credential.token_url);
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap())
            .unwrap();
    assert_eq!((&header["alg"], &header["kid"]), (&json!("ES256"), &json!(key.key_id())));
}

#[tokio::test]
async fn many_callers_share_one_token_request() {
    let stub = granting().await;
    let (vendor, id) = (stub.vendor(), submission());
    // Each with a client of its own: what is shared belongs to the credential.
    let planes: Vec<DataPlane> = (0..20).map(|_| vendor.data_plane(&credential(&vendor)).unwrap()).collect();
    for outcome in join_all(planes.iter().map(|plane| plane.fraud(&id))).await {
        assert!(outcome.unwrap().is_none());
    }
    assert_eq!((stub.token_requests().len(), stub.calls().len()), (1, 20));
}

#[tokio::test]
async fn two_credentials_never_share_a_token() {
    let stub = granting().await;
    let vendor = stub.vendor();
    let first = credential(&vendor);
    let mut second = first.clone();
    second.client_id = "other".parse().unwrap();
    let mut third = first.clone();
    third.authentication = ApplicationKey::generate().unwrap().authentication();
    let mut fourth = first.clone();
    fourth.authentication = Authentication::ClientSecret { client_secret: "another".to_owned().into() };
    for credential in [&first, &second, &third, &fourth, &first] {
        vendor.data_plane(credential).unwrap().fraud(&submission()).await.unwrap();
    }
    assert_eq!(stub.token_requests().len(), 4);
}

#[tokio::test]
async fn many_callers_share_one_failure_and_later_ones_try_again() {
    let stub = Stub::start(|request, before| match (request.is_token_request(), before) {
        (true, 0) => Reply::Json(503, json!({})),
        (true, _) => token(before),
        _ => Reply::Json(404, json!({})),
    })
    .await;
    let (plane, id) = (stub.data(), submission());
    for outcome in join_all((0..20).map(|_| plane.fraud(&id))).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, CallError::Token { source: TokenError::Unclear { .. }, .. }), "{error:?}");
    }
    assert_eq!(stub.token_requests().len(), 1);
    assert!(plane.fraud(&id).await.unwrap().is_none());
    assert_eq!(stub.token_requests().len(), 2);
}

/// A vendor whose wall clock stands until it is moved.
fn with_clock(stub: &Stub) -> (Vendor, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(1_800_000_000));
    let clock = Arc::clone(&seconds);
    let clock = Clock::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap());
    (stub.vendor().with_clock(clock), seconds)
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let stub = granting().await;
    let (vendor, clock) = with_clock(&stub);
    let (plane, id) = (vendor.data_plane(&credential(&vendor)).unwrap(), submission());
    // The stub's tokens live 1,000 s.
    for (advance, requests) in [(0, 1), (790, 1), (20, 2), (700, 2), (5_000, 3), (-5_000, 3)] {
        clock.fetch_add(advance, Ordering::SeqCst);
        plane.fraud(&id).await.unwrap();
        assert_eq!(stub.token_requests().len(), requests, "after {advance} s");
    }
}

#[tokio::test]
async fn a_failed_early_renewal_leaves_the_old_token_until_it_ends() {
    let stub = Stub::start(|request, before| match (request.is_token_request(), before) {
        (true, 0) => token(0),
        (true, _) => Reply::Json(503, json!({})),
        _ => Reply::Json(404, json!({})),
    })
    .await;
    let (vendor, clock) = with_clock(&stub);
    let (plane, id) = (vendor.data_plane(&credential(&vendor)).unwrap(), submission());
    plane.fraud(&id).await.unwrap();
    clock.fetch_add(850, Ordering::SeqCst);
    plane.fraud(&id).await.unwrap();
    plane.fraud(&id).await.unwrap();
    assert_eq!(stub.token_requests().len(), 2, "the old token serves, and not every call tries to renew it");
    clock.fetch_add(150, Ordering::SeqCst);
    assert!(plane.fraud(&id).await.is_err());
}

#[tokio::test]
async fn a_client_that_is_refused_loses_its_token() {
    let stub = Stub::start(|request, before| match (request.is_token_request(), before) {
        (true, 0) => token(0),
        (true, _) => Reply::Json(401, json!({"error": "invalid_client", "error_description": "Gone."})),
        _ => Reply::Json(404, json!({})),
    })
    .await;
    let (vendor, clock) = with_clock(&stub);
    let (plane, id) = (vendor.data_plane(&credential(&vendor)).unwrap(), submission());
    plane.fraud(&id).await.unwrap();
    clock.fetch_add(850, Ordering::SeqCst);
    let error = plane.fraud(&id).await.unwrap_err();
    assert!(matches!(error, CallError::Token { source: TokenError::InvalidClient { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn a_401_renews_the_token_once_for_all() {
    let stub = Stub::start(|request, before| match request {
        request if request.is_token_request() => token(before),
        request if request.header("authorization") == Some("Bearer token-0") => Reply::Json(401, json!({})),
        _ => Reply::Json(404, json!({})),
    })
    .await;
    let (plane, id) = (stub.data(), submission());
    for outcome in join_all((0..10).map(|_| plane.fraud(&id))).await {
        assert!(outcome.unwrap().is_none());
    }
    assert_eq!((stub.token_requests().len(), stub.calls().len()), (2, 20));
}

#[tokio::test]
async fn a_second_401_is_the_outcome() {
    let stub = Stub::start(|request, before| {
        if request.is_token_request() { token(before) } else { Reply::Json(401, json!({"message": "No."})) }
    })
    .await;
    let error = stub.control().create_tenant(&"name".parse().unwrap(), &[]).await.unwrap_err();
    assert!(matches!(&error, CallError::Unauthorized { message, .. } if message == "No."), "{error:?}");
    assert_eq!((stub.token_requests().len(), stub.calls().len()), (2, 2));
}

#[tokio::test]
async fn a_probe_asks_for_a_new_token_each_time_and_keeps_none() {
    let stub = granting().await;
    let plane = stub.data();
    plane.warm().await.unwrap();
    for _ in 0..2 {
        assert_eq!(plane.probe().await.unwrap(), Probe::Authorized);
    }
    assert!(plane.client_accepted().await.unwrap());
    plane.fraud(&submission()).await.unwrap();
    assert_eq!(stub.token_requests().len(), 4);
    let bearers: Vec<_> =
        stub.calls().iter().map(|call| call.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(bearers, ["Bearer token-1", "Bearer token-2", "Bearer token-0"]);
    assert_ne!(stub.calls()[0].path, stub.calls()[1].path, "each probe looks for another submission");
}

#[tokio::test]
async fn a_probe_reads_every_answer() {
    for (status, expected) in [(200, true), (400, true), (404, true), (401, false), (403, false)] {
        let stub = Stub::start(move |request, before| {
            if request.is_token_request() {
                token(before)
            } else {
                Reply::Json(status, json!({"message": "m"}))
            }
        })
        .await;
        let probe = stub.data().probe().await.unwrap();
        let refused = Probe::CallRefused { status, message: "m".to_owned() };
        assert_eq!(probe, if expected { Probe::Authorized } else { refused });
        assert_eq!((stub.token_requests().len(), stub.calls().len()), (1, 1));
    }
    for status in [429, 500, 503] {
        let stub = Stub::start(move |request, before| {
            if request.is_token_request() { token(before) } else { Reply::Json(status, json!({})) }
        })
        .await;
        assert!(stub.data().probe().await.is_err(), "{status} proves nothing");
    }
    let stub = Stub::start(|_, _| Reply::Json(400, json!({"error": "invalid_client"}))).await;
    assert_eq!(
        stub.data().probe().await.unwrap(),
        Probe::ClientRefused { message: "invalid_client".to_owned() }
    );
    assert!(!stub.data().client_accepted().await.unwrap());
}

#[tokio::test]
async fn an_answer_without_expires_in_or_with_a_nonsensical_one_is_read() {
    for body in
        [json!({"access_token": "a"}), json!({"access_token": "a", "expires_in": u64::MAX, "new": {}})]
    {
        let stub = Stub::start(move |request, _| match request.is_token_request() {
            true => Reply::Json(200, body.clone()),
            false => Reply::Json(404, json!({})),
        })
        .await;
        let plane = stub.data();
        plane.fraud(&submission()).await.unwrap();
        plane.fraud(&submission()).await.unwrap();
        assert_eq!(stub.token_requests().len(), 1);
    }
}

#[tokio::test]
async fn the_control_plane_keeps_its_token_over_deadlines() {
    let stub = granting().await;
    let plane = control(&stub.vendor());
    plane.warm().await.unwrap();
    let later = std::time::Instant::now() + std::time::Duration::from_secs(60);
    plane.with_deadline(later).tenant(&"t".parse().unwrap()).await.unwrap();
    assert_eq!(stub.token_requests().len(), 1);
}
