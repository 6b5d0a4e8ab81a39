//! What the deployment has at AWS: queues, the bucket, tables.

use aws_config::SdkConfig;
use registry::Table;
use runtime::Queue;

use super::Site;
use super::bucket;
use super::check::{Check, Code};
use super::premises::FunctionQueue;

/// A message that a function still works on must not be delivered again (AWS Lambda: Amazon SQS event sources).
const LIMITS: u64 = 6;

/// `QUEUES`, `BUCKET` and `TABLES`.
pub(super) async fn examine(site: &Site<'_>) -> Vec<Check> {
    let premises = site.premises;
    let queues = futures::future::join_all(premises.queues.iter().map(|queue| one_queue(site.aws, queue)));
    let customers = one_table(site.aws, premises.customers_table.as_deref(), registry::CUSTOMERS_INDEX);
    let documents = one_table(site.aws, premises.documents_table.as_deref(), registry::OPEN_DOCUMENTS_INDEX);
    let (queues, bucket, customers, documents) =
        tokio::join!(queues, bucket::examine(site), customers, documents);
    [queues, bucket, vec![customers, documents]].concat()
}

async fn one_queue(aws: &SdkConfig, queue: &FunctionQueue) -> Check {
    let check = match Queue::describe(aws, &queue.url).await {
        Ok(Some(described)) => kept(queue, &described),
        Ok(None) => Check::problem(
            Code::Queues,
            format!("there is no queue {}", queue.url),
            "deploy the template again: it makes the queues",
        ),
        Err(error) => {
            let next_step =
                format!("aws sqs get-queue-attributes --queue-url {} --attribute-names All", queue.url);
            Check::failed(Code::Queues, "sqs:GetQueueAttributes", &*error, &next_step)
        }
    };
    check.of(queue.function.as_str())
}

fn kept(queue: &FunctionQueue, described: &Queue) -> Check {
    let code = Code::Queues;
    let (visible, least) = (described.visibility.as_secs(), LIMITS * queue.seconds);
    let Some(receipts) = described.receipts else {
        let next_step = format!(
            "deploy the template again, or: aws sqs set-queue-attributes --queue-url {} --attributes \
             file://redrive.json, with a RedrivePolicy to its dead-letter queue",
            queue.url
        );
        return Check::problem(code, "no redrive policy: what fails comes back for ever", next_step);
    };
    if visible < least {
        let next_step = format!(
            "aws sqs set-queue-attributes --queue-url {} --attributes VisibilityTimeout={least}",
            queue.url
        );
        let seen = format!(
            "the visibility time-out is {visible} s, less than six times the function's limit of {} s: messages \
             come again while they are worked on",
            queue.seconds
        );
        return Check::problem(code, seen, next_step);
    }
    Check::ok(code, format!("visibility {visible} s, dead letters after {receipts} receipts"))
}

async fn one_table(aws: &SdkConfig, table: Option<&str>, index: &str) -> Check {
    let code = Code::Tables;
    let Some(name) = table else {
        return Check::skipped(code, "its variable cannot be used", "first what CONFIGURATION says")
            .of(index);
    };
    let check = match Table::describe(aws, name).await {
        Ok(Some(table)) => usable(&table, index),
        Ok(None) => {
            Check::problem(code, "there is no such table", "deploy the template again: it makes the tables")
        }
        Err(error) => {
            let next_step = format!("aws dynamodb describe-table --table-name {name}");
            Check::failed(code, "dynamodb:DescribeTable", &error, &next_step)
        }
    };
    check.of(name)
}

fn usable(table: &Table, index: &str) -> Check {
    let code = Code::Tables;
    let state = table.indexes.get(index).map(Option::as_deref);
    let said = state.map_or("missing", |status| status.unwrap_or("there"));
    let seen = format!("the table is {}, its index `{index}` is {said}", table.status);
    // What is being changed serves on.
    let serves = |status: &str| matches!(status, "ACTIVE" | "UPDATING");
    match state {
        None => Check::problem(code, seen, "deploy the template again: it makes the index"),
        Some(status) if serves(&table.status) && status.is_none_or(serves) => Check::ok(code, seen),
        Some(_) => Check::problem(code, seen, "wait until it is ACTIVE"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::check::Outcome;
    use super::*;

    #[test]
    fn a_queue_keeps_what_fails_and_hides_what_is_worked_on() {
        let queue: FunctionQueue = "submit-document 300 https://sqs/1/q".parse().unwrap();
        for (seconds, receipts, result) in
            [(1800, Some(5), Outcome::Ok), (1799, Some(5), Outcome::Problem), (1800, None, Outcome::Problem)]
        {
            let described = Queue { visibility: Duration::from_secs(seconds), receipts };
            assert_eq!(kept(&queue, &described).result, result, "{described:?}");
        }
    }

    #[test]
    fn a_table_serves_with_its_index_only() {
        for (status, index, result) in [
            ("ACTIVE", Some(Some("ACTIVE")), Outcome::Ok),
            ("ACTIVE", Some(None), Outcome::Ok),
            ("UPDATING", Some(Some("ACTIVE")), Outcome::Ok),
            ("ACTIVE", Some(Some("CREATING")), Outcome::Problem),
            ("ACTIVE", None, Outcome::Problem),
            ("DELETING", Some(Some("ACTIVE")), Outcome::Problem),
        ] {
            let index = index.map(|state: Option<&str>| ("customers".to_owned(), state.map(str::to_owned)));
            let indexes: BTreeMap<_, _> = index.into_iter().collect();
            let table = Table { status: status.to_owned(), indexes };
            assert_eq!(usable(&table, "customers").result, result, "{table:?}");
        }
    }
}
