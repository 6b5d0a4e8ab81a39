//! What the vendor answers, and the one map from status codes to outcomes.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use http::header::{DATE, HeaderMap, LOCATION};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::de::DeserializeOwned;

use crate::error::CallError;
use crate::message;

/// A whole answer, whatever its status.
#[derive(Clone)]
pub struct Answer {
    status: StatusCode,
    location: Option<String>,
    date: Option<Timestamp>,
    body: Bytes,
}

/// Without where it redirects to, which may be a presigned URL.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// What was read of a response.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Self {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { status, location, date: date(headers), body }
    }

    /// An answer with this status and body.
    pub fn new(status: StatusCode, body: Bytes) -> Self {
        Self { status, location: None, date: None, body }
    }

    /// The same, redirecting.
    #[must_use]
    pub fn to(self, location: impl Into<String>) -> Self {
        Self { location: Some(location.into()), ..self }
    }

    /// Where it redirects to, if that is what it does. Nothing is followed by itself.
    pub(crate) fn redirection(&self) -> Option<&str> {
        self.location.as_deref().filter(|_| self.status.is_redirection())
    }

    pub(crate) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// When it was given, by the clock of whoever gave it.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.date
    }

    /// The one map from status codes to outcomes: a 2xx answer, or what went wrong.
    pub(crate) fn ok(self, operation: &'static str) -> Result<Self, CallError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let message = message::read(&self.body);
        Err(match self.status.as_u16() {
            401 => CallError::Unauthorized { operation, message },
            403 => CallError::Forbidden { operation, message },
            404 => CallError::NotFound { operation, message },
            // A request that the server gave up waiting for may have been read by then.
            408 => CallError::Unclear {
                operation,
                problem: "the vendor timed out (408)".to_owned(),
                source: None,
            },
            409 => CallError::Conflict { operation, message },
            429 => CallError::Throttled { operation, message },
            status @ 400..=499 => CallError::Refused { operation, status, message },
            // 5xx, and redirects where none is expected.
            status => CallError::Unclear {
                operation,
                problem: format!("the vendor answered {status}"),
                source: None,
            },
        })
    }

    /// The body as JSON. The parser's message is not kept, for it quotes what it did not expect.
    pub(crate) fn json<T: DeserializeOwned>(&self, operation: &'static str) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let status = self.status.as_u16();
            let problem = format!(
                "the {status} answer cannot be read: {:?} error at line {line}, column {column}",
                error.classify()
            );
            CallError::Unclear { operation, problem, source: None }
        })
    }

    /// The body as it came.
    pub(crate) fn text(&self, operation: &'static str) -> Result<String, CallError> {
        String::from_utf8(self.body.to_vec()).map_err(|_| CallError::Unclear {
            operation,
            problem: "the answer is not UTF-8".to_owned(),
            source: None,
        })
    }
}

/// The answerer's clock, to the second (RFC 9110, 6.6.1).
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(headers.get(DATE)?.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16) -> Result<(), CallError> {
        let body = Bytes::from_static(br#"{"message":"because"}"#);
        Answer::new(StatusCode::from_u16(status).unwrap(), body).ok("op").map(|_| ())
    }

    #[test]
    fn every_status_has_its_outcome() {
        assert!([200, 201, 202, 204].into_iter().all(|status| outcome(status).is_ok()));
        assert!(matches!(outcome(401), Err(CallError::Unauthorized { .. })));
        assert!(matches!(outcome(403), Err(CallError::Forbidden { .. })));
        assert!(matches!(outcome(404), Err(CallError::NotFound { .. })));
        assert!(matches!(outcome(409), Err(CallError::Conflict { .. })));
        assert!(matches!(outcome(429), Err(CallError::Throttled { .. })));
        for status in [400, 402, 405, 413, 415, 422] {
            assert!(
                matches!(outcome(status), Err(CallError::Refused { status: s, .. }) if s == status),
                "{status}"
            );
        }
        for status in [301, 302, 304, 408, 500, 501, 502, 503, 504, 599] {
            assert!(outcome(status).unwrap_err().may_have_happened(), "{status}");
        }
        assert!(outcome(404).unwrap_err().to_string().ends_with("not found (404): because"));
    }

    #[test]
    fn an_unreadable_answer_does_not_quote_itself() {
        let body = Bytes::from_static(br#"{"status": "very-private"}"#);
        let answer = Answer::new(StatusCode::OK, body);
        #[derive(Debug, serde::Deserialize)]
        struct Expected {
            #[expect(dead_code, reason = "only its type matters")]
            status: u32,
        }
        let error = answer.json::<Expected>("op").unwrap_err();
        assert!(error.may_have_happened());
        assert!(!format!("{error} {error:?}").contains("very-private"), "{error}");
    }
}
