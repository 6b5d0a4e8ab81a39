//! The functions over the fast forms, and one delivery of a message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use collect_result::CollectResult;
use futures::future::join_all;
use jiff::Timestamp;
use lifecycle::{Provider, Remover, Rules, Terms};
use offboard_customer::OffboardCustomer;
use onboard_customer::OnboardCustomer;
use reconcile_tenants::{ReconcileTenants, Reconciler};
use registry::{Documents, Registry};
use resistant::{Clock, ControlPlane, Endpoints, OrganizationCredential, Vendor};
use rotate_secret::RotateSecret;
use runtime::Bus;
use serde_json::json;
use shared_core::place::{Cell, Stage};
use submit_document::{Defaults, FirstLook, SubmitDocument};
use vault::{Region, Schedule, Sealer, Secrets, Vault};

use crate::clock;
use crate::delivery::{Delivered, Plan, Work, deliver};
use crate::files::BUCKET;
use crate::gate::{CALLER, Caller, Gate, Pace};
use crate::keys;
use crate::ports::{Port, Queue};
use crate::world::{Function, World};

/// How long a replaced application lives on.
pub const OVERLAP: Duration = Duration::from_secs(900);

/// How long an invocation may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The one dead-letter queue that `reconcile-tenants` is told of.
pub const DEAD_LETTERS: &str = "https://queue.invalid/dead-letters";

const ORGANIZATION_KEY: &str = include_str!("../../../shared/resistant/testdata/organization-key.pkcs8.pem");
const ORGANIZATION_TOKEN_URL: &str = "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token";

/// How a laboratory is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The times that the flows keep to.
    pub rules: Rules,
    /// How many tenants the functions believe the vendor to allow.
    pub quota: usize,
    /// How much of an invocation's minute is left when it comes to a message or a step, and how long one has that
    /// reconciles; a minute where `None`.
    pub time_left: Option<Duration>,
    /// How long `submit-document` keeps what it has read of customers and credentials.
    pub cache: Duration,
    /// How long after its submission a result is looked for first.
    pub first_look: Duration,
    /// Whether the organization's token is asked for anew in every invocation.
    pub cold: bool,
    /// The regions that secrets are replicated to.
    pub replicas: &'static [&'static str],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            rules: Rules { overlap: OVERLAP, offboardings_an_hour: usize::MAX, ..Rules::default() },
            quota: 20,
            time_left: None,
            cache: Duration::ZERO,
            // When it is there.
            first_look: Duration::from_secs(25),
            cold: false,
            replicas: &[],
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

pub(crate) struct Functions {
    pub(crate) port: Port,
    pub(crate) time_left: Duration,
    pub(crate) onboard: OnboardCustomer,
    pub(crate) offboard: OffboardCustomer,
    pub(crate) rotate: RotateSecret,
    pub(crate) reconcile: ReconcileTenants,
    vendor: Vendor,
    cache: Duration,
    first_look: Duration,
    documents: Mutex<(Arc<SubmitDocument>, Arc<CollectResult>)>,
}

/// What the flows work with.
pub struct Adapters {
    /// The registry.
    pub registry: Registry,
    /// The documents table.
    pub documents: Documents,
    /// The operations of Secrets Manager.
    pub secrets: Box<dyn Secrets>,
    /// The sealing of keys.
    pub sealer: Sealer,
    /// Tenant management.
    pub control: ControlPlane,
    /// The vendor's tokens.
    pub vendor: Vendor,
}

impl Lab {
    /// Sets one up.
    pub fn new(setup: Setup) -> Self {
        let gate = Arc::new(Gate::new(World::new(crate::BEGINNING).with_replicas(setup.replicas)));
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
            documents: Documents::over(port.clone()),
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

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let mut world = self.world();
        let later = world.now + time;
        world.pass_to(later);
    }

    /// Which call of a delivery, counted from 1, is the first of an operation. The delivery is taken back.
    ///
    /// # Panics
    /// Where there is none.
    pub fn first(&self, work: &Work, operation: &str) -> usize {
        // As the delivery itself will find it: nothing is kept from what came before.
        let before = self.world().clone();
        self.enter(before.clone());
        let calls = self.deliver(work.clone(), Plan::new()).calls;
        self.enter(before);
        let at = calls.iter().position(|call| call.operation == operation);
        at.unwrap_or_else(|| panic!("{operation} is none of {calls:?}")) + 1
    }

    /// Goes to another world.
    pub fn enter(&self, world: World) {
        *self.gate.world() = world.with_replicas(self.setup.replicas);
        self.functions.forget();
    }

    /// Delivers some work, now or when it is due, with faults at some of its calls.
    ///
    /// # Panics
    /// Where there is no such message.
    pub fn deliver(&self, work: Work, plan: Plan) -> Delivered {
        let functions = match self.setup.cold {
            true => {
                let control = control(&self.vendor, &self.organization);
                Arc::new(Functions::over(&self.functions.port, &self.vendor, control, &self.setup))
            }
            false => Arc::clone(&self.functions),
        };
        self.runtime.block_on(async {
            // In statements of their own, or the world would stay locked.
            let due = self.world().due(&work);
            self.begin(due);
            let delivered = deliver(functions, work, plan, None).await;
            self.end();
            delivered
        })
    }

    /// Works on several things at once, each with its faults and at its own pace.
    pub(crate) fn side_by_side(&self, work: Vec<(Work, Plan, Pace)>) -> Vec<Delivered> {
        self.runtime.block_on(async {
            let now = self.world().now;
            self.begin(now);
            let work = work
                .into_iter()
                .map(|(work, plan, pace)| deliver(Arc::clone(&self.functions), work, plan, Some(pace)));
            let done = join_all(work).await;
            self.end();
            done
        })
    }

