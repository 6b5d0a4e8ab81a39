//! Runs rotations: calls the function step by step.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::rotation::{Rotation, Step};
use super::server::Inner;
use super::state::Job;

/// Runs what RotateSecret has begun, after it has answered: "Configures and starts the asynchronous
/// process of rotating the secret" (API_RotateSecret).
pub(super) async fn run_all(inner: Arc<Inner>, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            job = jobs.recv() => match job {
                Some(job) => drop(running.spawn(run(Arc::clone(&inner), job))),
                None => return,
            },
            Some(_) = running.join_next() => {}
        }
    }
}

/// Runs one rotation to its end.
pub(super) async fn run(inner: Arc<Inner>, job: Job) -> Rotation {
    for &step in job.cause.steps() {
        if !inner.state().is_active(&job) {
            break;
        }
        let error = call(&inner, &job, step).await.err().map(|error| format!("{error:#}"));
        let failed = error.is_some();
        inner.state().record(&job, step, error);
        if failed {
            break;
        }
    }
    inner.finish(&job)
}

/// "Secrets Manager invokes the Lambda rotation function as a synchronous invocation" (Lambda Developer
/// Guide, with-secrets-manager).
async fn call(inner: &Inner, job: &Job, step: Step) -> anyhow::Result<()> {
    let url = invoke_url(&inner.lambda()?, &job.function);
    let request = inner
        .http
        .post(url)
        .header("X-Amz-Invocation-Type", "RequestResponse")
        .body(job.event(step).to_string());
    let answer = request.send().await.context("the rotation function could not be called")?;
    let status = answer.status();
    let function_error = answer.headers().contains_key("x-amz-function-error");
    let body = answer.text().await.context("the rotation function's answer broke off")?;
    if function_error || !status.is_success() {
        bail!("{status}: {body}");
    }
    Ok(())
}

/// Lambda's Invoke, by the function's bare name: not every emulator takes an ARN there.
fn invoke_url(lambda: &str, function: &str) -> String {
    let name = match function.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "lambda", _, _, "function", name, ..] => name,
        _ => function,
    };
    format!("{}/2015-03-31/functions/{name}/invocations", lambda.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::invoke_url;

    #[test]
    fn a_function_is_called_by_its_name() {
        let expected = "http://127.0.0.1:1/2015-03-31/functions/rotate/invocations";
        for function in ["rotate", "arn:aws:lambda:eu-west-1:123456789012:function:rotate:live"] {
            assert_eq!(invoke_url("http://127.0.0.1:1/", function), expected);
        }
    }
}
