//! Every reachable state, by every single fault, until no new one appears.
//!
//! A state is what persists between deliveries: the vendor, the registry, the vault, the queues, what was
//! announced. From each state every message may be delivered, plainly or with one fault at one of its
//! calls; the platform may ask for the next thing; a message may be delivered again although it was done
//! with; time may pass, or a day in which a message is deferred until it is too old. What that leads to is a state again, and once none is new, the
//! set is closed: a run with any number of faults goes through states of this set only.
//!
//! From each state a run without further faults must come to rest in the laws.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use shared_core::document::DocumentId;

use crate::delivery::{Delivered, Work};
use crate::fault::Fault;
use crate::files::File;
use crate::lab::{Lab, Setup};
use crate::normal;
use crate::world::{Ask, Function, Queued, World};

/// What the platform asks for, in this order, each at any time.
#[derive(Clone, Debug)]
pub struct Script {
    /// What has come to its end before.
    pub before: Vec<Ask<'static>>,
    /// The requests.
    pub asks: Vec<Ask<'static>>,
    /// The files that land, each at any time, in this order.
    pub files: Vec<File>,
    /// How many rotations of each secret begin, each at any time.
    pub rotations: usize,
    /// Whether an operator asks for a roll back at any time, and once more word by word.
    pub roll_back: bool,
    /// Whose deliveries are struck and repeated; everybody's where `None`.
    pub struck: Option<Function>,
    /// How the functions are set up.
    pub setup: Setup,
}

/// A closed set of states.
#[derive(Debug)]
pub struct Closed {
    /// How many states there are.
    pub states: usize,
    /// In how many of them nothing waits any more.
    pub at_rest: usize,
    /// How many deliveries were made to find them.
    pub deliveries: usize,
    /// What does not hold, each with the way there.
    pub broken: Vec<String>,
}

impl Script {
    fn begin(&self) -> World {
        let lab = Lab::new(self.setup.clone());
        for ask in &self.before {
            lab.world().ask(ask);
            lab.run(&[]).expect("what comes before ends well");
        }
        lab.world().clone()
    }
}

type Key = u128;

/// A state's number: two texts with the same one are taken to be the same.
fn key(world: &World) -> Key {
    let text = normal::text(world);
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        text.hash(&mut hasher);
        hasher.finish()
    };
    (u128::from(half(1)) << 64) | u128::from(half(2))
}

/// One step from a state.
struct Step {
    how: String,
    world: World,
}

/// A state with all ways on from it.
struct Expanded {
    key: Key,
    at_rest: bool,
    broken: Vec<String>,
    steps: Vec<(Key, Step)>,
}

/// Closes the set of states that a script reaches, on so many threads. With more states than `most`,
/// it is given up.
pub fn close(script: &Script, threads: usize, most: usize) -> Closed {
    let mut seen: HashSet<Key> = HashSet::new();
    let mut from: HashMap<Key, (Key, String)> = HashMap::new();
    let (mut at_rest, mut broken) = (0, Vec::new());
    let deliveries = AtomicUsize::new(0);
    let start = script.begin();
    seen.insert(key(&start));
    let mut frontier = vec![start];
    while !frontier.is_empty() && seen.len() <= most {
        let expanded = Mutex::new(Vec::new());
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let lab = Lab::new(script.setup.clone());
                    while let Some(world) = frontier.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let one = expand(&lab, script, world, &deliveries);
                        expanded.lock().expect("no thread panics under it").push(one);
                    }
                });
            }
        });
        let mut new = Vec::new();
        for one in expanded.into_inner().expect("no thread panics under it") {
            at_rest += usize::from(one.at_rest);
            if !one.broken.is_empty() {
                broken.push(format!("{:?}\n    after {}", one.broken, way(one.key, &from)));
                continue;
            }
            for (key, step) in one.steps {
                if seen.insert(key) {
                    from.insert(key, (one.key, step.how));
                    new.push(step.world);
                }
            }
        }
        frontier = new;
    }
    broken.sort_by_key(String::len);
    if seen.len() > most {
        broken.push(format!("there are more than {most} states"));
    }
    Closed { states: seen.len(), at_rest, deliveries: deliveries.into_inner(), broken }
}

