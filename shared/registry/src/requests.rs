//! Requests that have ended, kept for good: a repeat of one finds here what became of it.

use aws_sdk_dynamodb::types::{AttributeValue, Put};
use jiff::Timestamp;
use shared_core::event::OutboundEvent;
use shared_core::ids::{CustomerId, RequestId};

use crate::item::{Item, get_flag, get_text, text};
use crate::{Registry, RegistryError};

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

fn pk(id: &RequestId) -> String {
    format!("REQUEST#{id}")
}

impl Registry {
    /// What became of a request, if it has ended.
    ///
    /// # Errors
    /// [`RegistryError`] where DynamoDB fails or the item is unreadable.
    pub async fn handled(&self, id: &RequestId) -> Result<Option<Handled>, RegistryError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .key("sk", text("REQUEST"))
            .consistent_read(true)
            .send()
            .await
            .map_err(RegistryError::call("GetItem"))?;
        found.item.map(|item| read(&item, id)).transpose()
    }

    /// Records the end of a request that changed nothing. A request that has ended keeps its end.
    ///
    /// # Errors
    /// [`RegistryError`] where DynamoDB fails.
    pub async fn record_handled(&self, handled: &Handled) -> Result<(), RegistryError> {
        let put = self.put_handled(handled);
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(put.item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error)
                if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(RegistryError::call("PutItem")(error)),
        }
    }

    /// Notes that the request's event was announced.
    ///
    /// # Errors
    /// [`RegistryError`] where DynamoDB fails; the event is then announced again, with the same id.
    pub async fn mark_announced(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .key("sk", text("REQUEST"))
            .update_expression("SET announced = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .send()
            .await
            .map(drop)
            .map_err(RegistryError::call("UpdateItem"))
    }

    pub(crate) fn put_handled(&self, handled: &Handled) -> Put {
        let event = serde_json::to_string(&handled.event).expect("an event always serializes");
        Put::builder()
            .table_name(&self.table)
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
}

fn read(item: &Item, id: &RequestId) -> Result<Handled, RegistryError> {
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
