//! What reaches the socket, what never does, and what each way of failing is called.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::disallowed_methods, reason = "calls run side by side")]

mod stub;

use std::convert::Infallible;
use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use resistant::{
    CallError, CellName, DataPlane, DocumentsScope, Endpoints, Gone, NewAuthentication, NewSubmission,
    Pipeline, Removal, Vendor,
};
use serde_json::json;
use shared_core::ids::{SubmissionId, TenantId, TenantName};
use shared_core::place::{Cell, Stage};
use stub::{Reply, Seen, Stub, control, credential, token};

fn name() -> TenantName {
    "name".parse().unwrap()
}

fn tenant() -> TenantId {
    "tenant-1".parse().unwrap()
}

fn submission() -> SubmissionId {
    "submission-1".parse().unwrap()
}

/// A stub that grants tokens and leaves the rest to `answer`.
async fn stub(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Stub {
    Stub::start(
        move |request, before| {
            if request.is_token_request() { token(before) } else { answer(request, before) }
        },
    )
    .await
}

/// The error with all its causes, in both forms.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        text += &format!("\n{error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_create_whose_connection_breaks_is_never_sent_again() {
    for reply in [|| Reply::Cut, || Reply::Half] {
        // The first create is answered, so that the second one goes over a kept connection.
        let created = json!({"id": "t", "name": "name", "cells": [], "created": "", "updated": ""});
        let stub =
            stub(move |_, before| if before == 0 { Reply::Json(201, created.clone()) } else { reply() })
                .await;
        let plane = stub.control();
        plane.create_tenant(&name(), &[Cell::Eu1]).await.unwrap();
        let error = plane.create_tenant(&name(), &[Cell::Eu1]).await.unwrap_err();
        assert!(matches!(error, CallError::Unclear { .. }) && error.may_have_happened(), "{error:?}");
        assert_eq!(stub.calls().len(), 2);
    }
}

#[tokio::test]
async fn a_create_over_a_connection_that_was_closed_is_sent_once_at_most() {
    let created = json!({"id": "t", "name": "name", "cells": [], "created": "", "updated": ""});
    let stub = stub(move |_, _| Reply::JsonThenClose(201, created.clone())).await;
    let plane = stub.control();
    for attempt in 1..=100 {
        let before = stub.calls().len();
        let outcome = plane.create_tenant(&name(), &[Cell::Eu1]).await;
        let sent = stub.calls().len() - before;
        match outcome {
            Ok(_) => assert_eq!(sent, 1, "attempt {attempt}"),
            Err(error) => {
                assert!(sent <= 1 && error.may_have_happened(), "attempt {attempt}: {sent} {error:?}")
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_where_nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let vendor = Vendor::new(Endpoints::local(Stage::Production, &base).unwrap()).unwrap();
    let error = control(&vendor).create_tenant(&name(), &[]).await.unwrap_err();
    assert!(matches!(error, CallError::Token { .. }) && !error.may_have_happened(), "{error:?}");

    let plane = vendor.data_plane(&credential(&vendor)).unwrap();
    let url = plane.upload_url(&format!("{base}/upload/x?X-Amz-Signature=very-private")).unwrap();
    let error = plane.upload(&url, 1, Full::new(Bytes::from_static(b"x"))).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }) && !error.may_have_happened(), "{error:?}");
    assert!(!chain(&error).contains("very-private"), "{}", chain(&error));
}

