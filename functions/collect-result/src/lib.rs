//! Waits for the analysis of a submitted document, keeps its result and tells of it.
//!
//! Two kinds of message come in, and both only say that it may be time to look:
//!
//! - a look, which `submit-document` sends first and each look that finds nothing sends again, later each time;
//! - the vendor's own notification, where the customer has one.
//!
//! The record says whose document it is and where its result is. It counts the looks, so that of two copies of
//! a look one goes on; and it takes one end, which is told under one id, whoever found it.

mod collect;
pub mod config;
mod found;
mod notification;
pub mod results;

use std::sync::Arc;
use std::time::Duration;

use access::Credentials;
use registry::{Documents, Looked, Standing};
use resistant::{Vendor, limits};
use runtime::{Bus, Handler, Invocation, Message, Payload, Report, Unreadable, Verdict};
use shared_core::document::{Document, DocumentId, State, outcome};
use shared_core::event::ReasonCode;
use shared_core::request::{Refusal, Violation};
use vault::Vault;

use collect::{Collector, Ended, Stop};
pub use config::Config;
use notification::{Asked, Finished};
use results::{Results, S3};

/// The least time between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

/// How often a notification is believed that comes before its result is there. After that a look finds it.
const EARLY: u32 = 5;

/// The function.
pub struct CollectResult {
    collector: Collector,
    bus: Bus,
}

/// What it works with.
pub struct Adapters {
    /// The documents.
    pub documents: Documents,
    /// The customers' credentials.
    pub vault: Vault,
    /// The vendor.
    pub vendor: Vendor,
    /// Where large results are kept.
    pub results: Arc<dyn Results>,
    /// Where ends are announced.
    pub bus: Bus,
}

