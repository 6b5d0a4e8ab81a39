//! The functions over the fast forms, and one delivery of a message.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use lifecycle::{Provider, Remover, Rules, Terms};
use offboard_customer::OffboardCustomer;
use onboard_customer::OnboardCustomer;
use registry::Registry;
use resistant::{Clock, ControlPlane, Endpoints, OrganizationCredential, Vendor};
use rotate_secret::RotateSecret;
use runtime::envelope::{ATTEMPT, FIRST_SEEN, NOT_BEFORE, ORIGIN};
use runtime::{Bus, Deadline, Invocation, Parcel};
use serde_json::{Value, json};
use shared_core::place::{Cell, Stage};
use vault::{Schedule, Sealer, Secrets, Vault};

use crate::clock;
use crate::fault::{Fault, Site};
use crate::gate::{CALLER, Caller, Gate, Pace, Twin};
use crate::keys;
use crate::ports::{Port, Queue};
use crate::world::{Function, Queued, VISIBILITY, World};

/// How long an invocation may take.
const TIMEOUT: Duration = Duration::from_secs(60);

const ORGANIZATION_KEY: &str = include_str!("../../../shared/resistant/testdata/organization-key.pkcs8.pem");
const ORGANIZATION_TOKEN_URL: &str = "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token";

/// How a laboratory is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The times that the flows keep to.
    pub rules: Rules,
    /// How long a replaced application lives on.
    pub overlap: Duration,
    /// How many tenants the functions believe the vendor to allow.
    pub quota: usize,
    /// How much of an invocation's minute is left when it comes to a message; all of it where `None`.
    pub time_left: Option<Duration>,
    /// Whether the organization's token is asked for anew in every invocation.
    pub cold: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            overlap: Duration::from_secs(3600),
            quota: 20,
            time_left: None,
            cold: false,
        }
    }
}

/// The functions over the fast forms of everything outside. One for each thread.
pub struct Lab {
    gate: Arc<Gate>,
    setup: Setup,
    vendor: Vendor,
    organization: OrganizationCredential,
    functions: Arc<Functions>,
    runtime: tokio::runtime::Runtime,
}

struct Functions {
    port: Port,
    time_left: Duration,
    onboard: OnboardCustomer,
    offboard: OffboardCustomer,
    rotate: RotateSecret,
}

/// What the flows work with.
pub struct Adapters {
    /// The registry.
    pub registry: Registry,
    /// The operations of Secrets Manager.
    pub secrets: Box<dyn Secrets>,
    /// The sealing of keys.
    pub sealer: Sealer,
    /// Tenant management.
    pub control: ControlPlane,
    /// The vendor's tokens.
    pub vendor: Vendor,
}

/// What one delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Every call that it made, in order.
    pub calls: Vec<Site>,
    /// How it ended.
    pub end: End,
}

/// Which faults befall which calls, counted from 1.
pub type Plan = Vec<(usize, Fault)>;

/// What is to be worked on.
pub(crate) enum Work {
    /// A message of a queue.
    Message(u64),
    /// A secret's rotation.
    Rotation(String),
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The message is done with.
    Done,
    /// It went back to the queue.
    Returned,
    /// The invocation was killed.
    Killed,
}

impl Lab {
    /// Sets one up.
    pub fn new(setup: Setup) -> Self {
        let gate = Arc::new(Gate::new(World::new(crate::BEGINNING)));
        let port = Port(Arc::clone(&gate));
        // Tokens are kept by the wall clock too, which jumps between worlds: theirs stands still.
        let vendor = Vendor::new(Endpoints::new(Stage::Production)).expect("an HTTP client");
        let vendor = vendor.over(port.clone()).with_clock(Clock::new(|| crate::BEGINNING));
        let secret = json!({"client_id": "organization", "private_key": ORGANIZATION_KEY}).to_string();
        let organization = OrganizationCredential::from_secret_value(&secret).expect("the key is a key");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let control = control(&vendor, &organization);
        runtime.block_on(warm(&control));
        let functions = Arc::new(Functions::over(&port, &vendor, control, &setup));
        Self { gate, setup, vendor, organization, functions, runtime }
    }

