//! DynamoDB: tables, indexes and keys.

use serde_json::Value;

use super::super::call::Target;
use super::target;

/// The targets of an operation. A transaction needs the permission of each of its parts
/// (DynamoDB Developer Guide, transaction-apis-iam).
pub(super) fn targets(action: &str, document: &Value) -> Vec<Target> {
    match action {
        "TransactWriteItems" | "TransactGetItems" => {
            list(document, "TransactItems").iter().flat_map(transaction_part).collect()
        }
        "BatchGetItem" | "BatchWriteItem" => batch(action, document),
        _ => vec![item(&format!("dynamodb:{action}"), document)],
    }
}

fn transaction_part(part: &Value) -> Vec<Target> {
    let actions = [
        ("Put", "PutItem"),
        ("Update", "UpdateItem"),
        ("Delete", "DeleteItem"),
        ("ConditionCheck", "ConditionCheckItem"),
        ("Get", "GetItem"),
    ];
    let parts = actions.iter().filter_map(|(name, action)| Some((action, part.get(name)?)));
    parts.map(|(action, operation)| item(&format!("dynamodb:{action}"), operation)).collect()
}

fn batch(action: &str, document: &Value) -> Vec<Target> {
    let tables = document.get("RequestItems").and_then(Value::as_object);
    let permission = format!("dynamodb:{action}");
    let mut found = Vec::new();
    for (table, requests) in tables.into_iter().flatten() {
        let gets = list(requests, "Keys").iter();
        let puts = requests.as_array().into_iter().flatten();
        let puts = puts.filter_map(|request| {
            request.pointer("/PutRequest/Item").or_else(|| request.pointer("/DeleteRequest/Key"))
        });
        found.extend(gets.chain(puts).map(|attributes| with_key(target(&permission, table), attributes)));
    }
    found
}

/// One operation on one table or index: its resource, its key, its leading key.
fn item(permission: &str, operation: &Value) -> Target {
    let table = text(operation, "TableName").unwrap_or("unknown");
    let table = table.rsplit_once(":table/").map_or(table, |(_, name)| name);
    let resource = match text(operation, "IndexName") {
        Some(index) => format!("{table}/index/{index}"),
        None => table.to_owned(),
    };
    let target = target(permission, resource);
    match operation.get("Key").or_else(|| operation.get("Item")) {
        Some(attributes) => with_key(target, attributes),
        None => with_leading_key(target, queried_key(operation)),
    }
}

/// Keys are called `pk` and `sk` in every table of ours.
fn with_key(mut target: Target, attributes: &Value) -> Target {
    let value = |name: &str| attributes.get(name).and_then(scalar);
    let partition = value("pk");
    target.key = match (&partition, value("sk")) {
        (Some(partition), Some(sort)) => Some(format!("{partition}/{sort}")),
        (partition, _) => partition.clone(),
    };
    let key = target.key.take();
    Target { key, ..with_leading_key(target, partition) }
}

/// `dynamodb:LeadingKeys` "represents the partition key of the table"
/// (DynamoDB Developer Guide, specifying-conditions).
fn with_leading_key(mut target: Target, key: Option<String>) -> Target {
    target.key.clone_from(&key);
    if let Some(key) = key {
        target.conditions.insert("dynamodb:LeadingKeys".to_owned(), key);
    }
    target
}

/// The value that a query's key condition compares the partition key with: the first equality.
fn queried_key(operation: &Value) -> Option<String> {
    let condition = text(operation, "KeyConditionExpression")?;
    let (_, value) = condition.split_once('=')?;
    let name = value.split_whitespace().next()?.trim_matches(['(', ')']);
    operation.get("ExpressionAttributeValues")?.get(name).and_then(scalar)
}

fn scalar(value: &Value) -> Option<String> {
    ["S", "N", "B"].iter().find_map(|kind| text(value, kind)).map(str::to_owned)
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(action: &str, document: &Value) -> Vec<(String, String, Option<String>)> {
        targets(action, document).into_iter().map(|t| (t.permission, t.resource, t.key)).collect()
    }

    fn row(permission: &str, resource: &str, key: Option<&str>) -> (String, String, Option<String>) {
        (permission.to_owned(), resource.to_owned(), key.map(str::to_owned))
    }

    #[test]
    fn an_item_is_known_by_its_key() {
        let document =
            json!({"TableName": "customers", "Key": {"pk": {"S": "CUSTOMER#1"}, "sk": {"S": "RECORD"}}});
        assert_eq!(
            seen("GetItem", &document),
            [row("dynamodb:GetItem", "customers", Some("CUSTOMER#1/RECORD"))]
        );
        assert_eq!(targets("GetItem", &document)[0].conditions["dynamodb:LeadingKeys"], "CUSTOMER#1");
    }

    #[test]
    fn a_transaction_needs_the_permission_of_each_part() {
        let document = json!({"TransactItems": [
            {"Put": {"TableName": "t", "Item": {"pk": {"S": "a"}}}},
            {"ConditionCheck": {"TableName": "t", "Key": {"pk": {"S": "b"}}}},
        ]});
        let expected =
            [row("dynamodb:PutItem", "t", Some("a")), row("dynamodb:ConditionCheckItem", "t", Some("b"))];
        assert_eq!(seen("TransactWriteItems", &document), expected);
    }

    #[test]
    fn a_query_is_known_by_its_index_and_partition() {
        let document = json!({
            "TableName": "t", "IndexName": "open", "KeyConditionExpression": "#k = :k AND opened_at < :t",
            "ExpressionAttributeValues": {":k": {"S": "c"}, ":t": {"S": "x"}},
        });
        assert_eq!(seen("Query", &document), [row("dynamodb:Query", "t/index/open", Some("c"))]);
    }

    #[test]
    fn a_batch_is_known_by_each_key() {
        let document = json!({"RequestItems": {"t": [
            {"PutRequest": {"Item": {"pk": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}},
        ]}});
        let expected = ["a", "b"].map(|key| row("dynamodb:BatchWriteItem", "t", Some(key)));
        assert_eq!(seen("BatchWriteItem", &document), expected);
    }
}
