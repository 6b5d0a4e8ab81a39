use serde_json::{Value, json};

use super::*;
use crate::ids::CustomerId;
use crate::request::OnboardingRequest;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn failed(request: &str) -> CustomerOnboardingFailed {
    CustomerOnboardingFailed {
        request_id: request.parse().unwrap(),
        customer_id: "acme".parse().unwrap(),
        reason_code: ReasonCode::QuotaFull,
        explanation: "20 of 20 tenants are used".to_owned(),
    }
}

#[test]
fn an_event_describes_itself() {
    let event = OutboundEvent::new(failed("r-1"), time(0));
    assert_eq!(
        serde_json::to_value(&event).unwrap(),
        json!({
            "type": "CustomerOnboardingFailed",
            "version": "1",
            "event_id": event.event_id(),
            "occurred_at": "1970-01-01T00:00:00Z",
            "request_id": "r-1",
            "customer_id": "acme",
            "reason_code": "QUOTA_FULL",
            "explanation": "20 of 20 tenants are used",
        })
    );
    assert_eq!(event.detail_type(), "CustomerOnboardingFailed");
}

#[test]
fn an_event_survives_its_json() {
    let event = OutboundEvent::new(failed("r-1"), time(5));
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(serde_json::from_str::<OutboundEvent>(&text).unwrap(), event);
}

#[test]
fn the_same_cause_has_the_same_id_whenever_and_however_it_is_told() {
    let mut reworded = failed("r-1");
    reworded.explanation = "no tenant is left".to_owned();
    let first = OutboundEvent::new(failed("r-1"), time(0));
    assert_eq!(OutboundEvent::new(reworded, time(9)).event_id(), first.event_id());
    assert_ne!(OutboundEvent::new(failed("r-2"), time(0)).event_id(), first.event_id());
}

#[test]
fn two_types_of_one_request_have_two_ids() {
    let CustomerOnboardingFailed { request_id, customer_id, reason_code, explanation } = failed("r-1");
    let other = CustomerOffboardingFailed { request_id, customer_id, reason_code, explanation };
    let onboarding = OutboundEvent::new(failed("r-1"), time(0));
    assert_ne!(OutboundEvent::new(other, time(0)).event_id(), onboarding.event_id());
}

#[test]
fn a_refusal_becomes_an_event_with_its_original() {
    let received = json!({"type": "CustomerOnboardingRequested", "version": "1", "customer_id": "acme",
        "client_secret": "hunter2"});
    let refusal = OnboardingRequest::parse(&received).unwrap_err();
    let event = RequestRejected::new(&refusal, Original::new(&received.to_string()));
    assert_eq!(event.customer_id, Some("acme".parse::<CustomerId>().unwrap()));
    assert_eq!(event.field.as_deref(), Some("request_id"));
    assert_eq!((event.value.as_ref(), event.reason_code.as_str()), (None, "MISSING_FIELD"));
    let text = serde_json::to_string(&OutboundEvent::new(event, time(0))).unwrap();
    assert!(!text.contains("hunter2") && text.contains("acme"), "{text}");
}

#[test]
fn an_unknown_reason_code_is_read() {
    let mut event: Value = serde_json::to_value(OutboundEvent::new(failed("r-1"), time(0))).unwrap();
    event["reason_code"] = json!("NEW_IN_2027");
    let OutboundEvent { content: Content::CustomerOnboardingFailed(event), .. } =
        serde_json::from_value(event).unwrap()
    else {
        panic!("another type");
    };
    assert_eq!(event.reason_code, ReasonCode::Other("NEW_IN_2027".to_owned()));
}

#[test]
fn every_known_code_is_upper_snake_case_and_survives() {
    for code in ReasonCode::KNOWN {
        assert!(
            code.as_str().bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'),
            "{code}"
        );
        assert_eq!(&ReasonCode::from(code.as_str().to_owned()), code);
    }
}
