//! Submissions: what is asked for, and what comes back.

use serde::{Deserialize, Serialize};
use shared_core::document::Pipeline;
use shared_core::ids::{Invalid, SubmissionId};

use crate::upload_url::{UnsafeUploadUrl, UploadUrl};

/// Our own id of a submission, which the vendor hands back with its results. It must hold no personal
/// data. It is neither unique to the vendor nor can anything be found by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct QueryId(String);

impl QueryId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for QueryId {
    type Error = Invalid;

    /// Requests may carry 1,024 characters, but failed results only 256.
    fn try_from(text: String) -> Result<Self, Invalid> {
        let legal = (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if legal {
            Ok(Self(text))
        } else {
            Err(Invalid::new("query_id", &text, "1 to 256 visible ASCII characters"))
        }
    }
}

impl std::str::FromStr for QueryId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.to_owned().try_into()
    }
}

/// A submission to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewSubmission {
    /// Our id.
    pub query_id: QueryId,
    /// The analysis.
    #[serde(rename = "pipeline_configuration")]
    pub pipeline: Pipeline,
    /// Whether the tenant's decision rules run too. They must be configured at the vendor.
    pub enable_decision: bool,
    /// Whether characteristics will follow. If so they must: nothing is analysed without them.
    #[serde(rename = "enable_submission_characteristics")]
    pub enable_characteristics: bool,
}

/// A created submission.
#[derive(Debug)]
pub struct Submission {
    /// The vendor's id. Record it before anything else: it cannot be found again.
    pub id: SubmissionId,
    /// Where the document goes, once. The id is given also where this URL is refused, so that the empty
    /// submission can be deleted.
    pub upload_url: Result<UploadUrl, UnsafeUploadUrl>,
}

/// How the removal of a submission ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Now, for good.
    Deleted,
    /// Before, or it never was (404).
    AlreadyGone,
    /// Not now, for it is being analysed (409): the document has arrived.
    Processing,
}

#[derive(Deserialize)]
pub(crate) struct SubmissionAnswer {
    pub(crate) submission_id: SubmissionId,
    pub(crate) upload_url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_id_keeps_to_the_narrower_limit() {
        assert!("x".repeat(256).parse::<QueryId>().is_ok());
        for bad in [String::new(), "x".repeat(257), "a b".to_owned(), "ä".to_owned()] {
            assert!(bad.parse::<QueryId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_submission_is_asked_for_in_the_vendors_words() {
        let new = NewSubmission {
            query_id: "q".parse().unwrap(),
            pipeline: "QUALITY_ONLY".parse().unwrap(),
            enable_decision: true,
            enable_characteristics: false,
        };
        let expected = serde_json::json!({
            "query_id": "q", "pipeline_configuration": "QUALITY_ONLY",
            "enable_decision": true, "enable_submission_characteristics": false
        });
        assert_eq!(serde_json::to_value(new).unwrap(), expected);
        assert!("QUALITY_AND_FRAUD".parse::<Pipeline>().is_err());
    }
}
