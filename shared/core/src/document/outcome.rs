//! What is announced of the end of a document's analysis.

use super::{Document, DocumentId, State};
use crate::event::{Content, DocumentAnalysisFailed, DocumentAnalyzed, OutboundEvent};

/// The event that tells of it; `None` where it has not ended, or where the record is incomplete.
pub fn event(document: &Document) -> Option<OutboundEvent> {
    let at = document.analysis_ended_at?;
    let content: Content = match document.state {
        State::Analyzed => analyzed(document)?.into(),
        State::AnalysisFailed => failed(document)?.into(),
        State::Claimed
        | State::Created
        | State::Sending
        | State::Uploaded
        | State::Submitted
        | State::Rejected => return None,
    };
    Some(OutboundEvent::new(content, at))
}

fn analyzed(document: &Document) -> Option<DocumentAnalyzed> {
    let (submission, findings) = (document.submission.as_ref()?, document.findings.clone()?);
    Some(DocumentAnalyzed {
        customer_id: document.customer_id.clone()?,
        cell: document.cell?,
        document: (&document.source).into(),
        document_id: DocumentId::of(&document.source).as_str().to_owned(),
        submission_id: submission.id.clone(),
        pipeline: submission.pipeline,
        status: findings.status,
        score: findings.score,
        decision: findings.decision,
        results: findings.kept,
    })
}

fn failed(document: &Document) -> Option<DocumentAnalysisFailed> {
    let (submission, failure) = (document.submission.as_ref()?, document.failure.clone()?);
    let (status, results) = document.findings.clone().map(|found| (found.status, found.kept)).unzip();
    Some(DocumentAnalysisFailed {
        customer_id: document.customer_id.clone()?,
        cell: document.cell?,
        document: (&document.source).into(),
        document_id: DocumentId::of(&document.source).as_str().to_owned(),
        submission_id: submission.id.clone(),
        pipeline: submission.pipeline,
        reason_code: failure.code,
        explanation: failure.explanation,
        status,
        results,
    })
}
