//! The clean-up: deletes the applications that no secret names any more, once their overlap has passed. And
//! the [`doctor`], which answers first.
//!
//! The clean-up is called on a schedule. What it does at a customer is [`lifecycle::Remover::clean_up`]; here the
//! customers are found that have something to be cleaned up. What it does not get to, the next call does.

pub mod config;
pub mod doctor;

use std::time::Duration;

use lifecycle::{CleanedUp, ConnectError, FlowError, Remover};
use registry::{Listed, RegistryError};
use runtime::{Bus, Handler, Invocation, Message, Payload, Report, Unreadable, Verdict};
use serde_json::json;
use shared_core::event::ReasonCode;
use shared_core::ids::CustomerId;
use shared_core::request::{Refusal, Violation};

pub use config::Config;
pub use doctor::Desk;

/// How long one customer may take, and no longer is its lease held by a clean-up that was killed.
const TURN: Duration = Duration::from_secs(60);

/// With less time than this left, no customer is begun.
const NEEDED: Duration = Duration::from_secs(15);

/// The function.
pub struct ReconcileTenants {
    remover: Remover,
    bus: Bus,
}

/// What a clean-up came to.
#[derive(Debug, Default)]
struct Tally {
    deleted: usize,
    retiring: usize,
    /// Customers that another invocation works on.
    busy: usize,
    failed: Vec<CustomerId>,
    /// Customers that the time did not suffice for.
    left: usize,
}

impl ReconcileTenants {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where the organization's credential cannot be had.
    pub async fn connect(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, ConnectError> {
        let (_, remover) = config.deployment.connect(aws, &config.rules).await?;
        Ok(Self::new(remover, Bus::new(aws, &config.deployment.bus_name)))
    }

    /// The function over what it works with.
    pub fn new(remover: Remover, bus: Bus) -> Self {
        Self { remover, bus }
    }

    async fn clean_up(&self, message: &Message, invocation: &Invocation) -> Result<Tally, RegistryError> {
        let mut tally = Tally::default();
        for customer in self.crowded().await? {
            if !invocation.deadline.allows(NEEDED) {
                tally.left += 1;
                continue;
            }
            let attempt = invocation.turn(message, TURN);
            tally.count(
                customer.customer_id.clone(),
                self.remover.clean_up(&customer.customer_id, &attempt).await,
            );
        }
        Ok(tally)
    }

    /// The customers with more applications than their secrets can name.
    async fn crowded(&self) -> Result<Vec<Listed>, RegistryError> {
        let (mut crowded, mut after) = (Vec::new(), None);
        loop {
            let page = self.remover.registry().list(after.as_ref()).await?;
            after = page.customers.last().map(|last| last.customer_id.clone());
            crowded.extend(page.customers.into_iter().filter(|customer| customer.spare > 0));
            if !page.more || after.is_none() {
                return Ok(crowded);
            }
        }
    }
}

impl Tally {
    fn count(&mut self, customer_id: CustomerId, cleaned: Result<CleanedUp, FlowError>) {
        match cleaned {
            Ok(CleanedUp { deleted, retiring }) => {
                self.deleted += deleted.len();
                self.retiring += retiring.len();
            }
            Err(FlowError::NotYet { .. }) => self.busy += 1,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, customer = %customer_id, "The customer was not cleaned up.");
                self.failed.push(customer_id);
            }
        }
    }

    fn verdict(self) -> Verdict {
        let Self { deleted, retiring, busy, failed, left } = self;
        if !failed.is_empty() {
            let failed: Vec<&str> = failed.iter().map(CustomerId::as_str).collect();
            return Verdict::Retry(format!("{} could not be cleaned up", failed.join(", ")).into());
        }
        let detail = json!({"deleted": deleted, "retiring": retiring, "busy": busy, "left": left});
        Verdict::Done(Report::new("cleaned up").with(detail))
    }
}

impl Handler for ReconcileTenants {
    fn name(&self) -> &'static str {
        "reconcile-tenants"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        match &message.payload {
            Payload::Event(_) => match self.clean_up(&message, invocation).await {
                Ok(tally) => tally.verdict(),
                Err(error) => Verdict::of(error, None),
            },
            Payload::Object(_) | Payload::Rotation(_) => {
                let rule = "this function is called by a schedule";
                let refusal = Refusal::new(ReasonCode::NotAnEvent, Violation::missing("type", rule));
                self.bus.refuse(&refusal, &message, invocation.now()).await
            }
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.bus.reject(unreadable, invocation.now()).await
    }
}
