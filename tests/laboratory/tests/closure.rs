//! Every reachable state, by every single fault at every call, until no new one appears: see
//! [`laboratory::closure`].
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use laboratory::closure::{Script, close};
use laboratory::files::File;
use laboratory::lab::Setup;
use laboratory::scenarios::{ONE, TWO};
use laboratory::world::{Ask, Function};

/// A set that does not close is given up here.
const MOST: usize = 2_000_000;

fn holds(what: &str, asks: Vec<Ask<'static>>, least: usize) {
    let nothing = Script {
        before: vec![],
        asks,
        files: vec![],
        rotations: 0,
        roll_back: false,
        struck: None,
        setup: Setup::default(),
    };
    closes(what, &nothing, least);
}

fn closes(what: &str, script: &Script, least: usize) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let closed = close(script, threads, MOST);
    println!(
        "{what}: {} states, in {} of them nothing waits; {} deliveries",
        closed.states, closed.at_rest, closed.deliveries
    );
    let some = closed.broken[..closed.broken.len().min(5)].join("\n");
    assert!(
        closed.broken.is_empty(),
        "{} states do not end in the laws, such as:\n{some}",
        closed.broken.len()
    );
    assert!(closed.states >= least, "{what}: only {} states were reached", closed.states);
}

fn on(cells: &'static [shared_core::place::Cell]) -> Ask<'static> {
    Ask::onboard("r-1", "acme", cells, 1)
}

#[test]
fn one_cell_comes_and_goes() {
    holds("one cell, onboarded and offboarded", vec![on(ONE), Ask::offboard("r-2", "acme", 2)], 1000);
}

#[test]
fn two_cells_come() {
    holds("two cells, onboarded", vec![on(TWO)], 500);
}

#[test]
fn one_client_secret_comes() {
    holds("one cell with a client secret, onboarded", vec![on(ONE).with_client_secrets()], 100);
}

fn rotated(asks: Vec<Ask<'static>>, rotations: usize, roll_back: bool) -> Script {
    Script {
        before: vec![on(ONE)],
        asks,
        files: vec![],
        rotations,
        roll_back,
        struck: None,
        setup: Setup::default(),
    }
}

#[test]
#[ignore = "minutes: `cargo test --workspace --test closure -- --ignored`"]
fn a_rotation_meets_an_offboarding() {
    let script = rotated(vec![Ask::offboard("r-2", "acme", 2)], 1, false);
    closes("one rotation and an offboarding", &script, 500);
}

#[test]
#[ignore = "minutes: `cargo test --workspace --test closure -- --ignored`"]
fn two_rotations_meet_an_offboarding() {
    let script = rotated(vec![Ask::offboard("r-2", "acme", 2)], 2, false);
    closes("two rotations and an offboarding", &script, 10_000);
}

#[test]
#[ignore = "minutes: `cargo test --workspace --test closure -- --ignored`"]
fn two_rotations_meet_a_roll_back() {
    closes("two rotations, a roll back asked for twice", &rotated(vec![], 2, true), 10_000);
}

#[test]
fn a_client_secret_rotates() {
    let script = Script { before: vec![on(ONE).with_client_secrets()], ..rotated(vec![], 2, false) };
    closes("two rotations of a client secret", &script, 100);
}

fn with_files(asks: Vec<Ask<'static>>, files: &[File]) -> Script {
    Script { files: files.to_vec(), ..rotated(asks, 0, false) }
}

#[test]
fn a_document_is_submitted() {
    closes("a document", &with_files(vec![], &[File::plain("acme/eu-1/a.pdf")]), 20);
}

#[test]
fn a_document_with_characteristics_is_submitted() {
    let script = with_files(vec![], &[File::described("acme/a.pdf")]);
    closes("a document with characteristics", &script, 20);
}

/// All ways of the document, while the other one goes its own without faults.
fn struck_document(script: Script) -> Script {
    Script { struck: Some(Function::Submit), ..script }
}

#[test]
fn a_result_is_collected() {
    let script = with_files(vec![], &[File::plain("acme/a.pdf")]);
    closes("a result", &Script { struck: Some(Function::Collect), ..script }, 20);
}

#[test]
fn a_result_is_awaited_by_an_offboarding() {
    let drained = vec![Ask::offboard("r-2", "acme", 2).with_drain()];
    let script = with_files(drained, &[File::plain("acme/a.pdf")]);
    closes("a result and a drain", &Script { struck: Some(Function::Collect), ..script }, 100);
}

#[test]
fn a_document_meets_an_offboarding() {
    let script = with_files(vec![Ask::offboard("r-2", "acme", 2)], &[File::plain("acme/a.pdf")]);
    closes("a document and an offboarding", &struck_document(script), 1000);
}

#[test]
#[ignore = "minutes: `cargo test --workspace --test closure -- --ignored`"]
fn a_document_meets_a_rotation() {
    let script = Script { rotations: 1, ..with_files(vec![], &[File::plain("acme/a.pdf")]) };
    closes("a document and a rotation", &struck_document(script), 1000);
}
