//! The HTTP clients and their limits.

use std::error::Error as _;
use std::mem::take;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::BytesMut;
use reqwest::dns::Resolve;
use reqwest::{ClientBuilder, Request, RequestBuilder, Response};
use shared_core::place::Cell;

use crate::address::{Reach, UnsafeAddress};
use crate::answer::Answer;
use crate::error::{CallError, Cause};
use crate::resolver::Guarded;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than the idle limits of common load balancers (60 s), so that a kept connection is rarely
/// one that the other side is about to close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer that is read: far more than any result, far less than a function's memory.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// An HTTP client could not be built: no TLS, or no trusted roots.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be built")]
pub struct NoClient(#[source] reqwest::Error);

/// How a request gets to the vendor, and its whole answer back.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Sends the request once, within the time-out that it carries. Any status is an answer.
    ///
    /// # Errors
    /// [`CallError::NotSent`] or [`CallError::UnsafeAddress`] where it surely had no effect,
    /// [`CallError::Unclear`] otherwise.
    async fn exchange(&self, operation: &'static str, request: Request) -> Result<Answer, CallError>;
}

/// A way to the vendor and the time a call may take. Clones share the connections.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    exchange: Arc<dyn Exchange>,
    uploads: Arc<dyn Exchange>,
    place: &'static str,
    timeout: Duration,
    deadline: Option<Instant>,
}

/// Where calls go that go to no cell, as the log and the metrics name it.
const CONTROL: &str = "control";

impl Http {
    /// Two clients, because the vendor's own hosts come from our table, and where documents go comes from
    /// the vendor: see [`Uploads`].
    pub(crate) fn new(reach: Reach, lookup: Arc<dyn Resolve>) -> Result<Self, NoClient> {
        let client = builder().build().map_err(NoClient)?;
        let exchange = Arc::new(client.clone());
        let uploads = Arc::new(Uploads { reach, lookup, client: OnceLock::new() });
        Ok(Self { client, exchange, uploads, place: CONTROL, timeout: CALL_TIMEOUT, deadline: None })
    }

    pub(crate) fn over(self, exchange: Arc<dyn Exchange>) -> Self {
        Self { uploads: Arc::clone(&exchange), exchange, ..self }
    }