/// Looks at a state, at how a run without faults ends from it, and at every way on.
fn expand(lab: &Lab, script: &Script, world: &World, deliveries: &AtomicUsize) -> Expanded {
    let at_rest = world.queue.is_empty() && world.landing.is_empty() && world.rotating.is_empty();
    let mut broken = world.broken.clone();
    if broken.is_empty() {
        lab.enter(world.clone());
        broken = lab.run(&[]).err().unwrap_or_default();
    }
    let steps = if broken.is_empty() { steps(lab, script, world, deliveries) } else { Vec::new() };
    let steps = steps.into_iter().map(|step| (key(&step.world), step)).collect();
    Expanded { key: key(world), at_rest, broken, steps }
}

/// Every way on from a state.
fn steps(lab: &Lab, script: &Script, world: &World, deliveries: &AtomicUsize) -> Vec<Step> {
    let mut steps = Vec::new();
    for work in next_to_deliver(world) {
        let plain = deliver(lab, world, &work, None, &mut steps);
        let function = message(world, &work).map(|message| message.function);
        if script.struck.is_some() && script.struck != function {
            continue;
        }
        if let Some(message) = message(world, &work) {
            // It was done with, and the queue did not hear of that.
            lab.enter(plain.1);
            if !has_ended(world, message) && lab.world().send_again(message) {
                let how = format!("{}: {:?}, and again", request(world, message), plain.0.end);
                steps.push(Step { how, world: lab.world().clone() });
            }
        }
        deliveries.fetch_add(1, Ordering::Relaxed);
        for (at, site) in plain.0.calls.iter().enumerate() {
            for fault in site.faults() {
                deliver(lab, world, &work, Some((at + 1, fault)), &mut steps);
                deliveries.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    if world.queue.iter().any(|message| has_ended(world, message)) {
        return steps;
    }
    if let Some(ask) = script.asks.get(world.asked.len() - script.before.len()) {
        let mut world = world.clone();
        world.ask(ask);
        steps.push(Step { how: format!("{} is asked for", ask.request), world });
    }
    if let Some(file) = script.files.get(world.files.len()) {
        let mut world = world.clone();
        world.put(*file);
        steps.push(Step { how: format!("{} lands", file.key), world });
    }
    steps.extend(rotations(script, world));
    if let Some(asked) = roll_back(script, world) {
        steps.push(Step { how: "a roll back is asked for".to_owned(), world: asked });
    }
    let mut later = world.clone();
    later.pass_to(world.now + SignedDuration::from_secs(1000));
    steps.push(Step { how: "time passes".to_owned(), world: later });
    steps
}

/// The schedule begins another rotation of a secret.
fn rotations(script: &Script, world: &World) -> Vec<Step> {
    let mut steps = Vec::new();
    if world.rotations < script.rotations {
        for secret in world.secrets.secrets() {
            let mut world = world.clone();
            if world.rotate(&secret.name) {
                world.rotations += 1;
                steps.push(Step { how: format!("a rotation of {} begins", secret.name), world });
            }
        }
    }
    steps
}

/// An operator wants the version away that is current now.
fn roll_back(script: &Script, world: &World) -> Option<World> {
    if !script.roll_back || world.operated > 0 || world.operator.is_some() {
        return None;
    }
    let secret = world.secrets.secrets().find(|secret| secret.version("AWSPREVIOUS").is_some())?;
    let mut world = world.clone();
    world.operator = Some(World::roll_back(&secret.name, "o-1", secret.version("AWSCURRENT")?));
    Some(world)
}

/// The work whose delivery leads to states of its own. What a request that has ended still does, which is
/// to announce its end, meets nothing else: in whatever order it happens, the same comes out. So it is
/// looked at first and alone.
fn next_to_deliver(world: &World) -> Vec<Work> {
    if let Some(ended) = world.queue.iter().find(|message| has_ended(world, message)) {
        return vec![Work::Message(ended.id)];
    }
    let mut work: Vec<Work> = world.queue.iter().map(|message| Work::Message(message.id)).collect();
    work.extend(world.rotating.iter().map(|rotating| Work::Step(rotating.name.clone())));
    work.extend(world.operator.clone().map(Work::Operator));
    work.extend(world.is_crowded().then_some(Work::CleanUp));
    work
}

fn message<'a>(world: &'a World, work: &Work) -> Option<&'a Queued> {
    let Work::Message(id) = work else { return None };
    world.queue.iter().find(|message| message.id == *id)
}

fn has_ended(world: &World, message: &Queued) -> bool {
    if let Some(file) = message.file(world) {
        let row = world.documents.row(&DocumentId::of(&file.source()));
        return row.is_some_and(|row| match message.function {
            Function::Collect => row.document.settled(),
            _ => row.document.ended(),
        });
    }
    world.table.requests().any(|handled| handled.request_id.as_str() == request(world, message))
}

/// Delivers some work. Where a message is deferred, it may be deferred so for a day.
fn deliver(
    lab: &Lab,
    world: &World,
    work: &Work,
    fault: Option<(usize, Fault)>,
    steps: &mut Vec<Step>,
) -> (Delivered, World) {
    lab.enter(world.clone());
    let delivered = lab.deliver(work.clone(), fault.into_iter().collect());
    if matches!(work, Work::Operator(_)) {
        let mut world = lab.world();
        world.operated += 1;
        if world.operated >= 2 {
            world.operator = None;
        }
    }
    let after = lab.world().clone();
    let what = match fault {
        Some((at, fault)) => {
            let site = delivered.calls.get(at - 1).map(ToString::to_string).unwrap_or_default();
            format!("{fault:?} at call {at} ({site})")
        }
        None => "plainly".to_owned(),
    };
    let how = format!("{} {what}: {:?}", description(world, work), delivered.end);
    if let Some(message) = message(world, work)
        && let Some(deferred) = deferred(&after, message)
    {
        let mut world = after.clone();
        world.is_deferred_for_a_day(deferred);
        steps.push(Step { how: format!("{how}, and so for a day"), world });
    }
    steps.push(Step { how, world: after.clone() });
    (delivered, after)
}

/// The message that took this one's place to wait, where it is the only one that says the same.
fn deferred(after: &World, message: &Queued) -> Option<u64> {
    let deferred = after.queue.iter().find(|other| {
        other.id > message.id && other.parcel.attempt > message.parcel.attempt && !other.is_persistent()
    })?;
    let same = |other: &&Queued| request(after, other) == request(after, deferred);
    (after.queue.iter().filter(same).count() == 1).then_some(deferred.id)
}

fn description(world: &World, work: &Work) -> String {
    match work {
        Work::Message(_) => message(world, work).map_or("?", |message| request(world, message)).to_owned(),
        Work::Step(name) => {
            let step = world.rotating.iter().find(|rotating| rotating.name == *name).map(|one| one.step);
            format!("step {step:?} of the rotation")
        }
        Work::CleanUp => "the clean-up".to_owned(),
        Work::Operator(_) => "the roll back".to_owned(),
        Work::Reconcile(_) => "the reconciliation".to_owned(),
    }
}

/// The request that a message is.
fn request<'a>(world: &'a World, message: &Queued) -> &'a str {
    if let Some(file) = message.file(world) {
        return file.key;
    }
    let mut asked = world.asked.iter();
    let asked = asked.find(|asked| message.parcel.body.contains(asked.request_id.as_str()));
    asked.map_or("?", |asked| asked.request_id.as_str())
}

/// How a state was first reached.
fn way(state: Key, from: &HashMap<Key, (Key, String)>) -> String {
    let (mut at, mut steps) = (state, Vec::new());
    while let Some((before, how)) = from.get(&at) {
        steps.push(how.as_str());
        at = *before;
    }
    steps.reverse();
    steps.join("\n      ")
}
