//! Creates a customer's tenant, and for each cell an application, its secret and its rotation.
//!
//! The flow itself is [`lifecycle::Provider::onboard`]; here the message is read, checked against
//! what this deployment serves, and its outcome announced.

pub mod config;

use lifecycle::{ConnectError, FlowError, Provider, Terms};
use registry::Documents;
use runtime::{Bus, Handler, Invocation, Message, Payload, Unreadable, Verdict};
use serde_json::Value;
use shared_core::event::ReasonCode;
use shared_core::place::Cell;
use shared_core::request::{OnboardingRequest, Refusal, Violation};
use vault::Sealer;

pub use config::Config;

/// The function.
pub struct OnboardCustomer {
    provider: Provider,
    terms: Terms,
    cells: Vec<Cell>,
    bus: Bus,
}

impl OnboardCustomer {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where the organization's credential cannot be had.
    pub async fn connect(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, ConnectError> {
        let (vendor, remover) = config.deployment.connect(aws, &config.rules).await?;
        let remover = remover
            .with_secrets_key(&config.secrets_key_id)
            .with_replicas(&config.replica_regions)
            .with_documents(Documents::new(aws, &config.documents_table));
        let sealer = Sealer::new(aws, &config.sealing_key_id);
        let provider = Provider::new(remover, vendor, sealer).with_schedule(config.schedule.clone());
        let bus = Bus::new(aws, &config.deployment.bus_name);
        Ok(Self::new(provider, config.terms.clone(), config.cells.clone(), bus))
    }

    /// The function over what it works with, serving these cells.
    pub fn new(provider: Provider, terms: Terms, cells: Vec<Cell>, bus: Bus) -> Self {
        Self { provider, terms, cells, bus }
    }

    async fn onboard(&self, event: &Value, message: &Message, invocation: &Invocation) -> Verdict {
        let request = match self.read(event) {
            Ok(request) => request,
            Err(refusal) => return self.bus.refuse(&refusal, message, invocation.now()).await,
        };
        invocation.concerns(&request.customer_id);
        let attempt = invocation.attempt(message);
        let mut ended = self.provider.onboard(&request, &self.terms, &attempt).await;
        if let Err(error) = &ended
            && error.is_too_old(message.age(invocation.now()), message.attempt)
        {
            ended = self.provider.give_up_onboarding(&request, error.too_old(), &attempt).await;
        }
        match ended {
            Ok(handled) => {
                let mark = async || self.provider.registry().mark_announced(&handled.request_id).await;
                self.bus.conclude(&handled.event, handled.announced, mark).await
            }
            Err(FlowError::Refused(refusal)) => self.bus.refuse(&refusal, message, invocation.now()).await,
            Err(error) => Verdict::of(error, Some(request.customer_id.to_string())),
        }
    }

    /// The request, if this deployment serves every cell that it names.
    fn read(&self, event: &Value) -> Result<OnboardingRequest, Refusal> {
        let request = OnboardingRequest::parse(event)?;
        match request.cells.iter().find(|cell| !self.cells.contains(cell)) {
            None => Ok(request),
            Some(foreign) => {
                let served = self.cells.iter().map(|cell| cell.as_str()).collect::<Vec<_>>().join("`, `");
                let rule = format!("one of the cells that this deployment serves: `{served}`");
                let violation = Violation::of_text("cells", foreign.as_str(), &rule);
                Err(Refusal::new(ReasonCode::CellNotAllowed, violation)
                    .about(Some(request.request_id), Some(request.customer_id)))
            }
        }
    }
}

impl Handler for OnboardCustomer {
    fn name(&self) -> &'static str {
        "onboard-customer"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        match &message.payload {
            Payload::Event(event) => self.onboard(event, &message, invocation).await,
            Payload::Object(_) | Payload::Rotation(_) => {
                let rule = "this function takes `CustomerOnboardingRequested`";
                let refusal = Refusal::new(ReasonCode::NotAnEvent, Violation::missing("type", rule));
                self.bus.refuse(&refusal, &message, invocation.now()).await
            }
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.bus.reject(unreadable, invocation.now()).await
    }
}
