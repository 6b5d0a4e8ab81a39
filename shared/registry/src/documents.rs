//! Document records, each worked on by the one invocation that holds its claim.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use shared_core::document::{Document, DocumentId, Source};

use crate::item::{Item, get_flag, get_millis, map, millis, number, record, text};
use crate::{Documents, RegistryError};

/// How long an identity is remembered: longer than any source repeats its events.
const REMEMBERED: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Proof that this invocation alone works on a document.
#[derive(Debug)]
pub struct Claim {
    id: DocumentId,
    owner: String,
}

impl Claim {
    /// The document it is for.
    pub fn document_id(&self) -> &DocumentId {
        &self.id
    }
}

/// What became of an attempt to claim a document.
#[derive(Debug)]
pub enum Claimed {
    /// It is ours, and this is where it stands.
    Mine(Claim, Box<Document>),
    /// It has ended: nothing is left but, perhaps, to say so.
    Ended {
        /// How.
        document: Box<Document>,
        /// Whether its event was announced.
        announced: bool,
    },
    /// Somebody else works on it.
    Busy {
        /// When their claim ends at the latest.
        until: Timestamp,
    },
}

fn pk(id: &DocumentId) -> String {
    format!("DOCUMENT#{}", id.as_str())
}

impl Documents {
    /// Claims a document until `until`, or tells what became of it, in one conditional call.
    ///
    /// `owner` must be unique to this attempt: the SDK's own retry of a claim that succeeded is
    /// recognized by it and not taken for a duplicate.
    ///
    /// # Errors
    /// [`RegistryError`] where DynamoDB fails or the record is unreadable.
    pub async fn claim(
        &self,
        source: &Source,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claimed, RegistryError> {
        let id = DocumentId::of(source);
        let expires = now.as_second() + REMEMBERED.as_secs() as i64;
        let claimed = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(&id)))
            .update_expression(
                "SET claim_owner = :owner, claim_until = :until, #record = if_not_exists(#record, :new), \
                 expires_at = if_not_exists(expires_at, :expires), ended = :no, announced = :no",
            )
            .condition_expression(
                "attribute_not_exists(pk) OR (ended = :no AND (claim_until < :now OR claim_owner = :owner))",
            )
            .expression_attribute_names("#record", "record")
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":until", millis(until))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":new", map(&Document::claimed(source.clone(), now)))
            .expression_attribute_values(":expires", number(expires))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match claimed {
            Ok(output) => {
                let document = document_in(&output.attributes.unwrap_or_default(), &id)?;
                Ok(Claimed::Mine(Claim { id, owner: owner.to_owned() }, document))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    not_mine(failed.item().unwrap_or(&Item::new()), &id, now)
                }
                _ => Err(RegistryError::call("UpdateItem")(error)),
            },
        }
    }

    /// Saves the record. While the document is open, it stands in its customer's index.
    ///
    /// # Errors
    /// [`RegistryError::ClaimLost`] where somebody else has the document by now; another where
    /// DynamoDB fails.
    pub async fn save(&self, claim: &Claim, document: &Document) -> Result<(), RegistryError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(&claim.id)))
            .condition_expression("claim_owner = :owner")
            .expression_attribute_names("#record", "record")
            .expression_attribute_values(":owner", text(&claim.owner))
            .expression_attribute_values(":record", map(document))
            .expression_attribute_values(":ended", AttributeValue::Bool(document.ended()));
        let update = match &document.customer_id {
            Some(customer_id) if !document.ended() => update
                .update_expression(
                    "SET #record = :record, ended = :ended, open_customer_id = :customer, opened_at = :opened",
                )
                .expression_attribute_values(":customer", text(customer_id.as_str()))
                .expression_attribute_values(":opened", text(document.first_seen.to_string())),
            _ => update
                .update_expression("SET #record = :record, ended = :ended REMOVE open_customer_id, opened_at"),
        };
        update.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(service) if service.is_conditional_check_failed_exception() => RegistryError::ClaimLost,
            _ => RegistryError::call("UpdateItem")(error),
        })
    }

    /// Gives the claim back, so that the next delivery need not wait for it to end.
    ///
    /// # Errors
    /// [`RegistryError`] where DynamoDB fails; the claim then ends by itself in time.
    pub async fn release(&self, claim: Claim) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(&claim.id)))
            .update_expression("SET claim_until = :past")
            .condition_expression("claim_owner = :owner")
            .expression_attribute_values(":past", number(0))
            .expression_attribute_values(":owner", text(&claim.owner))
            .send()
            .await
            .map(drop)
            .map_err(RegistryError::call("UpdateItem"))
    }

    /// Notes that the document's end was announced.
    ///
    /// # Errors
    /// [`RegistryError`] where DynamoDB fails; the event is then announced again, with the same id.
    pub async fn mark_announced(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .update_expression("SET announced = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .send()
            .await
            .map(drop)
            .map_err(RegistryError::call("UpdateItem"))
    }
}

fn document_in(item: &Item, id: &DocumentId) -> Result<Box<Document>, RegistryError> {
    let document = record(item, &pk(id))?;
    document.map(Box::new).ok_or_else(|| RegistryError::unreadable(&pk(id), "no `record`"))
}

fn not_mine(item: &Item, id: &DocumentId, now: Timestamp) -> Result<Claimed, RegistryError> {
    if get_flag(item, "ended") {
        let document = document_in(item, id)?;
        return Ok(Claimed::Ended { document, announced: get_flag(item, "announced") });
    }
    Ok(Claimed::Busy { until: get_millis(item, "claim_until").unwrap_or(now) })
}
