//! Submits a file from S3 once, under its customer's tenant, in its cell.
//!
//! One message is one object. The way of a document:
//!
//! 1. the object's key names the customer, and the claim says whether anything is left to do;
//! 2. the customer's record says whether it may submit, and in which cell;
//! 3. the customer's own credential opens the cell's Documents API;
//! 4. the object is opened, which tells its size and what its metadata and tags ask for;
//! 5. a submission is created and recorded, the bytes pass through, the characteristics follow;
//! 6. what became of it is recorded; a first look at its result is sent ahead, and the submission announced.

pub mod checksum;
pub mod config;
mod customers;
mod describe;
mod doubt;
mod metadata;
mod object;
mod outcome;
mod permits;
pub mod storage;
mod submit;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use access::Credentials;
use registry::{Claimed, Documents, Registry};
use resistant::Vendor;
use runtime::{
    Bus, Deferral, Handler, Invocation, Message, ObjectCreated, Payload, Postpone, Unreadable, Verdict,
};
use shared_core::document::{Document, DocumentId, Source, customer_of};
use vault::Vault;

pub use config::Config;
use customers::Customers;
pub use metadata::Defaults;
use object::Objects;
use permits::Permits;
use storage::{S3, Storage};
use submit::{Stop, Submitter};
pub use waiting::FirstLook;

/// The function.
pub struct SubmitDocument {
    submitter: Submitter,
    bus: Bus,
    looks: Arc<dyn Postpone>,
    bucket: String,
    first_look: FirstLook,
}

/// What it works with.
pub struct Adapters {
    /// The customers.
    pub registry: Registry,
    /// The documents.
    pub documents: Documents,
    /// The customers' credentials.
    pub vault: Vault,
    /// The vendor.
    pub vendor: Vendor,
    /// The objects.
    pub storage: Arc<dyn Storage>,
    /// Where ends are announced.
    pub bus: Bus,
    /// The queue of those that look for results.
    pub looks: Arc<dyn Postpone>,
}

/// What it keeps to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The one bucket whose objects are submitted.
    pub bucket: String,
    /// How long a credential and a customer are kept.
    pub cache: Duration,
    /// What is asked for where an object does not say.
    pub defaults: Defaults,
    /// When its result is looked for first.
    pub first_look: FirstLook,
}

impl SubmitDocument {
    /// Connects it to AWS and the vendor.
    ///
    /// # Errors
    /// Where no HTTP client can be built.
    pub fn new(config: &Config, aws: &aws_config::SdkConfig) -> Result<Self, resistant::NoClient> {
        let adapters = Adapters {
            registry: Registry::new(aws, &config.customers_table),
            documents: Documents::new(aws, &config.documents_table),
            vault: Vault::new(aws, config.secret_prefix.clone()),
            vendor: Vendor::new(config.endpoints.clone())?,
            storage: Arc::new(S3::new(aws, &config.bucket_owner)),
            bus: Bus::new(aws, &config.bus_name),
            looks: Arc::new(Deferral::new(aws, &config.results_queue_url)),
        };
        let Config { bucket, cache, defaults, first_look, .. } = config;
        let (bucket, first_look) = (bucket.clone(), first_look.clone());
        Ok(Self::over(adapters, Terms { bucket, cache: *cache, defaults: *defaults, first_look }))
    }

    /// The function over any other stores.
    pub fn over(adapters: Adapters, terms: Terms) -> Self {
        let Adapters { registry, documents, vault, vendor, storage, bus, looks } = adapters;
        Self {
            submitter: Submitter {
                documents,
                customers: Customers::new(registry, terms.cache),
                credentials: Credentials::new(vault, vendor, terms.cache),
                objects: Objects::new(storage, terms.defaults),
                permits: Permits::default(),
            },
            bus,
            looks,
            bucket: terms.bucket,
            first_look: terms.first_look,
        }
    }

    async fn object(&self, object: &ObjectCreated, message: &Message, invocation: &Invocation) -> Verdict {
        if is_folder_marker(object) {
            return outcome::ignored();
        }
        if object.bucket != self.bucket {
            return self
                .bus
                .reject(outcome::wrong_bucket(object, message, &self.bucket), invocation.now())
                .await;
        }
        let source = object.source();
        let group = customer_of(&object.key).ok().map(|customer| customer.to_string());
        if let Some(customer) = &group {
            invocation.concerns(customer);
        }
        match self.submit(&source, message, invocation).await {
            Ok(verdict) => verdict,
            Err(stop) => stop.verdict(group),
        }
    }

    async fn submit(
        &self,
        source: &Source,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Verdict, Stop> {
        // A first delivery has nothing under way at the vendor, and without a permit it costs no call.
        // Later ones may have, which only the record tells.
        if message.attempt == 1
            && message.receive_count == 1
            && let Ok(customer) = customer_of(&source.key)
        {
            self.submitter.permits.look(&customer, invocation.now())?;
        }
        let documents = &self.submitter.documents;
        let (owner, until) = (invocation.owner(), invocation.deadline.lease_until());
        match documents.claim(source, &owner, invocation.now(), until).await? {
            Claimed::Busy { until } => Err(Stop::busy(invocation.now(), until)),
            Claimed::Ended { document, announced } => {
                self.conclude(&document, announced, message, invocation).await
            }
            Claimed::Mine(claim, document) => {
                let ended = self.submitter.work(&claim, *document, message, invocation).await;
                match ended {
                    Ok(document) => self.conclude(&document, false, message, invocation).await,
                    Err(stop) => {
                        self.submitter.release(claim).await;
                        Err(stop)
                    }
                }
            }
        }
    }

    /// Has the result of a submitted document looked for, then tells of the submission, unless both was done.
    async fn conclude(
        &self,
        document: &Document,
        announced: bool,
        message: &Message,
        invocation: &Invocation,
    ) -> Result<Verdict, Stop> {
        let event = outcome::event(document, message)?;
        if !announced {
            waiting::begin(&*self.looks, document, &self.first_look, invocation.now()).await?;
        }
        let id = DocumentId::of(&document.source);
        let mark = async || self.submitter.documents.mark_announced(&id).await;
        Ok(self.bus.conclude(&event, announced, mark).await)
    }
}

impl Handler for SubmitDocument {
    fn name(&self) -> &'static str {
        "submit-document"
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        match &message.payload {
            Payload::Object(object) => self.object(object, &message, invocation).await,
            Payload::Event(_) | Payload::Rotation(_) => {
                self.bus.reject(outcome::not_an_object(&message), invocation.now()).await
            }
        }
    }

    async fn reject(&self, unreadable: Unreadable, invocation: &Invocation) -> Verdict {
        self.bus.reject(unreadable, invocation.now()).await
    }
}

/// Consoles make "folders" by empty objects whose keys end with a slash.
fn is_folder_marker(object: &ObjectCreated) -> bool {
    object.key.ends_with('/') && object.size_bytes == Some(0)
}
