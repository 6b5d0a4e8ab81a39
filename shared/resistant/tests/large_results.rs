//! Results that are too large to be answered: what is fetched from where, and what is not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod stub;

use resistant::{AnalysisStatus, CallError, ResultKind};
use serde_json::json;
use shared_core::ids::SubmissionId;
use stub::{Reply, Seen, Stub, token};

const RESULT: &str = r#"{"status":"SUCCESS","score":"WARNING","decision":"DECLINED"}"#;

fn submission() -> SubmissionId {
    "submission-1".parse().unwrap()
}

/// A vendor that refuses large results and, asked for a URL, names `path`; `decision` redirects there.
async fn vendor(url: impl Fn(&Seen) -> String + Send + Sync + 'static) -> Stub {
    Stub::start(move |request, before| {
        let url = url(request);
        match request.path.as_str() {
            _ if request.is_token_request() => token(before),
            path if path.ends_with("/fraud") => Reply::Json(400, json!({"message": "too large"})),
            path if path.ends_with("presign=true") => Reply::Json(200, json!({ "download_url": url })),
            path if path.ends_with("/decision") => {
                let location = format!("location: {url}");
                Reply::Text(302, Box::leak(location.into_boxed_str()), String::new())
            }
            "/large" => Reply::Text(200, "x-none: 0", RESULT.to_owned()),
            "/onwards" => Reply::Text(302, "location: /large", String::new()),
            other => panic!("nobody asks for {other}"),
        }
    })
    .await
}

fn at(path: &'static str) -> impl Fn(&Seen) -> String + Send + Sync + 'static {
    move |request| format!("http://{}{path}", request.header("host").unwrap())
}

#[tokio::test]
async fn a_large_result_is_downloaded_without_a_token() {
    let stub = vendor(at("/large")).await;
    for (kind, verdict) in [(ResultKind::Fraud, "WARNING"), (ResultKind::Decision, "DECLINED")] {
        let analysis = stub.data().whole_result(&submission(), kind).await.unwrap().unwrap();
        assert_eq!((analysis.status, analysis.verdict.as_deref()), (AnalysisStatus::Success, Some(verdict)));
        assert_eq!(analysis.raw, RESULT);
    }
    let calls = stub.calls();
    let downloads: Vec<&Seen> = calls.iter().filter(|call| call.path == "/large").collect();
    assert_eq!(downloads.len(), 2);
    assert!(downloads.iter().all(|call| call.header("authorization").is_none()), "{downloads:?}");
}

#[tokio::test]
async fn nothing_is_fetched_from_where_no_result_lies() {
    for elsewhere in
        ["http://192.0.2.1/large", "https://elsewhere.example/large", "ftp://127.0.0.1/large", "/large"]
    {
        let stub = vendor(move |_| elsewhere.to_owned()).await;
        for kind in [ResultKind::Fraud, ResultKind::Decision] {
            let error = stub.data().whole_result(&submission(), kind).await.unwrap_err();
            assert!(matches!(error, CallError::NotSent { .. }), "{elsewhere}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("elsewhere.example"), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_redirection_of_a_download_is_not_followed() {
    let stub = vendor(at("/onwards")).await;
    let error = stub.data().whole_result(&submission(), ResultKind::Fraud).await.unwrap_err();
    assert!(matches!(error, CallError::Unclear { .. }), "{error:?}");
    assert!(stub.calls().iter().all(|call| call.path != "/large"));
}

/// Whoever only asks whether there is a result does not fetch a large one.
#[tokio::test]
async fn a_look_that_wants_no_more_than_an_answer_asks_once() {
    let stub = vendor(at("/large")).await;
    let error = stub.data().result(&submission(), ResultKind::Fraud).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { status: 400, .. }), "{error:?}");
    assert_eq!(stub.calls().len(), 1);
}
