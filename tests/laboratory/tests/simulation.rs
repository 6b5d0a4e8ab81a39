//! Seeded schedules: see [`laboratory::simulation`].
//!
//! `SEEDS=100000 cargo test --workspace --test simulation -- --nocapture` runs so many; `SEED=7 …` runs one
//! and tells every call of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use laboratory::lab::{Lab, Setup};
use laboratory::simulation::simulate;

fn lab() -> Lab {
    Lab::new(Setup { quota: 4, cache: Duration::from_secs(300), ..Setup::default() })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn every_schedule_ends_in_the_laws() {
    if let Some(seed) = number("SEED") {
        let lab = lab();
        lab.tell();
        let trace = simulate(&lab, seed);
        assert!(trace.broken.is_empty(), "{:?}", trace.broken);
        return;
    }
    let seeds = number("SEEDS").unwrap_or(2000);
    let (next, calls, deliveries) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let broken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let lab = lab();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    let trace = simulate(&lab, seed);
                    calls.fetch_add(trace.calls as u64, Ordering::Relaxed);
                    deliveries.fetch_add(trace.deliveries as u64, Ordering::Relaxed);
                    if !trace.broken.is_empty() {
                        broken.lock().unwrap().push((seed, trace.broken));
                    }
                }
            });
        }
    });
    println!(
        "{seeds} schedules, {} deliveries side by side, {} calls",
        deliveries.into_inner(),
        calls.into_inner()
    );
    let broken = broken.into_inner().unwrap();
    let told: Vec<String> = broken
        .iter()
        .take(5)
        .map(|(seed, laws)| {
            format!("SEED={seed} cargo test --workspace --test simulation -- --nocapture\n    {laws:?}")
        })
        .collect();
    assert!(broken.is_empty(), "{} schedules broke a law, such as:\n{}", broken.len(), told.join("\n"));
}

#[test]
fn a_seed_is_a_schedule() {
    let (one, other) = (lab(), lab());
    for seed in 0..100 {
        let trace = simulate(&one, seed);
        assert_eq!(trace, simulate(&other, seed), "seed {seed}");
        assert!(trace.calls > 0, "seed {seed} does nothing");
    }
    assert_ne!(simulate(&one, 1).digest, simulate(&one, 2).digest);
}
