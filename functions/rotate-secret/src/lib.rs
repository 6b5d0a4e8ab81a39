//! The Secrets Manager rotation of one credential, one step a call; and what operators ask of it.
//!
//! The steps themselves are in [`lifecycle::Provider`]. Secrets Manager calls directly and repeats
//! what fails, and an operator sees the answer, so nothing is deferred here: what cannot be done now is an
//! error that says why.

pub mod config;

use lifecycle::{Asked, ConnectError, FlowError, Provider, Rotation};
use runtime::{Bus, Handler, Invocation, Message, Payload, Report, RotationStep, Unreadable, Verdict};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared_core::attempt::Attempt;
use shared_core::event::{OutboundEvent, ReasonCode};
use shared_core::request::{Refusal, RollBackRequest, RotationRequest, Violation};
use vault::{RotationToken, Sealer, VersionId};

pub use config::Config;

/// The function.
pub struct RotateSecret {
    provider: Provider,
    bus: Bus,
}

impl RotateSecret {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where the organization's credential cannot be had.
    pub async fn connect(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, ConnectError> {
        let (vendor, remover) = config.deployment.connect(aws, &config.rules).await?;
        let sealer = Sealer::new(aws, &config.sealing_key_id);
        Ok(Self::new(Provider::new(remover, vendor, sealer), Bus::new(aws, &config.deployment.bus_name)))
    }

    /// The function over what it works with.
    pub fn new(provider: Provider, bus: Bus) -> Self {
        Self { provider, bus }
    }

    async fn step(
        &self,
        step: RotationStep,
        rotation: &Rotation,
        attempt: &Attempt,
        invocation: &Invocation,
    ) -> Result<Verdict, FlowError> {
        match step {
            RotationStep::CreateSecret => self.provider.create_secret(rotation, attempt).await?,
            RotationStep::SetSecret => self.provider.set_secret(rotation, attempt).await?,
            RotationStep::TestSecret => self.provider.test_secret(rotation, attempt).await?,
            RotationStep::FinishSecret => {
                let rotated = self.provider.finish_secret(rotation, attempt).await?;
                let event = OutboundEvent::new(rotated.event, invocation.now());
                if let Err(error) = self.bus.announce(&event).await {
                    return Ok(Verdict::of(error, None));
                }
            }
        }
        Ok(Verdict::Done(Report::new(step.as_str())))
    }

    /// What an operator asks for.
    async fn operate(&self, said: &Value, message: &Message, invocation: &Invocation) -> Verdict {
        let attempt = invocation.attempt(message);
        let asked = match message.kind() {
            RollBackRequest::TYPE => self.roll_back(said, &attempt, invocation).await,
            _ => self.rotate_now(said, &attempt, invocation).await,
        };
        match asked {
            Ok(verdict) => verdict,
            Err(FlowError::Refused(refusal)) => self.bus.refuse(&refusal, message, invocation.now()).await,
            Err(error) => Verdict::of(error, None),
        }
    }

    async fn rotate_now(
        &self,
        said: &Value,
        attempt: &Attempt,
        invocation: &Invocation,
    ) -> Result<Verdict, FlowError> {
        let request = RotationRequest::parse(said).map_err(FlowError::Refused)?;
        invocation.concerns(&request.customer_id);
        let outcome = match self.provider.rotate_now(&request, attempt).await? {
            Asked::Begun => "rotation begun",
            Asked::UnderWay => "rotation under way",
            Asked::Complete => "rotation complete",
        };
        let detail = json!({"version_id": VersionId::of_request(&request.request_id).as_str()});
        Ok(Verdict::Done(Report::new(outcome).with(detail)))
    }

    async fn roll_back(
        &self,
        said: &Value,
        attempt: &Attempt,
        invocation: &Invocation,
    ) -> Result<Verdict, FlowError> {
        let request = RollBackRequest::parse(said).map_err(FlowError::Refused)?;
        invocation.concerns(&request.customer_id);
        let handled = self.provider.roll_back(&request, attempt).await?;
        let mark = async || self.provider.registry().mark_announced(&handled.request_id).await;
        Ok(self.bus.conclude(&handled.event, handled.announced, mark).await)
    }
}

impl Handler for RotateSecret {
    fn name(&self) -> &'static str {
        "rotate-secret"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        let event = match &message.payload {
            Payload::Rotation(event) => event,
            Payload::Event(said) => return self.operate(said, &message, invocation).await,
            Payload::Object(_) => {
                let rule = "this function takes Secrets Manager's rotation events";
                let refusal = Refusal::new(ReasonCode::NotAnEvent, Violation::missing("Step", rule));
                return self.bus.refuse(&refusal, &message, invocation.now()).await;
            }
        };
        invocation.concerns(&event.secret_id);
        let token = event.rotation_token.as_ref().map(|token| token.expose_secret().to_owned());
        let rotation = Rotation {
            secret_id: event.secret_id.clone(),
            version: VersionId::from(event.client_request_token.as_str()),
            token: token.map(RotationToken::from),
        };
        let attempt = invocation.attempt(&message);
        match self.step(event.step, &rotation, &attempt, invocation).await {
            Ok(verdict) => verdict,
            Err(error) => Verdict::of(error, None),
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.bus.reject(unreadable, invocation.now()).await
    }
}
