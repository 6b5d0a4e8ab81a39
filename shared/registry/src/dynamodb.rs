//! The customers table in DynamoDB.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use jiff::Timestamp;
use shared_core::customer::Customer;
use shared_core::ids::{CustomerId, RequestId};

use crate::RegistryError;
use crate::audit::{AUDIT, Entry, Operation, Trail};
use crate::customers::{Acquired, Admission, Cause, Change, Customers, Holder, Lease, Listed, Page, Seen};
use crate::item::{Item, get_millis, get_number, get_text, map, millis, number, record, text};
use crate::requests::{self, Handled};
use crate::table::client;

/// The customers table in DynamoDB.
#[derive(Clone, Debug)]
pub struct DynamoDb {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoDb {
    /// The customers in the table of this name or ARN.
    pub fn new(aws: &SdkConfig, table: impl Into<String>) -> Self {
        let table = table.into();
        Self { client: client(aws, &table), table }
    }
}

const PK: &str = "CUSTOMER#";

fn pk(id: &CustomerId) -> String {
    format!("{PK}{id}")
}

/// The index in which all customers stand, and the one partition of it. Its items change only when a customer
/// is made, its phase changes or an application is replaced, so one partition suffices for ten thousands.
const INDEX: &str = crate::table::CUSTOMERS_INDEX;
const LISTED_AS: &str = "CUSTOMER";

#[async_trait]
impl Customers for DynamoDb {
    async fn customer(&self, id: &CustomerId) -> Result<Customer, RegistryError> {
        customer_in(&self.record(id).await?, id)
    }

    async fn look(&self, id: &CustomerId) -> Result<Seen, RegistryError> {
        let item = self.record(id).await?;
        Ok(Seen {
            customer: customer_in(&item, id)?,
            fence: get_number(&item, "fence").unwrap_or_default(),
            lease: holder(&item),
        })
    }

    async fn list(&self, after: Option<&CustomerId>) -> Result<Page, RegistryError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("listed_as = :listed_as AND pk > :after")
            .expression_attribute_values(":listed_as", text(LISTED_AS))
            .expression_attribute_values(":after", text(after.map_or_else(|| PK.to_owned(), pk)))
            .send()
            .await
            .map_err(RegistryError::call("Query"))?;
        let more = query.last_evaluated_key().is_some();
        let customers = query.items.unwrap_or_default().iter().map(listed).collect::<Result<_, _>>()?;
        Ok(Page { customers, more })
    }

    async fn trail(
        &self,
        id: &CustomerId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Trail, RegistryError> {
        let pk = pk(id);
        let after = |key: &str| {
            Item::from([("pk".to_owned(), text(&pk)), ("sk".to_owned(), text(format!("{AUDIT}{key}")))])
        };
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :audit)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":audit", text(AUDIT))
            .scan_index_forward(false)
            .set_exclusive_start_key(before.map(after))
            // One more tells whether there are more.
            .limit(i32::try_from(limit.saturating_add(1)).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(RegistryError::call("Query"))?;
        let more = query.last_evaluated_key().is_some();
        let items = query.items.unwrap_or_default();
        let entries = items.iter().map(|item| Entry::read(item, &pk)).collect::<Result<_, _>>()?;
        Ok(Trail::page(entries, limit, more))
    }

    async fn admission(&self, id: &RequestId) -> Result<Option<Admission>, RegistryError> {
        let (pk, sk) = admission_key(id);
        let get = self.client.get_item().table_name(&self.table).key("pk", text(&pk)).key("sk", sk);
        let found = get.consistent_read(true).send().await.map_err(RegistryError::call("GetItem"))?;
        let said = found.item.as_ref().and_then(|item| item.get("admission"));
        let read =
            |said: &AttributeValue| serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(said.clone());
        said.map(read).transpose().map_err(|source| RegistryError::unreadable(&pk, source))
    }

