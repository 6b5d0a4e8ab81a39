//! Seeded schedules: several customers, requests that come twice, late and in the wrong order, deliveries
//! side by side, crashes, throttles, rotations, clocks that jump. A seed is a schedule: run twice it does
//! the same, call by call.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use shared_core::place::Cell;

use crate::delivery::{Plan, Work};
use crate::fault::Fault;
use crate::files::File;
use crate::gate::Pace;
use crate::lab::Lab;
use crate::laws;
use crate::world::{Ask, World};

/// The most steps of a schedule before the faults end.
const STEPS: usize = 24;

const CUSTOMERS: [&str; 3] = ["acme", "bolt", "core"];
const REQUESTS: [&str; 12] =
    ["r-1", "r-2", "r-3", "r-4", "r-5", "r-6", "r-7", "r-8", "r-9", "r-10", "r-11", "r-12"];
const CELLS: [&[Cell]; 4] =
    [&[Cell::Eu1], &[Cell::Us1], &[Cell::Eu1, Cell::Us1], &[Cell::Ca1, Cell::Eu1, Cell::Us1]];
const FILES: [File; 6] = [
    File::plain("acme/eu-1/1.pdf"),
    File::described("acme/us-1/2.pdf"),
    File::plain("bolt/3.pdf"),
    File::described("bolt/eu-1/4.pdf"),
    File::plain("core/us-1/5.pdf"),
    File::plain("core/ca-1/6.pdf"),
];
const FAULTS: [Fault; 15] = [
    // Only who is alone stands still.
    Fault::Overtaken,
    Fault::Refused,
    Fault::Status(400),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(429),
    Fault::Lost,
    Fault::Unheard,
    Fault::Late,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::Twice,
    Fault::ListedLate,
    Fault::AcceptedLate,
    Fault::Cut,
];

/// What a schedule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// A digest of every call, its fault and the time, in order.
    pub digest: u64,
    /// How many deliveries there were.
    pub deliveries: usize,
    /// How many calls.
    pub calls: usize,
    /// What does not hold in the end.
    pub broken: Vec<String>,
}

struct Schedule<'a> {
    lab: &'a Lab,
    random: StdRng,
    asked: Vec<Ask<'static>>,
    digest: DefaultHasher,
    deliveries: usize,
    calls: usize,
}

/// Runs the schedule of a seed.
pub fn simulate(lab: &Lab, seed: u64) -> Trace {
    lab.enter(World::new(crate::BEGINNING));
    let mut schedule = Schedule {
        lab,
        random: StdRng::seed_from_u64(seed),
        asked: Vec::new(),
        digest: DefaultHasher::new(),
        deliveries: 0,
        calls: 0,
    };
    schedule.settings();
    for _ in 0..STEPS {
        schedule.step();
    }
    let broken = schedule.come_to_rest();
    let Schedule { digest, deliveries, calls, .. } = schedule;
    Trace { digest: digest.finish(), deliveries, calls, broken }
}

