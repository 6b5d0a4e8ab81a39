//! What becomes of messages.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::customers::for_both_cells;
use crate::journey::PATIENCE;
use crate::sandbox::Sandbox;

/// A request lies in the dead letters as EventBridge has sent it.
pub(super) async fn fail_a_request(sandbox: &Sandbox) -> Result<()> {
    let request = for_both_cells("drifts-dead-letter");
    let event = json!({
        "version": "0", "id": "drifts-dead-letter", "source": "platform", "detail-type": request["type"],
        "time": Timestamp::now(), "resources": [], "detail": request
    });
    let send = sandbox.aws.sqs.send_message().queue_url(&sandbox.stack.onboarding_dead_letters_url);
    send.message_body(event.to_string()).send().await.context("SendMessage")?;
    Ok(())
}

/// Waits until a message in a queue is put off.
pub(super) async fn put_off(sandbox: &Sandbox, queue: &str) -> Result<()> {
    let delayed = QueueAttributeName::ApproximateNumberOfMessagesDelayed;
    let put_off = async {
        loop {
            let get = sandbox.aws.sqs.get_queue_attributes().queue_url(queue);
            let counts = get.attribute_names(delayed.clone()).send().await?.attributes.unwrap_or_default();
            if counts.get(&delayed).is_some_and(|count| count != "0") {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, put_off).await.context("no message is put off")?
}

/// Everything in a queue is lost, and what a function that is under way sends on.
pub(super) async fn lose_messages(sandbox: &Sandbox, queue: &str) -> Result<()> {
    let lost = async {
        loop {
            sandbox.aws.sqs.purge_queue().queue_url(queue).send().await.context("PurgeQueue")?;
            sleep(Duration::from_millis(1500)).await;
            if sandbox.messages(queue).await? == 0 {
                return Ok(());
            }
        }
    };
    timeout(PATIENCE, lost).await.context("the queue does not become empty")?
}
