//! An invocation without a queue: one answer or one error.

use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use shared_core::event::redact;

use crate::envelope::Unit;
use crate::{Handler, Invocation, Verdict, telemetry, unit};

/// Works on every unit and answers with what became of it, or with the first error.
pub(crate) async fn work<H: Handler>(
    handler: &H,
    units: Vec<Unit>,
    invocation: &Invocation,
) -> Result<Value, Diagnostic> {
    let mut answers = Vec::with_capacity(units.len());
    let mut failed = None;
    for one in units {
        match answer(unit::work(handler, one, &invocation.another()).await) {
            Ok(value) => answers.push(value),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match (failed, answers.len()) {
        (Some(error), _) => Err(error),
        (None, 1) => Ok(answers.remove(0)),
        (None, _) => Ok(json!({ "outcomes": answers })),
    }
}

/// The error's type is the verdict's word; alarms and callers may rely on it.
fn answer(verdict: Verdict) -> Result<Value, Diagnostic> {
    let error_type = verdict.word().to_owned();
    let error_message = match verdict {
        Verdict::Done(report) => return Ok(report.answer()),
        Verdict::Rejected(report) | Verdict::Failed(report) => report.answer().to_string(),
        Verdict::Defer { delay, reason, .. } => format!("{reason}; try again in {} seconds", delay.as_secs()),
        Verdict::Retry(error) | Verdict::Bug(error) => telemetry::chain(&*error),
    };
    // The Lambda runtime logs it and the caller sees it.
    Err(Diagnostic { error_type, error_message: redact::by_looks(&error_message) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Report;

    #[test]
    fn every_verdict_that_is_not_done_is_an_error_with_a_stable_type() {
        let error = |verdict| answer(verdict).unwrap_err();
        let rejected =
            error(Verdict::Rejected(Report::new("UNKNOWN_CELL").with(json!({"explanation": "no mars"}))));
        assert_eq!(rejected.error_type, "Rejected");
        assert!(rejected.error_message.contains("no mars"), "{rejected:?}");
        assert_eq!(error(Verdict::Failed(Report::new("QUOTA_FULL"))).error_type, "Failed");
        let wait = error(Verdict::wait(Duration::from_secs(9), None, "the lease is held"));
        assert_eq!((wait.error_type.as_str(), wait.error_message.contains("9 seconds")), ("Wait", true));
        assert_eq!(error(Verdict::Retry("x".into())).error_type, "Retry");
        assert_eq!(error(Verdict::Bug("x".into())).error_type, "Bug");
    }

    #[test]
    fn an_error_shows_no_key() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----";
        let error = answer(Verdict::Retry(format!("cannot parse {pem}").into())).unwrap_err();
        assert!(!error.error_message.contains("MIIEvQ"), "{error:?}");
    }
}
