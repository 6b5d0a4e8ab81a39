//! An [`Account`] behind HTTP, so that the same checks can be made on it: it has no clock and runs no
//! rotation by itself.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_parts::secrets::{Account, Begun, Rotation};
use aws_parts::signature;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::watch;

use crate::function::Function;

pub(crate) struct AccountServer {
    account: Mutex<Account>,
    ahead: Mutex<Duration>,
    running: watch::Sender<usize>,
    pub(crate) function: Arc<Function>,
}

impl AccountServer {
    pub(crate) async fn start(function: impl FnOnce(&str) -> Arc<Function>) -> Result<(Arc<Self>, String)> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = Arc::new(Self {
            account: Mutex::default(),
            ahead: Mutex::default(),
            running: watch::Sender::new(0),
            function: function(&url),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((server, url))
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.ahead.lock().unwrap() += by;
    }

    pub(crate) async fn rotations_ended(&self) {
        drop(self.running.subscribe().wait_for(|&count| count == 0).await);
    }

    pub(crate) async fn rotate_due(&self) -> Vec<Rotation> {
        let mut ended = Vec::new();
        let secrets: Vec<_> = self.account().secrets().collect();
        for secret in secrets {
            let is_due = secret.next_rotation.is_some_and(|next| next <= self.now());
            if is_due && let Ok(rotation) = self.retry(&secret.name).await {
                ended.push(rotation);
            }
        }
        ended
    }

    /// Begins what is due, or again what got stuck, and runs it.
    pub(crate) async fn retry(&self, name: &str) -> Result<Rotation> {
        let begun = {
            let mut account = self.account();
            account.begin(name, self.now()).map_err(|refused| anyhow!(refused.message))?;
            account.begun().last().context("it has just begun")?.clone()
        };
        Ok(self.run(&begun).await)
    }

    async fn run(&self, begun: &Begun) -> Rotation {
        let mut failed = None;
        for &step in begun.steps() {
            if !self.account().goes_on(begun) {
                break;
            }
            if let Err(error) = self.function.step(&begun.event(step)).await {
                failed = Some((step, format!("{error:#}")));
                break;
            }
        }
        self.account().end(begun, failed, self.now())
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp::now() + *self.ahead.lock().unwrap()
    }
}

async fn serve(State(server): State<Arc<AccountServer>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let input = serde_json::from_slice(&body).unwrap_or_default();
    let (answer, begun) = {
        let mut account = server.account();
        let before = account.begun().len();
        let operation = target.trim_start_matches("secretsmanager.");
        let answer = account.call_from(signature::region(&headers), operation, &input, server.now());
        (answer, account.begun().get(before).cloned())
    };
    if let Some(begun) = begun {
        server.running.send_modify(|count| *count += 1);
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            server.run(&begun).await;
            server.running.send_modify(|count| *count -= 1);
        });
    }
    match answer {
        Ok(answer) => answer.to_string().into_response(),
        Err(refused) => {
            let body = json!({ "__type": refused.code, "Message": refused.message });
            (StatusCode::BAD_REQUEST, body.to_string()).into_response()
        }
    }
}
