//! Deletes a customer's applications, then its tenant, then its secrets, with proof.
//!
//! The flow itself is [`lifecycle::Remover::offboard`]; here the message is read and its outcome
//! announced.

pub mod config;

use lifecycle::{ConnectError, FlowError, Remover};
use registry::Documents;
use runtime::{Bus, Handler, Invocation, Message, Payload, Unreadable, Verdict};
use serde_json::Value;
use shared_core::event::ReasonCode;
use shared_core::request::{OffboardingRequest, Refusal, Violation};

pub use config::Config;

/// The function.
pub struct OffboardCustomer {
    remover: Remover,
    bus: Bus,
}

impl OffboardCustomer {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where the organization's credential cannot be had.
    pub async fn connect(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, ConnectError> {
        let (_, remover) = config.deployment.connect(aws, &config.rules).await?;
        let remover = remover.with_documents(Documents::new(aws, &config.documents_table));
        Ok(Self::new(remover, Bus::new(aws, &config.deployment.bus_name)))
    }

    /// The function over what it works with.
    pub fn new(remover: Remover, bus: Bus) -> Self {
        Self { remover, bus }
    }

    async fn offboard(&self, event: &Value, message: &Message, invocation: &Invocation) -> Verdict {
        let request = match OffboardingRequest::parse(event) {
            Ok(request) => request,
            Err(refusal) => return self.bus.refuse(&refusal, message, invocation.now()).await,
        };
        invocation.concerns(&request.customer_id);
        let attempt = invocation.attempt(message);
        let mut ended = self.remover.offboard(&request, &attempt).await;
        if let Err(error) = &ended
            && error.is_too_old(message.age(invocation.now()), message.attempt)
        {
            ended = self.remover.give_up_offboarding(&request, error.too_old(), &attempt).await;
        }
        match ended {
            Ok(handled) => {
                let mark = async || self.remover.registry().mark_announced(&handled.request_id).await;
                self.bus.conclude(&handled.event, handled.announced, mark).await
            }
            Err(FlowError::Refused(refusal)) => self.bus.refuse(&refusal, message, invocation.now()).await,
            Err(error) => Verdict::of(error, Some(request.customer_id.to_string())),
        }
    }
}

impl Handler for OffboardCustomer {
    fn name(&self) -> &'static str {
        "offboard-customer"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        match &message.payload {
            Payload::Event(event) => self.offboard(event, &message, invocation).await,
            Payload::Object(_) | Payload::Rotation(_) => {
                let rule = "this function takes `CustomerOffboardingRequested`";
                let refusal = Refusal::new(ReasonCode::NotAnEvent, Violation::missing("type", rule));
                self.bus.refuse(&refusal, &message, invocation.now()).await
            }
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.bus.reject(unreadable, invocation.now()).await
    }
}
