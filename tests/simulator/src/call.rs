//! One request, read as far as the vendor reads it.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;

use crate::answer::Answer;
use crate::operations::Target;
use crate::upload::Received;
use crate::who::Who;

/// A request of one operation.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) target: Target,
    pub(crate) method: String,
    pub(crate) path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What arrived of a document, instead of `body`.
    pub(crate) upload: Option<Received>,
    pub(crate) who: Who,
    pub(crate) lag: Lag,
}

/// How much later than usual the effect of a call is seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lag {
    pub(crate) listing: SignedDuration,
    pub(crate) acceptance: SignedDuration,
}

impl Call {
    pub(crate) fn new(target: Target, parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self {
            target,
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts.headers.clone(),
            body: Bytes::new(),
            upload: None,
            who: Who::default(),
            lag: Lag::default(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The names of all headers, lower case.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.keys().map(axum::http::HeaderName::as_str)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A boolean query parameter; the vendor's own client writes `True`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Answer> {
        match self.parameter(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Answer::error(400, format!("{name}: {other:?} is no boolean"))),
        }
    }

    pub(crate) fn content_type_is(&self, wanted: &str) -> bool {
        let found = self.header("content-type").unwrap_or_default();
        found.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
    }

    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The body as a JSON object.
    pub(crate) fn object(&self) -> Result<Value, Answer> {
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err(Answer::error(400, "the body must be a JSON object")),
            Err(error) => Err(Answer::error(400, format!("the body is no JSON: {error}"))),
        }
    }
}