    /// The world as it stands.
    pub fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.gate.world()
    }

    /// The adapters over the fast forms, for what they must have in common with the real ones.
    pub fn adapters(&self) -> Adapters {
        let Functions { port, .. } = &*self.functions;
        Adapters {
            registry: Registry::over(port.clone()),
            secrets: Box::new(port.clone()),
            sealer: Sealer::over(port.clone()),
            control: control(&self.vendor, &self.organization),
            vendor: self.vendor.clone(),
        }
    }

    /// Runs something at the time of the world, outside of any delivery.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            clock::set(self.world().now);
            CALLER.scope(Caller::new("by hand", Vec::new(), None, None), work).await
        })
    }

    /// From now on every call is told on standard output.
    pub fn tell(&self) {
        self.gate.tell();
    }

    /// Goes to another world.
    pub fn enter(&self, world: World) {
        *self.gate.world() = world;
    }

    /// Delivers a message of the queue, now or when it is due, with faults at some of its calls.
    ///
    /// # Panics
    /// Where there is no such message.
    pub fn deliver(&self, id: u64, plan: Plan) -> Delivered {
        let functions = match self.setup.cold {
            true => {
                let control = control(&self.vendor, &self.organization);
                Arc::new(Functions::over(&self.functions.port, &self.vendor, control, &self.setup))
            }
            false => Arc::clone(&self.functions),
        };
        self.runtime.block_on(async {
            let start = {
                let world = self.world();
                let message = world.queue.iter().find(|message| message.id == id);
                message.expect("the message is in the queue").due.max(world.now)
            };
            clock::set(start);
            keys::go_on_after(self.world().keys);
            let delivered = deliver(functions, id, plan, None).await;
            let mut world = self.world();
            world.keys = keys::used();
            world.pass_to(clock::now());
            end_trials(&mut world);
            delivered
        })
    }

    /// Works on several things at once, each with its faults and at its own pace.
    pub(crate) fn side_by_side(&self, work: Vec<(Work, Plan, Pace)>) -> Vec<Delivered> {
        self.runtime.block_on(async {
            clock::set(self.world().now);
            keys::go_on_after(self.world().keys);
            let work = work.into_iter().map(|(work, plan, pace)| {
                let functions = Arc::clone(&self.functions);
                async move {
                    match work {
                        Work::Message(id) => deliver(functions, id, plan, Some(pace)).await,
                        Work::Rotation(name) => rotate(functions, &name, plan, Some(pace)).await,
                    }
                }
            });
            let done = join_all(work).await;
            let mut world = self.world();
            world.keys = keys::used();
            world.pass_to(clock::now());
            end_trials(&mut world);
            done
        })
    }

    /// A rotation's steps, called as Secrets Manager does: of a new one, or again of one that is stuck.
    pub fn rotate(&self, name: &str, plan: Plan) -> Delivered {
        self.runtime.block_on(async {
            clock::set(self.world().now);
            keys::go_on_after(self.world().keys);
            let rotated = rotate(Arc::clone(&self.functions), name, plan, None).await;
            self.world().keys = keys::used();
            rotated
        })
    }
}

/// Has the organization's token fetched before anything is counted.
async fn warm(control: &ControlPlane) {
    clock::set(crate::BEGINNING);
    let warming = CALLER.scope(Caller::new("warming", Vec::new(), None, None), control.warm());
    warming.await.expect("the fast vendor gives a token");
}

/// A trial rotation runs its step and goes; here it always succeeds.
pub(crate) fn end_trials(world: &mut World) {
    let trials: Vec<_> =
        world.secrets.begun().iter().filter(|begun| begun.steps().len() == 1).cloned().collect();
    let now = world.now;
    for trial in trials {
        world.secrets.end(&trial, None, now);
    }
}

fn control(vendor: &Vendor, organization: &OrganizationCredential) -> ControlPlane {
    let endpoints = vendor.endpoints().organization(ORGANIZATION_TOKEN_URL).expect("the vendor's own URL");
    vendor.control_plane(&endpoints, organization)
}

impl Functions {
    fn over(port: &Port, vendor: &Vendor, control: ControlPlane, setup: &Setup) -> Self {
        let prefix = "resistant".parse().expect("a legal prefix");
        let vault = Vault::over(port.clone(), prefix).with_key("secrets");
        let registry = Registry::over(port.clone());
        let remover = Remover::new(registry, vault, control, Clock::new(clock::now), setup.rules.clone());
        let provider = Provider::new(remover.clone(), vendor.clone(), Sealer::over(port.clone()))
            .with_schedule(Schedule { function_arn: "rotate-secret".to_owned(), every_days: 30 })
            .with_keys(keys::next)
            .with_overlap(setup.overlap);
        let terms =
            Terms { installation: "test-1".parse().expect("a legal installation"), quota: setup.quota };
        let bus = Bus::over(port.clone());
        Self {
            port: port.clone(),
            time_left: setup.time_left.unwrap_or(TIMEOUT),
            onboard: OnboardCustomer::new(provider.clone(), terms, Cell::ALL.to_vec(), bus.clone()),
            offboard: OffboardCustomer::new(remover, bus.clone()),
            rotate: RotateSecret::new(provider, bus),
        }
    }
}

/// Delivers a message from the queue at the time that it is. Boxed, for a delivery may hold another.
fn deliver(
    functions: Arc<Functions>,
    id: u64,
    plan: Plan,
    pace: Option<Pace>,
) -> Pin<Box<dyn Future<Output = Delivered> + Send>> {
    Box::pin(deliver_now(functions, id, plan, pace))
}

