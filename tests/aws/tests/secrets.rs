//! The Secrets Manager server, through AWS's own SDK.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod sdk;

use std::time::Duration;

use aws_parts::secrets::{SecretsManager, Settings};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};

const ONE: &str = "11111111-1111-1111-1111-111111111111";
const TWO: &str = "22222222-2222-2222-2222-222222222222";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn client(server: &SecretsManager) -> Client {
    Client::from_conf(sdk::config(server.url()).build())
}

async fn start() -> (SecretsManager, Client) {
    let server = SecretsManager::start(Settings::default()).await.unwrap();
    let client = client(&server);
    (server, client)
}

/// Version ONE of the secret `s`, with the value `one`.
async fn with_secret() -> (SecretsManager, Client) {
    let (server, client) = start().await;
    client.create_secret().name("s").secret_string("one").client_request_token(ONE).send().await.unwrap();
    (server, client)
}

#[track_caller]
fn refused<T: std::fmt::Debug, E: ProvideErrorMetadata>(
    result: Result<T, SdkError<E>>,
    code: &str,
    message: &str,
) {
    let Err(error) = result else { panic!("it was not refused") };
    assert_eq!(error.code(), Some(code), "{:?}", error.message());
    let said = error.message().unwrap_or_default();
    assert!(said.contains(message), "{said}");
}

async fn value(client: &Client, stage: &str) -> Option<String> {
    let answer = client.get_secret_value().secret_id("s").version_stage(stage).send().await.ok()?;
    answer.secret_string
}

