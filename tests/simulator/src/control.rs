//! `/_simulator/…`: what a test from outside the process asks of the simulator itself.

use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::ClockChange;
use crate::faults::Fault;
use crate::handle;
use crate::holds::{Held, Release};
use crate::vendor::Vendor;

type Bad = (StatusCode, String);

impl Vendor {
    /// The whole server as a router, for calls with or without a socket. A response with the
    /// extension [`crate::Cut`] stands for a connection that is closed without an answer.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/_simulator/state", get(|State(vendor): State<Self>| async move { Json(vendor.state()) }))
            .route("/_simulator/audit", get(|State(vendor): State<Self>| async move { Json(vendor.audit()) }))
            .route("/_simulator/organization", get(organization))
            .route("/_simulator/reset", post(reset))
            .route("/_simulator/clock", post(clock))
            .route("/_simulator/settings", get(settings).post(change_settings))
            .route("/_simulator/limits", post(change_limits))
            .route("/_simulator/quota", post(change_quota))
            .route("/_simulator/faults", get(faults).post(add_fault).delete(remove_faults))
            .route("/_simulator/held", get(held))
            .route("/_simulator/release", post(release))
            .fallback(handle::vendor)
            .with_state(self.clone())
    }
}

async fn organization(State(vendor): State<Vendor>) -> Json<Value> {
    Json(json!({
        "client_id": vendor.organization_client_id(),
        "private_key": vendor.organization_private_key_pem(),
        "token_url": vendor.organization_token_url(),
    }))
}

async fn reset(State(vendor): State<Vendor>) -> StatusCode {
    vendor.reset();
    StatusCode::NO_CONTENT
}

async fn clock(State(vendor): State<Vendor>, Json(change): Json<ClockChange>) -> Json<Value> {
    vendor.change_clock(&change);
    Json(json!({ "now": vendor.now() }))
}

async fn settings(State(vendor): State<Vendor>) -> Json<Value> {
    Json(json!(vendor.settings()))
}

async fn change_settings(
    State(vendor): State<Vendor>,
    Json(change): Json<Value>,
) -> Result<Json<Value>, Bad> {
    merge(&vendor, &change)
}

async fn change_limits(State(vendor): State<Vendor>, Json(change): Json<Value>) -> Result<Json<Value>, Bad> {
    merge(&vendor, &json!({ "limits": change }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    tenants: usize,
    status: Option<u16>,
}

async fn change_quota(State(vendor): State<Vendor>, Json(quota): Json<Quota>) -> Json<Value> {
    let mut settings = vendor.settings();
    settings.quota = quota.tenants;
    settings.quota_status = quota.status.unwrap_or(settings.quota_status);
    vendor.set_settings(settings);
    Json(json!(vendor.settings()))
}

/// Changes the settings that are named, and keeps the rest.
fn merge(vendor: &Vendor, change: &Value) -> Result<Json<Value>, Bad> {
    let mut settings = json!(vendor.settings());
    overlay(&mut settings, change);
    match serde_json::from_value(settings) {
        Ok(settings) => vendor.set_settings(settings),
        Err(error) => return Err((StatusCode::BAD_REQUEST, error.to_string())),
    }
    Ok(Json(json!(vendor.settings())))
}

fn overlay(settings: &mut Value, change: &Value) {
    match (settings, change) {
        (Value::Object(settings), Value::Object(change)) => {
            for (name, value) in change {
                overlay(settings.entry(name).or_insert(Value::Null), value);
            }
        }
        (settings, change) => change.clone_into(settings),
    }
}

async fn faults(State(vendor): State<Vendor>) -> Json<Value> {
    Json(json!(vendor.faults()))
}

async fn add_fault(State(vendor): State<Vendor>, Json(fault): Json<Fault>) -> Json<Value> {
    Json(json!({ "id": vendor.add_fault(fault) }))
}

#[derive(Deserialize)]
struct Which {
    id: Option<u64>,
}

async fn remove_faults(State(vendor): State<Vendor>, Query(which): Query<Which>) -> StatusCode {
    vendor.remove_faults(which.id);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Wait {
    /// How many calls must be held before the answer comes.
    #[serde(default)]
    wait: usize,
    /// How long to wait at most; 408 after that.
    timeout_seconds: Option<u64>,
}

async fn held(
    State(vendor): State<Vendor>,
    Query(wanted): Query<Wait>,
) -> Result<Json<Vec<Held>>, StatusCode> {
    let limit = Duration::from_secs(wanted.timeout_seconds.unwrap_or(30));
    let held = tokio::time::timeout(limit, vendor.wait_for_held(wanted.wait)).await;
    held.map(Json).map_err(|_| StatusCode::REQUEST_TIMEOUT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReleaseOrder {
    id: Option<u64>,
    #[serde(default)]
    how: Release,
}

async fn release(State(vendor): State<Vendor>, Json(order): Json<ReleaseOrder>) -> Json<Value> {
    Json(json!({ "released": vendor.release(order.id, order.how) }))
}