    pub(crate) fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(crate) fn with_deadline(&self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same way, to a cell.
    pub(crate) fn to_cell(&self, cell: Cell) -> Self {
        Self { place: cell.as_str(), ..self.clone() }
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// How long a call that starts now may take.
    pub(crate) fn time_left(&self) -> Duration {
        self.at_most(self.timeout)
    }

    /// `longest`, or less where the deadline comes first.
    pub(crate) fn at_most(&self, longest: Duration) -> Duration {
        match self.deadline {
            Some(deadline) => longest.min(deadline.saturating_duration_since(Instant::now())),
            None => longest,
        }
    }

    /// Sends a request to one of the vendor's own hosts once and reads the whole answer.
    pub(crate) async fn send(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, CallError> {
        let started = Instant::now();
        let answer = send(&*self.exchange, self.time_left(), operation, request).await;
        self.tell(operation, started, &answer);
        answer
    }

    /// Sends a document, or asks for one, once and behind the guard, and reads the whole answer.
    pub(crate) async fn send_document(
        &self,
        limit: Duration,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, CallError> {
        let started = Instant::now();
        let answer = send(&*self.uploads, self.at_most(limit), operation, request).await;
        self.tell(operation, started, &answer);
        answer
    }

    /// One line for each call, which also stands for it where calls are counted (see `runtime::telemetry`).
    fn tell(&self, operation: &'static str, started: Instant, answer: &Result<Answer, CallError>) {
        if matches!(answer, Err(CallError::NotSent { .. })) {
            return;
        }
        tracing::debug!(
            vendor.operation = operation,
            vendor.cell = self.place,
            http.status = answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "Called the vendor."
        );
    }
}

/// The client for documents: it carries no token, resolves through the guard and, outside a local run,
/// speaks nothing but TLS. Built at the first document, for a client costs a reading of all trusted
/// roots, and most functions send none.
struct Uploads {
    reach: Reach,
    lookup: Arc<dyn Resolve>,
    client: OnceLock<reqwest::Client>,
}

impl Uploads {
    fn client(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let guarded = Guarded { reach: self.reach, lookup: Arc::clone(&self.lookup) };
        let client = builder().https_only(self.reach == Reach::Public).dns_resolver(guarded).build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

#[async_trait]
impl Exchange for Uploads {
    async fn exchange(&self, operation: &'static str, request: Request) -> Result<Answer, CallError> {
        match self.client() {
            Ok(client) => client.exchange(operation, request).await,
            Err(error) => Err(CallError::NotSent {
                operation,
                problem: "no HTTP client",
                source: Some(Arc::new(error)),
            }),
        }
    }
}

/// What both clients have. Nothing is repeated behind the caller's back. Two layers could do that:
///
/// - reqwest's retry policy repeats requests that HTTP/2 or 3 turned down (REFUSED_STREAM, GOAWAY).
///   It is switched off, although without those protocols it has nothing to act on.
/// - hyper-util's `retry_canceled_requests` is on in reqwest and cannot be reached. It repeats only a
///   request that hyper hands back, and hyper hands one back only while it still lies in the
///   connection's queue: once its head has been taken for writing, a broken connection is an error
///   (hyper 1.12, `proto/h1/dispatch.rs`, `recv_msg`). So a request of which the server has seen a
///   byte is never sent again, and a kept connection that turns out to be closed costs no error.
///   `tests/wire.rs` counts the requests at the socket.
#[expect(clippy::disallowed_methods, reason = "these are the only clients")]
fn builder() -> ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("resistant-tenants/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        // In a local run `localhost` is accepted by its name; this makes the name mean itself.
        .resolve("localhost", SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))
}

async fn send(
    exchange: &dyn Exchange,
    limit: Duration,
    operation: &'static str,
    request: RequestBuilder,
) -> Result<Answer, CallError> {
    if limit.is_zero() {
        return Err(CallError::NotSent { operation, problem: "no time is left", source: None });
    }
    match request.timeout(limit).build() {
        Ok(request) => exchange.exchange(operation, request).await,
        Err(error) => Err(broken(operation, error)),
    }
}

#[async_trait]
impl Exchange for reqwest::Client {
    async fn exchange(&self, operation: &'static str, request: Request) -> Result<Answer, CallError> {
        match self.execute(request).await {
            Ok(response) => read(operation, response).await,
            Err(error) => Err(broken(operation, error)),
        }
    }
}

async fn read(operation: &'static str, mut response: Response) -> Result<Answer, CallError> {
    let (status, headers) = (response.status(), take(response.headers_mut()));
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(operation, error))? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            let problem = format!("the {} answer is larger than {LARGEST_ANSWER} bytes", status.as_u16());
            return Err(CallError::Unclear { operation, problem, source: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer::read(status, &headers, body.freeze()))
}

/// What a transport error means. Its URL is taken out: it may be a presigned one.
fn broken(operation: &'static str, error: reqwest::Error) -> CallError {
    let error = error.without_url();
    if let Some(refused) = refused_address(&error) {
        return CallError::UnsafeAddress { operation, source: refused.clone() };
    }
    let not_sent = |problem, error| CallError::NotSent { operation, problem, source: Some(cause(error)) };
    if error.is_builder() {
        return not_sent("it could not be built", error);
    }
    if error.is_connect() {
        return not_sent("no connection could be made", error);
    }
    let problem = if error.is_timeout() { "no answer came in time" } else { "the exchange broke off" };
    CallError::Unclear { operation, problem: problem.to_owned(), source: Some(cause(error)) }
}

/// What the guard said, if it was the guard that let no connection be made.
fn refused_address(error: &reqwest::Error) -> Option<&UnsafeAddress> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref() {
            return Some(refused);
        }
        cause = error.source();
    }
    None
}

fn cause(error: reqwest::Error) -> Cause {
    Arc::new(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolver::SystemLookup;

    #[test]
    fn a_deadline_shortens_a_call_and_a_past_one_leaves_none() {
        let http =
            Http::new(Reach::Public, Arc::new(SystemLookup)).unwrap().with_timeout(Duration::from_secs(60));
        assert_eq!(http.time_left(), Duration::from_secs(60));
        let soon = http.with_deadline(Instant::now() + Duration::from_secs(5));
        assert!(soon.time_left() <= Duration::from_secs(5));
        assert!(http.with_deadline(Instant::now()).time_left().is_zero());
    }
}
