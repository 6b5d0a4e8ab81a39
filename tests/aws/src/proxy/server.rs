//! The listeners and the way to the upstream.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response, Uri, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::call::{Call, Outcome, Service};
use super::gate::{Gate, Held, Point, Verdict};
use super::identify::{caller, header, identify};
use super::rule::{Effect, Matcher, RuleId, Rules};
use crate::signature;

type Body = BoxBody<Bytes, hyper::Error>;

/// A running proxy. Dropping it closes the listeners and cuts what is held.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    urls: BTreeMap<Service, String>,
    _listeners: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    client: Client<HttpConnector, Body>,
    calls: Mutex<Vec<Call>>,
    rules: Mutex<Rules>,
    gate: Gate,
}

/// The connection to the caller is closed without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was closed on purpose")
    }
}

impl std::error::Error for Closed {}

impl Proxy {
    /// Starts one listener on loopback before each upstream, given as `http://host:port`.
    ///
    /// # Errors
    /// Where a port cannot be opened or an upstream's URL is none.
    pub async fn start(upstreams: &[(Service, &str)]) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            client: Client::builder(TokioExecutor::new()).build_http(),
            calls: Mutex::default(),
            rules: Mutex::default(),
            gate: Gate::default(),
        });
        let (mut urls, mut listeners) = (BTreeMap::new(), JoinSet::new());
        for &(service, upstream) in upstreams {
            let upstream: Uri = upstream.parse().with_context(|| format!("{upstream} is not a URL"))?;
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the proxy")?;
            urls.insert(service, format!("http://{}", listener.local_addr()?));
            listeners.spawn(listen(Arc::clone(&shared), listener, service, upstream));
        }
        Ok(Self { shared, urls, _listeners: listeners })
    }

    /// Where to reach a service through the proxy.
    pub fn url(&self, service: Service) -> Option<&str> {
        self.urls.get(&service).map(String::as_str)
    }

    /// The SDK's endpoint variables that lead a process through the proxy.
    pub fn environment(&self) -> BTreeMap<String, String> {
        self.urls.iter().map(|(service, url)| (service.endpoint_variable().to_owned(), url.clone())).collect()
    }

    /// Every call so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().expect("no holder panics").clone()
    }

    /// How often each action of each service was called.
    pub fn counts(&self) -> BTreeMap<(Service, String), usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls() {
            *counts.entry((call.service, call.action)).or_default() += 1;
        }
        counts
    }

    /// Treats the calls that fit from now on. The oldest rule that applies to a call decides.
    pub fn rule(&self, matcher: Matcher, effect: Effect) -> RuleId {
        self.shared.rules.lock().expect("no holder panics").add(matcher, effect)
    }

    /// Takes a rule away. What it holds stays held.
    pub fn remove_rule(&self, rule: RuleId) {
        self.shared.rules.lock().expect("no holder panics").remove(rule);
    }

    /// The held calls, as soon as there is one.
    pub async fn held(&self) -> Vec<Held> {
        self.shared.gate.held(1).await
    }

    /// The held calls, as soon as there are `count`.
    pub async fn held_at_least(&self, count: usize) -> Vec<Held> {
        self.shared.gate.held(count).await
    }

    /// Lets a held call go on, even where its caller is dead by now: so a call lands late. Says whether
    /// it was held.
    pub fn release(&self, number: u64) -> bool {
        self.shared.gate.decide(number, Verdict::Release)
    }

    /// Closes the connection of a held call: before, it never happened; after, its answer is lost. Says
    /// whether it was held.
    pub fn cut(&self, number: u64) -> bool {
        self.shared.gate.decide(number, Verdict::Cut)
    }

    /// Lets every held call go on.
    pub fn release_all(&self) {
        self.shared.gate.decide_all(Verdict::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.gate.decide_all(Verdict::Cut);
    }
}

async fn listen(shared: Arc<Shared>, listener: TcpListener, service: Service, upstream: Uri) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(Arc::clone(&shared), stream, service, upstream.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, service: Service, upstream: Uri) {
    let handler = service_fn(move |request| {
        // A task of its own: a caller that dies does not take its call with it. What has been held
        // can still land.
        let (listening, caller_is_there) = oneshot::channel();
        let handled =
            tokio::spawn(handle(Arc::clone(&shared), service, upstream.clone(), request, caller_is_there));
        async move {
            let answer = handled.await.unwrap_or(Err(Closed));
            drop(listening);
            answer
        }
    });
    // An error here is a connection that broke or was cut; the record has it.
    drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), handler).await);
}

