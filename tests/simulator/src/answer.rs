//! Answers in the three forms the vendor's hosts give: its own JSON, OAuth's JSON and S3's XML.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};

/// A finished answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// Nothing is answered: the connection is closed. The marker is an extension of the response, so
/// that a caller without a socket can see it too.
#[derive(Clone, Copy, Debug)]
pub struct Cut;

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, "application/json", value.to_string())
    }

    pub(crate) fn bytes(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.with("content-type", content_type)
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The vendor's error. A 429 has no declared body, so it has none.
    pub(crate) fn error(status: u16, message: impl Into<String>) -> Self {
        let message: String = message.into().chars().take(512).collect();
        match status {
            429 => Self::empty(status),
            _ => Self::json(status, &json!({ "message": message })),
        }
    }

    pub(crate) fn oauth(status: u16, error: &str, description: impl Into<String>) -> Self {
        Self::json(status, &json!({ "error": error, "error_description": description.into() }))
    }

    pub(crate) fn s3(status: u16, code: &str, message: &str) -> Self {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        Self::bytes(status, "application/xml", xml)
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The response that stands for a closed connection.
pub(crate) fn cut() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response.extensions_mut().insert(Cut);
    response
}
