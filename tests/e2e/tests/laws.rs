//! Every single fault at every call of every function, through the real binaries: whatever happens to
//! one call, once the messages have been delivered again the house is in order.
//!
//! Calls are not listed here. A sweep strikes the first call of a run, then the second, and so on until
//! a run ends before the stroke falls, so a new call is covered on the day it is written.
//!
//! `EVERY_STROKE=1 cargo test --workspace --test laws -- --nocapture` makes every stroke and prints how many
//! there were; without it, the worst one of each kind is made: done, and nobody heard of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use aws_parts::proxy::{Effect as Cut, Matcher};
use e2e::scenario::{ALL, Scenario};
use e2e::world::World;
use futures::future::join_all;
use simulator::{Effect, Fault, HoldAt, Release};
use tokio::sync::Semaphore;

/// One kind of stroke.
#[derive(Clone, Debug)]
enum Stroke {
    /// At an AWS call: every attempt of the SDK at it is struck.
    Aws(Cut),
    /// At a call to the vendor.
    Vendor(Effect),
    /// The function is killed while an AWS call is held; then the call is let go, or never happens.
    KillAtAws(Cut, bool),
    /// The function is killed while a call to the vendor is held.
    KillAtVendor(HoldAt, Release),
    /// While an AWS call is held, a second delivery runs to its end.
    Overtake,
}

/// A function's time limit: a lease that a killed function held ends five seconds after it.
const TIMEOUT_SECONDS: u64 = 4;

/// Into how many shares the calls of a scenario are dealt: a run mostly waits for a lease to end.
const SHARES: usize = 4;

/// The SDK's own attempts at one call.
const ATTEMPTS: usize = 3;

impl Stroke {
    /// How long after an unclear create nothing may be decided: longer than an effect takes to land.
    fn settle_seconds(&self) -> u64 {
        match self {
            Self::Vendor(Effect::Late { .. }) => 2,
            _ => 0,
        }
    }

    /// Runs the scenario with this stroke at the `nth` call; answers whether it fell.
    async fn strike(&self, world: &World, scenario: Scenario, customer: &str, nth: usize) -> bool {
        match self {
            Self::Aws(effect) => {
                let calls = world.proxy.calls().len();
                let rule = world.proxy.rule(Matcher::any().skip(nth - 1).times(ATTEMPTS), effect.clone());
                scenario.run(world, customer).await;
                world.proxy.remove_rule(rule);
                world.proxy.calls().len() - calls >= nth
            }
            Self::Vendor(effect) => {
                let id = world.vendor.vendor().add_fault(fault(nth, effect.clone()));
                scenario.run(world, customer).await;
                let fell =
                    world.vendor.vendor().faults().iter().any(|armed| armed.id == id && armed.hits > 0);
                world.vendor.vendor().remove_faults(Some(id));
                fell
            }
            Self::KillAtAws(hold, happens) => {
                let rule = world.proxy.rule(Matcher::any().skip(nth - 1).times(1), hold.clone());
                let fell = tokio::select! {
                    biased;
                    held = world.proxy.held_at_least(1) => {
                        scenario.kill(world);
                        let number = held[0].number;
                        if *happens { world.proxy.release(number) } else { world.proxy.cut(number) };
                        true
                    }
                    () = scenario.run_once(world, customer) => false,
                };
                world.proxy.remove_rule(rule);
                scenario.run(world, customer).await;
                fell
            }
            Self::Overtake => {
                // Secrets Manager does not call a step twice at once.
                if scenario == Scenario::Rotate {
                    scenario.run(world, customer).await;
                    return false;
                }
                let rule = world.proxy.rule(Matcher::any().skip(nth - 1).times(1), Cut::HoldBefore);
                let first = scenario.run_once(world, customer);
                tokio::pin!(first);
                let fell = tokio::select! {
                    biased;
                    held = world.proxy.held_at_least(1) => {
                        scenario.run(world, customer).await;
                        world.proxy.release(held[0].number);
                        true
                    }
                    () = &mut first => false,
                };
                if fell {
                    first.await;
                }
                world.proxy.remove_rule(rule);
                scenario.run(world, customer).await;
                fell
            }
            Self::KillAtVendor(at, release) => {
                let id = world.vendor.vendor().add_fault(fault(nth, Effect::Hold { at: *at }));
                let fell = tokio::select! {
                    biased;
                    _ = world.vendor.vendor().wait_for_held(1) => {
                        scenario.kill(world);
                        world.vendor.vendor().release(None, *release);
                        true
                    }
                    () = scenario.run_once(world, customer) => false,
                };
                world.vendor.vendor().remove_faults(Some(id));
                scenario.run(world, customer).await;
                fell
            }
        }
    }
}

