//! Simulation.
use laboratory::lab::{Lab, Setup};
use laboratory::simulation::simulate;

#[test]
fn seeds() {
    let n: u64 = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let from: u64 = std::env::var("FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let lab = Lab::new(Setup { quota: 4, ..Setup::default() });
    let t = std::time::Instant::now();
    let (mut calls, mut deliveries, mut bad) = (0, 0, 0);
    for seed in from..from + n {
        let trace = simulate(&lab, seed);
        calls += trace.calls;
        deliveries += trace.deliveries;
        if !trace.broken.is_empty() {
            bad += 1;
            if bad < 30 {
                println!("{seed}: {:?}", trace.broken);
            }
        }
    }
    println!("{n} seeds, {calls} calls, {deliveries} deliveries, {bad} bad, {:?}", t.elapsed());
    for seed in 0..20 {
        let (a, b) = (simulate(&lab, seed), simulate(&lab, seed));
        assert_eq!(a, b);
    }
}
#[test]
fn one() {
    let Some(seed) = std::env::var("SEED").ok().and_then(|n| n.parse().ok()) else { return };
    let lab = Lab::new(Setup { quota: 4, ..Setup::default() });
    lab.tell();
    let trace = simulate(&lab, seed);
    println!("{:?}", trace.broken);
    for e in &lab.world().bus {
        println!("{} {}", e.event_id(), serde_json::to_string(e).unwrap());
    }
}