    fn begin(&self, at: Timestamp) {
        clock::set(at);
        keys::go_on_after(self.world().keys);
    }

    fn end(&self) {
        let mut world = self.world();
        world.keys = keys::used();
        world.pass_to(clock::now());
        world.notice_rotations();
    }
}

/// Has the organization's token fetched before anything is counted.
async fn warm(control: &ControlPlane) {
    clock::set(crate::BEGINNING);
    let warming = CALLER.scope(Caller::new("warming", Vec::new(), None, None), control.warm());
    warming.await.expect("the fast vendor gives a token");
}

fn control(vendor: &Vendor, organization: &OrganizationCredential) -> ControlPlane {
    let endpoints = vendor.endpoints().organization(ORGANIZATION_TOKEN_URL).expect("the vendor's own URL");
    vendor.control_plane(&endpoints, organization)
}

/// The functions that keep what they have read.
fn documents(
    port: &Port,
    vendor: &Vendor,
    cache: Duration,
    first_look: Duration,
) -> Mutex<(Arc<SubmitDocument>, Arc<CollectResult>)> {
    let (submit, collect) = (submit(port, vendor, cache, first_look), collect(port, vendor, cache));
    Mutex::new((Arc::new(submit), Arc::new(collect)))
}

fn collect(port: &Port, vendor: &Vendor, cache: Duration) -> CollectResult {
    let adapters = collect_result::Adapters {
        documents: Documents::over(port.clone()),
        vault: Vault::over(port.clone(), "resistant".parse().expect("a legal prefix")),
        vendor: vendor.clone().with_clock(Clock::new(|| crate::BEGINNING)),
        results: Arc::new(port.clone()),
        bus: Bus::over(port.clone()),
    };
    CollectResult::over(adapters, cache)
}

fn submit(port: &Port, vendor: &Vendor, cache: Duration, first_look: Duration) -> SubmitDocument {
    let adapters = submit_document::Adapters {
        registry: Registry::over(port.clone()),
        documents: Documents::over(port.clone()),
        vault: Vault::over(port.clone(), "resistant".parse().expect("a legal prefix")),
        // With tokens of its own, which are kept for as long as the world is.
        vendor: vendor.clone().with_clock(Clock::new(|| crate::BEGINNING)),
        storage: Arc::new(port.clone()),
        bus: Bus::over(port.clone()),
        looks: Arc::new(Queue { port: port.clone(), function: Function::Collect }),
    };
    let first_look = FirstLook { after: first_look, ..FirstLook::default() };
    let (bucket, defaults) = (BUCKET.to_owned(), Defaults::default());
    let terms = submit_document::Terms { bucket, cache, defaults, first_look };
    SubmitDocument::over(adapters, terms)
}

fn reconciler(port: &Port, vendor: &Vendor, remover: Remover, setup: &Setup) -> Reconciler {
    let terms = reconcile_tenants::reconcile::facts::Terms {
        installation: "test-1".parse().expect("a legal installation"),
        quota: setup.quota,
        schedule: schedule(),
        bus_name: "bus".to_owned(),
        reports_bucket: "reports".to_owned(),
        dead_letters: vec![DEAD_LETTERS.to_owned()],
    };
    Reconciler {
        remover,
        vendor: vendor.clone(),
        bus: Bus::over(port.clone()),
        documents: Documents::over(port.clone()),
        reports: Arc::new(port.clone()),
        backlog: Arc::new(port.clone()),
        terms,
    }
}

fn regions(names: &[&str]) -> Vec<Region> {
    names.iter().map(|name| name.parse().expect("a region")).collect()
}

fn schedule() -> Schedule {
    Schedule { function_arn: "rotate-secret".to_owned(), every_days: 30 }
}

impl Functions {
    fn over(port: &Port, vendor: &Vendor, control: ControlPlane, setup: &Setup) -> Self {
        let prefix = "resistant".parse().expect("a legal prefix");
        let vault = Vault::over(port.clone(), prefix).with_key("secrets");
        let registry = Registry::over(port.clone());
        let remover = Remover::new(registry, vault, control, Clock::new(clock::now), setup.rules.clone())
            .with_documents(Documents::over(port.clone()))
            .with_replicas(&regions(setup.replicas));
        let provider = Provider::new(remover.clone(), vendor.clone(), Sealer::over(port.clone()))
            .with_schedule(schedule())
            .with_keys(keys::next);
        let terms =
            Terms { installation: "test-1".parse().expect("a legal installation"), quota: setup.quota };
        let bus = Bus::over(port.clone());
        Self {
            port: port.clone(),
            time_left: setup.time_left.unwrap_or(TIMEOUT),
            onboard: OnboardCustomer::new(provider.clone(), terms, Cell::ALL.to_vec(), bus.clone()),
            offboard: OffboardCustomer::new(remover.clone(), bus.clone()),
            rotate: RotateSecret::new(provider, bus.clone()),
            reconcile: ReconcileTenants::new(reconciler(port, vendor, remover, setup)),
            vendor: vendor.clone(),
            cache: setup.cache,
            first_look: setup.first_look,
            documents: documents(port, vendor, setup.cache, setup.first_look),
        }
    }

    /// The function that keeps what it has read.
    pub(crate) fn submit(&self) -> Arc<SubmitDocument> {
        Arc::clone(&self.documents.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// The other one.
    pub(crate) fn collect(&self) -> Arc<CollectResult> {
        Arc::clone(&self.documents.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// What was read in another world is not known in this one.
    fn forget(&self) {
        let anew = documents(&self.port, &self.vendor, self.cache, self.first_look);
        let anew = anew.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.documents.lock().unwrap_or_else(PoisonError::into_inner) = anew;
    }
}
