//! One plane's API: its base URL, its tokens, and the call that joins them.

use std::time::Instant;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use url::Url;

use crate::answer::Answer;
use crate::error::CallError;
use crate::kept::Tokens;
use crate::token::Token;
use crate::transport::Http;

/// The base URL and the tokens of one plane. Only this pair is ever brought together, so no token
/// reaches the other plane.
pub(crate) struct Api<P> {
    http: Http,
    base: Url,
    tokens: Tokens<P>,
}

impl<P> Clone for Api<P> {
    fn clone(&self) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), tokens: self.tokens.clone() }
    }
}

/// A request without its authorization.
pub(crate) struct Call {
    operation: &'static str,
    method: Method,
    url: Result<Url, CallError>,
    body: Option<Bytes>,
}

impl Call {
    /// Adds a query parameter.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// Gives it a JSON body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).expect("requests are structs of plain values").into());
        self
    }
}

impl<P> Api<P> {
    pub(crate) fn new(http: Http, base: &str, tokens: Tokens<P>) -> Self {
        let base = Url::parse(base).expect("the table and local() hold URLs");
        Self { http, base, tokens }
    }

    pub(crate) fn with_deadline(&self, deadline: Instant) -> Self {
        Self { http: self.http.with_deadline(deadline), ..self.clone() }
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    pub(crate) fn tokens(&self) -> &Tokens<P> {
        &self.tokens
    }

    /// A call to `path` below the base, each segment encoded.
    pub(crate) fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> Call {
        Call { operation, method, url: self.url(operation, path), body: None }
    }

    fn url(&self, operation: &'static str, path: &[&str]) -> Result<Url, CallError> {
        // URL parsers take these two out of a path, and the call would hit the collection above.
        if path.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(CallError::NotSent {
                operation,
                problem: "an id cannot stand in a path",
                source: None,
            });
        }
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http URL has a path").pop_if_empty().extend(path);
        Ok(url)
    }

    /// Sends a call with a kept token, and once more with a new one where the vendor answers 401. That
    /// repeat is safe for every method: a call that is not authorized is not carried out.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let operation = call.operation;
        self.answer(call).await?.ok(operation)
    }

    /// The same, and any other status is an answer.
    pub(crate) async fn answer(&self, call: Call) -> Result<Answer, CallError> {
        let operation = call.operation;
        let no_token = |source| CallError::Token { operation, source };
        let token = self.tokens.get(&self.http).await.map_err(no_token)?;
        let answer = self.answer_with(&token, &call).await?;
        if !answer.is_unauthorized() {
            return Ok(answer);
        }
        self.tokens.drop_refused(&self.http, &token).await.map_err(no_token)?;
        let token = self.tokens.get(&self.http).await.map_err(no_token)?;
        self.answer_with(&token, &call).await
    }

    /// Sends a call once, with this token.
    pub(crate) async fn send_with(&self, token: &Token<P>, call: &Call) -> Result<Answer, CallError> {
        self.answer_with(token, call).await?.ok(call.operation)
    }

    async fn answer_with(&self, token: &Token<P>, call: &Call) -> Result<Answer, CallError> {
        let url = call.url.clone()?;
        let mut request = token.authorize(self.http.client().request(call.method.clone(), url));
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        self.http.send(call.operation, request).await
    }
}
