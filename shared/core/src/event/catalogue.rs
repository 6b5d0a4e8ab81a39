//! The JSON Schema of every event, for the catalogue.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::{
    CustomerOffboarded, CustomerOffboardingFailed, CustomerOnboarded, CustomerOnboardingFailed,
    DocumentAnalysisFailed, DocumentAnalyzed, DocumentRejected, DocumentSubmitted, ReconciliationFinished,
    RequestRejected, SecretRolledBack, SecretRotated,
};
use crate::request::{OffboardingRequest, OnboardingRequest};

/// One event type.
#[derive(Clone, Debug)]
pub struct EventType {
    /// Its `type`.
    pub name: &'static str,
    /// Whether it is a request to us, and not an announcement by us.
    pub inbound: bool,
    /// Its version.
    pub version: &'static str,
    /// Its JSON Schema.
    pub schema: Value,
}

/// Every event type, requests first.
pub fn all() -> Vec<EventType> {
    vec![
        request::<OnboardingRequest>(OnboardingRequest::TYPE),
        request::<OffboardingRequest>(OffboardingRequest::TYPE),
        announcement::<CustomerOnboarded>("CustomerOnboarded"),
        announcement::<CustomerOnboardingFailed>("CustomerOnboardingFailed"),
        announcement::<CustomerOffboarded>("CustomerOffboarded"),
        announcement::<CustomerOffboardingFailed>("CustomerOffboardingFailed"),
        announcement::<SecretRotated>("SecretRotated"),
        announcement::<SecretRolledBack>("SecretRolledBack"),
        announcement::<DocumentSubmitted>("DocumentSubmitted"),
        announcement::<DocumentRejected>("DocumentRejected"),
        announcement::<DocumentAnalyzed>("DocumentAnalyzed"),
        announcement::<DocumentAnalysisFailed>("DocumentAnalysisFailed"),
        announcement::<ReconciliationFinished>("ReconciliationFinished"),
        announcement::<RequestRejected>("RequestRejected"),
    ]
}

fn request<T: JsonSchema>(name: &'static str) -> EventType {
    // What a producer must send: fields with a default are not required.
    let schema = schema::<T>(SchemaSettings::draft2020_12().for_deserialize());
    let schema = complete(schema, name, crate::request::VERSION, []);
    EventType { name, inbound: true, version: crate::request::VERSION, schema }
}

fn announcement<T: JsonSchema>(name: &'static str) -> EventType {
    let id = json!({
        "description": "Derived from the cause: the same cause announced twice has the same id.",
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
    });
    let time = json!({ "description": "When it happened.", "type": "string", "format": "date-time" });
    // What a reader may rely on: fields that are always written are required.
    let schema = schema::<T>(SchemaSettings::draft2020_12().for_serialize());
    let schema = complete(schema, name, super::VERSION, [("event_id", id), ("occurred_at", time)]);
    EventType { name, inbound: false, version: super::VERSION, schema }
}

fn schema<T: JsonSchema>(contract: SchemaSettings) -> Schema {
    contract.into_generator().into_root_schema_for::<T>()
}

/// Adds what every event has, which no single type declares.
fn complete<const N: usize>(schema: Schema, name: &str, version: &str, more: [(&str, Value); N]) -> Value {
    let mut schema = schema.to_value();
    schema["title"] = name.into();
    schema["$id"] = format!("urn:resistant-tenants:event:{name}:{version}").into();
    let mut properties = Map::new();
    properties.insert("type".to_owned(), json!({ "description": "The event's name.", "const": name }));
    properties
        .insert("version".to_owned(), json!({ "description": "The event's version.", "const": version }));
    properties.extend(more.map(|(field, schema)| (field.to_owned(), schema)));
    let mut required: Vec<Value> = properties.keys().map(|field| field.as_str().into()).collect();
    if let Some(Value::Object(own)) = schema["properties"].take().into() {
        properties.extend(own);
    }
    if let Value::Array(own) = schema["required"].take() {
        required.extend(own);
    }
    schema["properties"] = Value::Object(properties);
    schema["required"] = Value::Array(required);
    schema
}
