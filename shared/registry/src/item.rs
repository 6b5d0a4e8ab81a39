//! Attributes to and from DynamoDB's form.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::RegistryError;

/// An item as DynamoDB returns it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

/// A record as a map, readable in the console and by old code.
pub(crate) fn map<T: Serialize>(value: &T) -> AttributeValue {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)
        .expect("records are made of strings, numbers, lists and maps")
}

/// Reads the record in `item`, if it has one.
pub(crate) fn record<T: DeserializeOwned>(item: &Item, key: &str) -> Result<Option<T>, RegistryError> {
    let Some(value) = item.get("record") else { return Ok(None) };
    serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(value.clone())
        .map(Some)
        .map_err(|source| RegistryError::unreadable(key, source))
}

pub(crate) fn get_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn get_number<N: std::str::FromStr>(item: &Item, name: &str) -> Option<N> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(crate) fn get_flag(item: &Item, name: &str) -> bool {
    item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or(false)
}

pub(crate) fn get_millis(item: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(get_number(item, name)?).ok()
}
