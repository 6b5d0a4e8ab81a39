//! Deferral through the function's own queue.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageAttributeValue;

use super::{Parcel, Postpone};
use crate::BoxError;
use crate::envelope::{ATTEMPT, FIRST_SEEN, NOT_BEFORE, ORIGIN};

/// The function's own queue.
#[derive(Clone, Debug)]
pub struct Deferral {
    client: Client,
    queue_url: String,
}

impl Deferral {
    /// A queue by its URL.
    pub fn new(aws: &SdkConfig, queue_url: &str) -> Self {
        Self { client: Client::new(aws), queue_url: queue_url.to_owned() }
    }
}

#[async_trait]
impl Postpone for Deferral {
    async fn postpone(&self, parcel: &Parcel) -> Result<(), BoxError> {
        let origin = serde_json::to_string(&parcel.origin)?;
        let mut message = self
            .client
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(&parcel.body)
            .delay_seconds(parcel.delay_seconds.into())
            .message_attributes(FIRST_SEEN, attribute("String", parcel.first_seen)?)
            .message_attributes(ATTEMPT, attribute("Number", parcel.attempt)?)
            .message_attributes(ORIGIN, attribute("String", origin)?);
        if let Some(not_before) = parcel.not_before {
            message = message.message_attributes(NOT_BEFORE, attribute("String", not_before)?);
        }
        message.set_message_group_id(parcel.group.clone()).send().await?;
        Ok(())
    }
}

fn attribute(data_type: &str, value: impl ToString) -> Result<MessageAttributeValue, BoxError> {
    Ok(MessageAttributeValue::builder().data_type(data_type).string_value(value.to_string()).build()?)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region};
    use axum::Router;
    use axum::http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Envelope, Origin};

    async fn queue(status: StatusCode) -> (Deferral, Arc<Mutex<Vec<Value>>>) {
        let received: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = received.clone();
        let answer = async move |body: String| {
            kept.lock().unwrap().push(serde_json::from_str(&body).unwrap());
            (status, [("content-type", "application/x-amz-json-1.0")], json!({"MessageId": "m"}).to_string())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let aws = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .test_credentials()
            .retry_config(RetryConfig::disabled())
            .endpoint_url(&url)
            .load()
            .await;
        (Deferral::new(&aws, &format!("{url}/123456789012/onboard")), received)
    }

    fn parcel() -> Parcel {
        Parcel {
            body: r#"{"detail-type":"x","detail":{"a": 1}}"#.to_owned(),
            first_seen: "2026-01-31T09:00:00Z".parse().unwrap(),
            attempt: 3,
            delay_seconds: 900,
            not_before: Some("2026-01-31T10:00:00Z".parse().unwrap()),
            group: Some("acme".to_owned()),
            origin: Origin { path: vec![Envelope::Sqs, Envelope::EventBridge], ..Origin::default() },
        }
    }

    #[tokio::test]
    async fn a_parcel_is_the_same_body_delayed_with_its_history() {
        let (queue, received) = queue(StatusCode::OK).await;
        queue.postpone(&parcel()).await.unwrap();
        let sent = received.lock().unwrap()[0].clone();
        assert_eq!(sent["MessageBody"], parcel().body);
        assert_eq!((&sent["DelaySeconds"], &sent["MessageGroupId"]), (&json!(900), &json!("acme")));
        assert!(sent["QueueUrl"].as_str().unwrap().ends_with("/123456789012/onboard"));
        let attributes = &sent["MessageAttributes"];
        assert_eq!(attributes["first_seen"]["StringValue"], "2026-01-31T09:00:00Z");
        assert_eq!(attributes["attempt"], json!({"DataType": "Number", "StringValue": "3"}));
        assert_eq!(attributes["not_before"]["StringValue"], "2026-01-31T10:00:00Z");
        assert_eq!(attributes["origin"]["StringValue"], r#"{"path":["sqs","eventbridge"]}"#);
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_sent() {
        let (queue, received) = queue(StatusCode::OK).await;
        let short = Parcel { not_before: None, group: None, delay_seconds: 5, ..parcel() };
        queue.postpone(&short).await.unwrap();
        let sent = received.lock().unwrap()[0].clone();
        assert_eq!(sent.get("MessageGroupId"), None);
        assert_eq!(sent["MessageAttributes"].get("not_before"), None);
    }

    #[tokio::test]
    async fn a_queue_that_does_not_take_it_is_an_error() {
        let (queue, _) = queue(StatusCode::INTERNAL_SERVER_ERROR).await;
        assert!(queue.postpone(&parcel()).await.is_err());
    }
}
