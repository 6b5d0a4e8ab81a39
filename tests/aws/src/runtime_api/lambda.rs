//! The functions and the Invoke API (Lambda API Reference, API_Invoke).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::function::{Function, FunctionSettings, Outcome};

type Functions = Arc<Mutex<BTreeMap<String, Arc<Function>>>>;

/// Lambda on loopback. Dropping it ends the API and kills every process.
#[derive(Debug)]
pub struct Lambda {
    functions: Functions,
    url: String,
    _server: JoinSet<()>,
}

impl Lambda {
    /// Starts the Invoke API on a free port.
    ///
    /// # Errors
    /// Where the port cannot be opened.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port for Lambda")?;
        let url = format!("http://{}", listener.local_addr()?);
        let functions = Functions::default();
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(serve))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&functions));
        let mut server = JoinSet::new();
        server.spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { functions, url, _server: server })
    }

    /// The endpoint, for `AWS_ENDPOINT_URL_LAMBDA` and for rotations.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Adds a function, or replaces the one of its name.
    pub fn add(&self, settings: FunctionSettings) -> Arc<Function> {
        let name = settings.name.clone();
        let function = Arc::new(Function::new(settings));
        self.functions.lock().expect("no holder panics").insert(name, Arc::clone(&function));
        function
    }

    /// A function by its name or ARN.
    pub fn function(&self, name: &str) -> Option<Arc<Function>> {
        find(&self.functions, name)
    }

    /// Has an event handled.
    ///
    /// # Errors
    /// Where there is no such function, or its program cannot be started.
    pub async fn invoke(&self, name: &str, payload: &[u8]) -> anyhow::Result<Outcome> {
        self.function(name).with_context(|| format!("no function {name}"))?.invoke(payload).await
    }
}

/// `name`, `name:qualifier`, or the function's ARN with or without a qualifier.
fn find(functions: &Functions, name: &str) -> Option<Arc<Function>> {
    let name = match name.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "lambda", _, _, "function", name, ..] | [name, ..] => name,
        [] => return None,
    };
    functions.lock().expect("no holder panics").get(name).cloned()
}

/// "X-Amz-Invocation-Type: RequestResponse (default), Event, DryRun"; "X-Amz-Function-Error: If present,
/// indicates that an error occurred during function execution" (API_Invoke).
async fn serve(
    State(functions): State<Functions>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(function) = find(&functions, &name) else {
        let message = json!({ "Type": "User", "Message": format!("Function not found: {name}") });
        let error = [("x-amzn-errortype", "ResourceNotFoundException")];
        return (StatusCode::NOT_FOUND, error, message.to_string()).into_response();
    };
    match headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok()) {
        Some("DryRun") => StatusCode::NO_CONTENT.into_response(),
        Some("Event") => {
            tokio::spawn(async move { function.invoke(&body).await });
            StatusCode::ACCEPTED.into_response()
        }
        _ => answer(function.invoke(&body).await),
    }
}

fn answer(outcome: anyhow::Result<Outcome>) -> Response {
    match outcome {
        Ok(outcome) => {
            let (body, is_error) = outcome.to_invoke_answer();
            let mut response = ([("x-amz-executed-version", "$LATEST")], body).into_response();
            if is_error {
                let unhandled = axum::http::HeaderValue::from_static("Unhandled");
                response.headers_mut().insert("x-amz-function-error", unhandled);
            }
            response
        }
        Err(error) => {
            let kind = [("x-amzn-errortype", "InvalidRuntimeException")];
            let message = json!({ "Type": "Server", "Message": format!("{error:#}") });
            (StatusCode::BAD_GATEWAY, kind, message.to_string()).into_response()
        }
    }
}