async fn deliver_now(functions: Arc<Functions>, id: u64, plan: Plan, pace: Option<Pace>) -> Delivered {
    let now = clock::now();
    let message = {
        let mut world = functions.port.0.world();
        world.pass_to(now);
        let queued = world.queue.iter_mut().find(|message| message.id == id);
        let queued = queued.expect("the message is in the queue");
        queued.receives += 1;
        queued.due = now + SignedDuration::try_from(VISIBILITY).expect("a minute or so");
        queued.clone()
    };
    let twin = plan.iter().any(|(_, fault)| matches!(fault, Fault::Twice | Fault::Overtaken)).then(|| {
        let functions = Arc::clone(&functions);
        let twin: Twin = Box::pin(async move {
            drop(deliver(functions, id, Vec::new(), None).await);
        });
        twin
    });
    let name = format!("{:?} {id}", message.function);
    let caller = Caller::new(name, plan, twin, pace);
    let invocation = invocation(functions.time_left, now);
    let work = async {
        let payload = batch(&message, now);
        let port = functions.port.clone();
        let queue = Queue { port, function: message.function };
        match message.function {
            Function::Onboard => runtime::deliver(&functions.onboard, &queue, &payload, &invocation).await,
            Function::Offboard => runtime::deliver(&functions.offboard, &queue, &payload, &invocation).await,
        }
    };
    let answer = tokio::select! {
        biased;
        () = caller.killed.notified() => None,
        answer = CALLER.scope(Arc::clone(&caller), work) => Some(answer),
    };
    let end = match answer {
        None => End::Killed,
        Some(answer) => {
            let answer = answer.expect("a batch is answered");
            let done = answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty);
            if done { End::Done } else { End::Returned }
        }
    };
    if end == End::Done {
        functions.port.0.world().queue.retain(|message| message.id != id);
    }
    Delivered { calls: caller.calls(), end }
}

async fn rotate(functions: Arc<Functions>, name: &str, plan: Plan, pace: Option<Pace>) -> Delivered {
    let nothing = Delivered { calls: Vec::new(), end: End::Returned };
    let begun = {
        let mut world = functions.port.0.world();
        let now = clock::now();
        world.pass_to(now);
        if world.secrets.rotates(name) || world.secrets.begin(name, now).is_err() {
            return nothing;
        }
        world.secrets.begun().last().expect("it has just begun").clone()
    };
    let caller = Caller::new(format!("Rotate {name}"), plan, None, pace);
    let mut failed = None;
    let mut end = End::Done;
    for &step in begun.steps() {
        if !functions.port.0.world().secrets.goes_on(&begun) {
            break;
        }
        let (event, invocation) = (begun.event(step), invocation(TIMEOUT, clock::now()));
        let work = runtime::deliver(&functions.rotate, &runtime::NoQueue, &event, &invocation);
        let answer = tokio::select! {
            biased;
            () = caller.killed.notified() => None,
            answer = CALLER.scope(Arc::clone(&caller), work) => Some(answer),
        };
        (end, failed) = match answer {
            Some(Ok(_)) => (End::Done, None),
            Some(Err(error)) => (End::Returned, Some((step, error.error_message))),
            None => (End::Killed, Some((step, "killed".to_owned()))),
        };
        if failed.is_some() {
            break;
        }
    }
    let mut world = functions.port.0.world();
    world.pass_to(clock::now());
    let now = world.now;
    world.secrets.end(&begun, failed, now);
    Delivered { calls: caller.calls(), end }
}

fn invocation(left: Duration, now: Timestamp) -> Invocation {
    let deadline = Deadline::after(left, now).in_an_invocation_of(TIMEOUT);
    Invocation::new(deadline, "invocation").with_clock(clock::now)
}

/// The batch of one as SQS and Lambda make it.
fn batch(message: &Queued, now: Timestamp) -> Value {
    let Parcel { body, first_seen, attempt, not_before, group, origin, .. } = &message.parcel;
    let text = |value: String| json!({"stringValue": value, "dataType": "String"});
    let mut attributes = json!({
        FIRST_SEEN: text(first_seen.to_string()),
        ATTEMPT: text(attempt.to_string()),
        ORIGIN: text(serde_json::to_string(origin).expect("an origin always serializes")),
    });
    if let Some(not_before) = not_before {
        attributes[NOT_BEFORE] = text(not_before.to_string());
    }
    json!({"Records": [{
        "messageId": message.id.to_string(), "receiptHandle": "r", "body": body,
        "attributes": {
            "ApproximateReceiveCount": message.receives.to_string(),
            "SentTimestamp": now.as_millisecond().to_string(), "MessageGroupId": group
        },
        "messageAttributes": attributes, "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work", "awsRegion": "us-east-1"
    }]})
}
