//! Rotations that call their function.

use anyhow::{Context as _, Result, ensure};
use aws_parts::secrets::{Cause, End};

use crate::house::{DAY, FUNCTION, House, ONE, THREE, TWO, refused};

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

pub(crate) async fn four_steps_in_order(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    ensure!(house.function.steps() == STEPS, "{:?}", house.function.steps());
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}

pub(crate) async fn the_token_becomes_the_version(house: House) -> Result<()> {
    house.create().await?;
    let answer = house.rotate(TWO).send().await?;
    ensure!(answer.version_id() == Some(TWO), "{answer:?}");
    house.rotations_ended().await?;
    ensure!(house.function.seen().iter().all(|event| event["ClientRequestToken"] == TWO), "another token");
    house.holds("AWSCURRENT", &format!("made for {TWO}")).await
}

pub(crate) async fn an_event_names_step_secret_and_tokens(house: House) -> Result<()> {
    let arn = house.create().await?.arn.unwrap_or_default();
    house.rotated(TWO).await?;
    for event in house.function.seen() {
        let fields: Vec<&String> = event.as_object().context("no object")?.keys().collect();
        ensure!(fields == ["ClientRequestToken", "RotationToken", "SecretId", "Step"], "{fields:?}");
        ensure!(event["SecretId"] == arn.as_str(), "{event}");
    }
    Ok(())
}

/// The function passes it with each PutSecretValue: a rotation that ends well shows that it is taken.
pub(crate) async fn the_rotation_token_is_taken(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    let token = house.function.seen()[0]["RotationToken"].as_str().unwrap_or_default().to_owned();
    ensure!((36..=256).contains(&token.len()), "{} characters", token.len());
    house.holds("AWSCURRENT", &format!("made for {TWO}")).await
}

pub(crate) async fn a_rotation_begins_with_an_empty_pending_version(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().fails = Some("createSecret");
    house.rotated(TWO).await?;
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await?;
    refused(house.get().version_id(TWO).send().await, "ResourceNotFoundException")?;
    refused(house.get().version_stage("AWSPENDING").send().await, "ResourceNotFoundException")
}

pub(crate) async fn versions_without_a_value_are_not_listed(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().fails = Some("createSecret");
    house.rotated(TWO).await?;
    let list = house.client.list_secret_version_ids().secret_id(&house.name).include_deprecated(true);
    let listed = list.send().await?;
    ensure!(listed.versions().len() == 1 && listed.versions()[0].version_id() == Some(ONE), "{listed:?}");
    Ok(())
}

pub(crate) async fn later_tests_the_configuration_alone(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().holds = Some("testSecret");
    house.rotate(TWO).rotate_immediately(false).send().await?;
    house.function.waiting.acquire().await?.forget();
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await?;
    house.function.held.add_permits(1);
    house.rotations_ended().await?;
    ensure!(house.function.steps() == ["testSecret"], "{:?}", house.function.steps());
    house.labelled(&[(ONE, "AWSCURRENT")]).await?;
    let described = house.described().await?;
    ensure!(described.rotation_enabled() == Some(true), "rotation is off");
    ensure!(described.rotation_lambda_arn() == Some(FUNCTION), "another function");
    ensure!(described.next_rotation_date().is_some(), "no NextRotationDate");
    ensure!(described.last_rotated_date().is_none(), "a test is no rotation");
    refused(house.get().version_id(TWO).send().await, "ResourceNotFoundException")
}

pub(crate) async fn a_test_reads_the_current_value(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().holds = Some("testSecret");
    house.rotate(TWO).rotate_immediately(false).send().await?;
    house.function.waiting.acquire().await?.forget();
    let held = house.holds("AWSPENDING", "one").await;
    house.function.held.add_permits(1);
    house.rotations_ended().await?;
    held
}

pub(crate) async fn pending_may_end_nowhere(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await?;
    house.rotated(THREE).await?;
    house.labelled(&[(TWO, "AWSPREVIOUS"), (THREE, "AWSCURRENT")]).await
}

pub(crate) async fn pending_may_end_on_current(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().keeps_pending = true;
    house.rotated(TWO).await?;
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT AWSPENDING")]).await?;
    house.rotated(THREE).await?;
    house.labelled(&[(TWO, "AWSPREVIOUS"), (THREE, "AWSCURRENT AWSPENDING")]).await
}

pub(crate) async fn pending_must_not_end_elsewhere(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().forgets_to_finish = true;
    house.rotated(TWO).await?;
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await?;
    refused(house.rotate(THREE).send().await, "InvalidRequestException")
}

pub(crate) async fn a_failed_step_ends_the_rotation(house: House) -> Result<()> {
    for (at, step) in STEPS.into_iter().enumerate() {
        let house = house.another(step).await?;
        house.create().await?;
        house.function.habits().fails = Some(step);
        house.rotated(TWO).await?;
        ensure!(house.function.steps() == STEPS[..=at], "{:?}", house.function.steps());
        house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await?;
        house.holds("AWSCURRENT", "one").await?;
    }
    Ok(())
}

pub(crate) async fn a_failed_rotation_is_retried_from_its_first_step(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().fails = Some("testSecret");
    house.rotated(TWO).await?;
    house.function.habits().fails = None;
    let before = house.function.seen().len();
    let retried = house.retry().await?;
    ensure!((retried.cause, retried.end) == (Cause::Retried, Some(End::Succeeded)), "{:?}", retried.steps);
    ensure!(house.function.steps()[before..] == STEPS, "{:?}", house.function.steps());
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}

