//! DeleteSecret, RestoreSecret, and what a secret that waits for its deletion refuses.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_secretsmanager::operation::delete_secret::builders::DeleteSecretFluentBuilder;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};

use crate::house::{DAY, House, MALFORMED, ONE, THREE, TWO, refused};

const CLOSED: &str = "InvalidRequestException";

fn delete(house: &House) -> DeleteSecretFluentBuilder {
    house.client.delete_secret().secret_id(&house.name)
}

/// Two versions of a secret that waits for its deletion.
async fn deleted(house: &House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    delete(house).recovery_window_in_days(7).send().await?;
    Ok(())
}

/// Days from now until the deletion, rounded.
async fn window(house: &House, days: Option<i64>) -> Result<i64> {
    let answer = delete(house).set_recovery_window_in_days(days).send().await?;
    let (end, now) = (answer.deletion_date().context("no DeletionDate")?, jiff::Timestamp::now());
    house.client.restore_secret().secret_id(&house.name).send().await?;
    Ok((end.secs() - now.as_second() + 43_200) / 86_400)
}

pub(crate) async fn the_window_has_7_to_30_days(house: House) -> Result<()> {
    house.create().await?;
    for illegal in [-1, 0, 6, 31] {
        refused(delete(&house).recovery_window_in_days(illegal).send().await, MALFORMED)?;
    }
    for legal in [7, 30] {
        ensure!(window(&house, Some(legal)).await? == legal, "{legal} days");
    }
    Ok(())
}

pub(crate) async fn the_window_has_30_days_by_default(house: House) -> Result<()> {
    house.create().await?;
    ensure!(window(&house, None).await? == 30);
    Ok(())
}

pub(crate) async fn force_and_window_exclude_each_other(house: House) -> Result<()> {
    house.create().await?;
    let both = delete(&house).recovery_window_in_days(7).force_delete_without_recovery(true);
    refused(both.send().await, MALFORMED)?;
    house.holds("AWSCURRENT", "one").await
}

pub(crate) async fn force_deletes_what_is_not_there(house: House) -> Result<()> {
    let force = || delete(&house).force_delete_without_recovery(true).send();
    force().await?;
    house.create().await?;
    force().await?;
    force().await?;
    refused(house.get().send().await, "ResourceNotFoundException")
}

pub(crate) async fn force_deletes_what_waits_for_its_deletion(house: House) -> Result<()> {
    deleted(&house).await?;
    delete(&house).force_delete_without_recovery(true).send().await?;
    refused(house.client.restore_secret().secret_id(&house.name).send().await, "ResourceNotFoundException")
}

pub(crate) async fn deleted_refuses_get(house: House) -> Result<()> {
    deleted(&house).await?;
    refused(house.get().send().await, CLOSED)?;
    refused(house.get().version_id(ONE).send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_put(house: House) -> Result<()> {
    deleted(&house).await?;
    refused(house.put(THREE, "three").send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_update(house: House) -> Result<()> {
    deleted(&house).await?;
    let update = house.client.update_secret().secret_id(&house.name).client_request_token(THREE);
    refused(update.secret_string("three").send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_labels(house: House) -> Result<()> {
    deleted(&house).await?;
    let back = house.label("AWSCURRENT").move_to_version_id(ONE).remove_from_version_id(TWO);
    refused(back.send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_rotation(house: House) -> Result<()> {
    deleted(&house).await?;
    refused(house.rotate(THREE).send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_to_cancel_rotation(house: House) -> Result<()> {
    deleted(&house).await?;
    refused(house.client.cancel_rotate_secret().secret_id(&house.name).send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_tags(house: House) -> Result<()> {
    deleted(&house).await?;
    let tag = Tag::builder().key("a").value("1").build();
    refused(house.client.tag_resource().secret_id(&house.name).tags(tag).send().await, CLOSED)?;
    refused(house.client.untag_resource().secret_id(&house.name).tag_keys("a").send().await, CLOSED)
}

pub(crate) async fn deleted_refuses_another_deletion(house: House) -> Result<()> {
    deleted(&house).await?;
    refused(delete(&house).send().await, CLOSED)
}

pub(crate) async fn deleted_keeps_its_name(house: House) -> Result<()> {
    deleted(&house).await?;
    for token in [ONE, THREE] {
        let create = house.client.create_secret().name(&house.name).client_request_token(token);
        refused(create.secret_string("one").send().await, CLOSED)?;
    }
    Ok(())
}

pub(crate) async fn deleted_is_described_with_its_date(house: House) -> Result<()> {
    house.create().await?;
    ensure!(house.described().await?.deleted_date().is_none(), "it is not deleted");
    delete(&house).recovery_window_in_days(7).send().await?;
    let described = house.described().await?;
    ensure!(described.deleted_date().is_some(), "no DeletedDate");
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn deleted_is_listed_on_request(house: House) -> Result<()> {
    deleted(&house).await?;
    let filter = Filter::builder().key(FilterNameStringType::Name).values(&house.name).build();
    let list = || house.client.list_secrets().filters(filter.clone());
    ensure!(list().send().await?.secret_list().is_empty(), "it is listed");
    let all = list().include_planned_deletion(true).send().await?;
    ensure!(all.secret_list().len() == 1 && all.secret_list()[0].deleted_date().is_some(), "{all:?}");
    Ok(())
}

pub(crate) async fn restored_is_as_it_was(house: House) -> Result<()> {
    deleted(&house).await?;
    house.client.restore_secret().secret_id(&house.name).send().await?;
    ensure!(house.described().await?.deleted_date().is_none(), "DeletedDate is still there");
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await?;
    house.holds("AWSCURRENT", "two").await
}

pub(crate) async fn restore_of_what_is_not_deleted(house: House) -> Result<()> {
    house.create().await?;
    house.client.restore_secret().secret_id(&house.name).send().await?;
    house.holds("AWSCURRENT", "one").await
}

pub(crate) async fn after_its_window_it_is_gone(house: House) -> Result<()> {
    deleted(&house).await?;
    house.advance(7 * DAY - Duration::from_secs(3600))?;
    house.described().await?;
    house.advance(Duration::from_secs(2 * 3600))?;
    refused(house.client.restore_secret().secret_id(&house.name).send().await, "ResourceNotFoundException")?;
    house.create().await?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}
