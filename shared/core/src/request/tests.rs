use serde_json::json;

use super::*;
use crate::event::ReasonCode;

fn onboarding() -> Value {
    json!({
        "type": "CustomerOnboardingRequested",
        "version": "1",
        "request_id": "crm-4711",
        "requested_at": "2026-01-31T09:00:00+01:00",
        "customer_id": "acme",
        "cells": ["us-1", "eu-1"],
        "authentication": "CLIENT_SECRET",
        "actor": "crm",
        "reason": "contract signed",
    })
}

fn refused(change: impl FnOnce(&mut Value)) -> Refusal {
    let mut event = onboarding();
    change(&mut event);
    OnboardingRequest::parse(&event).unwrap_err()
}

#[test]
fn a_whole_request_is_read() {
    let request = OnboardingRequest::parse(&onboarding()).unwrap();
    assert_eq!(request.request_id.as_str(), "crm-4711");
    assert_eq!(request.requested_at.to_string(), "2026-01-31T08:00:00Z");
    assert_eq!(*request.cells, [Cell::Us1, Cell::Eu1]);
    assert_eq!(request.authentication, AuthenticationKind::ClientSecret);
}

#[test]
fn what_is_not_said_has_its_default_and_what_is_unknown_is_ignored() {
    let mut event = onboarding();
    let object = event.as_object_mut().unwrap();
    object.remove("cells");
    object.remove("authentication");
    object.insert("new_in_2027".to_owned(), json!({"a": 1}));
    let request = OnboardingRequest::parse(&event).unwrap();
    assert_eq!(*request.cells, [Cell::Eu1]);
    assert_eq!(request.authentication, AuthenticationKind::KeyPair);
}

#[test]
fn every_required_field_is_missed_by_name() {
    for field in ["type", "version", "request_id", "requested_at", "customer_id", "actor", "reason"] {
        let refusal = refused(|event| drop(event.as_object_mut().unwrap().remove(field)));
        assert_eq!(refusal.reason_code, ReasonCode::MissingField);
        assert_eq!(refusal.violations.len(), 1);
        assert_eq!(refusal.violations[0].field, field);
        assert_eq!(refusal.violations[0].value, None);
    }
}

#[test]
fn every_illegal_value_is_named_with_its_rule() {
    let cases = [
        ("customer_id", json!("a b"), "customer_id", "letters"),
        ("customer_id", json!(7), "customer_id", "text"),
        ("request_id", json!(""), "request_id", "letters"),
        ("requested_at", json!("yesterday"), "requested_at", "RFC 3339"),
        ("cells", json!([]), "cells", "at least one"),
        ("cells", json!("eu-1"), "cells", "list"),
        ("cells", json!(["eu-1", "eu-1"]), "cells", "twice"),
        ("cells", json!(["eu-1", "mars-1"]), "cells[1]", "`us-1`"),
        ("cells", json!([1]), "cells[0]", "`us-1`"),
        ("authentication", json!("PASSWORD"), "authentication", "KEY_PAIR"),
        ("actor", json!("  "), "actor", "white space"),
        ("reason", json!("x".repeat(257)), "reason", "256"),
    ];
    for (field, value, named, rule) in cases {
        let refusal = refused(|event| event[field] = value.clone());
        assert_eq!(refusal.reason_code, ReasonCode::InvalidField, "{field}");
        assert_eq!(refusal.violations.len(), 1, "{refusal}");
        assert_eq!(refusal.violations[0].field, named);
        assert!(refusal.violations[0].rule.contains(rule), "{refusal}");
        assert!(refusal.violations[0].value.as_ref().unwrap().chars().count() <= 81);
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let refusal = refused(|event| {
        event["customer_id"] = json!("-");
        event["cells"] = json!([]);
        event["actor"] = json!(null);
    });
    let fields: Vec<&str> = refusal.violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["customer_id", "actor", "cells"]);
    assert!(refusal.explanation().contains("`customer_id` is `-`"), "{refusal}");
}

#[test]
fn a_refusal_says_whom_it_is_about_where_that_can_be_read() {
    let refusal = refused(|event| event["cells"] = json!([]));
    assert_eq!(refusal.request_id.unwrap().as_str(), "crm-4711");
    assert_eq!(refusal.customer_id.unwrap().as_str(), "acme");
    assert_eq!(refused(|event| event["customer_id"] = json!("a/b")).customer_id, None);
}

#[test]
fn another_type_or_version_is_not_read_further() {
    let wrong_type = refused(|event| event["type"] = json!("CustomerOffboardingRequested"));
    assert_eq!(wrong_type.reason_code, ReasonCode::WrongType);
    let wrong_version = refused(|event| {
        event["version"] = json!(1);
        event["cells"] = json!([]);
    });
    assert_eq!(wrong_version.reason_code, ReasonCode::WrongVersion);
    assert_eq!(wrong_version.violations.len(), 1);
}

#[test]
fn what_is_no_object_is_no_event() {
    for event in [json!(null), json!("text"), json!([1]), json!(1)] {
        let refusal = OffboardingRequest::parse(&event).unwrap_err();
        assert_eq!(refusal.reason_code, ReasonCode::NotAnEvent);
        assert_eq!(refusal.violations[0].field, "event");
    }
}

#[test]
fn an_offboarding_needs_no_more_than_who_and_why() {
    let mut event = onboarding();
    event["type"] = json!("CustomerOffboardingRequested");
    event["cells"] = json!("ignored");
    assert_eq!(OffboardingRequest::parse(&event).unwrap().customer_id.as_str(), "acme");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
    let refusal = refused(|event| event["customer_id"] = json!(jwt));
    assert!(!format!("{refusal} {refusal:?}").contains("eyJzdWIiOiJ4In0"), "{refusal}");
}

#[test]
fn a_refusal_says_whom_and_which_request_it_is_about() {
    let violation = Violation::missing("cells", "at least one");
    let (request, customer) = ("r-1".parse().unwrap(), "acme".parse().unwrap());
    let refusal = Refusal::new(ReasonCode::MissingField, violation).about(Some(request), Some(customer));
    assert_eq!(refusal.request_id.unwrap().as_str(), "r-1");
    assert_eq!(refusal.customer_id.unwrap().as_str(), "acme");
}

#[test]
fn a_request_is_written_as_it_is_read() {
    let mut event = onboarding();
    let request = OnboardingRequest::parse(&event).unwrap();
    assert_eq!(OnboardingRequest::parse(&request.to_event()).unwrap(), request);
    event["type"] = json!(OffboardingRequest::TYPE);
    let request = OffboardingRequest::parse(&event).unwrap();
    assert_eq!(OffboardingRequest::parse(&request.to_event()).unwrap(), request);
}
