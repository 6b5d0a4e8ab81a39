//! The tables as they are on the wire: items in DynamoDB's own JSON.

use aws_config::SdkConfig;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::{NAMED_OTHERWISE, Records};
use crate::real::dynamodb;

/// Both tables, empty, in a DynamoDB of their own.
pub(crate) struct Tables {
    pub(crate) aws: SdkConfig,
    _server: JoinSet<()>,
}

impl Tables {
    pub(crate) async fn create() -> Self {
        let (aws, server) = dynamodb().await;
        let tables = Self { aws, _server: server };
        let (key, text) = (
            |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind }),
            |name: &str| json!({ "AttributeName": name, "AttributeType": "S" }),
        );
        let index = |name: &str, hash: &str, range: &str| {
            json!([{ "IndexName": name, "Projection": { "ProjectionType": "ALL" },
                     "KeySchema": [key(hash, "HASH"), key(range, "RANGE")] }])
        };
        let customers = json!({
            "TableName": "customers", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [text("pk"), text("sk"), text("listed_as")],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "GlobalSecondaryIndexes": index("customers", "listed_as", "pk")
        });
        let documents = json!({
            "TableName": "documents", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [text("pk"), text("open_customer_id"), text("opened_at")],
            "KeySchema": [key("pk", "HASH")],
            "GlobalSecondaryIndexes": index("open-documents", "open_customer_id", "opened_at")
        });
        for table in [customers, documents] {
            tables.call("CreateTable", &table).await;
        }
        tables
    }

    /// Puts an item as it is.
    pub(crate) async fn put(&self, table: &str, item: &Value) {
        self.call("PutItem", &json!({ "TableName": table, "Item": item })).await;
    }

    /// Every item of a table, by its keys.
    pub(crate) async fn items(&self, table: &str) -> Records {
        let scanned = self.call("Scan", &json!({ "TableName": table })).await;
        let items = scanned["Items"].as_array().unwrap().iter();
        items.map(|item| (name(item), item.clone())).collect()
    }

    async fn call(&self, operation: &str, input: &Value) -> Value {
        let sent = reqwest::Client::new()
            .post(self.aws.endpoint_url().unwrap())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("x-amz-date", "20260101T000000Z")
            .body(input.to_string());
        let answered = sent.send().await.unwrap();
        let (status, answer) = (answered.status(), answered.text().await.unwrap());
        assert!(status.is_success(), "{operation}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }
}

/// An item's keys.
pub(crate) fn name(item: &Value) -> String {
    let keys = ["pk", "sk"].map(|key| item[key]["S"].as_str().unwrap_or_default());
    keys.join(" ").trim_end().to_owned()
}

/// An item, or an attribute's value, without DynamoDB's types.
pub(crate) fn plain(item: &Value) -> Value {
    item.as_object().unwrap().iter().map(|(name, typed)| (name.clone(), value(typed))).collect()
}

fn value(typed: &Value) -> Value {
    let (kind, value) = typed.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "M" => plain(value),
        "L" => value.as_array().unwrap().iter().map(self::value).collect(),
        "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}

/// An item of which newer code wrote more: another attribute, and another field in every map.
pub(crate) fn with_newer_attributes(item: &Value) -> Value {
    let of = |(name, typed): (&String, &Value)| match typed["M"].as_object() {
        Some(held) if NAMED_OTHERWISE.contains(&name.as_str()) => {
            let held: Map<String, Value> = held.iter().map(|(key, one)| (key.clone(), newer(one))).collect();
            (name.clone(), json!({ "M": held }))
        }
        _ => (name.clone(), newer(typed)),
    };
    let mut more: Map<String, Value> = item.as_object().unwrap().iter().map(of).collect();
    more.insert("from_newer_code".to_owned(), json!({ "S": "?" }));
    Value::Object(more)
}

fn newer(typed: &Value) -> Value {
    match (typed.get("M"), typed["L"].as_array()) {
        (Some(map), _) => json!({ "M": with_newer_attributes(map) }),
        (_, Some(list)) => json!({ "L": list.iter().map(newer).collect::<Vec<_>>() }),
        _ => typed.clone(),
    }
}
