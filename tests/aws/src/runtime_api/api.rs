//! The Runtime API's resources (Lambda Developer Guide, runtimes-api).

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::{Mutex as Waiting, mpsc, oneshot, watch};

/// An event for the runtime.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) arn: String,
    pub(super) trace: String,
    pub(super) timeout: Duration,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What the runtime makes of it.
#[derive(Debug)]
pub(super) enum Reply {
    /// `/response`.
    Response(Bytes),
    /// `/error`.
    Error(Bytes),
}

/// Where the runtime is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not asked for an event yet.
    Starting,
    /// It has.
    Ready,
    /// It has given up: `/init/error`.
    InitError(Bytes),
}

/// One environment's side of the API.
#[derive(Debug)]
pub(super) struct Api {
    events: Waiting<mpsc::Receiver<Event>>,
    current: Mutex<Option<(String, oneshot::Sender<Reply>)>>,
    phase: watch::Sender<Phase>,
}

impl Api {
    pub(super) fn new() -> (Arc<Self>, mpsc::Sender<Event>) {
        let (sender, events) = mpsc::channel(1);
        let phase = watch::Sender::new(Phase::Starting);
        (Arc::new(Self { events: Waiting::new(events), current: Mutex::default(), phase }), sender)
    }

    /// What the runtime has come to, once it has left [`Phase::Starting`].
    pub(super) async fn started(&self) -> Phase {
        let mut phase = self.phase.subscribe();
        // The sender lives in `self`, so that it cannot be gone.
        match phase.wait_for(|phase| *phase != Phase::Starting).await {
            Ok(phase) => phase.clone(),
            Err(_) => Phase::Starting,
        }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            // A response may have 6 MB, a streamed one more.
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(self)
    }

    fn reply(&self, id: &str, reply: Reply) -> StatusCode {
        let mut current = self.current.lock().expect("no holder panics");
        match current.take_if(|(current, _)| current == id) {
            Some((_, sender)) => {
                // Whoever asked may have given up.
                drop(sender.send(reply));
                StatusCode::ACCEPTED
            }
            // "400 – Bad Request": an id that is not being worked on.
            None => StatusCode::BAD_REQUEST,
        }
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.phase.send_if_modified(|phase| {
        let first = *phase == Phase::Starting;
        if first {
            *phase = Phase::Ready;
        }
        first
    });
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = SystemTime::now() + event.timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    *api.current.lock().expect("no holder panics") = Some((event.id.clone(), event.reply));
    let headers = [
        ("lambda-runtime-aws-request-id", event.id),
        ("lambda-runtime-deadline-ms", deadline),
        ("lambda-runtime-invoked-function-arn", event.arn),
        ("lambda-runtime-trace-id", event.trace),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.payload).into_response()
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.reply(&id, Reply::Response(body))
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    api.reply(&id, Reply::Error(body))
}

async fn init_error(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    api.phase.send_replace(Phase::InitError(body));
    StatusCode::ACCEPTED
}
