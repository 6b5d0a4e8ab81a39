//! Requests that have ended, kept for good: a repeat of one finds here what became of it.

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use jiff::Timestamp;
use shared_core::event::OutboundEvent;
use shared_core::ids::{CustomerId, RequestId};

use crate::RegistryError;
use crate::item::{Item, get_flag, get_text, text};

/// A request that has ended, and the event that says how.
///
/// The event is saved in the same transaction as the end itself and announced afterwards, so that a
/// crash between the two leaves an event to be announced by the next delivery, with the same id.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The request.
    pub request_id: RequestId,
    /// The customer it was about.
    pub customer_id: CustomerId,
    /// When it ended.
    pub handled_at: Timestamp,
    /// How it ended.
    pub event: OutboundEvent,
    /// Whether the event was announced.
    pub announced: bool,
}

pub(crate) fn pk(id: &RequestId) -> String {
    format!("REQUEST#{id}")
}

/// The item of a request that has not ended yet.
pub(crate) fn put(table: &str, handled: &Handled) -> Put {
    let event = serde_json::to_string(&handled.event).expect("an event always serializes");
    Put::builder()
        .table_name(table)
        .item("pk", text(pk(&handled.request_id)))
        .item("sk", text("REQUEST"))
        .item("customer_id", text(handled.customer_id.as_str()))
        .item("handled_at", text(handled.handled_at.to_string()))
        .item("event", text(event))
        .item("announced", AttributeValue::Bool(handled.announced))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .expect("table and item are set")
}

pub(crate) fn read(item: &Item, id: &RequestId) -> Result<Handled, RegistryError> {
    let field = |name: &'static str| {
        get_text(item, name).ok_or_else(|| RegistryError::unreadable(&pk(id), format!("no `{name}`")))
    };
    Ok(Handled {
        request_id: id.clone(),
        customer_id: field("customer_id")?.parse().map_err(|e| RegistryError::unreadable(&pk(id), e))?,
        handled_at: field("handled_at")?.parse().map_err(|e| RegistryError::unreadable(&pk(id), e))?,
        event: serde_json::from_str(field("event")?).map_err(|e| RegistryError::unreadable(&pk(id), e))?,
        announced: get_flag(item, "announced"),
    })
}
