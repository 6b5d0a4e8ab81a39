//! A queue as SQS describes it.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

use crate::BoxError;

/// What decides whether a message that fails is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How long a message that was received stays invisible.
    pub visibility: Duration,
    /// After how many receipts a message goes to the dead letters; `None` where it never does.
    pub receipts: Option<u64>,
}

impl Queue {
    /// Describes the queue at `url`; `None` where there is none.
    ///
    /// # Errors
    /// Where SQS does not say.
    pub async fn describe(aws: &SdkConfig, url: &str) -> Result<Option<Self>, BoxError> {
        let asked = Client::new(aws)
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::VisibilityTimeout)
            .attribute_names(QueueAttributeName::RedrivePolicy);
        let attributes = match asked.send().await {
            Ok(output) => output.attributes.unwrap_or_default(),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_queue_does_not_exist()) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let text = |name: &QueueAttributeName| attributes.get(name).map(String::as_str);
        let visibility = text(&QueueAttributeName::VisibilityTimeout).unwrap_or_default().parse()?;
        let receipts = text(&QueueAttributeName::RedrivePolicy).map(receipts).transpose()?;
        Ok(Some(Self { visibility: Duration::from_secs(visibility), receipts }))
    }
}

/// `maxReceiveCount`, which SQS writes as a number or, where it was set so, as a text.
fn receipts(policy: &str) -> Result<u64, BoxError> {
    let policy: serde_json::Value = serde_json::from_str(policy)?;
    let count = &policy["maxReceiveCount"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    count.ok_or_else(|| "the redrive policy has no maxReceiveCount".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_tells_its_count_in_both_forms() {
        assert_eq!(receipts(r#"{"deadLetterTargetArn": "a", "maxReceiveCount": 5}"#).unwrap(), 5);
        assert_eq!(receipts(r#"{"deadLetterTargetArn": "a", "maxReceiveCount": "3"}"#).unwrap(), 3);
        assert!(receipts(r#"{"deadLetterTargetArn": "a"}"#).is_err());
    }
}
