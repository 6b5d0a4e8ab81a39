//! From a world to rest: every message delivered until none is left.

use jiff::SignedDuration;
use shared_core::document::DocumentId;

use crate::delivery::{Delivered, Work};
use crate::fault::{Fault, Site};
use crate::files::File;
use crate::lab::{Lab, OVERLAP};
use crate::laws;
use crate::world::{Function, Queued, World};

/// More deliveries than any run without faults needs.
const MOST: usize = 200;

/// A run to rest.
#[derive(Debug)]
pub struct Run {
    /// Every call, over all deliveries, in order.
    pub calls: Vec<Site>,
    /// How many deliveries it took.
    pub deliveries: usize,
}

impl Lab {
    /// Delivers what is due first, again and again, until nothing waits any more. The faults strike calls
    /// counted over all deliveries.
    ///
    /// # Errors
    /// Where it does not come to rest, or the laws do not hold then.
    pub fn run(&self, faults: &[(usize, Fault)]) -> Result<Run, Vec<String>> {
        let (mut calls, mut deliveries) = (Vec::new(), 0);
        loop {
            // In a statement of its own, or the world would stay locked.
            let next = self.world().next();
            let Some(work) = next else { break };
            if work == Work::CleanUp {
                // It comes again and again; what retires now is due by then.
                let later = self.world().now + SignedDuration::try_from(OVERLAP).expect("some minutes");
                self.world().pass_to(later + SignedDuration::from_secs(2));
            }
            deliveries += 1;
            if deliveries > MOST {
                return Err(vec![format!("it does not come to rest: {work:?} is due again")]);
            }
            let before = calls.len();
            let plan = faults
                .iter()
                .filter(|(at, _)| *at > before)
                .map(|(at, fault)| (at - before, *fault))
                .collect();
            let Delivered { calls: made, .. } = self.deliver(work, plan);
            calls.extend(made);
        }
        self.rest();
        let broken = laws::at_rest(&self.world());
        if broken.is_empty() { Ok(Run { calls, deliveries }) } else { Err(broken) }
    }

    /// Lets land what is under way.
    pub fn rest(&self) {
        let mut world = self.world();
        let at = world.landed();
        world.pass_to(at);
    }
}

impl World {
    /// What is due first. The clean-up comes once nothing else waits.
    pub fn next(&self) -> Option<Work> {
        let message = self.queue.iter().min_by_key(|message| (message.due, message.id));
        let rotating = self.rotating.iter().min_by_key(|rotating| rotating.due);
        match (message, rotating) {
            (Some(message), Some(rotating)) if rotating.due < message.due => {
                Some(Work::Step(rotating.name.clone()))
            }
            (Some(message), _) => Some(Work::Message(message.id)),
            (None, Some(rotating)) => Some(Work::Step(rotating.name.clone())),
            (None, None) => self.is_crowded().then_some(Work::CleanUp),
        }
    }

    /// A day passes, in which a message is deferred again and again.
    pub fn is_deferred_for_a_day(&mut self, id: u64) {
        self.pass_to(self.now + SignedDuration::from_hours(25));
        for message in self.queue.iter_mut().filter(|message| message.id == id) {
            message.parcel.attempt += 100;
        }
    }
}

impl Queued {
    /// The file that it is about.
    pub fn file<'a>(&self, world: &'a World) -> Option<&'a File> {
        let body = &self.parcel.body;
        world.files.iter().find(|file| match self.function {
            Function::Submit => body.contains(&file.event_id()),
            Function::Collect => body.contains(DocumentId::of(&file.source()).as_str()),
            Function::Onboard | Function::Offboard => false,
        })
    }

    /// Whether it has been deferred for a day.
    pub fn is_persistent(&self) -> bool {
        self.parcel.attempt > 100
    }
}
