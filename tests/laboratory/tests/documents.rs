//! What becomes of a document that nothing strikes once and for all: what waits, what is in doubt.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use laboratory::delivery::{End, Work};
use laboratory::fault::Fault;
use laboratory::files::File;
use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::ONE;
use laboratory::world::Ask;
use shared_core::document::State;
use shared_core::event::{Content, ReasonCode};

const FILE: File = File::plain("acme/a.pdf");

fn lab() -> Lab {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&Ask::onboard("r-1", "acme", ONE, 1));
    lab.run(&[]).unwrap();
    lab.world().put(FILE);
    lab
}

/// The message that waits.
fn waiting(lab: &Lab) -> Work {
    let world = lab.world();
    let [message] = &world.queue[..] else { panic!("one message waits: {:?}", world.queue) };
    Work::Message(message.id)
}

fn state(lab: &Lab) -> State {
    lab.world().documents.rows().next().unwrap().document.state
}

/// Delivers the document; its call of this operation fails so.
fn strike(lab: &Lab, operation: &str, fault: Fault) -> End {
    let work = waiting(lab);
    let at = lab.first(&work, operation);
    lab.deliver(work, vec![(at, fault)]).end
}

#[test]
fn a_document_that_waits_for_a_day_ends_and_says_what_for() {
    for (operation, state_then) in [("createSubmission", State::Claimed), ("upload", State::Sending)] {
        let lab = lab();
        assert_eq!(strike(&lab, operation, Fault::Status(429)), End::Done);
        assert_eq!(state(&lab), state_then);
        let Work::Message(id) = waiting(&lab) else { unreachable!() };
        lab.world().is_deferred_for_a_day(id);
        // What hindered it is still there.
        let again = if state_then == State::Claimed { operation } else { "getFraud" };
        assert_eq!(strike(&lab, again, Fault::Status(429)), End::Done);
        assert_eq!(state(&lab), State::Rejected);
        lab.run(&[]).unwrap();
        let world = lab.world();
        let Content::DocumentRejected(rejected) = world.bus.last().unwrap().content() else { panic!() };
        assert_eq!(rejected.reason_code, ReasonCode::TooOld);
        let submission = rejected.explanation.contains("the vendor may hold it as submission `submission-");
        assert_eq!(submission, state_then == State::Sending, "{}", rejected.explanation);
    }
}

#[test]
fn nothing_is_concluded_from_a_result_while_a_removal_may_still_come_to_pass() {
    let lab = lab();
    // Every byte arrives, and nobody hears of it. Then the removal is on its way for longer than the analysis
    // takes, and another invocation sees the result in the meantime.
    strike(&lab, "upload", Fault::Unheard);
    assert_eq!(strike(&lab, "deleteSubmission", Fault::Overtaken), End::Killed);
    assert_eq!((state(&lab), lab.world().vendor.submissions().count()), (State::Sending, 0));
    lab.run(&[]).unwrap();
    assert_eq!(state(&lab), State::Analyzed);
    assert_eq!(lab.world().vendor.submissions().count(), 1);
}

#[test]
fn a_removal_that_was_refused_hinders_nothing() {
    let lab = lab();
    strike(&lab, "upload", Fault::Unheard);
    let work = waiting(&lab);
    let calls = lab.deliver(work, Vec::new()).calls;
    assert!(calls.iter().any(|call| call.operation == "deleteSubmission"), "{calls:?}");
    assert_eq!(state(&lab), State::Submitted, "it was being analysed");
}
