//! Everything outside the functions, as one value that can be copied, compared and gone back to.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_parts::secrets::Account;
use jiff::{SignedDuration, Timestamp};
use runtime::{Origin, Parcel};
use serde_json::{Value, json};
use shared_core::document::Source;
use shared_core::event::OutboundEvent;
use shared_core::ids::{CustomerId, RequestId};
use shared_core::place::Cell;

use crate::delivery::Work;
use crate::files::{BUCKET, Documents, File};
use crate::request::Request;
use crate::rotations::Rotating;
use crate::table::Table;
use crate::vendor::{Proof, Submission, Vendor};

/// How long after its beginning a message comes back that was not done with: longer than any lease.
pub const VISIBILITY: Duration = Duration::from_secs(70);

/// The world at one moment.
#[derive(Clone, Debug)]
pub struct World {
    /// The time.
    pub now: Timestamp,
    /// The vendor.
    pub vendor: Vendor,
    /// The registry's table.
    pub table: Table,
    /// The documents table.
    pub documents: Documents,
    /// The files that landed in the bucket, in order. A newer one of the same key and no version replaces it.
    pub files: Vec<File>,
    /// The results bucket: what is kept of each document that is too large for its record.
    pub results: BTreeMap<String, String>,
    /// Whether the bytes that are read next break off in the middle.
    pub(crate) cut: bool,
    /// The reports, and what is unfinished of one, by their keys.
    pub reports: BTreeMap<String, Vec<u8>>,
    /// How much waits in the dead-letter queues, by their URLs.
    pub dead_letters: BTreeMap<String, u64>,
    /// The vault's secrets.
    pub secrets: Account,
    /// Where else they are to be.
    pub(crate) replicas: &'static [&'static str],
    /// What waits in the functions' queues.
    pub queue: Vec<Queued>,
    /// Rotations that have not ended.
    pub rotating: Vec<Rotating>,
    /// What was announced, in order.
    pub bus: Vec<OutboundEvent>,
    /// Calls whose caller is gone and whose effect is still to come.
    pub landing: Vec<(Timestamp, Request)>,
    /// What was asked for, in order.
    pub asked: Vec<Asked>,
    /// Tenants and applications that are none of ours.
    pub strangers: Vec<(String, String)>,
    /// Whether somebody deleted something of ours at the vendor by hand.
    pub upstream_was_touched: bool,
    /// Whether an operator ended an overlap by force.
    pub forced: bool,
    /// Since when applications of living customers are named by no label.
    pub(crate) unnamed: BTreeMap<String, (CustomerId, Timestamp)>,
    /// Since when customers are being removed, for as long as they are.
    pub(crate) leaving_since: BTreeMap<CustomerId, Timestamp>,
    /// What must never be and was.
    pub broken: Vec<String>,
    /// How many rotations the schedule has begun.
    pub rotations: usize,
    /// What an operator asked for.
    pub operator: Option<String>,
    /// How often.
    pub operated: usize,
    /// How many keys were made.
    pub(crate) keys: usize,
    serial: u64,
}

/// Which function a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// `onboard-customer`
    Onboard,
    /// `offboard-customer`
    Offboard,
    /// `submit-document`
    Submit,
    /// `collect-result`
    Collect,
}

/// A request of the platform.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of whom.
    pub function: Function,
    /// Its id.
    pub request_id: RequestId,
    /// When the platform decided it.
    pub requested_at: Timestamp,
    /// About whom.
    pub customer_id: CustomerId,
    /// In which cells.
    pub cells: Vec<Cell>,
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Whose queue it is in.
    pub function: Function,
    /// Its id.
    pub id: u64,
    /// When it may be received.
    pub due: Timestamp,
    /// How often it was received.
    pub receives: u32,
    /// What it says and carries.
    pub parcel: Parcel,
}

/// What the platform asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The request's id.
    pub request: &'a str,
    /// About whom.
    pub customer: &'a str,
    /// The cells of an onboarding; none for an offboarding.
    pub cells: &'a [Cell],
    /// When the platform decided it, in hours from a day before the beginning.
    pub at_hour: i64,
    /// How the applications shall authenticate.
    pub authentication: &'a str,
    /// Whether an offboarding waits for open documents.
    pub drain: bool,
}

