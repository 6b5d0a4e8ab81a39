//! One execution environment: a process under its own Runtime API.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::api::{Api, Event, Phase, Reply};
use super::function::{FunctionSettings, Outcome};
use super::process::{Group, Log};

/// A started environment. Dropping it kills its processes.
#[derive(Debug)]
pub(super) struct Environment {
    /// Kept for its end: with it go the processes.
    _group: Arc<Group>,
    child: Child,
    events: mpsc::Sender<Event>,
    _server: JoinSet<()>,
}

/// How a start ended.
#[derive(Debug)]
pub(super) enum Start {
    /// It waits for events.
    Ready(Box<Environment>),
    /// It ended or gave up before that.
    Failed(Outcome),
}

impl Environment {
    /// Starts the process and waits until it asks for its first event. `began` hears of the group as
    /// soon as there is one.
    pub(super) async fn start(
        settings: &FunctionSettings,
        log: &Log,
        began: impl FnOnce(&Arc<Group>),
    ) -> anyhow::Result<Start> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for the Runtime API")?;
        let address = listener.local_addr()?.to_string();
        let (api, events) = Api::new();
        let mut server = JoinSet::new();
        let router = Arc::clone(&api).router();
        server.spawn(async move { drop(axum::serve(listener, router).await) });
        let (group, mut child) = Group::start(&settings.bootstrap, &settings.variables(&address), log)?;
        let group = Arc::new(group);
        began(&group);
        // What it said before it ended counts, so that it is asked about first.
        let failed = tokio::select! {
            biased;
            phase = timeout(settings.init_timeout, api.started()) => match phase {
                Ok(Phase::InitError(error)) => Some(Outcome::InitError(error)),
                Ok(_) => None,
                Err(_) => Some(Outcome::TimedOut),
            },
            status = child.wait() => Some(Outcome::Exited(describe(status))),
        };
        Ok(match failed {
            Some(outcome) => Start::Failed(outcome),
            None => Start::Ready(Box::new(Self { _group: group, child, events, _server: server })),
        })
    }

    /// Has one event handled. Says whether the environment can take another.
    pub(super) async fn invoke(&mut self, call: Call) -> (Outcome, bool) {
        let (reply, answer) = oneshot::channel();
        let Call { id, payload, arn, timeout: limit } = call;
        let trace = format!("Root=1-{}-{};Sampled=0", &id[..8], &id.replace('-', "")[8..]);
        let event = Event { id, payload, arn, trace, timeout: limit, reply };
        if self.events.send(event).await.is_err() {
            return (Outcome::Exited("its Runtime API has ended".to_owned()), false);
        }
        tokio::select! {
            biased;
            answer = timeout(limit, answer) => match answer {
                Ok(Ok(Reply::Response(body))) => (Outcome::Answered(body), true),
                Ok(Ok(Reply::Error(body))) => (Outcome::FunctionError(body), true),
                Ok(Err(_)) => (Outcome::Exited("it asked for another event instead of answering".to_owned()), false),
                // Lambda ends an environment whose invocation has timed out.
                Err(_) => (Outcome::TimedOut, false),
            },
            status = self.child.wait() => (Outcome::Exited(describe(status)), false),
        }
    }

    /// Whether the process has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

/// One invocation.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) arn: String,
    pub(super) timeout: Duration,
}

fn describe(status: std::io::Result<std::process::ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}
