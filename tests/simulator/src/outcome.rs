//! How an analysis ends, decided from the document and its query id.

use serde::{Deserialize, Serialize};

/// How an analysis ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// With a result.
    Success,
    /// It broke.
    Failed,
    /// The document cannot be analysed.
    InvalidInput,
    /// It was not run.
    Skipped,
}

/// A rule for how an analysis ends. A rule without a condition always applies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutcomeRule {
    /// Text that the first 64 KiB of the document contain.
    pub document_contains: Option<String>,
    /// Text that the query id contains.
    pub query_id_contains: Option<String>,
    /// The end; SUCCESS if absent.
    pub status: Option<Status>,
    /// The fraud score; NORMAL if absent.
    pub score: Option<String>,
}

/// How one document's analysis ends.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) score: String,
    pub(crate) kind: Kind,
}

/// What a document is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pdf,
    Png,
    Jpeg,
    Unsupported,
}

impl Kind {
    fn of(head: &[u8]) -> Self {
        match head {
            [b'%', b'P', b'D', b'F', b'-', ..] => Self::Pdf,
            [0x89, b'P', b'N', b'G', ..] => Self::Png,
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            _ => Self::Unsupported,
        }
    }

    pub(crate) fn file_type(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png | Self::Jpeg => "image",
            Self::Unsupported => "unsupported",
        }
    }

    pub(crate) fn mime_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Unsupported => "application/octet-stream",
        }
    }
}

/// The first rule that applies; without one, what is neither PDF nor image is INVALID_INPUT.
pub(crate) fn decide(rules: &[OutcomeRule], head: &[u8], query_id: &str) -> Outcome {
    let kind = Kind::of(head);
    let rule = rules.iter().find(|rule| rule.applies(head, query_id));
    let usual = match kind {
        Kind::Unsupported => Status::InvalidInput,
        Kind::Pdf | Kind::Png | Kind::Jpeg => Status::Success,
    };
    Outcome {
        status: rule.map_or(usual, |rule| rule.status.unwrap_or(Status::Success)),
        score: rule.and_then(|rule| rule.score.clone()).unwrap_or_else(|| "NORMAL".to_owned()),
        kind,
    }
}

impl OutcomeRule {
    fn applies(&self, head: &[u8], query_id: &str) -> bool {
        let in_document = |text: &String| {
            text.is_empty() || head.windows(text.len()).any(|window| window == text.as_bytes())
        };
        self.document_contains.as_ref().is_none_or(in_document)
            && self.query_id_contains.as_ref().is_none_or(|text| query_id.contains(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_applies_decides() {
        let rules = [
            OutcomeRule {
                document_contains: Some("broken".to_owned()),
                status: Some(Status::Failed),
                ..OutcomeRule::default()
            },
            OutcomeRule {
                query_id_contains: Some("risky".to_owned()),
                score: Some("HIGH_RISK".to_owned()),
                ..OutcomeRule::default()
            },
        ];
        assert_eq!(decide(&rules, b"%PDF-1.7 broken", "risky").status, Status::Failed);
        assert_eq!(decide(&rules, b"%PDF-1.7 whole", "a risky one").score, "HIGH_RISK");
        assert_eq!(decide(&rules, b"%PDF-1.7 whole", "").score, "NORMAL");
        assert_eq!(decide(&rules, b"text", "").status, Status::InvalidInput);
    }
}
