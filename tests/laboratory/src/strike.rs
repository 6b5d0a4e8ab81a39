//! Striking calls: every single fault, and every pair.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fault::{CLASSES, Fault, Site};
use crate::lab::Lab;
use crate::scenarios::Scenario;
use crate::world::World;

/// What striking found.
#[derive(Debug, Default)]
pub struct Struck {
    /// How many runs there were, each from a scenario's beginning to rest.
    pub runs: usize,
    /// What did not hold, each with its faults.
    pub broken: Vec<String>,
}

/// Every single fault at every call of a scenario, the calls of what it takes to heal it too.
pub fn singles(scenario: &Scenario, cold: bool) -> Struck {
    spread(scenario, cold, |striker, at, struck| {
        for fault in striker.calls[at - 1].faults() {
            striker.strike(&[(at, fault)], struck);
        }
    })
}

/// Every pair of faults: the first of the five classes at every call, the second at every call after it, also of
/// what it takes to heal the first.
pub fn pairs(scenario: &Scenario, cold: bool) -> Struck {
    spread(scenario, cold, |striker, at, struck| {
        for first in CLASSES {
            striker.lab.enter(striker.world.clone());
            // What a single fault breaks is told by the singles.
            let Ok(healed) = striker.lab.run(&[(at, first)]) else { continue };
            for second in at + 1..=healed.calls.len() {
                for fault in CLASSES {
                    striker.strike(&[(at, first), (second, fault)], struck);
                }
            }
        }
    })
}

struct Striker<'a> {
    scenario: &'a Scenario,
    lab: Lab,
    world: World,
    /// The calls of a run without faults.
    calls: Vec<Site>,
}

impl Striker<'_> {
    fn strike(&self, faults: &[(usize, Fault)], struck: &mut Struck) {
        self.lab.enter(self.world.clone());
        struck.runs += 1;
        if let Err(broken) = self.lab.run(faults) {
            struck.broken.push(format!("{}: {faults:?}: {broken:?}", self.scenario.name));
        }
    }
}

/// Deals a scenario's calls to as many threads as there are processors.
fn spread(
    scenario: &Scenario,
    cold: bool,
    strike: impl Fn(&Striker<'_>, usize, &mut Struck) + Sync,
) -> Struck {
    let (next, all) = (AtomicUsize::new(1), Mutex::new(Struck::default()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let lab = Lab::new(scenario.setup(cold));
                let world = scenario.begin(&lab);
                lab.enter(world.clone());
                let mut struck = Struck::default();
                match lab.run(&[]) {
                    Ok(good) => {
                        let striker = Striker { scenario, lab, world, calls: good.calls };
                        loop {
                            let at = next.fetch_add(1, Ordering::Relaxed);
                            if at > striker.calls.len() {
                                break;
                            }
                            strike(&striker, at, &mut struck);
                        }
                    }
                    Err(broken) => struck.broken.push(format!("{}: {broken:?}", scenario.name)),
                }
                let mut all = all.lock().expect("no thread panics under it");
                all.runs += struck.runs;
                all.broken.extend(struck.broken);
            });
        }
    });
    all.into_inner().expect("no thread panics under it")
}
