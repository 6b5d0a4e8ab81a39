//! What became of one message.

use std::error::Error;
use std::time::Duration;

use serde_json::{Map, Value};
use shared_core::failure::{Class, Classified};

use crate::BoxError;
use crate::deferral::LONGEST_DELAY;

/// What became of one message, and with that, what becomes of it in its queue.
#[derive(Debug)]
pub enum Verdict {
    /// It is done, or was done before.
    Done(Report),
    /// The input is wrong. The handler has announced it. Acknowledged; an error to a direct caller.
    Rejected(Report),
    /// It cannot be done. The handler has announced it. Acknowledged; an error to a direct caller.
    Failed(Report),
    /// It is too early. A new, delayed message takes its place; an error to a direct caller.
    Defer {
        /// The least time until the next attempt.
        delay: Duration,
        /// To how much of it waiting grows with the attempts.
        longest: Duration,
        /// The message group of the new message, the customer: fair queues go by it. Where it is
        /// `None`, the group of the old one stays.
        group: Option<String>,
        /// What it waits for.
        reason: String,
    },
    /// Something broke that may work next time. Left to the queue.
    Retry(BoxError),
    /// We are wrong. Left to the queue, which moves it to the dead-letter queue in the end.
    Bug(BoxError),
}

impl Verdict {
    /// "Not before `delay` has passed."
    pub fn wait(delay: Duration, group: Option<String>, reason: impl Into<String>) -> Self {
        Self::Defer { delay, longest: LONGEST_DELAY, group, reason: reason.into() }
    }

    /// What follows from an error's class.
    ///
    /// Rejections and final failures must have been announced before a verdict, which only the
    /// handler can do: such an error that arrives here has been overlooked, and that is a bug.
    pub fn of(error: impl Classified + Error + Send + Sync + 'static, group: Option<String>) -> Self {
        match error.class() {
            Class::Retry => Self::Retry(error.into()),
            Class::Wait { delay } => Self::wait(delay, group, crate::telemetry::chain(&error)),
            Class::Rejected | Class::Final | Class::Bug => Self::Bug(error.into()),
        }
    }

    /// One word, for the log and for the `errorType` of a direct call. Stable.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "Done",
            Self::Rejected(_) => "Rejected",
            Self::Failed(_) => "Failed",
            Self::Defer { .. } => "Wait",
            Self::Retry(_) => "Retry",
            Self::Bug(_) => "Bug",
        }
    }
}

/// How it ended, in a word for the log and in detail for a direct caller. Never a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// A word or a few: `onboarded`, `nothing to do`, `superseded`.
    pub outcome: String,
    /// More, for a direct caller: an object, or null.
    pub detail: Value,
}

impl Report {
    /// A report without detail.
    pub fn new(outcome: impl Into<String>) -> Self {
        Self { outcome: outcome.into(), detail: Value::Null }
    }

    /// The same, with detail.
    #[must_use]
    pub fn with(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    /// As a direct call is answered.
    pub(crate) fn answer(self) -> Value {
        let mut answer = match self.detail {
            Value::Object(detail) => detail,
            Value::Null => Map::new(),
            other => Map::from_iter([("detail".to_owned(), other)]),
        };
        answer.insert("outcome".to_owned(), self.outcome.into());
        Value::Object(answer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("too many requests")]
    struct Sample(Class);

    impl Classified for Sample {
        fn class(&self) -> Class {
            self.0
        }
    }

    #[test]
    fn a_class_decides_the_verdict() {
        let of = |class| Verdict::of(Sample(class), Some("acme".to_owned()));
        assert_eq!(of(Class::Retry).word(), "Retry");
        assert_eq!(of(Class::Bug).word(), "Bug");
        let delay = Duration::from_secs(7);
        match of(Class::Wait { delay }) {
            Verdict::Defer { delay: got, group, reason, .. } => {
                assert_eq!(
                    (got, group.as_deref(), reason.as_str()),
                    (delay, Some("acme"), "too many requests")
                );
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_rejection_that_nobody_announced_is_not_acknowledged() {
        assert_eq!(Verdict::of(Sample(Class::Rejected), None).word(), "Bug");
        assert_eq!(Verdict::of(Sample(Class::Final), None).word(), "Bug");
    }

    #[test]
    fn a_report_answers_with_outcome_and_detail() {
        let report = Report::new("onboarded").with(json!({"customer_id": "acme"}));
        assert_eq!(report.answer(), json!({"outcome": "onboarded", "customer_id": "acme"}));
        assert_eq!(Report::new("x").with(json!([1])).answer(), json!({"outcome": "x", "detail": [1]}));
    }
}