#[tokio::test]
async fn a_created_secret_is_read_back() {
    let (_server, client) = start().await;
    let created =
        client.create_secret().name("a/b").secret_string("x").client_request_token(ONE).send().await.unwrap();
    let arn = created.arn().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:a/b-"), "{arn}");
    assert_eq!(created.version_id(), Some(ONE));
    for id in ["a/b", arn, &arn[..arn.len() - 7]] {
        let read = client.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!((read.secret_string(), read.version_id()), (Some("x"), Some(ONE)));
        assert_eq!(read.version_stages(), ["AWSCURRENT"]);
    }
    let absent = client.get_secret_value().secret_id("a").send().await;
    refused(absent, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
}

#[tokio::test]
async fn a_repeated_create_is_ignored_and_another_is_refused() {
    let (server, client) = with_secret().await;
    let create = |token, value: &str| {
        client.create_secret().name("s").client_request_token(token).secret_string(value.to_owned()).send()
    };
    let again = create(ONE, "one").await.unwrap();
    assert_eq!(again.arn().unwrap(), server.secret("s").unwrap().arn);
    refused(create(ONE, "other").await, "ResourceExistsException", "already in use");
    refused(create(TWO, "one").await, "ResourceExistsException", "already exists");
    assert_eq!(server.secrets().len(), 1);
}

#[tokio::test]
async fn a_repeated_put_is_ignored_and_a_changed_one_is_refused() {
    let (server, client) = with_secret().await;
    let put = |value: &str| {
        client
            .put_secret_value()
            .secret_id("s")
            .client_request_token(TWO)
            .secret_string(value.to_owned())
            .send()
    };
    put("two").await.unwrap();
    put("two").await.unwrap();
    refused(put("three").await, "ResourceExistsException", "already in use");
    assert_eq!(server.secret("s").unwrap().versions.len(), 2);
    assert_eq!(value(&client, "AWSCURRENT").await.as_deref(), Some("two"));
    assert_eq!(value(&client, "AWSPREVIOUS").await.as_deref(), Some("one"));
}

#[tokio::test]
async fn update_refuses_a_token_that_is_a_version_already() {
    let (_server, client) = with_secret().await;
    let update =
        client.update_secret().secret_id("s").client_request_token(ONE).secret_string("one").send().await;
    refused(update, "ResourceExistsException", "already in use");
}

#[tokio::test]
async fn stage_and_version_must_agree() {
    let (_server, client) = with_secret().await;
    client
        .put_secret_value()
        .secret_id("s")
        .client_request_token(TWO)
        .secret_string("two")
        .send()
        .await
        .unwrap();
    let get = |id, stage| client.get_secret_value().secret_id("s").version_id(id).version_stage(stage).send();
    assert_eq!(get(ONE, "AWSPREVIOUS").await.unwrap().secret_string(), Some("one"));
    refused(get(ONE, "AWSCURRENT").await, "InvalidRequestException", "not associated");
    let absent = client.get_secret_value().secret_id("s").version_stage("AWSPENDING").send().await;
    refused(absent, "ResourceNotFoundException", "secret value for staging label: AWSPENDING");
}

#[tokio::test]
async fn a_label_moves_with_its_source_named() {
    let (_server, client) = with_secret().await;
    let put = client.put_secret_value().secret_id("s").client_request_token(TWO).secret_string("two");
    put.version_stages("AWSPENDING").send().await.unwrap();
    let promote = || {
        client
            .update_secret_version_stage()
            .secret_id("s")
            .version_stage("AWSCURRENT")
            .move_to_version_id(TWO)
    };
    refused(promote().send().await, "InvalidParameterException", "RemoveFromVersionId can't be empty");
    promote().remove_from_version_id(ONE).send().await.unwrap();
    assert_eq!(value(&client, "AWSCURRENT").await.as_deref(), Some("two"));
    assert_eq!(value(&client, "AWSPREVIOUS").await.as_deref(), Some("one"));
    refused(promote().remove_from_version_id(ONE).send().await, "InvalidParameterException", "not attached");
}

#[tokio::test]
async fn a_deleted_secret_is_closed_until_it_is_restored() {
    let (server, client) = with_secret().await;
    client.delete_secret().secret_id("s").recovery_window_in_days(7).send().await.unwrap();
    let closed = "was marked for deletion";
    refused(client.get_secret_value().secret_id("s").send().await, "InvalidRequestException", closed);
    let put = client.put_secret_value().secret_id("s").secret_string("x").send().await;
    refused(put, "InvalidRequestException", closed);
    let create = client.create_secret().name("s").secret_string("one").client_request_token(ONE).send().await;
    refused(create, "InvalidRequestException", "already scheduled for deletion");
    assert!(client.describe_secret().secret_id("s").send().await.unwrap().deleted_date().is_some());
    assert!(client.list_secrets().send().await.unwrap().secret_list().is_empty());
    assert_eq!(
        client.list_secrets().include_planned_deletion(true).send().await.unwrap().secret_list().len(),
        1
    );
    client.restore_secret().secret_id("s").send().await.unwrap();
    assert_eq!(value(&client, "AWSCURRENT").await.as_deref(), Some("one"));
    assert_eq!(server.secret("s").unwrap().deletion, None);
}

#[tokio::test]
async fn a_secret_is_gone_after_its_window_and_its_name_is_free() {
    let (server, client) = with_secret().await;
    let old = server.secret("s").unwrap().arn;
    client.delete_secret().secret_id("s").recovery_window_in_days(7).send().await.unwrap();
    server.advance(7 * DAY - Duration::from_secs(60));
    assert!(server.secret("s").is_some());
    server.advance(Duration::from_secs(61));
    assert!(server.secret("s").is_none());
    client.create_secret().name("s").secret_string("new").send().await.unwrap();
    assert_ne!(server.secret("s").unwrap().arn, old);
}

#[tokio::test]
async fn the_recovery_window_has_bounds() {
    let (_server, client) = with_secret().await;
    let delete = || client.delete_secret().secret_id("s");
    for window in [6, 31] {
        let refusal = delete().recovery_window_in_days(window).send().await;
        refused(refusal, "InvalidParameterException", "between 7 and 30");
    }
    let both = delete().recovery_window_in_days(7).force_delete_without_recovery(true).send().await;
    refused(both, "InvalidParameterException", "in conjunction");
    delete().send().await.unwrap();
    refused(delete().send().await, "InvalidRequestException", "already scheduled");
    delete().force_delete_without_recovery(true).send().await.unwrap();
    delete().force_delete_without_recovery(true).send().await.unwrap();
    refused(delete().send().await, "ResourceNotFoundException", "");
}

#[tokio::test]
async fn lists_come_in_pages_and_by_prefix() {
    let (_server, client) = start().await;
    for n in 0..5 {
        client.create_secret().name(format!("p/{n}")).secret_string("x").send().await.unwrap();
    }
    client.create_secret().name("q").secret_string("x").send().await.unwrap();
    let filter = Filter::builder().key(FilterNameStringType::Name).values("p/").build();
    let pages = client.list_secrets().filters(filter).max_results(2).into_paginator().send();
    let pages = pages.try_collect().await.unwrap();
    let names: Vec<_> =
        pages.iter().flat_map(|page| page.secret_list()).filter_map(|secret| secret.name()).collect();
    assert_eq!(pages.len(), 3);
    assert_eq!(names, ["p/0", "p/1", "p/2", "p/3", "p/4"]);
}

#[tokio::test]
async fn deprecated_versions_are_listed_when_asked_for() {
    let (_server, client) = with_secret().await;
    for value in ["two", "three"] {
        client.put_secret_value().secret_id("s").secret_string(value).send().await.unwrap();
    }
    let labelled = client.list_secret_version_ids().secret_id("s").send().await.unwrap();
    assert_eq!(labelled.versions().len(), 2);
    let all = client.list_secret_version_ids().secret_id("s").include_deprecated(true).max_results(2);
    let pages = all.into_paginator().send().try_collect().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| page.versions().len()).collect();
    assert_eq!(sizes, [2, 1]);
    let described = client.describe_secret().secret_id("s").send().await.unwrap();
    assert_eq!(described.version_ids_to_stages().unwrap().len(), 2);
}

#[tokio::test]
async fn tags_come_and_go() {
    let (server, client) = with_secret().await;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    client.tag_resource().secret_id("s").tags(tag("a", "1")).tags(tag("b", "2")).send().await.unwrap();
    client.tag_resource().secret_id("s").tags(tag("a", "3")).send().await.unwrap();
    client.untag_resource().secret_id("s").tag_keys("b").tag_keys("none").send().await.unwrap();
    let tags = server.secret("s").unwrap().tags;
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("a".to_owned(), "3".to_owned())]);
}

#[tokio::test]
async fn malformed_input_is_refused() {
    let (_server, client) = with_secret().await;
    let name = client.create_secret().name("a b").secret_string("x").send().await;
    refused(name, "ValidationException", "Invalid name");
    let put = || client.put_secret_value().secret_id("s");
    refused(
        put().secret_string("x").client_request_token("short").send().await,
        "InvalidParameterException",
        "32-64",
    );
    refused(put().send().await, "InvalidParameterException", "either SecretString or SecretBinary");
    refused(put().secret_string("x".repeat(65_537)).send().await, "ValidationException", "65536");
    let raw =
        reqwest::Client::new().post(_server.url()).header("x-amz-target", "secretsmanager.PutSecretValue");
    let answer = raw.body(r#"{"SecretId": "s", "SecretString": "x"}"#).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("You must provide a ClientRequestToken value"));
}