#[tokio::test]
async fn no_answer_in_time_is_unclear() {
    let stub = stub(|_, _| Reply::Hang).await;
    let vendor = stub.vendor().with_timeout(Duration::from_millis(200));
    let error = control(&vendor).create_tenant(&name(), &[]).await.unwrap_err();
    assert!(matches!(&error, CallError::Unclear { problem, .. } if problem.contains("in time")), "{error:?}");
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn a_deadline_ends_a_call_and_a_past_one_prevents_it() {
    let stub = stub(|_, _| Reply::Hang).await;
    let plane = stub.control();
    plane.warm().await.unwrap();
    let soon = plane.with_deadline(Instant::now() + Duration::from_millis(200));
    assert!(soon.create_tenant(&name(), &[]).await.unwrap_err().may_have_happened());
    let error = soon.create_tenant(&name(), &[]).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stub = stub(|_, _| Reply::Text(307, "location: /elsewhere", String::new())).await;
    let error = stub.control().create_tenant(&name(), &[]).await.unwrap_err();
    assert!(error.may_have_happened(), "{error:?}");
    assert_eq!(
        stub.calls().iter().map(|call| call.path.as_str()).collect::<Vec<_>>(),
        ["/tenants-api/v0/tenants"]
    );
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_unclear() {
    for body in ["", "<html>", "{}", "{\"id\": 7}", "{\"id\": \"\", \"name\": \"x\"}"] {
        let stub = stub(move |_, _| Reply::Text(201, "x-none: 0", body.to_owned())).await;
        let error = stub.control().create_tenant(&name(), &[]).await.unwrap_err();
        assert!(matches!(error, CallError::Unclear { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn what_the_vendor_says_is_kept_but_no_token_in_it() {
    let long = format!("eyJ{}", "x".repeat(100));
    let (granted, echoed) = (long.clone(), long.clone());
    let stub = Stub::start(move |request, _| match request.is_token_request() {
        true => Reply::Json(200, json!({"access_token": granted, "expires_in": 900})),
        false => Reply::Json(400, json!({"message": format!("Bearer {echoed} may not do this")})),
    })
    .await;
    let error = stub.control().create_tenant(&name(), &[]).await.unwrap_err();
    let expected = "createTenant: refused (400): Bearer [withheld] may not do this";
    assert_eq!(error.to_string(), expected);
    assert!(!chain(&error).contains(&long));
}

#[tokio::test]
async fn a_delete_knows_gone_from_already_gone() {
    for (status, gone) in [(204, Gone::Deleted), (404, Gone::AlreadyGone)] {
        let stub = stub(move |_, _| Reply::Json(status, json!(null))).await;
        assert_eq!(stub.control().delete_tenant(&tenant()).await.unwrap(), gone);
        assert_eq!(stub.control().delete_application(&tenant(), &"a".parse().unwrap()).await.unwrap(), gone);
        let paths: Vec<_> =
            stub.calls().iter().map(|call| format!("{} {}", call.method, call.path)).collect();
        let base = "DELETE /tenants-api/v0/tenants/tenant-1";
        assert_eq!(paths, [base.to_owned(), format!("{base}/applications/a")]);
    }
    for (status, removal) in
        [(204, Removal::Deleted), (404, Removal::AlreadyGone), (409, Removal::Processing)]
    {
        let stub = stub(move |_, _| Reply::Json(status, json!(null))).await;
        assert_eq!(stub.data().delete_submission(&submission()).await.unwrap(), removal);
    }
}

#[tokio::test]
async fn an_id_stays_one_segment_of_the_path() {
    // That `.` and `..` are no ids, shared-core tests.
    let stub = stub(|_, _| Reply::Json(204, json!(null))).await;
    for id in ["a;b=c&d", "..."] {
        stub.control().delete_tenant(&id.parse().unwrap()).await.unwrap();
    }
    assert_eq!(
        stub.calls().iter().map(|call| call.path.as_str()).collect::<Vec<_>>(),
        ["/tenants-api/v0/tenants/a;b=c&d", "/tenants-api/v0/tenants/..."]
    );
}

fn page(request: &Seen) -> Reply {
    let tenant =
        |n: usize| json!({"id": format!("t{n}"), "name": format!("n{n}"), "cells": ["eu-1", "xx-1"]});
    let next = |n: usize| json!({"next": {"href": format!("/tenants?limit=100&after_id=t{n}")}});
    Reply::Json(
        200,
        match request.path.split_once("after_id=").map(|(_, cursor)| cursor) {
            None => json!({"items": [tenant(1), tenant(2)], "_links": next(2)}),
            Some("t2") => json!({"items": [tenant(3)], "_links": next(3)}),
            Some("t3") => json!({"items": [], "_links": {}}),
            Some(other) => panic!("unexpected cursor {other}"),
        },
    )
}

#[tokio::test]
async fn a_listing_goes_through_every_page() {
    let stub = stub(|request, _| page(request)).await;
    let plane = stub.control();
    let tenants = plane.all_tenants().await.unwrap();
    assert_eq!(tenants.iter().map(|tenant| tenant.id.as_str()).collect::<Vec<_>>(), ["t1", "t2", "t3"]);
    assert_eq!(tenants[0].cells, [CellName::Known(Cell::Eu1), CellName::Other("xx-1".to_owned())]);
    assert!(stub.calls().iter().all(|call| call.path.contains("?limit=100")));
    assert_eq!(stub.calls().len(), 3);

    assert_eq!(plane.find_tenant_by_name(&"n3".parse().unwrap()).await.unwrap().unwrap().id.as_str(), "t3");
    assert_eq!(stub.calls().len(), 5, "the search ends where the name is found");
    assert!(plane.find_tenant_by_name(&"n4".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_listing_that_goes_round_is_no_listing() {
    // a -> b -> a
    let stub = stub(|request, before| {
        if before > 2 {
            return Reply::Json(500, json!({}));
        }
        let to = if request.path.ends_with("after_id=a") { "b" } else { "a" };
        Reply::Json(
            200,
            json!({"items": [], "_links": {"next": {"href": format!("/tenants?after_id={to}")}}}),
        )
    })
    .await;
    let error = stub.control().find_tenant_by_name(&name()).await.unwrap_err();
    assert!(error.to_string().contains("cursor does not move"), "{error}");
    assert_eq!(stub.calls().len(), 3);
}

#[tokio::test]
async fn applications_are_read_with_what_is_unknown_in_them() {
    let stub = stub(|request, _| match request.method.as_str() {
        "GET" => Reply::Json(
            200,
            json!({"items": [{"id": "a", "client_id": "c", "cell": "xx-1", "scopes": ["s"], "auth_server": "x",
                "_links": []}], "more": 1}),
        ),
        _ => Reply::Json(201, json!({"id": "a", "client_id": "c", "cell": "eu-1", "scopes": [], "auth_server": "x"})),
    })
    .await;
    let plane = stub.control();
    let applications = plane.applications(&tenant()).await.unwrap().unwrap();
    assert_eq!(applications[0].cell, CellName::Other("xx-1".to_owned()));

    // An application whose secret did not come exists all the same.
    let authentication = NewAuthentication::ClientSecret;
    let created = plane.create_application(&tenant(), Cell::Eu1, &DocumentsScope::ALL, &authentication).await;
    assert!(created.unwrap_err().may_have_happened());
}

#[tokio::test]
async fn a_missing_tenant_is_an_answer_to_a_read() {
    let stub = stub(|_, _| Reply::Json(404, json!({"message": "Not found"}))).await;
    let plane = stub.control();
    assert!(plane.tenant(&tenant()).await.unwrap().is_none());
    assert!(plane.applications(&tenant()).await.unwrap().is_none());
    assert!(plane.application(&tenant(), &"a".parse().unwrap()).await.unwrap().is_none());
    let created = plane.create_tenant(&name(), &[]).await;
    assert!(matches!(created, Err(CallError::NotFound { .. })), "{created:?}");
}

fn new_submission() -> NewSubmission {
    NewSubmission {
        query_id: "query".parse().unwrap(),
        pipeline: Pipeline::FraudOnly,
        enable_decision: false,
        enable_characteristics: false,
    }
}

#[tokio::test]
async fn the_id_of_a_submission_is_kept_though_its_url_is_refused() {
    for hostile in ["http://169.254.169.254/latest/", "https://bucket.s3.amazonaws.com/x", "nonsense"] {
        let answer = json!({"submission_id": "s-1", "upload_url": hostile, "new": 1});
        let stub = stub(move |_, _| Reply::Json(200, answer.clone())).await;
        let created = stub.data().create_submission(&new_submission()).await.unwrap();
        assert_eq!(created.id.as_str(), "s-1");
        assert!(created.upload_url.is_err(), "{hostile}");
    }
}

/// The plane of a stub that takes uploads, with a URL there.
async fn uploads() -> (Stub, DataPlane, resistant::UploadUrl) {
    let stub = stub(|_, _| Reply::Json(200, json!(null))).await;
    let plane = stub.data();
    let url = plane.upload_url(&format!("{}/upload/x?X-Amz-Signature=a%2Fb", stub.base)).unwrap();
    (stub, plane, url)
}

fn frames(parts: &[&'static [u8]]) -> impl http_body::Body<Data = Bytes, Error = Infallible> + use<> {
    let frames: Vec<_> = parts.iter().map(|part| Ok(Frame::data(Bytes::from_static(part)))).collect();
    StreamBody::new(stream::iter(frames))
}

#[tokio::test]
async fn an_upload_is_one_put_of_exact_length_without_a_token() {
    let (stub, plane, url) = uploads().await;
    plane.upload(&url, 11, frames(&[b"hello", b"", b" world"])).await.unwrap();
    assert_eq!(stub.token_requests().len(), 0);
    let calls = stub.calls();
    assert_eq!(calls.len(), 1);
    let put = &calls[0];
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", "/upload/x?X-Amz-Signature=a%2Fb"));
    assert_eq!(put.header("content-length"), Some("11"));
    assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    assert_eq!(put.header("transfer-encoding"), None);
    assert_eq!(put.header("authorization"), None);
    assert_eq!(put.body, b"hello world");
}

#[tokio::test]
async fn a_body_of_another_length_is_never_accepted() {
    let (stub, plane, url) = uploads().await;
    for (length, problem) in
        [(12, "fewer bytes than the 12"), (10, "more bytes than the 10"), (4, "more bytes")]
    {
        let error = plane.upload(&url, length, frames(&[b"hello", b" world"])).await.unwrap_err();
        assert!(chain(&error).contains(problem), "{}", chain(&error));
        assert!(!chain(&error).contains("X-Amz-Signature"), "{}", chain(&error));
    }
    assert_eq!(stub.calls().len(), 0, "no whole request reached the socket");
}

#[tokio::test]
async fn a_source_that_breaks_ends_the_upload_with_its_own_error() {
    let (stub, plane, url) = uploads().await;
    let broken =
        stream::iter([Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("the source broke"))]);
    let body = StreamBody::new(broken.map(|part| part.map(Frame::data)));
    let error = plane.upload(&url, 8, body.boxed_unsync()).await.unwrap_err();
    assert!(chain(&error).contains("the source broke"), "{}", chain(&error));
    assert_eq!(stub.calls().len(), 0);
}

#[tokio::test]
async fn storage_says_why_it_refuses() {
    let xml = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let stub = stub(move |_, _| Reply::Text(403, "content-type: application/xml", xml.to_owned())).await;
    let plane = stub.data();
    let url = plane.upload_url(&format!("{}/upload/x", stub.base)).unwrap();
    let error = plane.upload(&url, 1, frames(&[b"x"])).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Forbidden { message, .. } if message == "AccessDenied: Request has expired")
    );
}

#[tokio::test]
async fn calls_can_be_worked_on_side_by_side() {
    let (stub, plane, url) = uploads().await;
    let uploads = (0..4).map(|_| {
        let (plane, url) = (plane.clone(), url.clone());
        tokio::spawn(async move { plane.upload(&url, 5, frames(&[b"hello"])).await })
    });
    for outcome in futures::future::join_all(uploads).await {
        outcome.unwrap().unwrap();
    }
    let control = stub.control();
    tokio::spawn(async move { control.delete_tenant(&tenant()).await }).await.unwrap().unwrap();
    assert_eq!(stub.calls().len(), 5);
}
