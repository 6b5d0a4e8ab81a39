//! Who is called first: the doctor answers also where the function cannot work.

use aws_config::SdkConfig;
use lifecycle::ConnectError;
use runtime::environment::{Environment, Misconfigured};
use runtime::{BoxError, Handler, Invocation, Message, Payload, Report, Unreadable, Verdict};
use serde_json::{Value, json};
use shared_core::request::DoctorRequest;
use tokio::sync::OnceCell;

use super::{Doctor, Premises, answer, outcome};
use crate::{Config, ReconcileTenants};

/// The function as it is deployed. It always starts: a doctor that cannot start diagnoses nothing. What else it
/// is asked for connects at first, and is answered with the error where that fails.
pub struct Desk {
    doctor: Doctor,
    config: Result<Config, Misconfigured>,
    aws: SdkConfig,
    work: OnceCell<ReconcileTenants>,
}

/// Why the function cannot work.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    /// A variable is missing or malformed.
    #[error("{0}")]
    Misconfigured(String),
    /// There is no way to the vendor's control plane. It is tried again with the next call.
    #[error("the function cannot connect")]
    Unconnected(#[from] ConnectError),
}

impl Desk {
    /// The function in this environment.
    pub fn new(environment: &Environment, aws: SdkConfig) -> Self {
        let doctor = Doctor::new(Premises::read(environment), aws.clone());
        Self { doctor, config: Config::read(environment), aws, work: OnceCell::new() }
    }

    async fn work(&self) -> Result<&ReconcileTenants, Unfit> {
        let config = self.config.as_ref().map_err(|error| Unfit::Misconfigured(error.to_string()))?;
        Ok(self.work.get_or_try_init(|| ReconcileTenants::connect(config, &self.aws)).await?)
    }

    /// Refusals are answered and not announced: the doctor must work also where the bus does not.
    async fn consult(&self, said: &Value, invocation: &Invocation) -> Verdict {
        let request = match DoctorRequest::parse(said) {
            Ok(request) => request,
            Err(refusal) => {
                let detail =
                    json!({ "reason_code": refusal.reason_code, "explanation": refusal.explanation() });
                return Verdict::Rejected(Report::new(refusal.reason_code.as_str()).with(detail));
            }
        };
        if let Some(customer_id) = &request.customer_id {
            invocation.concerns(customer_id);
        }
        tracing::info!(
            request_id = %request.request_id,
            actor = %request.actor,
            reason = %request.reason,
            "The doctor was called."
        );
        let checks = self.doctor.examine(&request, invocation.deadline.instant(), || invocation.now()).await;
        Verdict::Done(Report::new(outcome(&checks)).with(answer(&checks)))
    }
}

impl Handler for Desk {
    fn name(&self) -> &'static str {
        "reconcile-tenants"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        if let Payload::Event(said) = &message.payload
            && message.kind() == DoctorRequest::TYPE
        {
            return self.consult(said, invocation).await;
        }
        match self.work().await {
            Ok(work) => work.handle(message, invocation).await,
            Err(error) => Verdict::Retry(BoxError::from(error)),
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        match self.work().await {
            Ok(work) => work.reject(unreadable, invocation).await,
            Err(error) => Verdict::Retry(BoxError::from(error)),
        }
    }
}
