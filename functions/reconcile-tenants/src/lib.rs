//! What keeps the vendor and the record at one: the clean-up, every hour, and the reconciliation, every day; and
//! what operators ask of the registry.
//!
//! | what comes | what is done | module |
//! |---|---|---|
//! | an event of the hourly schedule, which says nothing | replaced applications are deleted whose overlap has passed; a reconciliation that is unfinished goes on | `clean_up` |
//! | `ReconciliationRequested`, of the daily schedule or by hand | what the vendor holds is compared with what is recorded, and reported or repaired | [`reconcile`] |
//! | an operator's request | customers are listed, shown and paused, failed requests are asked for again | `operator` |
//! | `DoctorRequested` | the whole deployment is looked over; it is answered before all else | [`doctor`] |

mod clean_up;
pub mod config;
pub mod doctor;
mod operator;
pub mod reconcile;

use std::sync::Arc;

use lifecycle::ConnectError;
use registry::Documents;
use runtime::{Bus, Handler, Invocation, Message, Payload, Queues, Unreadable, Verdict};
use serde_json::Value;
use shared_core::event::ReasonCode;
use shared_core::request::{ReconciliationRequest, Refusal, Violation};

pub use config::Config;
pub use doctor::Desk;
pub use reconcile::Reconciler;
use reconcile::reports::S3;

/// The function.
pub struct ReconcileTenants {
    reconciler: Reconciler,
}

impl ReconcileTenants {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where the organization's credential cannot be had.
    pub async fn connect(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, ConnectError> {
        let (vendor, remover) = config.deployment.connect(aws, &config.rules).await?;
        let reports = S3::new(aws, &config.terms.reports_bucket, &config.bucket_owner);
        Ok(Self::new(Reconciler {
            remover,
            documents: Documents::new(aws, &config.documents_table),
            vendor,
            bus: Bus::new(aws, &config.deployment.bus_name),
            reports: Arc::new(reports),
            backlog: Arc::new(Queues::new(aws)),
            terms: config.terms.clone(),
        }))
    }

    /// The function over what it works with.
    pub fn new(reconciler: Reconciler) -> Self {
        Self { reconciler }
    }

    /// The clean-up, and then what is unfinished of a reconciliation. What fails first is told.
    async fn scheduled(&self, message: &Message, invocation: &Invocation) -> Verdict {
        let cleaned = clean_up::run(&self.reconciler.remover, message, invocation).await;
        let went_on = self.reconciler.unfinished(message, invocation).await;
        match (cleaned, went_on) {
            (Verdict::Done(cleaned), Some(Verdict::Done(went_on))) => {
                let mut detail = cleaned.detail.clone();
                detail["reconciliation"] = went_on.detail.clone();
                Verdict::Done(cleaned.with(detail))
            }
            (Verdict::Done(_), Some(went_on)) => went_on,
            (cleaned, _) => cleaned,
        }
    }

    async fn refuse(&self, message: &Message, invocation: &Invocation) -> Verdict {
        let rule = "this function is called by a schedule, and by operators";
        let violation = Violation::new("type", &Value::from(message.kind()), rule);
        let refusal = Refusal::new(ReasonCode::NotAnEvent, violation);
        self.reconciler.bus.refuse(&refusal, message, invocation.now()).await
    }
}

impl Handler for ReconcileTenants {
    fn name(&self) -> &'static str {
        "reconcile-tenants"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        let Payload::Event(said) = &message.payload else {
            return self.refuse(&message, invocation).await;
        };
        match said.get("type") {
            None => self.scheduled(&message, invocation).await,
            Some(kind) if kind == ReconciliationRequest::TYPE => {
                self.reconciler.asked(&message, invocation).await
            }
            Some(_) => self.operate(said, &message, invocation).await,
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.reconciler.bus.reject(unreadable, invocation.now()).await
    }
}
