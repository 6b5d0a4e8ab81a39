//! Rotations by the Secrets Manager server, with a rotation function written as AWS's template is.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod sdk;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use aws_parts::secrets::{Cause, End, Preflight, Rotation, SecretsManager, Settings, Step};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::RotationRulesType;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

const ONE: &str = "11111111-1111-1111-1111-111111111111";
const TWO: &str = "22222222-2222-2222-2222-222222222222";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:rotate";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The rotation function, and what it was asked.
struct Function {
    client: Client,
    failing: Mutex<BTreeSet<&'static str>>,
    keep_pending: bool,
    seen: Mutex<Vec<String>>,
}

struct House {
    server: SecretsManager,
    client: Client,
    function: Arc<Function>,
}

impl House {
    async fn new(settings: Settings, keep_pending: bool) -> Self {
        let server = SecretsManager::start(settings).await.unwrap();
        let client = client(server.url());
        let function = Arc::new(Function {
            client: client.clone(),
            failing: Mutex::default(),
            keep_pending,
            seen: Mutex::default(),
        });
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", axum::routing::post(invoke))
            .with_state(Arc::clone(&function));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        server.set_lambda(&format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        client.create_secret().name("s").secret_string("one").client_request_token(ONE).send().await.unwrap();
        Self { server, client, function }
    }

    async fn rotate(&self, token: &str, immediately: bool) -> Result<Rotation, String> {
        let rules = RotationRulesType::builder().automatically_after_days(30).build();
        let request =
            self.client.rotate_secret().secret_id("s").client_request_token(token).rotation_rules(rules);
        let answer = request.rotation_lambda_arn(FUNCTION).rotate_immediately(immediately).send().await;
        let answer = answer.map_err(|error| text(&error))?;
        assert_eq!(answer.version_id(), Some(token));
        let ended = self.server.rotation_ended("s").await.unwrap();
        assert_eq!(self.server.rotations().last(), Some(&ended));
        Ok(ended)
    }

    fn fail(&self, step: &'static str) {
        self.function.failing.lock().unwrap().insert(step);
    }

    fn repair(&self) {
        self.function.failing.lock().unwrap().clear();
    }

    fn seen(&self) -> Vec<String> {
        self.function.seen.lock().unwrap().clone()
    }

    fn labels(&self, id: &str) -> Vec<String> {
        let secret = self.server.secret("s").unwrap();
        secret
            .versions
            .into_iter()
            .find(|version| version.id == id)
            .map(|version| version.labels)
            .unwrap_or_default()
    }
}

fn client(url: &str) -> Client {
    Client::from_conf(sdk::config(url).build())
}

fn text<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default())
}