impl<'a> Ask<'a> {
    /// An onboarding.
    pub fn onboard(request: &'a str, customer: &'a str, cells: &'a [Cell], at_hour: i64) -> Self {
        Self { request, customer, cells, at_hour, authentication: "KEY_PAIR", drain: false }
    }

    /// An offboarding.
    pub fn offboard(request: &'a str, customer: &'a str, at_hour: i64) -> Self {
        Self::onboard(request, customer, &[], at_hour)
    }

    /// The same, and open documents are awaited.
    pub fn with_drain(self) -> Self {
        Self { drain: true, ..self }
    }

    /// The same with client secrets.
    pub fn with_client_secrets(self) -> Self {
        Self { authentication: "CLIENT_SECRET", ..self }
    }
}

impl World {
    /// The same, where secrets are to be replicated to these regions.
    #[must_use]
    pub(crate) fn with_replicas(self, replicas: &'static [&'static str]) -> Self {
        Self { replicas, ..self }
    }

    /// An empty world, but for a stranger's tenant at the vendor.
    pub fn new(now: Timestamp) -> Self {
        let mut vendor = Vendor::default();
        let stranger = vendor.stranger("strangers", now);
        Self {
            now,
            vendor,
            table: Table::default(),
            documents: Documents::default(),
            files: Vec::new(),
            results: BTreeMap::new(),
            cut: false,
            reports: BTreeMap::new(),
            dead_letters: BTreeMap::new(),
            secrets: Account::default(),
            replicas: &[],
            queue: Vec::new(),
            rotating: Vec::new(),
            bus: Vec::new(),
            landing: Vec::new(),
            asked: Vec::new(),
            strangers: vec![stranger],
            upstream_was_touched: false,
            forced: false,
            unnamed: BTreeMap::new(),
            leaving_since: BTreeMap::new(),
            broken: Vec::new(),
            rotations: 0,
            operator: None,
            operated: 0,
            keys: 0,
            serial: 0,
        }
    }

    /// Puts a message into a function's queue.
    pub fn send(&mut self, function: Function, parcel: Parcel) {
        self.serial += 1;
        let due = self.now + SignedDuration::from_secs(i64::from(parcel.delay_seconds));
        self.queue.push(Queued { function, id: self.serial, due, receives: 0, parcel });
    }

    /// A message that was done with is delivered once more all the same. Not where another that says the
    /// same waits already.
    pub fn send_again(&mut self, message: &Queued) -> bool {
        let waits = self.queue.iter().any(|waiting| waiting.parcel.body == message.parcel.body);
        if !waits {
            let visibility = SignedDuration::try_from(VISIBILITY).expect("a minute or so");
            self.queue.push(Queued { due: self.now + visibility, ..message.clone() });
        }
        !waits
    }

    /// The platform asks for something: the bus's rule puts it into the function's queue.
    pub fn ask(&mut self, asked: &Ask) {
        let Ask { request, customer, cells, at_hour, authentication, drain } = *asked;
        let function = if cells.is_empty() { Function::Offboard } else { Function::Onboard };
        let requested_at = crate::BEGINNING + SignedDuration::from_hours(at_hour - 24);
        let mut detail = json!({
            "type": "CustomerOnboardingRequested", "version": "1", "request_id": request,
            "requested_at": requested_at, "customer_id": customer, "cells": cells,
            "authentication": authentication, "actor": "platform", "reason": "signed"
        });
        if function == Function::Offboard {
            detail["type"] = "CustomerOffboardingRequested".into();
            detail["drain"] = drain.into();
        }
        self.put_on_the_bus(function, &detail);
    }

    /// A request is on the bus: its rule puts it into the function's queue.
    pub(crate) fn put_on_the_bus(&mut self, function: Function, detail: &Value) {
        let text = |field: &str| detail[field].as_str().unwrap_or_default();
        let event = json!({
            "version": "0", "id": detail["request_id"], "detail-type": detail["type"], "source": "platform",
            "account": "000000000000", "time": self.now, "region": "us-east-1", "resources": [],
            "detail": detail
        });
        let asked = Asked {
            function,
            request_id: text("request_id").parse().expect("a legal request id"),
            requested_at: text("requested_at").parse().expect("a time"),
            customer_id: text("customer_id").parse().expect("a legal customer id"),
            cells: serde_json::from_value(detail["cells"].clone()).unwrap_or_default(),
        };
        if !self.asked.iter().any(|before| before.request_id == asked.request_id) {
            self.asked.push(asked);
        }
        self.send_new(function, &event);
    }

    /// A file lands in the bucket: S3's event of it comes into the function's queue.
    pub fn put(&mut self, file: File) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
        let detail = json!({
            "version": "0", "bucket": {"name": BUCKET}, "reason": "PutObject", "requester": "platform",
            "object": {
                "key": file.key, "size": file.content.len(), "etag": file.etag(),
                "version-id": file.version, "sequencer": "1"
            }
        });
        let event = json!({
            "version": "0", "id": file.event_id(), "detail-type": "Object Created",
            "source": "aws.s3", "account": "000000000000", "time": self.now, "region": "us-east-1",
            "resources": [format!("arn:aws:s3:::{BUCKET}")], "detail": detail
        });
        self.send_new(Function::Submit, &event);
    }

    /// The vendor tells of an analysis that has finished, as often as it likes.
    pub fn notify(&mut self, submission: &Submission) {
        let event = json!({
            "type": "documents.analysis.fraud.finished", "version": "1", "tenant_id": submission.tenant,
            "payload": {
                "id": submission.id, "status": "SUCCESS", "analysis_time": self.now,
                "query_id": submission.query_id,
                "result_url": format!("https://elsewhere.example/v2/submission/{}/fraud", submission.id)
            }
        });
        self.send_new(Function::Collect, &event);
    }

    /// The file that is there now under a key and a version.
    pub(crate) fn object(&self, source: &Source) -> Option<File> {
        let mut newest = self.files.iter().rev();
        newest.find(|file| file.key == source.key && file.version == source.version_id.as_deref()).copied()
    }

    fn send_new(&mut self, function: Function, event: &Value) {
        self.send(
            function,
            Parcel {
                body: event.to_string(),
                first_seen: self.now,
                attempt: 1,
                delay_seconds: 0,
                not_before: None,
                group: None,
                origin: Origin::default(),
            },
        );
    }

    /// Somebody deletes a tenant of ours at the vendor, with all that it has.
    pub fn delete_upstream(&mut self, tenant: &str) {
        self.upstream_was_touched = true;
        self.vendor.delete_by_hand(tenant);
    }

    /// Somebody deletes an application of ours at the vendor.
    pub fn delete_application_upstream(&mut self, id: &str) {
        self.upstream_was_touched = true;
        self.vendor.delete_application_by_hand(id);
    }

    /// Somebody makes an application in our tenant, which is none of ours.
    pub fn intrude(&mut self, tenant: &str) {
        let proof = Proof::Key("an intruder's key".to_owned());
        let application = self.vendor.add_application(tenant, "us-1", proof, self.now);
        self.strangers.push((tenant.to_owned(), application));
    }

    /// A token that no other has.
    pub(crate) fn token(&mut self) -> String {
        self.serial += 1;
        format!("{:0>32}", self.serial)
    }

    /// When some work is due: now, where it is not said otherwise.
    pub(crate) fn due(&self, work: &Work) -> Timestamp {
        let due = match work {
            Work::Message(id) => self.queue.iter().find(|message| message.id == *id).map(|one| one.due),
            Work::Step(name) => self.rotating.iter().find(|one| one.name == *name).map(|one| one.due),
            Work::CleanUp | Work::Operator(_) | Work::Reconcile(_) => None,
        };
        due.unwrap_or(self.now).max(self.now)
    }

    /// Lets time pass, and land what is under way.
    pub fn pass_to(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        let now = self.now;
        self.landing.sort_by_key(|(at, _)| *at);
        while self.landing.first().is_some_and(|(at, _)| *at <= now) {
            let (at, request) = self.landing.remove(0);
            drop(self.vendor.answer(&request, at));
        }
        self.vendor.forget(now);
    }

    /// The moment at which nothing is on its way any more but messages.
    pub fn landed(&self) -> Timestamp {
        self.landing.iter().map(|(at, _)| *at).max().unwrap_or(self.now)
    }
}
