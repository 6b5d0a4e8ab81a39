//! Results: looked for, told of by the vendor, or never there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use laboratory::delivery::{End, Work};
use laboratory::fault::Fault;
use laboratory::files::File;
use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::ONE;
use laboratory::vendor::Submission;
use laboratory::world::{Ask, Function, Queued};
use serde_json::{Value, json};
use shared_core::document::{Document, DocumentId, State};
use shared_core::event::{Content, DocumentAnalysisFailed, OutboundEvent, ReasonCode};

const FILE: File = File::plain("acme/a.pdf");

/// A lab in which a document is submitted, and looked for after so many seconds.
fn submitted(first_look: u64, with: impl FnOnce(&Lab)) -> Lab {
    let lab = Lab::new(Setup { first_look: Duration::from_secs(first_look), ..Setup::default() });
    lab.world().ask(&Ask::onboard("r-1", "acme", ONE, 1));
    lab.run(&[]).unwrap();
    with(&lab);
    lab.world().put(FILE);
    assert_eq!(deliver(&lab, &[]), End::Done);
    lab
}

/// Delivers what is due first.
fn deliver(lab: &Lab, faults: &[(usize, Fault)]) -> End {
    let due = lab.world().next().unwrap();
    lab.deliver(due, faults.to_vec()).end
}

fn document(lab: &Lab) -> Document {
    lab.world().documents.row(&DocumentId::of(&FILE.source())).unwrap().document.clone()
}

fn looks(lab: &Lab) -> Vec<Queued> {
    lab.world().queue.iter().filter(|message| message.function == Function::Collect).cloned().collect()
}

fn submission(lab: &Lab) -> Submission {
    lab.world().vendor.submissions().next().cloned().unwrap()
}

/// The events that tell of the analysis' end.
fn told(lab: &Lab) -> Vec<OutboundEvent> {
    let of_it = |event: &&OutboundEvent| {
        matches!(event.content(), Content::DocumentAnalyzed(_) | Content::DocumentAnalysisFailed(_))
    };
    lab.world().bus.iter().filter(of_it).cloned().collect()
}

