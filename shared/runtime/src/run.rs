//! The Lambda runtime around a function.

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::{Value, json};

use crate::deferral::{NoQueue, Postpone};
use crate::envelope::{self, Delivery};
use crate::{
    BoxError, Deadline, Environment, Handler, Invocation, Misconfigured, batch, clock, direct, telemetry,
    trace,
};

/// Starts a function's process: telemetry, then what `wire` does, which reads the configuration,
/// makes the clients and runs. What it returns as an error is logged in one line, and the process
/// ends, which Lambda shows as an error of the start.
pub async fn start(wire: impl AsyncFnOnce(Environment) -> Result<(), BoxError>) -> ExitCode {
    let environment = crate::environment::process();
    telemetry::start(&environment);
    match wire(environment).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(
                error = telemetry::chain(&*error),
                problems = problems(&error),
                "The function cannot start."
            );
            ExitCode::FAILURE
        }
    }
}

/// Each variable that is wrong, as JSON, for a machine.
fn problems(error: &BoxError) -> Option<String> {
    let misconfigured = error.downcast_ref::<Misconfigured>()?;
    serde_json::to_string(&misconfigured.problems).ok()
}

/// Runs a function that has a queue, until Lambda ends the process.
///
/// # Errors
/// Those of the Lambda Runtime API.
#[cfg(feature = "queue")]
pub async fn run<H: Handler>(handler: H, deferral: crate::Deferral) -> Result<(), BoxError> {
    serve(handler, deferral).await
}

/// Runs a function that is only called directly.
///
/// # Errors
/// Those of the Lambda Runtime API.
pub async fn run_direct<H: Handler>(handler: H) -> Result<(), BoxError> {
    serve(handler, NoQueue).await
}

async fn serve<H: Handler, P: Postpone>(handler: H, postpone: P) -> Result<(), BoxError> {
    let (handler, postpone) = (&handler, &postpone);
    let service = service_fn(async move |event: LambdaEvent<Value>| {
        trace::begin(event.context.xray_trace_id.as_deref());
        let deadline = Deadline::at_millis(event.context.deadline, clock::now());
        let invocation = Invocation::new(deadline, event.context.request_id);
        deliver(handler, postpone, &event.payload, &invocation).await
    });
    // Without the runtime's own tracing layer: its span would repeat the request's id and more in
    // every line.
    Runtime::new(service).run().await
}

/// One invocation, from its payload to its answer: all of the runtime but the connection to Lambda.
///
/// # Errors
/// To a direct call, whatever was not done; to a batch, only that a record cannot be named.
pub async fn deliver<H: Handler, P: Postpone>(
    handler: &H,
    postpone: &P,
    payload: &Value,
    invocation: &Invocation,
) -> Result<Value, Diagnostic> {
    match envelope::open(payload, invocation.now()) {
        Ok(Delivery::Queue(records)) => Ok(json!(batch::work(handler, postpone, records, invocation).await)),
        Ok(Delivery::Direct(units)) => direct::work(handler, units, invocation).await,
        Err(nameless) => {
            Err(Diagnostic { error_type: "Bug".to_owned(), error_message: nameless.to_string() })
        }
    }
}

#[cfg(test)]
mod tests;
