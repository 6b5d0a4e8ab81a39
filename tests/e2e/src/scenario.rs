//! What each function is for, as a run that can be struck, and the laws that hold afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_parts::secrets::{Cause, End};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared_core::customer::Phase;

use crate::messages::{notification, offboarding, on_the_bus, onboarding};
use crate::objects::Said;
use crate::world::{BUCKET, World};

/// One function's work for one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A customer with two cells comes.
    Onboard,
    /// It goes.
    Offboard,
    /// Its credential is replaced.
    Rotate,
    /// A file of it is submitted.
    Submit,
    /// A file of it is submitted, of which its metadata says something.
    Describe,
}

/// All of them.
pub const ALL: [Scenario; 5] =
    [Scenario::Onboard, Scenario::Offboard, Scenario::Rotate, Scenario::Submit, Scenario::Describe];

const CELLS: [&str; 2] = ["eu-1", "us-1"];
const DOCUMENT: &[u8] = b"%PDF-1.7 a document that must arrive whole, and once";

impl Scenario {
    /// The function at work.
    pub fn function(self) -> &'static str {
        match self {
            Self::Onboard => "onboard-customer",
            Self::Offboard => "offboard-customer",
            Self::Rotate => "rotate-secret",
            Self::Submit | Self::Describe => "submit-document",
        }
    }

    /// Brings about what the run begins from, without a fault.
    pub async fn prepare(self, world: &World, customer: &str) {
        if self != Self::Onboard {
            let request = onboarding(&format!("on-{customer}"), customer, &CELLS);
            world.settle_at_any_price("onboard-customer", &on_the_bus(&request).to_string()).await;
            world.secrets.rotations_ended().await;
        }
        match self {
            Self::Submit => drop(world.objects.put(BUCKET, &key(customer), DOCUMENT)),
            // One of each: metadata comes with the object, tags by a call of their own.
            Self::Describe => {
                let said =
                    Said::new(&[("resistant-case-id", "case-1")], &[("resistant-pipeline", "QUALITY_ONLY")]);
                drop(world.objects.put_with(BUCKET, &key(customer), DOCUMENT, said));
            }
            Self::Onboard | Self::Offboard | Self::Rotate => {}
        }
    }

    /// Ends the function's processes, as a crash or a scale-in does.
    pub fn kill(self, world: &World) {
        if let Some(function) = world.lambda.function(self.function()) {
            function.kill();
        }
    }

    /// Delivers until the function answers: one that was just killed may not have noticed yet.
    pub async fn run_once(self, world: &World, customer: &str) {
        if self == Self::Rotate {
            return world.rotate(&secret(customer)).await;
        }
        for _ in 0..5 {
            if world.deliver(self.function(), &self.message(customer), &BTreeMap::new()).await.is_ok() {
                return;
            }
        }
        panic!("{} does not answer: {:?}", self.function(), world.log(self.function()));
    }

    /// Delivers until it is done with, as a queue or Secrets Manager would.
    pub async fn run(self, world: &World, customer: &str) {
        match self {
            Self::Rotate => self.rotate_until_done(world, &secret(customer)).await,
            _ => world.settle_at_any_price(self.function(), &self.message(customer)).await,
        }
    }

    /// The laws, after the run.
    pub async fn hold_against_the_laws(self, world: &World, customer: &str, said: &str) {
        match self {
            Self::Onboard => {
                one_end(world, customer, &["CustomerOnboarded", "CustomerOnboardingFailed"], said)
            }
            Self::Offboard => one_end(world, customer, &["CustomerOffboarded"], said),
            Self::Rotate => one_end(world, customer, &["SecretRotated"], said),
            Self::Submit | Self::Describe => one_end(world, customer, &["DocumentSubmitted"], said),
        }
        self.the_record_has_ended(world, customer, said).await;
        self.nothing_is_left_over(world, customer, said).await;
        self.readers_are_served(world, customer, said).await;
        match self {
            Self::Submit => submitted_once_and_whole(world, customer, "FRAUD_ONLY", None, said),
            Self::Describe => {
                let told = json!({ "customer_case_id": "case-1" });
                submitted_once_and_whole(world, customer, "QUALITY_ONLY", Some(told), said);
            }
            Self::Onboard | Self::Offboard | Self::Rotate => {}
        }
        // What the next run would otherwise meet.
        let gone = offboarding(&format!("clean-{customer}"), customer);
        world.settle_at_any_price("offboard-customer", &on_the_bus(&gone).to_string()).await;
        let audit = world.vendor.vendor().audit();
        assert!(audit.tenants.is_empty() && audit.applications.is_empty(), "{said}: {audit:?}");
    }

    fn message(self, customer: &str) -> String {
        match self {
            Self::Onboard => on_the_bus(&onboarding(&format!("on-{customer}"), customer, &CELLS)).to_string(),
            Self::Offboard => on_the_bus(&offboarding(&format!("off-{customer}"), customer)).to_string(),
            Self::Submit | Self::Describe => {
                notification(&key(customer), "v1", DOCUMENT.len() as u64).to_string()
            }
            Self::Rotate => unreachable!("Secrets Manager calls directly"),
        }
    }

    async fn rotate_until_done(self, world: &World, name: &str) {
        for _ in 0..40 {
            let rotations = world.secrets.rotations();
            match rotations
                .iter()
                .rev()
                .find(|rotation| rotation.name == name && rotation.cause != Cause::Preflight)
            {
                Some(last) if last.end == Some(End::Succeeded) => return,
                Some(_) => drop(world.secrets.retry_rotation(name).await),
                None => world.rotate(name).await,
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        panic!("{name} cannot be rotated: {:?}", world.secrets.rotations().last());
    }

    /// The record is where the last request wanted it, and nobody works on it any more.
    async fn the_record_has_ended(self, world: &World, customer: &str, said: &str) {
        let id = customer.parse().expect("a legal customer id");
        let record = world.registry.customer(&id).await.expect("a readable record");
        let ended = match self {
            Self::Onboard if failed(world, customer) => Phase::Failed,
            Self::Onboard | Self::Rotate | Self::Submit | Self::Describe => Phase::Active,
            Self::Offboard => Phase::Offboarded,
        };
        assert!(record.phase == ended && record.work.is_none(), "{said}: {record:?}");
    }

    /// The vendor holds what is recorded, and nothing else.
    async fn nothing_is_left_over(self, world: &World, customer: &str, said: &str) {
        let audit = world.vendor.vendor().audit();
        let cells = CELLS.len();
        let (tenants, applications) = match self {
            Self::Offboard => (0, 0..=0),
            // The overlap is 0 here: a repeated step may find the replaced application due already.
            Self::Rotate => (1, cells..=cells + 1),
            Self::Onboard if failed(world, customer) => (0, 0..=0),
            Self::Onboard | Self::Submit | Self::Describe => (1, cells..=cells),
        };
        let held = applications.contains(&audit.applications.len());
        assert!(audit.tenants.len() == tenants && held, "{said}: {audit:?}");
    }

    /// Whoever reads AWSCURRENT gets a credential of an application that lives.
    async fn readers_are_served(self, world: &World, customer: &str, said: &str) {
        for cell in CELLS {
            let name = format!("resistant/{customer}/{cell}/credential");
            if self == Self::Offboard || (self == Self::Onboard && failed(world, customer)) {
                let state = world.secrets.secret(&name);
                assert!(state.is_none_or(|state| state.deletion.is_some()), "{said}: {name} is left over");
                continue;
            }
            let value =
                world.secrets.reveal(&name, "AWSCURRENT").unwrap_or_else(|| panic!("{said}: no {name}"));
            assert!(world.accepts(&value).await, "{said}: the vendor refuses what {name} holds");
        }
    }
}

fn key(customer: &str) -> String {
    format!("{customer}/eu-1/file.pdf")
}

fn secret(customer: &str) -> String {
    format!("resistant/{customer}/eu-1/credential")
}

fn failed(world: &World, customer: &str) -> bool {
    world.events("CustomerOnboardingFailed").iter().any(|event| event["customer_id"] == customer)
}

/// At least one event tells of the end, and all that do have one id.
fn one_end(world: &World, customer: &str, kinds: &[&str], said: &str) {
    let ends = kinds.iter().flat_map(|kind| world.events(kind));
    let ids: BTreeSet<String> = ends
        .filter(|event| event["customer_id"] == customer)
        .map(|event| event["event_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{said}: {kinds:?} of {customer}: {:?}", world.services.events());
}

/// The vendor has every byte, in one submission of this customer. One whose id was lost on its way to
/// us is empty; nobody can find it, and nothing is analysed in it.
/// It was asked for the right analysis, and the vendor was told what there was to tell.
fn submitted_once_and_whole(world: &World, customer: &str, pipeline: &str, told: Option<Value>, said: &str) {
    let wanted: String = Sha256::digest(DOCUMENT).iter().map(|byte| format!("{byte:02x}")).collect();
    let event = world.events("DocumentSubmitted").into_iter().find(|event| event["customer_id"] == customer);
    let id = event.map(|event| event["submission_id"].clone()).unwrap_or(json!(null));
    let document = event_document(world, customer);
    let held = world.vendor.vendor().state().submissions;
    let ours =
        held.iter().filter(|held| held.query_id.as_deref() == document.as_deref() && held.deleted.is_none());
    let whole: Vec<_> = ours.filter(|held| held.uploads > 0).collect();
    assert_eq!(whole.len(), 1, "{said}: {held:?}");
    assert_eq!((&json!(whole[0].id), whole[0].sha256.as_deref()), (&id, Some(wanted.as_str())), "{said}");
    assert_eq!((whole[0].pipeline.as_str(), &whole[0].characteristics), (pipeline, &told), "{said}");
    assert!(!whole[0].awaits_characteristics, "{said}: nothing is analysed");
}

fn event_document(world: &World, customer: &str) -> Option<String> {
    let event =
        world.events("DocumentSubmitted").into_iter().find(|event| event["customer_id"] == customer)?;
    event["document_id"].as_str().map(str::to_owned)
}
