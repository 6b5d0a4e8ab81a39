//! The documents table in DynamoDB.

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use shared_core::document::{Document, DocumentId, Source, State};
use shared_core::ids::CustomerId;

use crate::RegistryError;
use crate::documents::{Claim, Claimed, DocumentTable, Looked, Open, Settled, Standing};
use crate::item::{Item, get_flag, get_millis, get_number, get_text, map, millis, number, record, text};
use crate::table::client;

/// How long an identity is remembered: longer than any source repeats its events.
const REMEMBERED: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How many open documents are read at once.
const PAGE: i32 = 100;

/// Documents in a DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoDbDocuments {
    client: Client,
    table: String,
}

impl DynamoDbDocuments {
    /// The documents in the table of this name or ARN.
    pub fn new(aws: &SdkConfig, table: impl Into<String>) -> Self {
        let table = table.into();
        Self { client: client(aws, &table), table }
    }
}

fn pk(id: &DocumentId) -> String {
    format!("DOCUMENT#{}", id.as_str())
}

#[async_trait]
impl DocumentTable for DynamoDbDocuments {
    async fn claim(
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
                Ok(Claimed::Mine(Claim::granted(id, owner), document))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    not_mine(failed.item().unwrap_or(&Item::new()), &id, now)
                }
                _ => Err(RegistryError::call("UpdateItem")(error)),
            },
        }
    }

    async fn save(&self, claim: &Claim, document: &Document) -> Result<(), RegistryError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(claim.document_id())))
            .condition_expression("claim_owner = :owner")
            .expression_attribute_names("#record", "record")
            .expression_attribute_values(":owner", text(claim.owner()))
            .expression_attribute_values(":record", map(document))
            .expression_attribute_values(":ended", AttributeValue::Bool(document.ended()));
        let update = match &document.customer_id {
            Some(customer_id) if !document.settled() => update
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

    async fn release(&self, claim: Claim) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(claim.document_id())))
            .update_expression("SET claim_until = :past")
            .condition_expression("claim_owner = :owner")
            .expression_attribute_values(":past", number(0))
            .expression_attribute_values(":owner", text(claim.owner()))
            .send()
            .await
            .map(drop)
            .map_err(RegistryError::call("UpdateItem"))
    }

    async fn mark_announced(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.mark(id, "announced").await
    }

    async fn standing(&self, id: &DocumentId) -> Result<Option<Standing>, RegistryError> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            // Who asks has just been told of it: what it is told must not be older.
            .consistent_read(true)
            .send()
            .await
            .map_err(RegistryError::call("GetItem"))?;
        read.item.map(|item| standing_in(&item, id)).transpose()
    }

    async fn look(&self, id: &DocumentId, number: u32) -> Result<Looked, RegistryError> {
        let looked = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .update_expression("SET looks = :number")
            .condition_expression(
                "#record.#state = :submitted AND (attribute_not_exists(looks) OR looks < :number)",
            )
            .expression_attribute_names("#record", "record")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":submitted", map(&State::Submitted))
            .expression_attribute_values(":number", self::number(number))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match looked {
            Ok(output) => {
                let standing = standing_in(&output.attributes.unwrap_or_default(), id)?;
                Ok(Looked::Begun(Box::new(standing)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => match failed.item() {
                    Some(item) => Ok(Looked::Not(Box::new(standing_in(item, id)?))),
                    None => Ok(Looked::Unknown),
                },
                _ => Err(RegistryError::call("UpdateItem")(error)),
            },
        }
    }

    async fn settle(&self, document: &Document, results: Option<&str>) -> Result<Settled, RegistryError> {
        let id = DocumentId::of(&document.source);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(&id)))
            .condition_expression("#record.#state = :submitted")
            .expression_attribute_names("#record", "record")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":submitted", map(&State::Submitted))
            .expression_attribute_values(":record", map(document))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let update = match results {
            Some(results) => update
                .update_expression(
                    "SET #record = :record, results = :results REMOVE open_customer_id, opened_at",
                )
                .expression_attribute_values(":results", text(results)),
            None => update.update_expression("SET #record = :record REMOVE open_customer_id, opened_at"),
        };
        match update.send().await {
            Ok(_) => Ok(Settled::Now),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let standing = standing_in(failed.item().unwrap_or(&Item::new()), &id)?;
                    Ok(Settled::Before(Box::new(standing)))
                }
                _ => Err(RegistryError::call("UpdateItem")(error)),
            },
        }
    }

    async fn mark_told(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.mark(id, "told").await
    }

    async fn open(&self, customer_id: &CustomerId) -> Result<Open, RegistryError> {
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("open-documents")
            .key_condition_expression("open_customer_id = :customer")
            .expression_attribute_values(":customer", text(customer_id.as_str()))
            .limit(PAGE)
            .send()
            .await
            .map_err(RegistryError::call("Query"))?;
        let more = page.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let documents = page.items.unwrap_or_default();
        let documents = documents.iter().map(|item| {
            let key = get_text(item, "pk").unwrap_or("an open document");
            record(item, key)?.ok_or_else(|| RegistryError::unreadable(key, "no `record`"))
        });
        Ok(Open { documents: documents.collect::<Result<_, _>>()?, more })
    }
}

impl DynamoDbDocuments {
    async fn mark(&self, id: &DocumentId, flag: &'static str) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .update_expression("SET #flag = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#flag", flag)
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .send()
            .await
            .map(drop)
            .map_err(RegistryError::call("UpdateItem"))
    }
}

fn standing_in(item: &Item, id: &DocumentId) -> Result<Standing, RegistryError> {
    let document = *document_in(item, id)?;
    Ok(Standing { document, looks: get_number(item, "looks").unwrap_or(0), told: get_flag(item, "told") })
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
