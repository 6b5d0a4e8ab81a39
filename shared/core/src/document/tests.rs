use jiff::Timestamp;

use super::*;
use crate::customer::{CellState, Phase};
use crate::event::ReasonCode;

fn source(key: &str, version: Option<&str>, etag: Option<&str>) -> Source {
    Source {
        bucket: "b".to_owned(),
        key: key.to_owned(),
        version_id: version.map(str::to_owned),
        etag: etag.map(str::to_owned),
    }
}

fn customer(phase: Phase, cells: &[(Cell, CellPhase)]) -> Customer {
    let state = |phase| CellState {
        phase,
        failure: None,
        authentication: None,
        next: None,
        applications: Vec::new(),
    };
    let cells = cells.iter().map(|&(cell, phase)| (cell, state(phase))).collect();
    Customer { phase, cells, ..Customer::absent("acme".parse().unwrap()) }
}

#[test]
fn each_version_is_a_document_of_its_own_and_the_entity_tag_stands_in_for_it() {
    let id = |version, etag| DocumentId::of(&source("k", version, etag));
    assert_eq!(id(Some("1"), Some("x")), id(Some("1"), Some("y")));
    assert_ne!(id(Some("1"), None), id(Some("2"), None));
    assert_ne!(id(None, Some("1")), id(None, Some("2")));
    assert_ne!(id(Some("1"), None), id(None, Some("1")));
    assert_ne!(id(Some("1"), None), DocumentId::of(&source("l", Some("1"), None)));
}

#[test]
fn a_key_begins_with_its_customer() {
    assert_eq!(customer_of("acme/a.pdf").unwrap().as_str(), "acme");
    for key in ["a.pdf", "/a.pdf", "acme/", "a b/c.pdf", ""] {
        assert_eq!(customer_of(key), Err(Refusal::NoCustomerInKey), "{key}");
    }
}

#[test]
fn a_key_names_its_cell_or_the_customer_has_only_one() {
    let one = customer(Phase::Active, &[(Cell::Us1, CellPhase::Active)]);
    assert_eq!(route("acme/a.pdf", &one), Ok(Route::To(Cell::Us1)));
    assert_eq!(route("acme/folder/a.pdf", &one), Ok(Route::To(Cell::Us1)));
    assert_eq!(route("acme/us-1/a.pdf", &one), Ok(Route::To(Cell::Us1)));
    // A file that is called like a cell is a file.
    assert_eq!(route("acme/us-1", &one), Ok(Route::To(Cell::Us1)));
    let none = Refusal::NoSuchCell("acme".parse().unwrap(), Cell::Eu1);
    assert_eq!(route("acme/eu-1/a.pdf", &one), Err(none));
    let two = customer(Phase::Active, &[(Cell::Us1, CellPhase::Active), (Cell::Eu1, CellPhase::Failed)]);
    assert_eq!(route("acme/a.pdf", &two), Err(Refusal::AmbiguousCell("acme".parse().unwrap())));
    assert!(matches!(route("acme/eu-1/a.pdf", &two), Err(Refusal::NoSuchCell(..))));
}

#[test]
fn what_may_heal_waits_and_what_cannot_is_refused() {
    let cells = [(Cell::Eu1, CellPhase::Provisioning)];
    assert_eq!(route("acme/a.pdf", &customer(Phase::Onboarding, &cells)), Ok(Route::NotYet));
    let code = |phase| route("acme/a.pdf", &customer(phase, &cells)).unwrap_err().code();
    assert_eq!(code(Phase::Absent), ReasonCode::UnknownCustomer);
    for phase in [Phase::Offboarding, Phase::Offboarded, Phase::Failed] {
        assert_eq!(code(phase), ReasonCode::CustomerOffboarding);
    }
}

fn created() -> Document {
    created_for(false)
}

fn created_for(characteristics: bool) -> Document {
    let submission = Submission {
        removing_until: None,
        tenant_id: None,
        decision: false,
        id: "s-1".parse().unwrap(),
        upload_url: Some(PresignedUrl("https://x?signature=secret".to_owned())),
        created_at: Timestamp::UNIX_EPOCH,
        generation: Generation::NONE.next(),
        pipeline: Pipeline::QualityOnly,
        characteristics,
    };
    let step = Step::Created { customer_id: "acme".parse().unwrap(), cell: Cell::Eu1, submission };
    Document::claimed(source("acme/a.pdf", Some("1"), None), Timestamp::UNIX_EPOCH).apply(step).unwrap()
}

