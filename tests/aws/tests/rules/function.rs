//! A rotation function written as AWS's template is, that can be told to go wrong.

use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_secretsmanager::Client;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::Semaphore;

/// The function, what it does, and what it was asked.
pub(crate) struct Function {
    client: Client,
    pub(crate) habits: Mutex<Habits>,
    seen: Mutex<Vec<Value>>,
    errors: Mutex<Vec<String>>,
    /// A step that is held waits here.
    pub(crate) held: Semaphore,
    /// One permit for each step that has come to wait.
    pub(crate) waiting: Semaphore,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Habits {
    /// The step that fails.
    pub(crate) fails: Option<&'static str>,
    /// The step that waits to be let go.
    pub(crate) holds: Option<&'static str>,
    /// Whether AWSPENDING stays on the version that has become current.
    pub(crate) keeps_pending: bool,
    /// Whether AWSCURRENT is not moved at all.
    pub(crate) forgets_to_finish: bool,
}

impl Function {
    pub(crate) fn new(client: Client) -> Self {
        let none = || Semaphore::new(0);
        let (habits, seen, errors) = Default::default();
        Self { client, habits, seen, errors, held: none(), waiting: none() }
    }

    /// As Lambda's Invoke API. Gives its address.
    pub(crate) async fn serve(function: &Arc<Self>) -> Result<String> {
        let path = "/2015-03-31/functions/rotate/invocations";
        let router = Router::new().route(path, axum::routing::post(invoke)).with_state(Arc::clone(function));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(url)
    }

    pub(crate) fn habits(&self) -> MutexGuard<'_, Habits> {
        self.habits.lock().unwrap()
    }

    /// The events that it got, oldest first.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn steps(&self) -> Vec<String> {
        self.seen().iter().map(|event| event["Step"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What it failed with, oldest first.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap().clone()
    }

    pub(crate) async fn step(&self, event: &Value) -> Result<()> {
        let done = self.try_step(event).await;
        if let Err(error) = &done {
            self.errors.lock().unwrap().push(format!("{error:#}"));
        }
        done
    }

    async fn try_step(&self, event: &Value) -> Result<()> {
        let field = |name: &str| event[name].as_str().with_context(|| format!("{name} is missing"));
        let (step, arn, token) = (field("Step")?, field("SecretId")?, field("ClientRequestToken")?);
        self.seen.lock().unwrap().push(event.clone());
        let habits = *self.habits();
        if habits.holds == Some(step) {
            self.waiting.add_permits(1);
            self.held.acquire().await?.forget();
        }
        ensure!(habits.fails != Some(step), "{step} fails");
        match step {
            "createSecret" => self.create(arn, token, field("RotationToken")?).await,
            "testSecret" => self.test(arn, token).await,
            "finishSecret" if !habits.forgets_to_finish => self.finish(arn, token, habits).await,
            _ => Ok(()),
        }
    }

    async fn create(&self, arn: &str, token: &str, rotation_token: &str) -> Result<()> {
        let get = self.client.get_secret_value().secret_id(arn).version_id(token).version_stage("AWSPENDING");
        if get.send().await.is_ok() {
            return Ok(());
        }
        let put = self.client.put_secret_value().secret_id(arn).client_request_token(token);
        let put = put.secret_string(format!("made for {token}")).version_stages("AWSPENDING");
        put.rotation_token(rotation_token).send().await.map_err(|error| error.into_service_error())?;
        Ok(())
    }

    async fn test(&self, arn: &str, token: &str) -> Result<()> {
        let get = self.client.get_secret_value().secret_id(arn).version_id(token);
        get.version_stage("AWSPENDING").send().await?;
        Ok(())
    }

    async fn finish(&self, arn: &str, token: &str, habits: Habits) -> Result<()> {
        let described = self.client.describe_secret().secret_id(arn).send().await?;
        let versions = described.version_ids_to_stages().context("no versions")?;
        let current = versions.iter().find(|(_, labels)| labels.iter().any(|label| label == "AWSCURRENT"));
        let current = current.context("no current version")?.0;
        let label = || self.client.update_secret_version_stage().secret_id(arn);
        let promote = label().version_stage("AWSCURRENT").move_to_version_id(token);
        promote.remove_from_version_id(current).send().await?;
        if !habits.keeps_pending {
            label().version_stage("AWSPENDING").remove_from_version_id(token).send().await?;
        }
        Ok(())
    }
}

async fn invoke(State(function): State<Arc<Function>>, body: Bytes) -> Response {
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    match function.step(&event).await {
        Ok(()) => "null".into_response(),
        Err(error) => ([("X-Amz-Function-Error", "Unhandled")], format!("{error:#}")).into_response(),
    }
}
