//! Whether anything answers at one of the vendor's URLs.

use http::Method;
use jiff::Timestamp;

use crate::error::CallError;
use crate::transport::Http;

const OPERATION: &str = "presence";

/// That something answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The HTTP status. Without a token it is rarely a good one.
    pub status: u16,
    /// The time there, to the second, where the answer tells it.
    pub date: Option<Timestamp>,
}

impl Presence {
    pub(crate) async fn at(http: &Http, url: &str) -> Result<Self, CallError> {
        let answer = http.send(OPERATION, http.client().request(Method::GET, url)).await?;
        Ok(Self { status: answer.status().as_u16(), date: answer.date() })
    }
}