impl CollectResult {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where no HTTP client can be built.
    pub fn new(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, resistant::NoClient> {
        let adapters = Adapters {
            documents: Documents::new(aws, &config.documents_table),
            vault: Vault::new(aws, config.secret_prefix.clone()),
            vendor: Vendor::new(config.endpoints.clone())?,
            results: Arc::new(S3::new(aws, &config.results_bucket, &config.bucket_owner)),
            bus: Bus::new(aws, &config.bus_name),
        };
        Ok(Self::over(adapters, config.cache))
    }

    /// The function over any other stores, which keeps a credential that long.
    pub fn over(adapters: Adapters, cache: Duration) -> Self {
        let Adapters { documents, vault, vendor, results, bus } = adapters;
        let credentials = Credentials::new(vault, vendor, cache);
        Self { collector: Collector { documents, credentials, results }, bus }
    }

    /// A look is gone on with by the message that moved the record's count, and by nobody else: a copy of it is
    /// dropped. One whose attempt broke after that is known by its receive count.
    async fn look(
        &self,
        id: &DocumentId,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Verdict, Stop> {
        let number = message.attempt;
        let looked = self.collector.documents.look(id, number).await?;
        if let Looked::Begun(standing) | Looked::Not(standing) = &looked {
            concerns(invocation, &standing.document);
        }
        match looked {
            Looked::Begun(standing) => self.go_on(&standing.document, message, invocation).await,
            Looked::Not(standing) if standing.document.state != State::Submitted => {
                self.tell(*standing).await
            }
            Looked::Not(standing) if standing.looks == number && message.receive_count > 1 => {
                self.go_on(&standing.document, message, invocation).await
            }
            Looked::Not(_) => Ok(done("nothing to do: another look goes on")),
            Looked::Unknown => Ok(done("nothing to do: the document is not known any more")),
        }
    }

    async fn go_on(
        &self,
        document: &Document,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Verdict, Stop> {
        match self.collector.collect(document, message, invocation).await? {
            Ended::Now(document) => self.tell(Standing { document: *document, looks: 0, told: false }).await,
            Ended::Before(standing) => self.tell(*standing).await,
            Ended::NotYet => Ok(Verdict::Defer {
                delay: BETWEEN_LOOKS,
                longest: limits::LONGEST_BETWEEN_LOOKS,
                group: document.customer_id.as_ref().map(ToString::to_string),
                reason: "there is no result yet".to_owned(),
            }),
        }
    }

    /// What the vendor tells is taken for a hint that it is time, if it tells of our submission.
    async fn finished(
        &self,
        told: &Finished,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Verdict, Stop> {
        let Some(standing) = self.collector.documents.standing(&told.document_id).await? else {
            return Ok(done("ignored: the document is not known"));
        };
        concerns(invocation, &standing.document);
        if standing.document.settled() {
            return self.tell(standing).await;
        }
        // Before it is recorded as submitted, its submission is somebody's work, and a look will follow.
        if standing.document.state != State::Submitted || !is_ours(&standing.document, told) {
            return Ok(done("ignored: it tells of no submission that is waited for"));
        }
        match self.collector.collect(&standing.document, message, invocation).await? {
            Ended::Now(document) => self.tell(Standing { document: *document, looks: 0, told: false }).await,
            Ended::Before(standing) => self.tell(*standing).await,
            Ended::NotYet if message.attempt < EARLY => Ok(Verdict::Defer {
                delay: BETWEEN_LOOKS,
                longest: limits::LONGEST_BETWEEN_LOOKS,
                group: standing.document.customer_id.as_ref().map(ToString::to_string),
                reason: "the vendor tells of a result that is not there".to_owned(),
            }),
            Ended::NotYet => Ok(done("nothing to do: a look will find the result")),
        }
    }

    /// Tells of the end of an analysis, unless that was done.
    async fn tell(&self, standing: Standing) -> Result<Verdict, Stop> {
        let Standing { document, told, .. } = standing;
        if document.state == State::Rejected {
            return Ok(done("nothing to do: the document was rejected"));
        }
        let event = outcome::event(&document).ok_or(Stop::Broken("a settled document that is incomplete"))?;
        let id = DocumentId::of(&document.source);
        let mark = async || self.collector.documents.mark_told(&id).await;
        Ok(self.bus.conclude(&event, told, mark).await)
    }

    async fn asked(&self, asked: Asked, message: &Message, invocation: &Invocation) -> Verdict {
        let ended = match &asked {
            Asked::Look(id) => self.look(id, message, invocation).await,
            Asked::Finished(told) => self.finished(told, message, invocation).await,
            Asked::NotOurs => Ok(done("ignored: the vendor tells of what was not submitted here")),
        };
        ended.unwrap_or_else(|stop| Verdict::of(stop, None))
    }

    async fn refuse(&self, message: &Message, invocation: &Invocation) -> Verdict {
        let rule =
            "this function takes looks at results and the vendor's `documents.….finished` notifications";
        let refusal = Refusal::new(ReasonCode::NotAnEvent, Violation::missing("type", rule));
        self.bus.refuse(&refusal, message, invocation.now()).await
    }
}

impl Handler for CollectResult {
    fn name(&self) -> &'static str {
        "collect-result"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        let asked = match &message.payload {
            Payload::Event(event) => notification::read(event),
            Payload::Object(_) | Payload::Rotation(_) => None,
        };
        match asked {
            Some(asked) => self.asked(asked, &message, invocation).await,
            None => self.refuse(&message, invocation).await,
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.bus.reject(unreadable, invocation.now()).await
    }
}

/// Whether a notification tells of the submission that the record waits for.
fn is_ours(document: &Document, told: &Finished) -> bool {
    document.submission.as_ref().is_some_and(|submission| {
        let same_tenant =
            submission.tenant_id.as_ref().is_none_or(|tenant| tenant.as_str() == told.tenant_id);
        same_tenant && submission.id.as_str() == told.submission_id
    })
}

/// The line at the end is about the customer; the document is its correlation id.
fn concerns(invocation: &Invocation, document: &Document) {
    if let Some(customer) = &document.customer_id {
        invocation.concerns(customer);
    }
}

fn done(outcome: &str) -> Verdict {
    Verdict::Done(Report::new(outcome))
}
