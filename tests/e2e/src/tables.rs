//! The tables, in a DynamoDB in the process.

use anyhow::{Context, Result};
use dynoxide::Database;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::world::call;

/// Starts a DynamoDB in the process; its server ends with what is returned.
pub(crate) async fn start() -> Result<(JoinSet<()>, String)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port")?;
    let url = format!("http://{}", listener.local_addr()?);
    let database = Database::memory().map_err(|error| anyhow::anyhow!("no database: {error}"))?;
    let mut server = JoinSet::new();
    server.spawn(dynoxide::server::serve_on(listener, database));
    Ok((server, url))
}

/// Creates them as the template has them.
pub(crate) async fn create(dynamodb: &str) -> Result<()> {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let customers = json!({
        "TableName": "customers", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("pk"), text("sk"), text("listed_as")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "customers",
            "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["phase", "spare"] },
            "KeySchema": [key("listed_as", "HASH"), key("pk", "RANGE")]
        }]
    });
    let documents = json!({
        "TableName": "documents", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [text("pk"), text("open_customer_id"), text("opened_at")],
        "KeySchema": [key("pk", "HASH")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "open-documents", "Projection": { "ProjectionType": "ALL" },
            "KeySchema": [key("open_customer_id", "HASH"), key("opened_at", "RANGE")]
        }]
    });
    for table in [customers, documents] {
        call(dynamodb, "DynamoDB_20120810.CreateTable", &table).await?;
    }
    Ok(())
}
