use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use axum::Router;
use axum::extract::State;
use serde_json::{Value, json};
use shared_core::event::{CustomerOnboardingFailed, DocumentRef, ReasonCode};
use shared_core::request::Violation;

use super::*;
use crate::Origin;

/// A bus that keeps what it is told and answers what it is asked to answer.
#[derive(Clone)]
struct Stub {
    answer: Value,
    received: Arc<Mutex<Vec<Value>>>,
}

async fn stub(answer: Value) -> (Bus, Stub) {
    let stub = Stub { answer, received: Arc::default() };
    let answer = async |State(stub): State<Stub>, body: String| {
        stub.received.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        ([("content-type", "application/x-amz-json-1.1")], stub.answer.to_string())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(stub.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let aws = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .test_credentials()
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .load()
        .await;
    (Bus::new(&aws, "tenants"), stub)
}

fn event(explanation: &str) -> OutboundEvent {
    let content = CustomerOnboardingFailed {
        request_id: "r-1".parse().unwrap(),
        customer_id: "acme".parse().unwrap(),
        reason_code: ReasonCode::QuotaFull,
        explanation: explanation.to_owned(),
    };
    OutboundEvent::new(content, Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn an_event_is_one_entry_whose_detail_describes_itself() {
    let (bus, stub) = stub(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]})).await;
    bus.announce(&event("full")).await.unwrap();
    let received = stub.received.lock().unwrap().clone();
    let entry = &received[0]["Entries"][0];
    assert_eq!(received[0]["Entries"].as_array().unwrap().len(), 1);
    assert_eq!(entry["EventBusName"], "tenants");
    assert_eq!(entry["Source"], "resistant-tenants");
    assert_eq!(entry["DetailType"], "CustomerOnboardingFailed");
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&detail["type"], &detail["customer_id"]),
        (&json!("CustomerOnboardingFailed"), &json!("acme"))
    );
}

#[tokio::test]
async fn a_request_is_one_entry_of_its_type() {
    let (bus, stub) = stub(json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]})).await;
    let request = json!({"type": "CustomerOffboardingRequested", "customer_id": "acme"});
    bus.ask("CustomerOffboardingRequested", &request).await.unwrap();
    let received = stub.received.lock().unwrap().clone();
    let entry = &received[0]["Entries"][0];
    assert_eq!(entry["DetailType"], "CustomerOffboardingRequested", "the bus's rules go by it");
    assert_eq!(serde_json::from_str::<Value>(entry["Detail"].as_str().unwrap()).unwrap(), request);
}

#[tokio::test]
async fn an_entry_that_failed_is_an_error_although_the_call_succeeded() {
    let failed = json!({"FailedEntryCount": 1, "Entries": [
        {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]});
    let (bus, _stub) = stub(failed).await;
    let error = bus.announce(&event("full")).await.unwrap_err();
    assert_eq!(error.class(), Class::Retry);
    assert!(error.to_string().contains("ThrottlingException: slow down"), "{error}");
}

#[tokio::test]
async fn what_the_bus_would_refuse_by_its_size_is_not_sent() {
    let (bus, stub) = stub(json!({"FailedEntryCount": 0, "Entries": []})).await;
    let error = bus.announce(&event(&"x".repeat(Bus::LIMIT_BYTES))).await.unwrap_err();
    assert_eq!(error.class(), Class::Bug);
    assert!(stub.received.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_bus_that_is_not_there_is_a_retry() {
    let aws = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .test_credentials()
        .retry_config(RetryConfig::disabled())
        .endpoint_url("http://127.0.0.1:1")
        .load()
        .await;
    let bus = Bus::new(&aws, "bus");
    assert_eq!(bus.announce(&event("full")).await.unwrap_err().class(), Class::Retry);
}

fn unreadable(object: Option<DocumentRef>) -> Unreadable {
    let violation = Violation::of_text("body", "{\"client_secret\":\"hunter2\"", "JSON");
    Unreadable {
        refusal: Refusal::new(ReasonCode::NotJson, violation),
        object,
        text: "{\"client_secret\":\"hunter2\"".to_owned(),
        origin: Origin::default(),
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_announced_with_its_original_and_without_its_secret() {
    let (bus, stub) = stub(json!({"FailedEntryCount": 0, "Entries": []})).await;
    let verdict = bus.reject(unreadable(None), Timestamp::UNIX_EPOCH).await;
    assert_eq!(verdict.word(), "Rejected");
    let received = stub.received.lock().unwrap().clone();
    assert_eq!(received[0]["Entries"][0]["DetailType"], "RequestRejected");
    let detail = received[0]["Entries"][0]["Detail"].as_str().unwrap();
    assert!(
        detail.contains("NOT_JSON") && detail.contains("client_secret") && !detail.contains("hunter2"),
        "{detail}"
    );
}

#[tokio::test]
async fn what_names_an_object_is_announced_as_a_document() {
    let (bus, stub) = stub(json!({"FailedEntryCount": 0, "Entries": []})).await;
    let document = DocumentRef { bucket: "b".to_owned(), key: "%FF".to_owned(), version_id: None };
    bus.reject(unreadable(Some(document)), Timestamp::UNIX_EPOCH).await;
    let received = stub.received.lock().unwrap().clone();
    assert_eq!(received[0]["Entries"][0]["DetailType"], "DocumentRejected");
}

#[tokio::test]
async fn a_rejection_that_cannot_be_announced_is_not_acknowledged() {
    let (bus, _stub) =
        stub(json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]})).await;
    assert_eq!(bus.reject(unreadable(None), Timestamp::UNIX_EPOCH).await.word(), "Retry");
}

#[tokio::test]
async fn an_outcome_is_announced_and_then_marked_once() {
    let (bus, stub) = stub(json!({"FailedEntryCount": 0, "Entries": []})).await;
    let marked = Mutex::new(0);
    let mark = async || {
        // The event is on the bus before anything says so.
        assert_eq!(stub.received.lock().unwrap().len(), 1);
        *marked.lock().unwrap() += 1;
        Ok::<(), AnnounceError>(())
    };
    assert_eq!(bus.conclude(&event("full"), false, mark).await.word(), "Failed");
    assert_eq!(*marked.lock().unwrap(), 1);
    assert_eq!(bus.conclude(&event("full"), true, mark).await.word(), "Done");
    assert_eq!((*marked.lock().unwrap(), stub.received.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn an_outcome_that_cannot_be_announced_is_not_marked() {
    let (bus, _stub) =
        stub(json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]})).await;
    let mark = async || -> Result<(), AnnounceError> { panic!("marked") };
    assert_eq!(bus.conclude(&event("full"), false, mark).await.word(), "Retry");
}