    async fn count_offboarding(
        &self,
        id: &RequestId,
        hour: Timestamp,
        most: usize,
    ) -> Result<bool, RegistryError> {
        let hour = hour.strftime("%Y-%m-%dT%HZ");
        let counted = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(format!("OFFBOARDINGS#{hour}")))
            .key("sk", text("COUNT"))
            .update_expression("ADD requests :this")
            .condition_expression(
                "attribute_not_exists(requests) OR contains(requests, :id) OR size(requests) < :most",
            )
            .expression_attribute_values(":this", AttributeValue::Ss(vec![id.to_string()]))
            .expression_attribute_values(":id", text(id.as_str()))
            .expression_attribute_values(":most", number(most))
            .send()
            .await;
        match counted {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(service) if service.is_conditional_check_failed_exception() => Ok(false),
                _ => Err(RegistryError::call("UpdateItem")(error)),
            },
        }
    }

    async fn hold(&self, id: &RequestId) -> Result<(), RegistryError> {
        let (pk, sk) = admission_key(id);
        let put = self.client.put_item().table_name(&self.table).item("pk", text(pk)).item("sk", sk);
        let put =
            put.item("admission", map(&Admission::Held)).condition_expression("attribute_not_exists(pk)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(service) if service.is_conditional_check_failed_exception() => Ok(()),
                _ => Err(RegistryError::call("PutItem")(error)),
            },
        }
    }

    async fn approve(&self, id: &RequestId) -> Result<(), RegistryError> {
        let (pk, sk) = admission_key(id);
        let put = self.client.put_item().table_name(&self.table).item("pk", text(pk)).item("sk", sk);
        let put = put.item("admission", map(&Admission::Approved)).send().await;
        put.map(drop).map_err(RegistryError::call("PutItem"))
    }

    async fn note_operation(&self, operation: &Operation) -> Result<(), RegistryError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(operation.item()));
        put.send().await.map(drop).map_err(RegistryError::call("PutItem"))
    }

    async fn acquire(
        &self,
        id: &CustomerId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Acquired, RegistryError> {
        let taken = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .key("sk", text("RECORD"))
            .update_expression(
                "SET lease_owner = :owner, lease_until = :until, listed_as = :listed_as ADD fence :one",
            )
            .condition_expression(
                "attribute_not_exists(lease_until) OR lease_until < :now OR lease_owner = :owner",
            )
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":until", millis(until))
            .expression_attribute_values(":now", millis(now))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":listed_as", text(LISTED_AS))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match taken {
            Ok(output) => held(&output.attributes.unwrap_or_default(), id, owner),
            Err(error) => match error.as_service_error().and_then(condition_item) {
                Some(item) => Ok(Acquired::Busy { until: get_millis(item, "lease_until").unwrap_or(now) }),
                None => Err(RegistryError::call("UpdateItem")(error)),
            },
        }
    }

    async fn save(&self, lease: &mut Lease, change: &Change<'_>, cause: &Cause) -> Result<(), RegistryError> {
        let keep = "SET #record = :record, #phase = :phase, spare = :spare";
        self.write(lease, vec![self.update(lease, change.after, keep), self.audit(lease, change, cause)])
            .await?;
        lease.entries += 1;
        Ok(())
    }

    async fn finish(
        &self,
        lease: Lease,
        change: &Change<'_>,
        cause: &Cause,
        handled: &Handled,
    ) -> Result<(), RegistryError> {
        let release =
            "SET #record = :record, #phase = :phase, spare = :spare REMOVE lease_owner, lease_until";
        let writes = vec![
            self.update(&lease, change.after, release),
            self.audit(&lease, change, cause),
            TransactWriteItem::builder().put(requests::put(&self.table, handled)).build(),
        ];
        self.write(&lease, writes).await
    }

    async fn release(&self, lease: Lease) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk(lease.customer_id())))
            .key("sk", text("RECORD"))
            .update_expression("REMOVE lease_owner, lease_until")
            .condition_expression("fence = :fence AND lease_owner = :owner")
            .expression_attribute_values(":fence", number(lease.fence()))
            .expression_attribute_values(":owner", text(lease.owner()))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(service) if service.is_conditional_check_failed_exception() => {
                    RegistryError::LeaseLost(lease.customer_id().clone())
                }
                _ => RegistryError::call("UpdateItem")(error),
            })?;
        Ok(())
    }

    async fn handled(&self, id: &RequestId) -> Result<Option<Handled>, RegistryError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(requests::pk(id)))
            .key("sk", text("REQUEST"))
            .consistent_read(true)
            .send()
            .await
            .map_err(RegistryError::call("GetItem"))?;
        found.item.map(|item| requests::read(&item, id)).transpose()
    }

    async fn record_handled(&self, handled: Handled) -> Result<Handled, RegistryError> {
        let put = requests::put(&self.table, &handled);
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(put.item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(handled),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                    requests::read(failed.item().unwrap_or(&Item::new()), &handled.request_id)
                }
                _ => Err(RegistryError::call("PutItem")(error)),
            },
        }
    }

    async fn mark_announced(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(requests::pk(id)))
            .key("sk", text("REQUEST"))
            .update_expression("SET announced = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .send()
            .await
            .map(drop)
            .map_err(RegistryError::call("UpdateItem"))
    }
}