async fn invoke(State(function): State<Arc<Function>>, Path(name): Path<String>, body: Bytes) -> Response {
    assert_eq!(name, "rotate");
    match function.step(&serde_json::from_slice(&body).unwrap()).await {
        Ok(()) => "null".into_response(),
        Err(error) => ([("X-Amz-Function-Error", "Unhandled")], format!(r#"{{"errorMessage":"{error:#}"}}"#))
            .into_response(),
    }
}

impl Function {
    async fn step(&self, event: &Value) -> anyhow::Result<()> {
        let field = |name: &str| event[name].as_str().with_context(|| format!("{name} is missing"));
        let (step, arn, token) = (field("Step")?, field("SecretId")?, field("ClientRequestToken")?);
        self.seen.lock().unwrap().push(step.to_owned());
        anyhow::ensure!(!self.failing.lock().unwrap().contains(step), "{step} fails");
        match step {
            "createSecret" => self.create(arn, token, field("RotationToken")?).await,
            "testSecret" => {
                self.client
                    .get_secret_value()
                    .secret_id(arn)
                    .version_id(token)
                    .version_stage("AWSPENDING")
                    .send()
                    .await?;
                Ok(())
            }
            "finishSecret" => self.finish(arn, token).await,
            _ => Ok(()),
        }
    }

    async fn create(&self, arn: &str, token: &str, rotation_token: &str) -> anyhow::Result<()> {
        let described = self.client.describe_secret().secret_id(arn).send().await?;
        let stages =
            described.version_ids_to_stages().and_then(|all| all.get(token)).context("no such version")?;
        anyhow::ensure!(stages.iter().any(|stage| stage == "AWSPENDING"), "not pending");
        let get = self.client.get_secret_value().secret_id(arn).version_id(token).version_stage("AWSPENDING");
        if get.send().await.is_ok() {
            return Ok(());
        }
        let put = self.client.put_secret_value().secret_id(arn).client_request_token(token);
        put.secret_string("made").rotation_token(rotation_token).version_stages("AWSPENDING").send().await?;
        Ok(())
    }

    async fn finish(&self, arn: &str, token: &str) -> anyhow::Result<()> {
        let described = self.client.describe_secret().secret_id(arn).send().await?;
        let versions = described.version_ids_to_stages().context("no versions")?;
        let current = versions.iter().find(|(_, stages)| stages.iter().any(|stage| stage == "AWSCURRENT"));
        let current = current.context("no current version")?.0;
        let stage = || self.client.update_secret_version_stage().secret_id(arn);
        stage()
            .version_stage("AWSCURRENT")
            .move_to_version_id(token)
            .remove_from_version_id(current)
            .send()
            .await?;
        if !self.keep_pending {
            stage().version_stage("AWSPENDING").remove_from_version_id(token).send().await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_rotation_calls_four_steps_and_moves_the_labels() {
    let house = House::new(Settings::default(), false).await;
    let rotation = house.rotate(TWO, true).await.unwrap();
    assert_eq!((rotation.end, rotation.cause), (Some(End::Succeeded), Cause::Requested));
    assert_eq!(house.seen(), ["createSecret", "setSecret", "testSecret", "finishSecret"]);
    assert_eq!(
        (house.labels(TWO), house.labels(ONE)),
        (vec!["AWSCURRENT".to_owned()], vec!["AWSPREVIOUS".to_owned()])
    );
    assert_eq!(house.server.reveal("s", "AWSCURRENT").as_deref(), Some("made"));
    assert!(house.server.secret("s").unwrap().next_rotation.is_some());
}

#[tokio::test]
async fn both_legal_ends_of_pending_let_the_next_rotation_begin() {
    for keep_pending in [false, true] {
        let house = House::new(Settings::default(), keep_pending).await;
        assert_eq!(house.rotate(TWO, true).await.unwrap().end, Some(End::Succeeded));
        assert_eq!(house.labels(TWO).contains(&"AWSPENDING".to_owned()), keep_pending);
        let third = "33333333-3333-3333-3333-333333333333";
        assert_eq!(house.rotate(third, true).await.unwrap().end, Some(End::Succeeded));
        assert_eq!(house.labels(TWO), ["AWSPREVIOUS"]);
    }
}

#[tokio::test]
async fn a_failed_step_blocks_the_next_rotation_until_it_is_retried() {
    for step in Step::ALL {
        let house = House::new(Settings::default(), false).await;
        house.fail(step.as_str());
        let rotation = house.rotate(TWO, true).await.unwrap();
        assert_eq!(rotation.end, Some(End::Failed));
        let last = rotation.steps.last().unwrap();
        assert_eq!(last.step, step);
        assert!(last.error.as_ref().unwrap().contains(&format!("{step} fails")), "{last:?}");
        assert_eq!(house.labels(ONE), ["AWSCURRENT"]);
        let refusal = house.rotate("33333333-3333-3333-3333-333333333333", true).await.unwrap_err();
        assert!(
            refusal.starts_with("InvalidRequestException: A previous rotation isn't complete"),
            "{refusal}"
        );
        house.repair();
        let retried = house.server.retry_rotation("s").await.unwrap();
        assert_eq!(
            (retried.end, retried.cause, retried.token.as_str()),
            (Some(End::Succeeded), Cause::Retried, TWO)
        );
        assert!(house.server.retry_rotation("s").await.is_err());
    }
}

#[tokio::test]
async fn without_a_value_the_pending_version_cannot_be_read() {
    let house = House::new(Settings::default(), false).await;
    house.fail("createSecret");
    house.rotate(TWO, true).await.unwrap();
    let described = house.client.describe_secret().secret_id("s").send().await.unwrap();
    assert_eq!(described.version_ids_to_stages().unwrap()[TWO], ["AWSPENDING"]);
    let get = house.client.get_secret_value().secret_id("s").version_id(TWO).send().await.unwrap_err();
    let expected = format!(
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: {TWO}"
    );
    assert_eq!(text(&get), expected);
}

#[tokio::test]
async fn a_preflight_only_tests_and_leaves_no_version() {
    for (preflight, end) in [(Preflight::CopyOfCurrent, End::Succeeded), (Preflight::Empty, End::Failed)] {
        let house = House::new(Settings { preflight, ..Settings::default() }, false).await;
        let rotation = house.rotate(TWO, false).await.unwrap();
        assert_eq!((rotation.cause, rotation.end), (Cause::Preflight, Some(end)));
        assert_eq!(house.seen(), ["testSecret"]);
        let secret = house.server.secret("s").unwrap();
        assert_eq!(secret.versions.len(), 1);
        assert_eq!(secret.rotation_enabled, Some(true));
        assert_eq!(secret.rotation_function.as_deref(), Some(FUNCTION));
    }
}

#[tokio::test]
async fn the_schedule_rotates_when_its_time_has_come() {
    let house = House::new(Settings::default(), false).await;
    house.rotate(TWO, false).await.unwrap();
    assert!(house.server.rotate_due().await.is_empty());
    house.server.advance(30 * DAY);
    house.fail("testSecret");
    let ends = |rotations: Vec<Rotation>| {
        rotations.into_iter().map(|r| (r.cause, r.end.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(ends(house.server.rotate_due().await), [(Cause::Scheduled, End::Failed)]);
    house.repair();
    assert_eq!(ends(house.server.rotate_due().await), [(Cause::Retried, End::Succeeded)]);
    assert!(house.server.rotate_due().await.is_empty());
    assert_eq!(house.server.reveal("s", "AWSCURRENT").as_deref(), Some("made"));
}

#[tokio::test]
async fn time_may_pass_for_one_secret_alone() {
    let house = House::new(Settings::default(), false).await;
    house.client.create_secret().name("other").secret_string("one").send().await.unwrap();
    house.rotate(TWO, false).await.unwrap();
    let before = house.client.describe_secret().secret_id("s").send().await.unwrap();
    house.server.age("s", 40 * DAY).unwrap();
    let after = house.client.describe_secret().secret_id("s").send().await.unwrap();
    let other = house.client.describe_secret().secret_id("other").send().await.unwrap();
    let moved = |date: fn(&DescribeSecretOutput) -> Option<&DateTime>| {
        let seconds = |secret| date(secret).map(DateTime::secs).unwrap();
        seconds(&before) - seconds(&after)
    };
    let forty_days = i64::try_from(40 * DAY.as_secs()).unwrap();
    assert_eq!(moved(DescribeSecretOutput::last_changed_date), forty_days);
    assert_eq!(moved(DescribeSecretOutput::next_rotation_date), forty_days);
    assert!(other.last_changed_date().map(DateTime::secs) > after.next_rotation_date().map(DateTime::secs));
    assert_eq!(house.server.rotate_due().await.len(), 1, "its time has come");
    assert!(house.server.age("nobody's", DAY).is_err());
}

#[tokio::test]
async fn a_value_put_by_hand_counts_as_a_rotation() {
    let house = House::new(Settings::default(), false).await;
    house.rotate(TWO, false).await.unwrap();
    house.server.advance(29 * DAY);
    house.client.put_secret_value().secret_id("s").secret_string("by hand").send().await.unwrap();
    house.server.advance(2 * DAY);
    assert!(house.server.rotate_due().await.is_empty());
    house.server.advance(28 * DAY);
    assert_eq!(house.server.rotate_due().await.len(), 1);
}

#[tokio::test]
async fn a_cancelled_rotation_is_neither_retried_nor_scheduled() {
    let house = House::new(Settings::default(), false).await;
    house.fail("setSecret");
    house.rotate(TWO, true).await.unwrap();
    house.client.cancel_rotate_secret().secret_id("s").send().await.unwrap();
    house.repair();
    house.server.advance(60 * DAY);
    assert!(house.server.retry_rotation("s").await.is_err());
    assert!(house.server.rotate_due().await.is_empty());
    let secret = house.server.secret("s").unwrap();
    assert_eq!((secret.rotation_enabled, secret.version("AWSPENDING")), (Some(false), Some(TWO)));
}

#[tokio::test]
async fn rotation_needs_a_function() {
    let house = House::new(Settings::default(), false).await;
    let refusal = house.client.rotate_secret().secret_id("s").send().await.unwrap_err();
    assert!(
        text(&refusal).starts_with("InvalidRequestException: No Lambda rotation function ARN"),
        "{}",
        text(&refusal)
    );
    let refusal = house.client.cancel_rotate_secret().secret_id("s").send().await.unwrap_err();
    assert!(text(&refusal).starts_with("InvalidRequestException"), "{}", text(&refusal));
}

#[tokio::test]
async fn a_foreign_rotation_token_is_refused() {
    let house = House::new(Settings::default(), false).await;
    let put = house.client.put_secret_value().secret_id("s").secret_string("x").rotation_token(TWO);
    assert!(text(&put.send().await.unwrap_err()).starts_with("InvalidParameterException"));
}
