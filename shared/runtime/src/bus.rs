//! Announcing events, and asking for things as the platform does.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::{Region, SdkConfig};
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared_core::arn;
use shared_core::event::{Content, DocumentRejected, Original, OutboundEvent, RequestRejected, SOURCE};
use shared_core::failure::{Class, Classified};
use shared_core::request::Refusal;

use crate::{BoxError, Message, Report, Unreadable, Verdict, telemetry, trace};

/// The bus that our events go to. Clones share it.
#[derive(Clone, Debug)]
pub struct Bus(Arc<dyn Announce>);

/// Takes events. Each method is one call.
#[async_trait]
pub trait Announce: fmt::Debug + Send + Sync {
    /// Puts an event on the bus. Once this has returned without an error it is there.
    ///
    /// # Errors
    /// [`AnnounceError`]. The event may be there all the same.
    async fn announce(&self, event: &OutboundEvent) -> Result<(), AnnounceError>;

    /// Puts a request on the bus, which takes it to its queue.
    ///
    /// # Errors
    /// [`AnnounceError`]. The request may be there all the same.
    async fn ask(&self, kind: &'static str, request: &Value) -> Result<(), AnnounceError>;
}

#[derive(Clone, Debug)]
struct EventBridge {
    client: Client,
    name: String,
}

/// An event that is not on the bus, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// It would be refused by its size.
    #[error("{detail_type} is {size_bytes} bytes, which is more than the bus takes ({limit_bytes})", limit_bytes = Bus::LIMIT_BYTES)]
    TooLarge {
        /// Its type.
        detail_type: &'static str,
        /// Its size, counted as the bus counts.
        size_bytes: usize,
    },
    /// The bus did not answer, or refused the call.
    #[error("announcing {detail_type}")]
    Call {
        /// Its type.
        detail_type: &'static str,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The bus took the call but not the event.
    #[error("announcing {detail_type}: the bus did not take it: {code}: {explanation}")]
    NotTaken {
        /// Its type.
        detail_type: &'static str,
        /// The bus's code.
        code: String,
        /// The bus's words.
        explanation: String,
    },
}

impl Classified for AnnounceError {
    fn class(&self) -> Class {
        match self {
            Self::TooLarge { .. } => Class::Bug,
            // The ids are deterministic, so announcing twice is announcing once.
            Self::Call { .. } | Self::NotTaken { .. } => Class::Retry,
        }
    }
}

impl Bus {
    /// The most that an entry may have (AWS: EventBridge User Guide, "Calculating PutEvents event
    /// entry size").
    pub const LIMIT_BYTES: usize = 256 * 1024;

    /// A bus of EventBridge, by name or ARN. An ARN says its region too: a region takes events for its own buses.
    pub fn new(aws: &SdkConfig, name: &str) -> Self {
        let client = match arn::region(name) {
            Some(region) => Client::new(&aws.to_builder().region(Region::new(region.to_owned())).build()),
            None => Client::new(aws),
        };
        Self::over(EventBridge { client, name: name.to_owned() })
    }

    /// Any other bus.
    pub fn over(announce: impl Announce + 'static) -> Self {
        Self(Arc::new(announce))
    }

    /// Puts an event on the bus. Once this has returned without an error it is there.
    ///
    /// # Errors
    /// [`AnnounceError`]. The event may be there all the same.
    pub async fn announce(&self, event: &OutboundEvent) -> Result<(), AnnounceError> {
        self.0.announce(event).await?;
        tracing::debug!(
            target: telemetry::BUS,
            event_type = event.detail_type(),
            event_id = event.event_id(),
            "Announced an event."
        );
        Ok(())
    }

    /// Asks for something, as the platform does: the bus takes a request of this type to its queue.
    ///
    /// # Errors
    /// [`AnnounceError`]. The request may be there all the same, and is the same when it is sent again.
    pub async fn ask(&self, kind: &'static str, request: &Value) -> Result<(), AnnounceError> {
        self.0.ask(kind, request).await
    }

    /// Announces a request that is not carried out, with what was received.
    pub async fn refuse(&self, refusal: &Refusal, message: &Message, now: Timestamp) -> Verdict {
        let event = RequestRejected::new(refusal, Original::new(message.text()));
        self.announce_rejection(event, refusal, now).await
    }

    /// Announces a message that cannot be read: as a document where it names one, else as a request.
    pub async fn reject(&self, unreadable: Unreadable, now: Timestamp) -> Verdict {
        let Unreadable { refusal, object, text, .. } = unreadable;
        let original = Original::new(&text);
        let event: Content = match object {
            None => RequestRejected::new(&refusal, original).into(),
            Some(document) => DocumentRejected {
                document,
                document_id: None,
                customer_id: None,
                reason_code: refusal.reason_code.clone(),
                explanation: refusal.explanation(),
                original: Some(original),
            }
            .into(),
        };
        self.announce_rejection(event, &refusal, now).await
    }

    async fn announce_rejection(
        &self,
        event: impl Into<Content>,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Verdict {
        match self.announce(&OutboundEvent::new(event, now)).await {
            Ok(()) => {
                let detail = serde_json::json!({
                    "reason_code": refusal.reason_code,
                    "explanation": refusal.explanation(),
                });
                Verdict::Rejected(Report::new(refusal.reason_code.as_str()).with(detail))
            }
            Err(error) => Verdict::of(error, None),
        }
    }
}

#[async_trait]
impl Announce for EventBridge {
    async fn announce(&self, event: &OutboundEvent) -> Result<(), AnnounceError> {
        self.put(event.detail_type(), event).await
    }

    async fn ask(&self, kind: &'static str, request: &Value) -> Result<(), AnnounceError> {
        self.put(kind, request).await
    }
}

impl EventBridge {
    async fn put(&self, detail_type: &'static str, detail: &impl Serialize) -> Result<(), AnnounceError> {
        let answer = self.client.put_events().entries(self.entry(detail_type, detail)?).send().await;
        let answer = answer.map_err(|error| AnnounceError::Call { detail_type, source: error.into() })?;
        // The call succeeds when the event fails: the count tells.
        if answer.failed_entry_count() == 0 {
            return Ok(());
        }
        let failed = answer.entries().first();
        let code = failed.and_then(|entry| entry.error_code()).unwrap_or("no code").to_owned();
        let explanation = failed.and_then(|entry| entry.error_message()).unwrap_or("no message").to_owned();
        Err(AnnounceError::NotTaken { detail_type, code, explanation })
    }

    fn entry(
        &self,
        detail_type: &'static str,
        detail: &impl Serialize,
    ) -> Result<PutEventsRequestEntry, AnnounceError> {
        let detail = serde_json::to_string(detail)
            .map_err(|error| AnnounceError::Call { detail_type, source: error.into() })?;
        let size_bytes = entry_size(detail_type, &detail);
        if size_bytes > Bus::LIMIT_BYTES {
            return Err(AnnounceError::TooLarge { detail_type, size_bytes });
        }
        Ok(PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(detail_type)
            .detail(detail)
            .set_trace_header(trace::current())
            .build())
    }
}

/// The size as the bus counts it; the time, which is set by the bus, counts 14 where it is sent.
fn entry_size(detail_type: &str, detail: &str) -> usize {
    SOURCE.len() + detail_type.len() + detail.len()
}

#[cfg(test)]
mod tests;
