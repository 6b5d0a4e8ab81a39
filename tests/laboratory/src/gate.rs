//! The gate that every call passes: where it is counted, and where a fault befalls it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;

use crate::clock;
use crate::fault::{Fault, Service, Site};
use crate::vendor::Lag;
use crate::world::World;

tokio::task_local! {
    /// The invocation that runs.
    pub(crate) static CALLER: Arc<Caller>;
}

/// How long a late effect takes: less than `settle`.
const LATE: SignedDuration = SignedDuration::from_secs(45);

/// How long a new client is turned away.
const ACCEPTANCE: SignedDuration = SignedDuration::from_secs(90);

/// How long a function stands still that is overtaken: longer than its lease.
const STANDSTILL: SignedDuration = SignedDuration::from_secs(66);

/// Work of another invocation.
pub(crate) type Twin = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One invocation, as the gate knows it.
pub(crate) struct Caller {
    /// What it works on.
    name: String,
    /// What befalls which of its calls, counted from 1.
    plan: Vec<(usize, Fault)>,
    /// How long calls take, where they take any time.
    pace: Mutex<Option<Pace>>,
    calls: Mutex<Vec<Site>>,
    twin: Mutex<Option<Twin>>,
    /// Told once the invocation is killed.
    pub(crate) killed: Notify,
}

/// Tells how long the next call takes.
pub(crate) type Pace = Box<dyn FnMut() -> Duration + Send>;

/// Why a call was not answered as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Refused,
    Status(u16),
    Unclear,
    /// Unclear, and its effect is still to come.
    Late,
}

impl Caller {
    pub(crate) fn new(
        name: impl Into<String>,
        plan: Vec<(usize, Fault)>,
        twin: Option<Twin>,
        pace: Option<Pace>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            plan,
            pace: Mutex::new(pace),
            calls: Mutex::default(),
            twin: Mutex::new(twin),
            killed: Notify::new(),
        })
    }

    pub(crate) fn calls(&self) -> Vec<Site> {
        lock(&self.calls).clone()
    }

    fn passes(&self, site: Site) -> Option<Fault> {
        let mut calls = lock(&self.calls);
        calls.push(site);
        let nth = calls.len();
        let planned = self.plan.iter().find(|(at, fault)| *at == nth && site.can_suffer(*fault));
        planned.map(|(_, fault)| *fault)
    }

    async fn take_time(&self) {
        let time = lock(&self.pace).as_mut().map(|pace| pace());
        if let Some(time) = time {
            tokio::time::sleep(time).await;
        }
    }

    async fn run_twin(&self) {
        let twin = lock(&self.twin).take();
        if let Some(twin) = twin {
            twin.await;
        }
    }

    /// Ends the invocation here: whoever runs it drops it.
    async fn die(&self) -> ! {
        self.killed.notify_one();
        std::future::pending().await
    }
}

/// What everything outside shares.
#[derive(Debug)]
pub(crate) struct Gate {
    world: Mutex<World>,
    /// Whether every call is told on standard output.
    told: AtomicBool,
}

impl Gate {
    pub(crate) fn new(world: World) -> Self {
        Self { world: Mutex::new(world), told: AtomicBool::new(false) }
    }

    pub(crate) fn tell(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// Lets a call through, or what befalls it.
    pub(crate) async fn pass<T>(
        &self,
        service: Service,
        operation: &'static str,
        effect: impl FnOnce(&mut World) -> T,
    ) -> Result<T, Trouble> {
        let caller = CALLER.with(Arc::clone);
        let site = Site { service, operation };
        let fault = caller.passes(site);
        if self.told.load(Ordering::Relaxed) {
            println!(
                "{} {} {site} {}",
                clock::now(),
                caller.name,
                fault.map_or_else(String::new, |fault| format!("{fault:?}"))
            );
        }
        caller.take_time().await;
        let outcome = match fault {
            None => Ok(self.apply(effect)),
            Some(Fault::Refused) => Err(Trouble::Refused),
            Some(Fault::Status(status)) => Err(Trouble::Status(status)),
            Some(Fault::Lost) => Err(Trouble::Unclear),
            Some(Fault::Late) => Err(Trouble::Late),
            Some(Fault::Unheard) => {
                self.apply(effect);
                Err(Trouble::Unclear)
            }
            Some(Fault::CrashBefore) => caller.die().await,
            Some(Fault::CrashAfter) => {
                self.apply(effect);
                caller.die().await
            }
            Some(Fault::Twice) => {
                caller.run_twin().await;
                Ok(self.apply(effect))
            }
            Some(Fault::Overtaken) => {
                clock::set(clock::now() + STANDSTILL);
                caller.run_twin().await;
                self.apply(effect);
                caller.die().await
            }
            Some(Fault::UnheardAndListedLate) => {
                self.apply_lagging(Lag { listing: LATE, ..Lag::default() }, effect);
                Err(Trouble::Unclear)
            }
            Some(Fault::ListedLate) => {
                Ok(self.apply_lagging(Lag { listing: LATE, ..Lag::default() }, effect))
            }
            // Whoever reads the bytes finds out.
            Some(Fault::Cut) => Ok(self.apply(|world| {
                world.cut = true;
                effect(world)
            })),
            Some(Fault::AcceptedLate) => {
                Ok(self.apply_lagging(Lag { acceptance: ACCEPTANCE, ..Lag::default() }, effect))
            }
        };
        caller.take_time().await;
        outcome
    }

    /// When an effect lands that begins its way now.
    pub(crate) fn lands_at(&self) -> jiff::Timestamp {
        clock::now() + LATE
    }

    fn apply_lagging<T>(&self, lag: Lag, effect: impl FnOnce(&mut World) -> T) -> T {
        self.apply(|world| {
            world.vendor.lag = lag;
            let effect = effect(world);
            world.vendor.lag = Lag::default();
            effect
        })
    }

    fn apply<T>(&self, effect: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world();
        world.pass_to(clock::now());
        let effect = effect(&mut world);
        crate::laws::at_this_moment(&mut world);
        effect
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