async fn handle(
    shared: Arc<Shared>,
    service: Service,
    upstream: Uri,
    request: Request<Incoming>,
    mut caller_is_there: oneshot::Receiver<()>,
) -> Result<Response<Body>, Closed> {
    let (parts, body) = request.into_parts();
    let (body, known) = read(service, body).await.map_err(|_| Closed)?;
    let (number, effect) = shared.arrive(service, &parts, &known);
    match &effect {
        Some(Effect::CutBefore) => return shared.close(number, Outcome::Cut),
        Some(Effect::Answer { status, body }) => return shared.invent(number, *status, body),
        Some(Effect::HoldBefore) if shared.hold(number, Point::Before).await == Verdict::Cut => {
            return shared.close(number, Outcome::Cut);
        }
        _ => {}
    }
    let Ok((response, error)) = shared.forward(service, &upstream, parts, body).await else {
        return shared.close(number, Outcome::Unreachable);
    };
    let status = response.status().as_u16();
    let lost = match effect {
        Some(Effect::LoseAnswer) => true,
        Some(Effect::HoldAfter) => shared.hold(number, Point::After).await == Verdict::Cut,
        _ => false,
    };
    if lost || caller_is_there.try_recv() == Err(oneshot::error::TryRecvError::Closed) {
        return shared.close(number, Outcome::Lost { status });
    }
    shared.note(number, Outcome::Answered { status, error });
    Ok(response)
}

impl Shared {
    /// Records a call and asks the rules about it.
    fn arrive(&self, service: Service, parts: &Parts, body: &[u8]) -> (u64, Option<Effect>) {
        let identity = identify(service, parts, body);
        let mut calls = self.calls.lock().expect("no holder panics");
        let number = calls.len() as u64 + 1;
        let call = Call {
            number,
            service,
            action: identity.action,
            targets: identity.targets,
            caller: caller(&parts.headers),
            region: signature::region(&parts.headers).map(str::to_owned),
            trace: header(&parts.headers, "x-amzn-trace-id").map(str::to_owned),
            outcome: Outcome::Pending,
        };
        let effect = self.rules.lock().expect("no holder panics").effect(&call);
        calls.push(call);
        (number, effect)
    }

    fn note(&self, number: u64, outcome: Outcome) {
        let mut calls = self.calls.lock().expect("no holder panics");
        if let Some(call) = calls.iter_mut().find(|call| call.number == number) {
            call.outcome = outcome;
        }
    }

    fn close(&self, number: u64, outcome: Outcome) -> Result<Response<Body>, Closed> {
        self.note(number, outcome);
        Err(Closed)
    }

    fn invent(&self, number: u64, status: u16, body: &str) -> Result<Response<Body>, Closed> {
        self.note(number, Outcome::Invented { status });
        let response =
            Response::builder().status(status).header(header::CONTENT_TYPE, "application/x-amz-json-1.1");
        response.body(full(body.to_owned().into())).map_err(|_| Closed)
    }

    async fn hold(&self, number: u64, point: Point) -> Verdict {
        self.gate.hold(Held { number, point }).await
    }

    /// Sends a call to its upstream. Gives the answer, whole but for S3, and the error code in it.
    async fn forward(
        &self,
        service: Service,
        upstream: &Uri,
        mut parts: Parts,
        body: Body,
    ) -> anyhow::Result<(Response<Body>, Option<String>)> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = format!("http://{}{path}", upstream.authority().context("no authority")?).parse()?;
        remove_connection_headers(&mut parts.headers);
        let (mut parts, body) = self.client.request(Request::from_parts(parts, body)).await?.into_parts();
        remove_connection_headers(&mut parts.headers);
        let (body, known) = read(service, body).await?;
        let error = if parts.status.is_success() { None } else { error_code(&parts.headers, &known) };
        Ok((Response::from_parts(parts, body), error))
    }
}

/// The body to pass on, and its bytes where they are read: S3 streams.
async fn read(service: Service, body: Incoming) -> Result<(Body, Bytes), hyper::Error> {
    if service == Service::S3 {
        return Ok((body.boxed(), Bytes::new()));
    }
    let bytes = body.collect().await?.to_bytes();
    Ok((full(bytes.clone()), bytes))
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// What belongs to one connection and not to the message. The bodies' lengths stay as they are.
fn remove_connection_headers(headers: &mut HeaderMap) {
    for name in
        ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "expect"]
    {
        headers.remove(name);
    }
}

/// The error's name, from the header or the body of AWS's JSON protocols, without namespace.
fn error_code(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = header.or_else(|| Some(document.get("__type")?.as_str()?.to_owned()))?;
    let code = code.rsplit('#').next()?.split(':').next()?;
    Some(code.to_owned())
}
