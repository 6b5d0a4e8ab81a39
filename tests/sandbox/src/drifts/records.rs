//! What a day does to a record.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::TOO_LONG;
use crate::sandbox::Sandbox;

/// An item, or its key.
pub(super) type Key = HashMap<String, AttributeValue>;

/// The key of a customer's record.
pub(super) fn record_of(customer: &str) -> Key {
    Key::from([text("pk", format!("CUSTOMER#{customer}")), text("sk", "RECORD".to_owned())])
}

/// The key of a document's record.
pub(super) fn document(id: &str) -> Key {
    Key::from([text("pk", format!("DOCUMENT#{id}"))])
}

fn text(name: &str, value: String) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::S(value))
}

/// An item as it is.
pub(super) async fn taken(sandbox: &Sandbox, table: &str, key: Key) -> Result<Key> {
    let get = sandbox.aws.dynamodb.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
    get.send().await.context("GetItem")?.item.context("no such item")
}

/// An item as it was.
pub(super) async fn put_back(sandbox: &Sandbox, table: &str, item: Key) -> Result<()> {
    let put = sandbox.aws.dynamodb.put_item().table_name(table).set_item(Some(item));
    put.send().await.context("PutItem").map(drop)
}

/// Sets a time in an item back, as if so long had passed since.
pub(super) async fn set_back(sandbox: &Sandbox, table: &str, key: Key, path: &[&str]) -> Result<()> {
    let then = Timestamp::now() - TOO_LONG;
    let names = path.iter().map(|part| (format!("#{part}"), (*part).to_owned())).collect();
    let place = path.iter().map(|part| format!("#{part}")).collect::<Vec<_>>().join(".");
    let update = sandbox.aws.dynamodb.update_item().table_name(table).set_key(Some(key));
    let update = update.update_expression(format!("SET {place} = :then"));
    let update = update.condition_expression(format!("attribute_exists({place})"));
    let update = update.set_expression_attribute_names(Some(names));
    let then = AttributeValue::S(then.to_string());
    update.expression_attribute_values(":then", then).send().await.context("UpdateItem")?;
    Ok(())
}