#[test]
fn a_document_ends_without_its_upload_url() {
    let at = Timestamp::UNIX_EPOCH;
    let sending = created().apply(Step::Sending { size_bytes: 7 }).unwrap();
    assert_eq!((sending.customer_id.clone(), sending.cell), ("acme".parse().ok(), Some(Cell::Eu1)));
    assert!(!sending.ended() && format!("{sending:?}").contains("redacted"));
    assert!(!format!("{sending:?}").contains("signature"));
    let failure = Failure::new(ReasonCode::ObjectGone, "gone");
    let rejected = Step::Rejected { failure: failure.clone(), at };
    for (step, why) in [(Step::Submitted { at }, None), (rejected, Some(failure))] {
        let ended = sending.clone().apply(step).unwrap();
        assert!(ended.ended() && ended.submission.as_ref().unwrap().upload_url.is_none());
        assert_eq!((ended.size_bytes, ended.ended_at, ended.failure), (Some(7), Some(at), why));
    }
}

#[test]
fn nothing_is_submitted_before_bytes_were_sent_nor_after_the_end() {
    let at = Timestamp::UNIX_EPOCH;
    assert!(created().apply(Step::Submitted { at }).is_err());
    let claimed = Document::claimed(source("acme/a.pdf", None, None), at);
    assert!(claimed.clone().apply(Step::Sending { size_bytes: 1 }).is_err());
    assert!(claimed.apply(Step::Abandoned).is_err());
    let ended =
        created().apply(Step::Sending { size_bytes: 1 }).unwrap().apply(Step::Submitted { at }).unwrap();
    assert!(ended.clone().apply(Step::Abandoned).is_err());
    assert!(ended.apply(Step::Sending { size_bytes: 1 }).is_err());
}

#[test]
fn an_abandoned_submission_is_counted_and_makes_room_for_another() {
    let abandoned = created().apply(Step::Abandoned).unwrap();
    assert_eq!((abandoned.state, abandoned.abandoned), (State::Claimed, 1));
    assert!(abandoned.submission.is_none());
}

#[test]
fn where_characteristics_were_announced_nothing_is_submitted_without_their_step() {
    let at = Timestamp::UNIX_EPOCH;
    let sending = created_for(true).apply(Step::Sending { size_bytes: 1 }).unwrap();
    assert!(sending.clone().apply(Step::Submitted { at }).is_err());
    let uploaded = sending.apply(Step::Uploaded).unwrap();
    assert!(!uploaded.ended());
    let submitted = uploaded.clone().apply(Step::Submitted { at }).unwrap();
    assert_eq!((submitted.state, submitted.ended_at), (State::Submitted, Some(at)));
    assert_eq!(uploaded.apply(Step::Abandoned).unwrap().state, State::Claimed);
    // Where none were, there is no such step.
    assert!(created().apply(Step::Sending { size_bytes: 1 }).unwrap().apply(Step::Uploaded).is_err());
}

#[test]
fn a_record_of_before_there_were_pipelines_is_read() {
    let mut record = serde_json::to_value(created()).unwrap();
    let submission = record["submission"].as_object_mut().unwrap();
    assert_eq!(submission.remove("pipeline").unwrap(), "QUALITY_ONLY");
    submission.remove("characteristics").unwrap();
    let read: Document = serde_json::from_value(record).unwrap();
    assert_eq!(read.submission.as_ref().unwrap().pipeline, Pipeline::FraudOnly);
    assert!(!read.awaits_characteristics());
}

#[test]
fn an_analysis_ends_once_and_only_of_what_was_submitted() {
    let at = Timestamp::UNIX_EPOCH;
    let kept = Kept::Record;
    let findings = Findings { status: "SUCCESS".to_owned(), score: None, decision: None, kept };
    let analyzed = || Step::Analyzed { findings: findings.clone(), at };
    let failed = || {
        let failure = Failure::new(ReasonCode::NoResult, "none");
        Step::AnalysisFailed { failure, findings: None, at }
    };
    assert!(created().apply(analyzed()).is_err());
    let submitted =
        created().apply(Step::Sending { size_bytes: 1 }).unwrap().apply(Step::Submitted { at }).unwrap();
    assert!(submitted.ended() && !submitted.settled() && outcome::event(&submitted).is_none());
    for (step, kind) in [(analyzed(), "DocumentAnalyzed"), (failed(), "DocumentAnalysisFailed")] {
        let settled = submitted.clone().apply(step).unwrap();
        assert!(settled.ended() && settled.settled());
        assert_eq!(outcome::event(&settled).unwrap().detail_type(), kind);
        assert!(settled.clone().apply(analyzed()).is_err() && settled.apply(failed()).is_err());
    }
}

#[test]
fn an_identity_is_read_as_it_is_written() {
    let id = DocumentId::of(&source("k", None, None));
    assert_eq!(id.as_str().parse(), Ok(id.clone()));
    for other in ["", "0A", &id.as_str()[1..], &id.as_str().to_uppercase(), &format!("{}0", id.as_str())] {
        assert!(other.parse::<DocumentId>().is_err(), "{other}");
    }
}
