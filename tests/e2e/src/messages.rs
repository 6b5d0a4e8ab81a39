//! Messages as the functions' queues hold them.

use serde_json::{Value, json};

use crate::world::BUCKET;

/// An event as EventBridge puts it into a queue.
pub fn on_the_bus(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "11111111-2222-3333-4444-555555555555", "detail-type": detail["type"],
        "source": "platform", "account": "000000000000", "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1", "resources": [], "detail": detail
    })
}

/// S3's notification of a new object.
pub fn notification(key: &str, version: &str, size: u64) -> Value {
    let encoded: String = key
        .bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect();
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": { "principalId": "p" }, "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "c",
            "bucket": { "name": BUCKET, "ownerIdentity": { "principalId": "p" }, "arn": format!("arn:aws:s3:::{BUCKET}") },
            "object": { "key": encoded, "size": size, "eTag": version, "versionId": version, "sequencer": "0055AED6DCD90281E5" }
        }
    }]})
}

/// An onboarding request.
pub fn onboarding(request: &str, customer: &str, cells: &[&str]) -> Value {
    json!({
        "type": "CustomerOnboardingRequested", "version": "1", "request_id": request,
        "requested_at": "2026-01-01T00:00:00Z", "customer_id": customer, "cells": cells,
        "actor": "platform", "reason": "signed"
    })
}

/// An offboarding request, made a day later than [`onboarding`].
pub fn offboarding(request: &str, customer: &str) -> Value {
    json!({
        "type": "CustomerOffboardingRequested", "version": "1", "request_id": request,
        "requested_at": "2026-01-02T00:00:00Z", "customer_id": customer,
        "actor": "platform", "reason": "left"
    })
}

/// The same request, decided at another time.
pub fn later(mut request: Value, requested_at: &str) -> Value {
    request["requested_at"] = json!(requested_at);
    request
}

/// The name of a customer's secret.
pub fn secret(customer: &str, cell: &str) -> String {
    format!("resistant/{customer}/{cell}/credential")
}
