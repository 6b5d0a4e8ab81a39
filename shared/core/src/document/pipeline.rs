//! The analysis that a document gets, in the vendor's words.

use serde::{Deserialize, Serialize};

use crate::ids::Invalid;

/// Which analysis a submission gets: exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Pipeline {
    /// Fraud, the vendor's default.
    #[default]
    FraudOnly,
    /// The document's kind.
    ClassificationOnly,
    /// Whether it can be read.
    QualityOnly,
}

impl std::str::FromStr for Pipeline {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "FRAUD_ONLY" => Ok(Self::FraudOnly),
            "CLASSIFICATION_ONLY" => Ok(Self::ClassificationOnly),
            "QUALITY_ONLY" => Ok(Self::QualityOnly),
            _ => Err(Invalid::new(
                "pipeline_configuration",
                text,
                "it is `FRAUD_ONLY`, `CLASSIFICATION_ONLY` or `QUALITY_ONLY`",
            )),
        }
    }
}