impl DynamoDb {
    /// The item of a customer's record, empty where there is none.
    async fn record(&self, id: &CustomerId) -> Result<Item, RegistryError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("pk", text(pk(id)))
            .key("sk", text("RECORD"))
            .consistent_read(true)
            .send()
            .await
            .map_err(RegistryError::call("GetItem"))?;
        Ok(found.item.unwrap_or_default())
    }

    async fn write(&self, lease: &Lease, writes: Vec<TransactWriteItem>) -> Result<(), RegistryError> {
        let sent = self.client.transact_write_items().set_transact_items(Some(writes)).send().await;
        sent.map(drop).map_err(|error| {
            if condition_failed(&error) {
                RegistryError::LeaseLost(lease.customer_id().clone())
            } else {
                RegistryError::call("TransactWriteItems")(error)
            }
        })
    }

    fn update(&self, lease: &Lease, after: &Customer, expression: &str) -> TransactWriteItem {
        let Listed { phase, spare, .. } = Listed::of(after);
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(pk(lease.customer_id())))
            .key("sk", text("RECORD"))
            .update_expression(expression)
            .condition_expression("fence = :fence AND lease_owner = :owner")
            .expression_attribute_names("#record", "record")
            .expression_attribute_names("#phase", "phase")
            .expression_attribute_values(":record", map(after))
            .expression_attribute_values(":phase", map(&phase))
            .expression_attribute_values(":spare", number(spare))
            .expression_attribute_values(":fence", number(lease.fence()))
            .expression_attribute_values(":owner", text(lease.owner()))
            .build()
            .expect("table, key and expression are set");
        TransactWriteItem::builder().update(update).build()
    }

    fn audit(&self, lease: &Lease, change: &Change<'_>, cause: &Cause) -> TransactWriteItem {
        let entry = Entry::of(lease.fence(), lease.entries, change, cause);
        let put = Put::builder().table_name(&self.table).set_item(Some(entry.item(&pk(lease.customer_id()))));
        TransactWriteItem::builder().put(put.build().expect("table and item are set")).build()
    }
}

fn admission_key(id: &RequestId) -> (String, AttributeValue) {
    (format!("REQUEST#{id}"), text("ADMISSION"))
}

fn held(item: &Item, id: &CustomerId, owner: &str) -> Result<Acquired, RegistryError> {
    let fence = get_number(item, "fence").ok_or_else(|| RegistryError::unreadable(&pk(id), "no fence"))?;
    Ok(Acquired::Held(Lease::granted(id.clone(), owner, fence), Box::new(customer_in(item, id)?)))
}

fn holder(item: &Item) -> Option<Holder> {
    let owner = get_text(item, "lease_owner")?.to_owned();
    Some(Holder { owner, until: get_millis(item, "lease_until")? })
}

fn listed(item: &Item) -> Result<Listed, RegistryError> {
    let key = get_text(item, "pk").unwrap_or_default();
    let customer_id = key.strip_prefix(PK).unwrap_or_default().parse();
    // A lease was taken and nothing saved yet.
    let phase =
        item.get("phase").map(|phase| serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(phase.clone()));
    Ok(Listed {
        customer_id: customer_id.map_err(|invalid| RegistryError::unreadable(key, invalid))?,
        phase: phase
            .transpose()
            .map_err(|source| RegistryError::unreadable(key, source))?
            .unwrap_or_default(),
        spare: get_number(item, "spare").unwrap_or_default(),
    })
}

fn customer_in(item: &Item, id: &CustomerId) -> Result<Customer, RegistryError> {
    Ok(record(item, &pk(id))?.unwrap_or_else(|| Customer::absent(id.clone())))
}

fn condition_item(error: &aws_sdk_dynamodb::operation::update_item::UpdateItemError) -> Option<&Item> {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException;
    match error {
        ConditionalCheckFailedException(failed) => failed.item(),
        _ => None,
    }
}

fn condition_failed<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error()
    else {
        return false;
    };
    canceled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
}
