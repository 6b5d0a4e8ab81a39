//! What each step does to a document's record, and where it is illegal.

use jiff::Timestamp;

use super::{Document, Findings, State, Submission};
use crate::customer::Failure;
use crate::failure::{Class, Classified};
use crate::ids::CustomerId;
use crate::place::Cell;

/// One step of a document.
#[derive(Clone, Debug)]
pub enum Step {
    /// The vendor made a submission for it.
    Created {
        /// Whose it is.
        customer_id: CustomerId,
        /// Where it goes.
        cell: Cell,
        /// What the vendor made.
        submission: Submission,
    },
    /// Bytes are about to be sent.
    Sending {
        /// How many.
        size_bytes: u64,
    },
    /// Every byte has arrived; the characteristics are about to be sent.
    Uploaded,
    /// The submission is about to be removed from the vendor.
    Removing {
        /// Until when the removal may come to pass, whatever becomes of its caller.
        until: Timestamp,
    },
    /// The vendor did not remove it.
    Kept,
    /// The submission is gone from the vendor: another may be made.
    Abandoned,
    /// The vendor has every byte.
    Submitted {
        /// Since then.
        at: Timestamp,
    },
    /// It will not be submitted.
    Rejected {
        /// For this reason.
        failure: Failure,
        /// Since then.
        at: Timestamp,
    },
    /// The analysis ended well.
    Analyzed {
        /// What it found.
        findings: Findings,
        /// When that is recorded.
        at: Timestamp,
    },
    /// The analysis did not end well, or its end is not waited for any more.
    AnalysisFailed {
        /// For this reason.
        failure: Failure,
        /// What the vendor said, where it said anything.
        findings: Option<Findings>,
        /// When that is recorded.
        at: Timestamp,
    },
}

/// A step that the document's state does not allow: a bug, never a race.
#[derive(Debug, thiserror::Error)]
#[error("a document in state {state:?} cannot take the step `{step}`")]
pub struct IllegalStep {
    state: State,
    step: &'static str,
}

impl Classified for IllegalStep {
    fn class(&self) -> Class {
        Class::Bug
    }
}

impl Document {
    /// The record after `step`.
    ///
    /// # Errors
    /// [`IllegalStep`] where the state does not allow it.
    pub fn apply(mut self, step: Step) -> Result<Self, IllegalStep> {
        match (self.state, step) {
            (State::Claimed, Step::Created { customer_id, cell, submission }) => {
                self.state = State::Created;
                self.customer_id = Some(customer_id);
                self.cell = Some(cell);
                self.submission = Some(submission);
            }
            (State::Created | State::Sending, Step::Sending { size_bytes }) => {
                self.state = State::Sending;
                self.size_bytes = Some(size_bytes);
            }
            (State::Sending, Step::Uploaded) if self.awaits_characteristics() => {
                self.state = State::Uploaded;
            }
            (State::Created | State::Sending | State::Uploaded, Step::Removing { until }) => {
                self.removal(Some(until));
            }
            (State::Created | State::Sending | State::Uploaded, Step::Kept) => self.removal(None),
            (State::Created | State::Sending | State::Uploaded, Step::Abandoned) => {
                self.state = State::Claimed;
                self.submission = None;
                self.abandoned += 1;
            }
            (State::Sending, Step::Submitted { at }) if !self.awaits_characteristics() => {
                self.state = State::Submitted;
                self.end(at);
            }
            (State::Uploaded, Step::Submitted { at }) => {
                self.state = State::Submitted;
                self.end(at);
            }
            (
                State::Claimed | State::Created | State::Sending | State::Uploaded,
                Step::Rejected { failure, at },
            ) => {
                self.state = State::Rejected;
                self.failure = Some(failure);
                self.end(at);
            }
            (State::Submitted, Step::Analyzed { findings, at }) => {
                self.state = State::Analyzed;
                self.findings = Some(findings);
                self.analysis_ended_at = Some(at);
            }
            (State::Submitted, Step::AnalysisFailed { failure, findings, at }) => {
                self.state = State::AnalysisFailed;
                self.failure = Some(failure);
                self.findings = findings;
                self.analysis_ended_at = Some(at);
            }
            (state, step) => return Err(IllegalStep { state, step: step.name() }),
        }
        Ok(self)
    }

    fn removal(&mut self, until: Option<Timestamp>) {
        if let Some(submission) = &mut self.submission {
            submission.removing_until = until;
        }
    }

    fn end(&mut self, at: Timestamp) {
        self.ended_at = Some(at);
        if let Some(submission) = &mut self.submission {
            submission.upload_url = None;
        }
    }
}

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Sending { .. } => "sending",
            Self::Uploaded => "uploaded",
            Self::Removing { .. } => "removing",
            Self::Kept => "kept",
            Self::Abandoned => "abandoned",
            Self::Submitted { .. } => "submitted",
            Self::Rejected { .. } => "rejected",
            Self::Analyzed { .. } => "analyzed",
            Self::AnalysisFailed { .. } => "analysis failed",
        }
    }
}