fn fault(nth: usize, effect: Effect) -> Fault {
    Fault { operation: None, tenant: None, cell: None, nth: nth as u64, count: Some(1), effect }
}

fn answer(status: u16, kind: &str) -> Cut {
    Cut::Answer {
        status,
        body: format!("{{\"__type\":\"{kind}\",\"message\":\"a fault that was asked for\"}}"),
    }
}

/// Strikes every call of every scenario in turn, and holds the house against the laws after each. The
/// first stroke is the one that is always made.
async fn sweep(mut strokes: Vec<Stroke>) {
    if std::env::var_os("EVERY_STROKE").is_none() {
        strokes.truncate(1);
    }
    let shares = (1..=SHARES).flat_map(|first| ALL.map(|scenario| (first, scenario)));
    let shares =
        strokes.into_iter().flat_map(|stroke| shares.clone().map(move |share| (stroke.clone(), share)));
    // Over all tests: more at once only make each other late.
    static AT_ONCE: Semaphore = Semaphore::const_new(12);
    let runs = join_all(shares.map(|(stroke, (first, scenario))| {
        tokio::spawn(async move {
            let _permit = AT_ONCE.acquire().await.unwrap();
            share(&stroke, scenario, first).await
        })
    }))
    .await;
    let runs: usize = runs.into_iter().map(|run| run.unwrap()).sum();
    println!("{runs} runs with a fault");
    assert!(runs > 0, "no stroke fell");
}

/// Strikes every so-manieth call of a scenario, from the first on; answers how many strokes fell.
async fn share(stroke: &Stroke, scenario: Scenario, first: usize) -> usize {
    let world = World::start_within(TIMEOUT_SECONDS, stroke.settle_seconds()).await.unwrap();
    let mut runs = 0;
    for nth in (first..).step_by(SHARES) {
        let customer = format!("customer-{nth}");
        scenario.prepare(&world, &customer).await;
        scenario.kill(&world);
        let fell = stroke.strike(&world, scenario, &customer, nth).await;
        let said = format!("{stroke:?} at call {nth} of {scenario:?}");
        scenario.hold_against_the_laws(&world, &customer, &said).await;
        if !fell {
            break;
        }
        runs += 1;
    }
    println!("{scenario:?}: {runs} calls from the {first}. on struck by {stroke:?}");
    runs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_to_aws_is_healed() {
    let strokes = [
        Cut::LoseAnswer,
        Cut::CutBefore,
        answer(500, "InternalServerError"),
        answer(400, "AccessDeniedException"),
    ];
    sweep(strokes.map(Stroke::Aws).to_vec()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_to_the_vendor_is_healed() {
    let strokes = [
        Effect::DoneThenCut,
        Effect::DoneThenStatus { status: 500 },
        Effect::Late { after_ms: 1000, status: None },
        Effect::Refuse,
        Effect::Status { status: 500 },
        Effect::Status { status: 429 },
        Effect::Status { status: 403 },
    ];
    sweep(strokes.map(Stroke::Vendor).to_vec()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_delivery_at_any_call_changes_nothing() {
    sweep(vec![Stroke::Overtake]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_call_is_healed() {
    let strokes = vec![
        Stroke::KillAtAws(Cut::HoldAfter, true),
        Stroke::KillAtAws(Cut::HoldBefore, false),
        Stroke::KillAtAws(Cut::HoldBefore, true),
        Stroke::KillAtVendor(HoldAt::Before, Release::Discard),
        Stroke::KillAtVendor(HoldAt::Before, Release::Proceed),
        Stroke::KillAtVendor(HoldAt::After, Release::Discard),
    ];
    sweep(strokes).await;
}
