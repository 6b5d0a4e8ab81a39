//! Real processes under the Runtime API host.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_parts::runtime_api::{Function, FunctionSettings, Lambda, Outcome};
use aws_parts::secrets::{End, SecretsManager, Settings};
use serde_json::Value;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_test-bootstrap");

async fn with(change: impl FnOnce(&mut FunctionSettings)) -> (Lambda, Arc<Function>) {
    let lambda = Lambda::start().await.unwrap();
    let mut settings = FunctionSettings::new("f", BOOTSTRAP);
    settings.init_timeout = Duration::from_secs(60);
    change(&mut settings);
    let function = lambda.add(settings);
    (lambda, function)
}

async fn started() -> (Lambda, Arc<Function>) {
    with(|_| {}).await
}

async fn answer(function: &Function, event: &str) -> Value {
    match function.invoke(event.as_bytes()).await.unwrap() {
        Outcome::Answered(body) => serde_json::from_slice(&body).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Tries until it is so. A test that waits for ever has failed.
async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn runs(process: &Value) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state stands after the name's closing bracket. A zombie runs no more.
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Waits until the function's only process has reached its sleep.
async fn hangs(function: &Function) {
    until(|| function.log().iter().any(|line| line == "hanging")).await;
}

async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    tokio::join!(one, other)
}

#[tokio::test]
async fn events_are_answered_by_one_warm_process() {
    let (_lambda, function) = started().await;
    assert_eq!(answer(&function, r#"{"n": 1}"#).await["n"], 1);
    assert_eq!(answer(&function, r#"{"n": 2}"#).await["n"], 2);
    assert_eq!(function.log(), ["cold start"]);
    assert_eq!(function.environments(), 1);
}

#[tokio::test]
async fn an_event_comes_with_lambdas_headers_and_variables() {
    let (_lambda, function) = with(|settings| {
        settings.environment.insert("STAGE".to_owned(), "testing".to_owned());
    })
    .await;
    let headers = answer(&function, r#"{"do": "headers"}"#).await.as_str().unwrap().to_owned();
    for expected in [
        "lambda-runtime-aws-request-id: ",
        "lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:f",
        "lambda-runtime-trace-id: root=1-",
    ] {
        assert!(headers.contains(expected), "{headers}");
    }
    let deadline =
        headers.lines().find_map(|line| line.strip_prefix("lambda-runtime-deadline-ms: ")).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert!((now..=now + 60_000).contains(&deadline.parse().unwrap()), "{deadline}");
    let variables = answer(&function, r#"{"do": "environment"}"#).await;
    assert_eq!(variables["STAGE"], "testing");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_NAME"], "f");
    assert_eq!(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "128");
    assert!(variables.get("HOME").is_none(), "nothing of this process leaks");
}

#[tokio::test]
async fn an_error_leaves_the_process_alive() {
    let (_lambda, function) = started().await;
    let Outcome::FunctionError(error) = function.invoke(br#"{"do": "error"}"#).await.unwrap() else {
        panic!()
    };
    assert_eq!(error, r#"{"errorMessage":"as asked","errorType":"Test"}"#);
    answer(&function, "{}").await;
    assert_eq!(function.log(), ["cold start"]);
}

#[tokio::test]
async fn a_process_that_exits_is_replaced() {
    let (_lambda, function) = started().await;
    let outcome = function.invoke(br#"{"do": "exit"}"#).await.unwrap();
    assert!(matches!(&outcome, Outcome::Exited(status) if status.contains('7')), "{outcome:?}");
    answer(&function, "{}").await;
    assert_eq!(function.log(), ["cold start", "cold start"]);
}

#[tokio::test]
async fn a_time_out_kills_the_process() {
    let (_lambda, function) = with(|settings| settings.timeout = Duration::from_millis(500)).await;
    let process = answer(&function, r#"{"do": "process"}"#).await;
    assert_eq!(function.invoke(br#"{"do": "hang"}"#).await.unwrap(), Outcome::TimedOut);
    until(|| !runs(&process)).await;
    assert_ne!(answer(&function, r#"{"do": "process"}"#).await, process);
}

#[tokio::test]
async fn a_kill_ends_the_event_and_all_processes_of_the_group() {
    let (_lambda, function) = started().await;
    let child = answer(&function, r#"{"do": "child"}"#).await;
    assert!(runs(&child));
    let kill = async {
        hangs(&function).await;
        function.kill();
    };
    let (outcome, ()) = both(function.invoke(br#"{"do": "hang"}"#), kill).await;
    let outcome = outcome.unwrap();
    assert!(matches!(&outcome, Outcome::Exited(status) if status.contains("signal: 9")), "{outcome:?}");
    until(|| !runs(&child)).await;
    answer(&function, "{}").await;
}

#[tokio::test]
async fn nothing_outlives_the_host() {
    let (lambda, function) = started().await;
    let process = answer(&function, r#"{"do": "process"}"#).await;
    let child = answer(&function, r#"{"do": "child"}"#).await;
    assert!(runs(&process) && runs(&child));
    drop((lambda, function));
    until(|| !runs(&process) && !runs(&child)).await;
}

#[tokio::test]
async fn a_frozen_process_answers_once_it_is_thawed() {
    let (_lambda, function) = started().await;
    let process = answer(&function, r#"{"do": "process"}"#).await;
    function.freeze();
    let state = || std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    until(|| state().contains(") T ")).await;
    let thaw = async {
        assert!(state().contains(") T "));
        function.thaw();
    };
    let (again, ()) = both(answer(&function, r#"{"do": "process"}"#), thaw).await;
    assert_eq!(again, process);
}

#[tokio::test]
async fn events_at_once_get_processes_of_their_own_up_to_the_limit() {
    let (_lambda, function) = with(|settings| settings.concurrency = 2).await;
    let events = (0..6).map(|_| answer(&function, r#"{"do": "process"}"#));
    let processes = futures::future::join_all(events).await;
    let distinct: std::collections::BTreeSet<_> = processes.iter().map(Value::to_string).collect();
    assert!((1..=2).contains(&distinct.len()), "{distinct:?}");
    assert!(function.environments() <= 2);
}

#[tokio::test]
async fn both_streams_are_kept() {
    let (_lambda, function) = started().await;
    answer(&function, r#"{"do": "print"}"#).await;
    until(|| function.log().len() == 3).await;
    let log = function.log();
    assert!(log.contains(&"to stdout".to_owned()) && log.contains(&"to stderr".to_owned()), "{log:?}");
}

#[tokio::test]
async fn a_start_that_fails_says_how() {
    for (at_start, expected) in [("exit", "3"), ("report", "STAGE is missing")] {
        let (_lambda, function) = with(|settings| {
            settings.environment.insert("AT_START".to_owned(), at_start.to_owned());
        })
        .await;
        let outcome = function.invoke(b"{}").await.unwrap();
        assert!(matches!(outcome, Outcome::Exited(_) | Outcome::InitError(_)), "{outcome:?}");
        let body = String::from_utf8(outcome.to_invoke_answer().0.to_vec()).unwrap();
        assert!(body.contains(expected), "{body}");
    }
    let (_lambda, function) = with(|settings| {
        settings.environment.insert("AT_START".to_owned(), "hang".to_owned());
        settings.init_timeout = Duration::from_millis(200);
    })
    .await;
    assert_eq!(function.invoke(b"{}").await.unwrap(), Outcome::TimedOut);
    let (_lambda, function) = with(|settings| settings.bootstrap = "/none/bootstrap".into()).await;
    assert!(function.invoke(b"{}").await.unwrap_err().to_string().contains("cannot be started"));
}

#[tokio::test]
async fn the_invoke_api_answers_as_lambda_does() {
    let (lambda, function) = started().await;
    let client = reqwest::Client::new();
    let post = |name: &str, body: &'static str| {
        client.post(format!("{}/2015-03-31/functions/{name}/invocations", lambda.url())).body(body)
    };
    for name in ["f", "f:live", "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af"] {
        let answer = post(name, r#"{"n":1}"#).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(!answer.headers().contains_key("x-amz-function-error"));
        assert_eq!(answer.text().await.unwrap(), r#"{"n":1}"#);
    }
    let error = post("f", r#"{"do":"error"}"#).send().await.unwrap();
    assert_eq!(
        (error.status().as_u16(), &error.headers()["x-amz-function-error"]),
        (200, &"Unhandled".parse().unwrap())
    );
    assert_eq!(post("none", "{}").send().await.unwrap().status(), 404);
    let event = post("f", r#"{"do":"print"}"#).header("x-amz-invocation-type", "Event").send().await.unwrap();
    assert_eq!(event.status(), 202);
    until(|| function.log().iter().any(|line| line == "to stdout")).await;
}

#[tokio::test]
async fn secrets_manager_calls_a_started_function() {
    let (lambda, function) = started().await;
    let settings = Settings { lambda: Some(lambda.url().to_owned()), ..Settings::default() };
    let server = SecretsManager::start(settings).await.unwrap();
    let client = reqwest::Client::new();
    let token = "11111111-1111-1111-1111-111111111111";
    for (operation, body) in [
        ("CreateSecret", format!(r#"{{"Name":"s","SecretString":"x","ClientRequestToken":"{token}"}}"#)),
        (
            "RotateSecret",
            format!(
                r#"{{"SecretId":"s","RotationLambdaARN":"{}","ClientRequestToken":"{}"}}"#,
                function.settings().arn(),
                token.replace('1', "2")
            ),
        ),
    ] {
        let request = client.post(server.url()).header("x-amz-target", format!("secretsmanager.{operation}"));
        assert_eq!(request.body(body).send().await.unwrap().status(), 200);
    }
    server.rotations_ended().await;
    // Every step was answered, and none of them moved a label.
    let rotation = server.rotations().remove(0);
    assert_eq!((rotation.steps.len(), rotation.end), (4, Some(End::Unfinished)));
}
