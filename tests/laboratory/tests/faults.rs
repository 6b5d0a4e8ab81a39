//! Every single fault at every call, and every pair of faults of five classes, through the real flows:
//! once the messages have been delivered again, the laws hold.
//!
//! Calls are not listed: whatever passes the gate is struck, so a new call is covered on the day it is
//! written.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use laboratory::scenarios::{Scenario, all};
use laboratory::strike::{Struck, pairs, singles};

fn strike(what: &str, cold: bool, strike: fn(&Scenario, bool) -> Struck) {
    strike_those(what, cold, strike, |_| true);
}

fn strike_those(what: &str, cold: bool, strike: fn(&Scenario, bool) -> Struck, which: fn(&Scenario) -> bool) {
    let mut runs = 0;
    let mut broken = Vec::new();
    for scenario in all().into_iter().filter(which) {
        let struck = strike(&scenario, cold);
        println!("{}: {} runs with {what}", scenario.name, struck.runs);
        runs += struck.runs;
        broken.extend(struck.broken);
    }
    println!("{runs} runs with {what}, {} of them broke a law", broken.len());
    assert!(
        broken.is_empty(),
        "{} runs broke a law, such as:\n{}",
        broken.len(),
        broken[..broken.len().min(8)].join("\n")
    );
    assert!(runs > 500, "hardly a call was struck");
}

#[test]
fn every_single_fault_is_healed() {
    strike("one fault", false, singles);
}

#[test]
fn every_single_fault_of_a_cold_start_is_healed() {
    strike("one fault, each invocation cold", true, singles);
}

#[test]
fn every_pair_of_faults_is_healed() {
    strike_those("two faults", false, pairs, |scenario| !scenario.large);
}

#[test]
#[ignore = "minutes: `cargo test --workspace --test faults -- --ignored`"]
fn every_pair_of_faults_of_large_scenarios_is_healed() {
    strike_those("two faults", false, pairs, |scenario| scenario.large);
}
