//! The tables, in a DynamoDB in the process.

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::world::call;

/// Starts a DynamoDB in the process; its server ends with what is returned.
pub(crate) async fn start() -> Result<(JoinSet<()>, String)> {
    let (listener, database_url) = listen().await?;
    let (relay, url) = listen().await?;
    let database = Database::memory().map_err(|error| anyhow::anyhow!("no database: {error}"))?;
    let mut server = JoinSet::new();
    server.spawn(dynoxide::server::serve_on(listener, database));
    let app = Router::new().fallback(pass_on).with_state((reqwest::Client::new(), database_url));
    server.spawn(async move { drop(axum::serve(relay, app).await) });
    Ok((server, url))
}

async fn listen() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port")?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// The DynamoDB in the process knows tables by name only; AWS's takes an ARN in its place.
async fn pass_on(
    State((client, url)): State<(reqwest::Client, String)>,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let named = if replace_arns(&mut request) { request.to_string().into() } else { body };
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    match client.post(url).headers(headers).body(named).send().await {
        Ok(answer) => {
            let (status, mut headers) = (answer.status(), answer.headers().clone());
            headers.remove(TRANSFER_ENCODING);
            (status, headers, answer.bytes().await.unwrap_or_default()).into_response()
        }
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

/// Replaces each table's ARN by its name, and says whether there was one.
fn replace_arns(request: &mut Value) -> bool {
    let mut replaced = false;
    match request {
        Value::Object(fields) => {
            for (field, value) in fields {
                let arn = value.as_str().filter(|_| field == "TableName");
                match arn.and_then(|arn| Some(arn.rsplit_once(":table/")?.1.to_owned())) {
                    Some(name) => (*value, replaced) = (name.into(), true),
                    None => replaced |= replace_arns(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replaced |= replace_arns(item)),
        _ => {}
    }
    replaced
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
