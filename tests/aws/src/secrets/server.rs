//! The HTTP face, and what tests may ask in the process.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::clock::Clock;
use super::error::Refusal;
use super::operations::apply;
use super::rotate::Preflight;
use super::rotation::Rotation;
use super::runner::{run, run_all};
use super::state::{Job, State};
use super::store::Store;
use super::versions::SecretValue;
use super::view::SecretState;
use crate::signature;

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region in ARNs. Calls that are signed for another find the replicas there, and nothing else.
    pub region: String,
    /// The account in ARNs.
    pub account: String,
    /// Where Lambda's Invoke API is, for rotations. May be given later.
    pub lambda: Option<String>,
    /// What the throw-away version of a rotation's test holds.
    pub preflight: Preflight,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            lambda: None,
            preflight: Preflight::default(),
        }
    }
}

/// A running server on loopback. Dropping it stops it and every rotation.
#[derive(Debug)]
pub struct SecretsManager {
    inner: Arc<Inner>,
    url: String,
    _tasks: JoinSet<()>,
}

/// What the operations and the rotations share.
#[derive(Debug)]
pub(super) struct Inner {
    state: Mutex<State>,
    clock: Clock,
    preflight: Preflight,
    lambda: Mutex<Option<String>>,
    pub(super) http: reqwest::Client,
    jobs: mpsc::UnboundedSender<Job>,
    running: watch::Sender<usize>,
}

impl SecretsManager {
    /// Starts on a free port of loopback.
    ///
    /// # Errors
    /// Where the port cannot be opened.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for Secrets Manager")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (jobs, jobs_to_run) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            state: Mutex::new(State::new(Store::new(&settings.region, &settings.account))),
            clock: Clock::default(),
            preflight: settings.preflight,
            lambda: Mutex::new(settings.lambda),
            http: reqwest::Client::builder().no_proxy().build()?,
            jobs,
            running: watch::Sender::new(0),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&inner));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { drop(axum::serve(listener, router).await) });
        tasks.spawn(run_all(Arc::clone(&inner), jobs_to_run));
        Ok(Self { inner, url, _tasks: tasks })
    }

    /// The endpoint, for `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says where Lambda's Invoke API is.
    pub fn set_lambda(&self, url: &str) {
        *self.inner.lambda.lock().expect("no holder panics") = Some(url.to_owned());
    }

    /// Lets time pass for the server: recovery windows, schedules, the age of versions.
    pub fn advance(&self, by: Duration) {
        self.inner.clock.advance(by);
    }

    /// Lets time pass for one secret alone: as if everything had been done to it so much earlier.
    ///
    /// # Errors
    /// Where there is no such secret.
    pub fn age(&self, id: &str, by: Duration) -> anyhow::Result<()> {
        let mut state = self.inner.state();
        state.store.find(id).map_err(|refusal| anyhow!(refusal.message))?.age(by);
        Ok(())
    }

    /// Every secret, those that wait for their deletion too, without values.
    pub fn secrets(&self) -> Vec<SecretState> {
        self.inner.state().store.iter().map(SecretState::of).collect()
    }

    /// One secret, by its name or ARN, without values.
    pub fn secret(&self, id: &str) -> Option<SecretState> {
        self.inner.state().store.find(id).ok().map(|secret| SecretState::of(secret))
    }

    /// The value in clear of the version that `stage` is attached to, whatever the secret's state.
    pub fn reveal(&self, id: &str, stage: &str) -> Option<String> {
        let mut state = self.inner.state();
        match state.store.find(id).ok()?.versions.holder(stage)?.value.clone()? {
            SecretValue::Text(value) | SecretValue::Binary(value) => Some(value),
        }
    }

    /// Every rotation that has begun, in order.
    pub fn rotations(&self) -> Vec<Rotation> {
        self.inner.state().rotations.clone()
    }

    /// Waits until no rotation runs.
    pub async fn rotations_ended(&self) {
        let mut running = self.inner.running.subscribe();
        // The sender lives in `self`, so that it cannot be gone.
        drop(running.wait_for(|&count| count == 0).await);
    }

    /// Waits until no rotation of one secret runs, and gives the last that began, if one did.
    pub async fn rotation_ended(&self, name: &str) -> Option<Rotation> {
        let mut running = self.inner.running.subscribe();
        loop {
            running.borrow_and_update();
            let last = self.inner.state().last_rotation(name).cloned();
            match last {
                // The sender lives in `self`, so that it cannot be gone.
                Some(last) if last.end.is_none() => drop(running.changed().await),
                ended => return ended,
            }
        }
    }

    /// Runs a secret's stuck rotation once more, as Secrets Manager does by itself some time later:
    /// all steps, with the same token.
    ///
    /// # Errors
    /// Where nothing is stuck, rotation is off, or it runs already.
    pub async fn retry_rotation(&self, id: &str) -> anyhow::Result<Rotation> {
        let job =
            self.inner.begin(|state| state.begin_again(id)).map_err(|refusal| anyhow!(refusal.message))?;
        Ok(run(Arc::clone(&self.inner), job).await)
    }

    /// Runs, one after the other, every rotation whose time has come by the server's clock.
    pub async fn rotate_due(&self) -> Vec<Rotation> {
        let now = self.inner.clock.now();
        let due = self.inner.state().due(now);
        let mut rotations = Vec::new();
        for arn in due {
            if let Ok(job) = self.inner.begin(|state| state.begin_due(&arn, now)) {
                rotations.push(run(Arc::clone(&self.inner), job).await);
            }
        }
        rotations
    }
}

impl Inner {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().expect("no holder panics");
        state.store.purge(self.clock.now());
        state
    }

    pub(super) fn lambda(&self) -> anyhow::Result<String> {
        self.lambda.lock().expect("no holder panics").clone().context("no Lambda endpoint has been given")
    }

    fn begin(&self, begin: impl FnOnce(&mut State) -> Result<Job, Refusal>) -> Result<Job, Refusal> {
        let mut state = self.state();
        let job = begin(&mut state);
        self.running.send_replace(state.running());
        job
    }

    pub(super) fn finish(&self, job: &Job) -> Rotation {
        let mut state = self.state();
        state.end(job, self.clock.now());
        self.running.send_replace(state.running());
        state.rotations[job.rotation].clone()
    }

    fn apply(&self, region: Option<&str>, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        let mut state = self.state();
        let (answer, job) = apply(&mut state, region, operation, body, self.preflight, self.clock.now())?;
        self.running.send_replace(state.running());
        if let Some(job) = job {
            // The other end goes only with the server.
            drop(self.jobs.send(job));
        }
        Ok(answer)
    }
}

/// The AWS JSON 1.1 protocol: the operation in `X-Amz-Target`, JSON both ways.
async fn serve(Shared(inner): Shared<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix("secretsmanager.").unwrap_or(target);
    let (status, answer) = match inner.apply(signature::region(&headers), operation, &body) {
        Ok(answer) => (StatusCode::OK, answer),
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal.body()),
    };
    (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
}