pub(crate) async fn a_repeated_request_rotates_once(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    house.rotated(TWO).await?;
    ensure!(house.function.steps().len() == STEPS.len(), "{:?}", house.function.steps());
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}

pub(crate) async fn a_configured_secret_rotates_without_parameters(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    let rules = house.described().await?.rotation_rules;
    house.client.rotate_secret().secret_id(&house.name).client_request_token(THREE).send().await?;
    house.rotations_ended().await?;
    ensure!(house.described().await?.rotation_rules == rules, "other rules");
    house.labelled(&[(TWO, "AWSPREVIOUS"), (THREE, "AWSCURRENT")]).await
}

pub(crate) async fn cancelling_turns_rotation_off(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    ensure!(house.described().await?.last_rotated_date().is_some(), "it has rotated");
    house.client.cancel_rotate_secret().secret_id(&house.name).send().await?;
    let described = house.described().await?;
    ensure!(described.rotation_enabled() == Some(false), "{:?}", described.rotation_enabled());
    ensure!(described.next_rotation_date().is_none(), "NextRotationDate");
    ensure!(described.last_rotated_date().is_none(), "LastRotatedDate");
    ensure!(described.rotation_rules().is_some(), "the previous rules are shown");
    ensure!(described.rotation_lambda_arn() == Some(FUNCTION), "the previous function is shown");
    house.advance(60 * DAY)?;
    ensure!(house.rotate_due().await?.is_empty(), "it rotates");
    Ok(())
}

pub(crate) async fn cancelling_stops_a_rotation_and_leaves_pending(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().holds = Some("setSecret");
    house.rotate(TWO).send().await?;
    house.function.waiting.acquire().await?.forget();
    let cancelled = house.client.cancel_rotate_secret().secret_id(&house.name).send().await?;
    house.function.held.add_permits(1);
    house.rotations_ended().await?;
    ensure!(cancelled.version_id() == Some(TWO), "{cancelled:?}");
    ensure!(house.function.steps() == STEPS[..2], "{:?}", house.function.steps());
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await?;
    ensure!(house.retry().await.is_err(), "it is retried");
    Ok(())
}

pub(crate) async fn a_cancelled_rotation_is_cleared_by_hand(house: House) -> Result<()> {
    house.create().await?;
    house.function.habits().fails = Some("setSecret");
    house.rotated(TWO).await?;
    house.function.habits().fails = None;
    house.client.cancel_rotate_secret().secret_id(&house.name).send().await?;
    refused(house.rotate(THREE).send().await, "InvalidRequestException")?;
    house.label("AWSPENDING").remove_from_version_id(TWO).send().await?;
    house.rotated(THREE).await?;
    ensure!(house.described().await?.rotation_enabled() == Some(true), "rotation is off");
    house.labelled(&[(ONE, "AWSPREVIOUS"), (THREE, "AWSCURRENT")]).await
}

/// NextRotationDate, in whole days from the server's now that the test has moved by `ahead`.
async fn next(house: &House, ahead: i64) -> Result<i64> {
    let next = house.described().await?.next_rotation_date.context("no NextRotationDate")?;
    Ok((next.secs() - jiff::Timestamp::now().as_second() - ahead * 86_400 + 43_200) / 86_400)
}

pub(crate) async fn the_next_date_counts_from_the_last_rotation(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    ensure!(next(&house, 0).await? <= 30, "more than 30 days");
    house.advance(10 * DAY)?;
    house.rotated(THREE).await?;
    let days = next(&house, 10).await?;
    ensure!((21..=30).contains(&days), "{days} days after a second rotation");
    ensure!(house.described().await?.last_rotated_date().is_some(), "no LastRotatedDate");
    Ok(())
}

pub(crate) async fn a_value_put_by_hand_counts_as_a_rotation(house: House) -> Result<()> {
    house.create().await?;
    house.rotate(TWO).rotate_immediately(false).send().await?;
    house.rotations_ended().await?;
    house.advance(29 * DAY)?;
    house.put(THREE, "by hand").send().await?;
    house.advance(2 * DAY)?;
    ensure!(house.rotate_due().await?.is_empty(), "it counts from the time before");
    house.advance(28 * DAY)?;
    ensure!(house.rotate_due().await?.len() == 1, "it does not rotate at all");
    Ok(())
}

pub(crate) async fn a_schedule_rotates_when_its_time_has_come(house: House) -> Result<()> {
    house.create().await?;
    house.rotate(TWO).rotate_immediately(false).send().await?;
    house.rotations_ended().await?;
    ensure!(house.rotate_due().await?.is_empty(), "before its time");
    house.advance(30 * DAY)?;
    let rotated = house.rotate_due().await?;
    ensure!(rotated.len() == 1 && rotated[0].end == Some(End::Succeeded), "{rotated:?}");
    house.labelled(&[(ONE, "AWSPREVIOUS"), (&rotated[0].token, "AWSCURRENT")]).await
}

pub(crate) async fn a_deleted_secret_does_not_rotate(house: House) -> Result<()> {
    house.create().await?;
    house.rotated(TWO).await?;
    house.client.delete_secret().secret_id(&house.name).recovery_window_in_days(30).send().await?;
    house.advance(29 * DAY)?;
    house.advance(DAY / 2)?;
    let before = house.function.seen().len();
    house.rotate_due().await?;
    ensure!(house.function.seen().len() == before, "its function is called");
    Ok(())
}