fn failed(lab: &Lab) -> DocumentAnalysisFailed {
    match told(lab).pop().map(|event| event.content().clone()) {
        Some(Content::DocumentAnalysisFailed(failed)) => failed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn looks_come_later_each_time_and_end_after_one_past_fifteen_minutes() {
    let lab = submitted(10, |lab| lab.world().vendor.stuck = true);
    let begun = lab.world().now;
    let (mut before, mut waits) = (begun, Vec::new());
    while let [look] = &looks(&lab)[..] {
        waits.push(look.due.duration_since(before).as_secs());
        before = look.due;
        assert_eq!(deliver(&lab, &[]), End::Done);
    }
    assert_eq!(waits[..3], [10, 5, 5]);
    // The vendor's greatest, and a quarter of it spread.
    assert!(waits.iter().all(|wait| *wait <= 45) && waits[8..].iter().all(|wait| *wait >= 33), "{waits:?}");
    let (last, passed) = (waits.last().unwrap(), before.duration_since(begun).as_secs());
    assert!(passed >= 900 && passed - last < 900, "the last look came after {passed} s");
    assert_eq!(failed(&lab).reason_code, ReasonCode::NoResult);
    assert_eq!(failed(&lab).status, None);
    lab.run(&[]).unwrap();
}

#[test]
fn a_look_that_is_delivered_twice_begins_no_second_chain() {
    let lab = submitted(1, |_| {});
    let look = looks(&lab).pop().unwrap();
    assert_eq!(deliver(&lab, &[]), End::Done);
    // The queue repeats itself while the look that followed waits.
    assert_eq!(looks(&lab).len(), 1);
    lab.world().queue.push(Queued { receives: 0, ..look });
    assert_eq!(deliver(&lab, &[]), End::Done);
    assert_eq!(looks(&lab).len(), 1, "{:?}", looks(&lab));
    lab.run(&[]).unwrap();
    assert_eq!((document(&lab).state, told(&lab).len()), (State::Analyzed, 1));
}

#[test]
fn a_look_that_was_killed_after_it_was_counted_goes_on() {
    let lab = submitted(1, |_| {});
    let Work::Message(id) = lab.world().next().unwrap() else { panic!() };
    // Its second call is that of the vault.
    assert_eq!(deliver(&lab, &[(2, Fault::CrashBefore)]), End::Killed);
    assert_eq!(looks(&lab)[0].id, id);
    lab.run(&[]).unwrap();
    assert_eq!((document(&lab).state, told(&lab).len()), (State::Analyzed, 1));
}

#[test]
fn a_notification_is_enough_and_repeated_or_late_ones_change_nothing() {
    let lab = submitted(900, |_| {});
    lab.pass(Duration::from_secs(30));
    let one = submission(&lab);
    lab.world().notify(&one);
    assert_eq!(deliver(&lab, &[]), End::Done);
    assert_eq!((document(&lab).state, told(&lab).len()), (State::Analyzed, 1));
    lab.world().vendor.result = Some(json!({"status": "FAILED"}));
    lab.world().notify(&one);
    lab.world().notify(&one);
    lab.run(&[]).unwrap();
    assert_eq!((document(&lab).state, told(&lab).len()), (State::Analyzed, 1));
}

#[test]
fn a_notification_of_another_submission_or_tenant_is_not_believed() {
    let lab = submitted(900, |_| {});
    lab.pass(Duration::from_secs(30));
    let one = submission(&lab);
    let [tenant, id, query_id] =
        ["tenant-of-somebody", "submission-of-somebody", "theirs"].map(str::to_owned);
    for told in [
        Submission { tenant, ..one.clone() },
        Submission { id, ..one.clone() },
        Submission { query_id, ..one.clone() },
    ] {
        lab.world().notify(&told);
        let due = lab.world().next().unwrap();
        let delivered = lab.deliver(due, Vec::new());
        assert_eq!(delivered.end, End::Done);
        assert!(delivered.calls.iter().all(|call| call.operation == "GetItem"), "{:?}", delivered.calls);
    }
    assert_eq!((document(&lab).state, looks(&lab).len()), (State::Submitted, 1));
    lab.run(&[]).unwrap();
}

#[test]
fn a_notification_that_comes_before_its_result_waits_a_little() {
    let lab = submitted(900, |_| {});
    let one = submission(&lab);
    lab.world().notify(&one);
    assert_eq!(deliver(&lab, &[]), End::Done);
    assert_eq!((document(&lab).state, looks(&lab).len()), (State::Submitted, 2));
    lab.run(&[]).unwrap();
    assert_eq!((document(&lab).state, told(&lab).len()), (State::Analyzed, 1));
}

fn ends_with(result: Value) -> Lab {
    let lab = submitted(25, |lab| lab.world().vendor.result = Some(result));
    lab.run(&[]).unwrap();
    lab
}

#[test]
fn what_the_vendor_could_not_analyse_says_so_with_its_words() {
    for (status, code) in [
        ("FAILED", ReasonCode::AnalysisFailed),
        ("INVALID_INPUT", ReasonCode::DocumentInvalid),
        ("SKIPPED", ReasonCode::AnalysisSkipped),
        ("SOMETHING_NEW", ReasonCode::AnalysisFailed),
    ] {
        let lab = ends_with(json!({"status": status, "message": "it has no pages"}));
        let failed = failed(&lab);
        assert_eq!((&failed.reason_code, failed.status.as_deref()), (&code, Some(status)));
        assert!(failed.explanation.contains("it has no pages"), "{}", failed.explanation);
        assert!(failed.results.is_some());
    }
}

#[test]
fn a_small_result_is_kept_with_the_record_and_a_large_one_in_the_bucket() {
    for (indicators, large) in [(10, false), (1000, true)] {
        let result = json!({"status": "SUCCESS", "score": "WARNING", "indicators": vec!["one"; indicators]});
        let lab = ends_with(result.clone());
        let world = lab.world();
        let beside = world.documents.rows().next().unwrap().results.clone();
        assert_eq!((beside.is_none(), world.results.len()), (large, usize::from(large)));
        let kept = beside.or_else(|| world.results.values().next().cloned()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), json!({ "fraud": result }));
    }
}

#[test]
fn a_customer_that_leaves_at_once_has_its_open_documents_cut_off_and_named() {
    let lab = submitted(900, |lab| lab.world().vendor.stuck = true);
    lab.world().ask(&Ask::offboard("r-2", "acme", 2));
    lab.run(&[]).unwrap();
    assert_eq!(failed(&lab).reason_code, ReasonCode::CustomerOffboarding);
    let world = lab.world();
    let certificate = world.bus.iter().find_map(|event| match event.content() {
        Content::CustomerOffboarded(event) => Some(event.certificate.clone()),
        _ => None,
    });
    let id = DocumentId::of(&FILE.source());
    assert_eq!(certificate.unwrap().documents_cut_off, [id.as_str()]);
}

#[test]
fn a_customer_that_is_drained_has_its_verdict_first() {
    let lab = submitted(400, |_| {});
    lab.world().ask(&Ask::offboard("r-2", "acme", 2).with_drain());
    lab.run(&[]).unwrap();
    assert_eq!(document(&lab).state, State::Analyzed);
    let world = lab.world();
    let at =
        |wanted: fn(&Content) -> bool| world.bus.iter().position(|event| wanted(event.content())).unwrap();
    let analysed = at(|content| matches!(content, Content::DocumentAnalyzed(_)));
    assert!(analysed < at(|content| matches!(content, Content::CustomerOffboarded(_))));
}

#[test]
fn a_drain_ends_a_minute_after_the_longest_analysis() {
    let lab = submitted(900, |lab| lab.world().vendor.stuck = true);
    lab.world().queue.clear();
    let begun = lab.world().now;
    lab.world().ask(&Ask::offboard("r-2", "acme", 2).with_drain());
    while !told_of_offboarding(&lab) {
        assert_eq!(deliver(&lab, &[]), End::Done);
    }
    let passed = lab.world().now.duration_since(begun).as_secs();
    assert!((960..1900).contains(&passed), "{passed}");
    assert_eq!(document(&lab).failure.unwrap().code, ReasonCode::CustomerOffboarding);
}

fn told_of_offboarding(lab: &Lab) -> bool {
    lab.world().bus.iter().any(|event| matches!(event.content(), Content::CustomerOffboarded(_)))
}
