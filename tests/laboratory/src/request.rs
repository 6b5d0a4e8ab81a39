//! A request to the vendor, taken apart.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::Value;
use url::form_urlencoded;

/// One request, as the vendor's client made it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path's segments.
    pub path: Vec<String>,
    /// The bearer token, empty where there is none.
    pub bearer: String,
    /// What HTTP Basic carries.
    pub basic: Option<String>,
    /// The body.
    pub(crate) body: Bytes,
    query: String,
}

impl Request {
    /// Takes a request apart. A body that is a stream is read to its end, which makes calls of its own where
    /// the stream is the answer to one.
    ///
    /// # Errors
    /// The body broke.
    pub async fn of(request: &mut reqwest::Request) -> Result<Self, reqwest::Error> {
        let body = request.body_mut().take();
        let body = match body {
            Some(body) => body.collect().await?.to_bytes(),
            None => Bytes::new(),
        };
        let url = request.url();
        let authorization = request.headers().get(http::header::AUTHORIZATION);
        let authorization = authorization.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self {
            method: request.method().to_string(),
            host: url.host_str().unwrap_or_default().to_owned(),
            path: url.path_segments().into_iter().flatten().map(str::to_owned).collect(),
            bearer: authorization.strip_prefix("Bearer ").unwrap_or_default().to_owned(),
            basic: authorization.strip_prefix("Basic ").map(str::to_owned),
            query: url.query().unwrap_or_default().to_owned(),
            body,
        })
    }

    /// Whether it asks for something to be made.
    pub fn creates(&self) -> bool {
        self.method == "POST" && self.host == "api.tenants.resistant.ai"
    }

    /// A query parameter.
    pub fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}
