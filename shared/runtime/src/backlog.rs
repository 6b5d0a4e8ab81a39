//! How much waits in a queue.

use std::fmt;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::BoxError;

/// Tells how much waits in queues.
#[async_trait]
pub trait Backlog: fmt::Debug + Send + Sync {
    /// About how many messages wait in a queue to be received. One call.
    ///
    /// # Errors
    /// The call fails, or tells no number.
    async fn waiting(&self, queue_url: &str) -> Result<u64, BoxError>;
}

/// The queues of SQS.
#[derive(Clone, Debug)]
pub struct Queues {
    client: Client,
}

impl Queues {
    /// The account's queues.
    pub fn new(aws: &SdkConfig) -> Self {
        Self { client: Client::new(aws) }
    }
}

#[async_trait]
impl Backlog for Queues {
    async fn waiting(&self, queue_url: &str) -> Result<u64, BoxError> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let call = self.client.get_queue_attributes().queue_url(queue_url).attribute_names(name.clone());
        let told = call.send().await?.attributes.unwrap_or_default();
        let number = told.get(&name).ok_or("the queue tells no ApproximateNumberOfMessages")?;
        Ok(number.parse()?)
    }
}
