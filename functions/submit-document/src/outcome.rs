//! What is announced of a document.

use runtime::{Message, ObjectCreated, Report, Unreadable, Verdict};
use shared_core::document::{Document, DocumentId, State, customer_of};
use shared_core::event::{
    Content, DocumentRef, DocumentRejected, DocumentSubmitted, Original, OutboundEvent, ReasonCode,
};
use shared_core::request::{Refusal, Violation};

use crate::submit::Stop;

/// The event that tells of a document's end.
pub(crate) fn event(document: &Document, message: &Message) -> Result<OutboundEvent, Stop> {
    let at = document.ended_at.ok_or(Stop::Broken("a document that ended without a time"))?;
    let content = match document.state {
        State::Submitted | State::Analyzed | State::AnalysisFailed => {
            submitted(document).ok_or(Stop::Broken("a submitted document that is incomplete"))?
        }
        State::Rejected => rejected(document, message).ok_or(Stop::Broken("a rejection without a reason"))?,
        State::Claimed | State::Created | State::Sending | State::Uploaded => {
            return Err(Stop::Broken("a document that has not ended"));
        }
    };
    Ok(OutboundEvent::new(content, at))
}

fn submitted(document: &Document) -> Option<Content> {
    let submitted = DocumentSubmitted {
        customer_id: document.customer_id.clone()?,
        cell: document.cell?,
        document: (&document.source).into(),
        document_id: DocumentId::of(&document.source).as_str().to_owned(),
        submission_id: document.submission.as_ref()?.id.clone(),
        size_bytes: document.size_bytes?,
    };
    Some(submitted.into())
}

fn rejected(document: &Document, message: &Message) -> Option<Content> {
    let failure = document.failure.clone()?;
    let rejected = DocumentRejected {
        document: (&document.source).into(),
        document_id: Some(DocumentId::of(&document.source).as_str().to_owned()),
        customer_id: customer_of(&document.source.key).ok(),
        reason_code: failure.code,
        explanation: failure.explanation,
        original: Some(Original::new(message.text())),
    };
    Some(rejected.into())
}

/// A folder marker holds no document.
pub(crate) fn ignored() -> Verdict {
    Verdict::Done(Report::new("ignored: a folder marker"))
}

/// An object of another bucket: a notification was set up on the wrong one.
pub(crate) fn wrong_bucket(object: &ObjectCreated, message: &Message, ours: &str) -> Unreadable {
    let violation = Violation::of_text(
        "bucket",
        &object.bucket,
        &format!(
            "it is `{ours}`: remove the notification from the other bucket, or put the object into this one"
        ),
    );
    Unreadable {
        refusal: Refusal::new(ReasonCode::WrongBucket, violation),
        object: Some(DocumentRef {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            version_id: object.version_id.clone(),
        }),
        text: message.text().to_owned(),
        origin: message.origin.clone(),
    }
}

/// A message that names no object.
pub(crate) fn not_an_object(message: &Message) -> Unreadable {
    let violation = Violation::missing("object", "this function takes S3's `Object Created` events");
    Unreadable {
        refusal: Refusal::new(ReasonCode::NotAnEvent, violation),
        object: None,
        text: message.text().to_owned(),
        origin: message.origin.clone(),
    }
}
