//! Looking into the three places that the system keeps its state in, never at a secret's value.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use aws_parts::secrets::SecretState;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use simulator::{ApplicationState, SubmissionState};
use tokio::time::timeout;

use crate::sandbox::{SECRET_PREFIX, Sandbox};

/// What the registry holds about a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where the customer is in its life, in upper case.
    pub phase: String,
    /// How many entries the audit trail has.
    pub audit_entries: usize,
    /// The applications that are recorded as this customer's.
    pub applications: Vec<RecordedApplication>,
}

/// An application in a customer's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedApplication {
    /// The vendor's id.
    pub id: String,
    /// Its cell.
    pub cell: String,
    /// When it was stamped as named by no label, if it was.
    pub unreferenced_since: Option<String>,
}

impl Sandbox {
    /// The living applications of a tenant, as the vendor has them.
    pub fn applications(&self, tenant: &str) -> Vec<ApplicationState> {
        let all = self.simulator.state().applications;
        all.into_iter().filter(|one| one.tenant == tenant && one.deleted.is_none()).collect()
    }

    /// A submission, as the vendor has it.
    ///
    /// # Errors
    /// If the vendor has none of that id.
    pub fn submission(&self, id: &str) -> Result<SubmissionState> {
        let mut all = self.simulator.state().submissions.into_iter();
        all.find(|one| one.id == id).with_context(|| format!("the vendor has no submission {id}"))
    }

    /// Whether the vendor has a tenant of this id.
    pub fn tenant_lives(&self, id: &str) -> bool {
        self.simulator.state().tenants.iter().any(|one| one.id == id && one.deleted.is_none())
    }

    /// The name of a customer's secret in a cell.
    pub fn secret_name(customer: &str, cell: &str) -> String {
        format!("{SECRET_PREFIX}/{customer}/{cell}/credential")
    }

    /// A customer's secret in a cell, without its values.
    ///
    /// # Errors
    /// If there is none.
    pub fn secret(&self, customer: &str, cell: &str) -> Result<SecretState> {
        let name = Self::secret_name(customer, cell);
        self.secrets.secret(&name).with_context(|| format!("there is no secret {name}"))
    }

    /// A customer's record.
    ///
    /// # Errors
    /// If there is none, or DynamoDB fails.
    pub async fn record(&self, customer: &str) -> Result<Record> {
        let query = self.aws.dynamodb.query().table_name(&self.stack.customers_table_name);
        let query = query.key_condition_expression("pk = :pk");
        let pk = AttributeValue::S(format!("CUSTOMER#{customer}"));
        let items = query.expression_attribute_values(":pk", pk).send().await?.items.unwrap_or_default();
        let kind = |item: &Map| item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default();
        let record = items.iter().find(|item| kind(item) == "RECORD");
        let record = record.with_context(|| format!("the registry has no record of {customer}"))?;
        let fields = record.get("record").and_then(|map| map.as_m().ok()).context("the record is no map")?;
        let phase = fields.get("phase").and_then(|phase| phase.as_s().ok()).context("it has no phase")?;
        let audit_entries = items.iter().filter(|item| kind(item).starts_with("AUDIT#")).count();
        Ok(Record { phase: phase.to_uppercase(), audit_entries, applications: applications(fields) })
    }

    /// How many messages a queue holds, visible or not.
    ///
    /// # Errors
    /// If SQS fails.
    pub async fn messages(&self, queue: &str) -> Result<u64> {
        let kinds = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let get = self.aws.sqs.get_queue_attributes().queue_url(queue);
        let answer = get.set_attribute_names(Some(kinds.to_vec())).send().await?;
        let counts = answer.attributes.unwrap_or_default();
        let count = |kind| counts.get(kind).and_then(|count| count.parse::<u64>().ok());
        Ok(kinds.iter().filter_map(count).sum())
    }

    /// Waits until no function has anything left to do: every queue is empty, and no rotation runs.
    /// (A new rotation schedule is tried out at once, by a rotation of its own.)
    ///
    /// # Errors
    /// If that takes longer than a minute.
    pub async fn quiet(&self) -> Result<()> {
        let began = Instant::now();
        let patience = Duration::from_secs(60);
        for (name, queue) in self.stack.queues() {
            while self.messages(queue).await? > 0 {
                if began.elapsed() > patience {
                    bail!("the {name} queue is not empty after {} s", patience.as_secs());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        timeout(patience, self.secrets.rotations_ended()).await.context("a rotation does not end")
    }
}

type Map = HashMap<String, AttributeValue>;

/// The applications of every cell of a record.
fn applications(record: &Map) -> Vec<RecordedApplication> {
    let text = |map: &Map, field: &str| map.get(field).and_then(|value| value.as_s().ok()).cloned();
    let mut found = Vec::new();
    for (cell, state) in record.get("cells").and_then(|cells| cells.as_m().ok()).into_iter().flatten() {
        let list = state.as_m().ok().and_then(|state| state.get("applications")?.as_l().ok());
        for one in list.into_iter().flatten().filter_map(|one| one.as_m().ok()) {
            found.push(RecordedApplication {
                id: text(one, "id").unwrap_or_default(),
                cell: cell.clone(),
                unreferenced_since: text(one, "unreferenced_since"),
            });
        }
    }
    // A map has no order, and two looks at one record are compared.
    found.sort_by(|one, other| (&one.cell, &one.id).cmp(&(&other.cell, &other.id)));
    found
}
