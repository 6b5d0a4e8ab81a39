//! What the vendor's answers mean for a document.

use resistant::{Analysis, AnalysisStatus, ResultKind};
use shared_core::customer::Failure;
use shared_core::document::{Findings, Kept};
use shared_core::event::ReasonCode;

/// The results of a finished analysis: that of its pipeline, and the decision, where one was asked for and was
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) main: Analysis,
    pub(crate) decision: Option<Analysis>,
}

impl Found {
    /// All results as they came, each under its kind. They are JSON, or they would be no results.
    pub(crate) fn to_json(&self) -> String {
        let one = |analysis: &Analysis| format!(r#""{}":{}"#, name(analysis.kind), analysis.raw);
        let all: Vec<String> = std::iter::once(&self.main).chain(&self.decision).map(one).collect();
        format!("{{{}}}", all.join(","))
    }

    pub(crate) fn findings(&self, kept: Kept) -> Findings {
        Findings {
            status: self.main.status.as_str().to_owned(),
            score: self.main.verdict.clone(),
            decision: self.decision.as_ref().and_then(|decision| decision.verdict.clone()),
            kept,
        }
    }

    /// Why the analysis did not end well, if it did not.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let (code, what) = match &self.main.status {
            AnalysisStatus::Success => return None,
            AnalysisStatus::InvalidInput => {
                (ReasonCode::DocumentInvalid, "the vendor cannot analyse this document")
            }
            AnalysisStatus::Skipped => {
                (ReasonCode::AnalysisSkipped, "the vendor did not analyse this document")
            }
            AnalysisStatus::Failed | AnalysisStatus::InvalidPipelineConfig | AnalysisStatus::Other(_) => {
                (ReasonCode::AnalysisFailed, "the vendor's analysis did not succeed")
            }
        };
        let (status, message) = (self.main.status.as_str(), self.main.message.as_deref());
        let said = message.map(|message| format!(": {message}")).unwrap_or_default();
        Some(Failure::new(code, format!("{what} ({status}){said}")))
    }
}

fn name(kind: ResultKind) -> &'static str {
    match kind {
        ResultKind::Fraud => "fraud",
        ResultKind::Quality => "quality",
        ResultKind::Classification => "classification",
        ResultKind::Decision => "decision",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn analysis(kind: ResultKind, status: AnalysisStatus, verdict: Option<&str>) -> Analysis {
        let raw = json!({"status": status.as_str(), "anything": [1]}).to_string();
        Analysis { kind, status, verdict: verdict.map(str::to_owned), message: Some("why".to_owned()), raw }
    }

    #[test]
    fn only_success_is_no_failure() {
        let failure = |status| {
            let main = analysis(ResultKind::Fraud, status, None);
            Found { main, decision: None }.failure().map(|failure| (failure.code, failure.explanation))
        };
        assert_eq!(failure(AnalysisStatus::Success), None);
        for (status, code) in [
            (AnalysisStatus::Failed, ReasonCode::AnalysisFailed),
            (AnalysisStatus::InvalidInput, ReasonCode::DocumentInvalid),
            (AnalysisStatus::Skipped, ReasonCode::AnalysisSkipped),
            (AnalysisStatus::Other("PARTIAL".to_owned()), ReasonCode::AnalysisFailed),
        ] {
            let (got, explanation) = failure(status.clone()).unwrap();
            assert_eq!(got, code);
            assert!(explanation.ends_with(&format!("({}): why", status.as_str())), "{explanation}");
        }
    }

    #[test]
    fn all_results_are_one_object_as_they_came() {
        let main = analysis(ResultKind::Quality, AnalysisStatus::Success, Some("LOW_QUALITY"));
        let decision = analysis(ResultKind::Decision, AnalysisStatus::Success, Some("ours"));
        let found = Found { main, decision: Some(decision) };
        let all: Value = serde_json::from_str(&found.to_json()).unwrap();
        assert_eq!(all["quality"], json!({"status": "SUCCESS", "anything": [1]}));
        assert_eq!(all["decision"]["anything"], json!([1]));
        let findings = found.findings(Kept::Record);
        assert_eq!(
            (findings.score.as_deref(), findings.decision.as_deref()),
            (Some("LOW_QUALITY"), Some("ours"))
        );
    }
}
