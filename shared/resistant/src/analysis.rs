//! Results. Fields and values appear and go without notice, so the answer is kept as it came and only
//! what decides is read out of it.

use serde::Deserialize;
use serde_json::Value;
use shared_core::document::Pipeline;

/// Which result of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultKind {
    /// Of the fraud analysis.
    Fraud,
    /// Of the quality analysis.
    Quality,
    /// Of the classification.
    Classification,
    /// Of the tenant's own rules.
    Decision,
}

impl ResultKind {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Fraud, Self::Quality, Self::Classification, Self::Decision];

    /// The result that a pipeline surely has. Which others it has depends on the tenant, as the vendor
    /// says.
    pub fn of(pipeline: Pipeline) -> Self {
        match pipeline {
            Pipeline::FraudOnly => Self::Fraud,
            Pipeline::ClassificationOnly => Self::Classification,
            Pipeline::QualityOnly => Self::Quality,
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Fraud => "fraud",
            Self::Quality => "quality",
            Self::Classification => "classification",
            Self::Decision => "decision",
        }
    }

    pub(crate) fn operation(self) -> &'static str {
        match self {
            Self::Fraud => "getFraud",
            Self::Quality => "getQuality",
            Self::Classification => "getClassification",
            Self::Decision => "getDecision",
        }
    }
}

/// How an analysis ended. Every status is final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnalysisStatus {
    /// With a result.
    Success,
    /// The vendor could not.
    Failed,
    /// The document cannot be analysed.
    InvalidInput,
    /// It was not called for.
    Skipped,
    /// Decision only: the rules and the pipeline do not fit.
    InvalidPipelineConfig,
    /// One that is not known here.
    Other(String),
}

impl AnalysisStatus {
    fn read(text: &str) -> Self {
        match text {
            "SUCCESS" => Self::Success,
            "FAILED" => Self::Failed,
            "INVALID_INPUT" => Self::InvalidInput,
            "SKIPPED" => Self::Skipped,
            "INVALID_PIPELINE_CONFIG" => Self::InvalidPipelineConfig,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The vendor's name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::InvalidInput => "INVALID_INPUT",
            Self::Skipped => "SKIPPED",
            Self::InvalidPipelineConfig => "INVALID_PIPELINE_CONFIG",
            Self::Other(name) => name,
        }
    }
}

/// A finished analysis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Which result.
    pub kind: ResultKind,
    /// How it ended.
    pub status: AnalysisStatus,
    /// The score or the decision, in the vendor's or the tenant's words.
    pub verdict: Option<String>,
    /// Why it did not end well.
    pub message: Option<String>,
    /// The whole answer, as it came.
    pub raw: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    score: Value,
    #[serde(default)]
    decision: Value,
    #[serde(default)]
    document_classification: Value,
}

impl Analysis {
    /// Reads an answer; `None` where it is not one. Only a skipped result may lack its status.
    pub(crate) fn read(kind: ResultKind, raw: String) -> Option<Self> {
        let body: Body = serde_json::from_str(&raw).ok()?;
        let status = match (&body.status, &body.message) {
            (Some(status), _) => AnalysisStatus::read(status),
            (None, Some(_)) => AnalysisStatus::Skipped,
            (None, None) => return None,
        };
        let verdict = match kind {
            ResultKind::Fraud | ResultKind::Quality => body.score.as_str(),
            ResultKind::Classification => body.document_classification["score"].as_str(),
            ResultKind::Decision => body.decision.as_str(),
        };
        Some(Self { kind, status, verdict: verdict.map(str::to_owned), message: body.message, raw })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: ResultKind, raw: &str) -> Option<Analysis> {
        Analysis::read(kind, raw.to_owned())
    }

    #[test]
    fn each_kind_has_its_verdict() {
        for (kind, raw, verdict) in [
            (
                ResultKind::Fraud,
                r#"{"status":"SUCCESS","score":"HIGH_RISK","indicators":[{}]}"#,
                Some("HIGH_RISK"),
            ),
            (ResultKind::Quality, r#"{"status":"SUCCESS","score":"LOW_QUALITY"}"#, Some("LOW_QUALITY")),
            (
                ResultKind::Classification,
                r#"{"status":"SUCCESS","document_classification":{"score":"CLASSIFIED"}}"#,
                Some("CLASSIFIED"),
            ),
            (ResultKind::Classification, r#"{"status":"SUCCESS"}"#, None),
            (ResultKind::Decision, r#"{"status":"SUCCESS","decision":"tenant's own"}"#, Some("tenant's own")),
        ] {
            let analysis = read(kind, raw).unwrap();
            assert_eq!((analysis.verdict.as_deref(), analysis.raw.as_str()), (verdict, raw));
        }
    }

    #[test]
    fn unknown_statuses_and_shapes_are_kept() {
        let analysis =
            read(ResultKind::Fraud, r#"{"status":"PARTIAL","score":{"new":"shape"},"x":1}"#).unwrap();
        assert_eq!(analysis.status, AnalysisStatus::Other("PARTIAL".to_owned()));
        assert_eq!((analysis.status.as_str(), analysis.verdict), ("PARTIAL", None));
        for name in ["SUCCESS", "FAILED", "INVALID_INPUT", "SKIPPED", "INVALID_PIPELINE_CONFIG"] {
            let status = AnalysisStatus::read(name);
            assert!(!matches!(status, AnalysisStatus::Other(_)) && status.as_str() == name);
        }
    }

    #[test]
    fn only_a_skipped_result_may_lack_its_status() {
        let skipped = read(ResultKind::Fraud, r#"{"message":"not asked for"}"#).unwrap();
        assert_eq!(skipped.status, AnalysisStatus::Skipped);
        for other in ["{}", "[]", "null", "not json", r#"{"status":7}"#] {
            assert!(read(ResultKind::Fraud, other).is_none(), "{other}");
        }
    }
}