impl Schedule<'_> {
    /// What the vendor leaves open, each time another way.
    fn settings(&mut self) {
        let mut world = self.lab.world();
        world.vendor.quota = *[20, 20, 4].choose(&mut self.random).expect("some");
        world.vendor.quota_status = *[429, 400, 403].choose(&mut self.random).expect("some");
        world.vendor.told_again = *[200, 400, 409].choose(&mut self.random).expect("some");
        world.vendor.gone_status = *[404, 400].choose(&mut self.random).expect("some");
    }

    fn step(&mut self) {
        match self.random.random_range(0..11) {
            0 | 1 if self.asked.len() < REQUESTS.len() => self.ask(),
            2 => self.ask_again(),
            3 => self.pass_time(),
            4 => self.work(true),
            5 => self.put(),
            _ => self.work(false),
        }
    }

    fn ask(&mut self) {
        let at = self.asked.len();
        let customer = *CUSTOMERS.choose(&mut self.random).expect("some");
        let cells = *CELLS.choose(&mut self.random).expect("some");
        // Now and then a request was made before the one that came before it.
        let hour = at as i64 + if self.random.random_bool(0.2) { -2 } else { 0 };
        let mut ask = match self.random.random_bool(0.35) {
            true => Ask::offboard(REQUESTS[at], customer, hour),
            false => Ask::onboard(REQUESTS[at], customer, cells, hour),
        };
        if self.random.random_bool(0.15) {
            ask = ask.with_client_secrets();
        }
        self.lab.world().ask(&ask);
        self.asked.push(ask);
    }

    fn ask_again(&mut self) {
        if let Some(ask) = self.asked.choose(&mut self.random) {
            self.lab.world().ask(ask);
        }
    }

    /// A file lands, or S3 tells of it once more.
    fn put(&mut self) {
        let file = *FILES.choose(&mut self.random).expect("some");
        self.lab.world().put(file);
    }

    fn pass_time(&mut self) {
        let seconds = *[1, 30, 70, 400, 4000].choose(&mut self.random).expect("some");
        let mut world = self.lab.world();
        let later = world.now + SignedDuration::from_secs(seconds);
        world.pass_to(later);
    }

    /// Deliveries side by side, perhaps with a rotation among them.
    fn work(&mut self, rotation: bool) {
        let world = self.lab.world().clone();
        let mut work = Vec::new();
        let many = self.random.random_range(1..=3);
        for message in world.queue.choose_multiple(&mut self.random, many) {
            work.push(Work::Message(message.id));
        }
        let names: Vec<String> = world.secrets.secrets().map(|secret| secret.name).collect();
        if let Some(name) = names.choose(&mut self.random).filter(|_| rotation) {
            self.lab.world().rotate(name);
        }
        for rotating in &self.lab.world().rotating {
            work.push(Work::Step(rotating.name.clone()));
        }
        if self.random.random_bool(0.1) {
            work.push(Work::CleanUp);
        }
        if work.is_empty() {
            return;
        }
        // What is due later is delivered later, but for a queue that repeats itself.
        if self.random.random_bool(0.8)
            && let Some(due) = world.queue.iter().map(|message| message.due).min()
        {
            self.lab.world().pass_to(due);
        }
        let alone = work.len() == 1;
        let plans: Vec<_> = work.into_iter().map(|work| (work, self.plan(alone), self.pace())).collect();
        let done = self.lab.side_by_side(plans);
        for delivered in done {
            self.deliveries += 1;
            self.calls += delivered.calls.len();
            delivered.calls.hash(&mut self.digest);
            delivered.end.hash(&mut self.digest);
        }
        self.lab.world().now.as_millisecond().hash(&mut self.digest);
    }

    /// Who stands still takes the clock along, so that happens to a delivery alone.
    fn plan(&mut self, alone: bool) -> Plan {
        let many = *[0, 0, 1, 1, 2].choose(&mut self.random).expect("some");
        let mut plan = Plan::new();
        for _ in 0..many {
            let faults = if alone { &FAULTS[..] } else { &FAULTS[1..] };
            let fault = *faults.choose(&mut self.random).expect("some");
            let at = self.random.random_range(1..=20);
            plan.push((at, fault));
            // A throttle lasts for more than one call.
            if matches!(fault, Fault::Status(_) | Fault::Lost | Fault::Refused)
                && self.random.random_bool(0.3)
            {
                plan.extend((at + 1..at + 6).map(|at| (at, fault)));
            }
        }
        plan
    }

    fn pace(&mut self) -> Pace {
        let mut random = StdRng::seed_from_u64(self.random.random());
        Box::new(move || {
            let slow = random.random_bool(0.01);
            let millis = random.random_range(if slow { 5_000..20_000 } else { 1..200 });
            Duration::from_millis(millis)
        })
    }

    /// Without further faults, everything is delivered, every rotation is finished and the clean-up comes.
    fn come_to_rest(&mut self) -> Vec<String> {
        let mut broken = Vec::new();
        for _ in 0..3 {
            if let Ok(run) = self.lab.run(&[]) {
                self.calls += run.calls.len();
            }
            let later = self.lab.world().now + SignedDuration::from_hours(3);
            self.lab.world().pass_to(later);
            let left = laws::at_rest(&self.lab.world());
            if left.is_empty() {
                return left;
            }
            broken = left;
        }
        broken
    }
}
