//! Every single fault at every call.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use laboratory::lab::{Lab, Setup};
use laboratory::world::{Ask, World};
use shared_core::place::Cell;

const ONE: &[Cell] = &[Cell::Eu1];
const THREE: &[Cell] = &[Cell::Eu1, Cell::Us1, Cell::Ca1];

fn start(lab: &Lab, before: &[Ask<'_>], asks: &[Ask<'_>]) -> World {
    lab.enter(World::new(laboratory::BEGINNING));
    for ask in before {
        lab.world().ask(ask);
        lab.run(&[]).unwrap();
    }
    for ask in asks {
        lab.world().ask(ask);
    }
    lab.world().clone()
}

fn scenarios() -> Vec<(&'static str, Vec<Ask<'static>>, Vec<Ask<'static>>)> {
    let on = |cells| Ask::onboard("r-1", "acme", cells, 1);
    let off = Ask::offboard("r-2", "acme", 2);
    vec![
        ("onboard 1", vec![], vec![on(ONE)]),
        ("onboard 3", vec![], vec![on(THREE)]),
        ("onboard 1 secret", vec![], vec![on(ONE).with_client_secrets()]),
        ("onboard 3 secret", vec![], vec![on(THREE).with_client_secrets()]),
        ("offboard", vec![on(THREE)], vec![off]),
        ("back", vec![on(ONE), off], vec![Ask::onboard("r-3", "acme", THREE, 3)]),
        ("more cells", vec![on(ONE)], vec![Ask::onboard("r-3", "acme", THREE, 3)]),
        ("both", vec![], vec![on(ONE), off]),
    ]
}

#[test]
fn every_single_fault() {
    let lab = Lab::new(Setup::default());
    let mut failures = std::collections::BTreeMap::new();
    let t = std::time::Instant::now();
    let mut runs = 0;
    for (name, before, asks) in scenarios() {
        let world = start(&lab, &before, &asks);
        let good = lab.run(&[]).unwrap();
        println!("{name}: {} calls in {} deliveries", good.calls.len(), good.deliveries);
        for (at, site) in good.calls.iter().enumerate() {
            for fault in site.faults() {
                lab.enter(world.clone());
                runs += 1;
                if let Err(broken) = lab.run(&[(at + 1, fault)]) {
                    failures.entry(format!("{name}: {fault:?} at {site}")).or_insert((at + 1, broken));
                }
            }
        }
    }
    println!("{runs} runs, {:?} each", t.elapsed() / runs);
    for (what, (at, broken)) in &failures {
        println!("{what} ({at}): {broken:?}");
    }
    println!("{} failures", failures.len());
}

#[test]
fn pairs() {
    let mut failures = std::collections::BTreeMap::new();
    let lab = Lab::new(Setup::default());
    for (name, before, asks) in scenarios() {
        let t = std::time::Instant::now();
        let mut runs = 0;
        let world = start(&lab, &before, &asks);
        let good = lab.run(&[]).unwrap();
        for at in 1..=good.calls.len() {
            for fault in laboratory::fault::CLASSES {
                lab.enter(world.clone());
                let Ok(single) = lab.run(&[(at, fault)]) else { continue };
                for (second, site) in single.calls.iter().enumerate().skip(at) {
                    for f2 in site.faults() {
                        lab.enter(world.clone());
                        runs += 1;
                        if let Err(broken) = lab.run(&[(at, fault), (second + 1, f2)]) {
                            let s1 = single.calls[at - 1];
                            failures
                                .entry(format!("{name}: {fault:?} at {s1}, {f2:?} at {site}"))
                                .or_insert((at, second + 1, broken));
                        }
                    }
                }
            }
        }
        println!("{name}: {runs} runs, {:?} each, {:?} all", t.elapsed() / runs.max(1), t.elapsed());
    }
    for (what, (at, second, broken)) in failures.iter().take(60) {
        println!("{what} ({at}, {second}): {broken:?}");
    }
    println!("{} failures", failures.len());
}
