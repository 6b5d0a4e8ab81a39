//! GetSecretValue, DescribeSecret, the lists and the tags.

use anyhow::{Result, ensure};
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use serde_json::json;

use crate::house::{House, ONE, THREE, TWO, refused};

const NOT_FOUND: &str = "ResourceNotFoundException";

pub(crate) async fn get_is_current_by_default(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    house.put(THREE, "three").version_stages("AWSPENDING").send().await?;
    let read = house.get().send().await?;
    ensure!((read.secret_string(), read.version_id()) == (Some("two"), Some(TWO)), "{:?}", read.version_id());
    Ok(())
}

pub(crate) async fn get_is_current_after_a_promotion(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").version_stages("AWSPENDING").send().await?;
    house.label("AWSCURRENT").move_to_version_id(TWO).remove_from_version_id(ONE).send().await?;
    let read = house.get().send().await?;
    ensure!((read.secret_string(), read.version_id()) == (Some("two"), Some(TWO)), "{:?}", read.version_id());
    Ok(())
}

pub(crate) async fn get_by_id_and_by_label(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    for (id, label, value) in [(ONE, "AWSPREVIOUS", "one"), (TWO, "AWSCURRENT", "two")] {
        let read = house.get().version_id(id).send().await?;
        ensure!(read.secret_string() == Some(value) && read.version_stages() == [label], "{id}");
        ensure!(read.created_date().is_some(), "no CreatedDate");
        house.holds(label, value).await?;
    }
    Ok(())
}

pub(crate) async fn id_and_label_must_agree(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    house.get().version_id(ONE).version_stage("AWSPREVIOUS").send().await?;
    let other = house.get().version_id(ONE).version_stage("AWSCURRENT").send().await;
    refused(other, "InvalidRequestException|InvalidParameterException|ResourceNotFoundException")
}

pub(crate) async fn get_of_an_unknown_label_or_version(house: House) -> Result<()> {
    house.create().await?;
    refused(house.get().version_stage("AWSPENDING").send().await, NOT_FOUND)?;
    refused(house.get().version_id(TWO).send().await, NOT_FOUND)?;
    refused(house.get().version_id(TWO).version_stage("AWSPENDING").send().await, NOT_FOUND)
}

pub(crate) async fn a_secret_is_found_by_name_arn_and_partial_arn(house: House) -> Result<()> {
    let arn = house.create().await?.arn.unwrap_or_default();
    let partial = arn[..arn.len() - 7].to_owned();
    for id in [&house.name, &arn, &partial] {
        let read = house.client.get_secret_value().secret_id(id).send().await?;
        ensure!((read.arn(), read.name()) == (Some(arn.as_str()), Some(house.name.as_str())), "{id}");
    }
    Ok(())
}

pub(crate) async fn a_binary_value_comes_back_as_binary(house: House) -> Result<()> {
    let create = house.client.create_secret().name(&house.name);
    create.secret_binary(Blob::new([0, 255, 7])).send().await?;
    let read = house.get().send().await?;
    ensure!(read.secret_string().is_none(), "it is a string too");
    ensure!(read.secret_binary().is_some_and(|value| value.as_ref() == [0, 255, 7]), "another value");
    Ok(())
}

pub(crate) async fn calls_for_no_secret(house: House) -> Result<()> {
    refused(house.get().send().await, NOT_FOUND)?;
    refused(house.client.describe_secret().secret_id(&house.name).send().await, NOT_FOUND)?;
    refused(house.client.restore_secret().secret_id(&house.name).send().await, NOT_FOUND)?;
    refused(house.client.delete_secret().secret_id(&house.name).send().await, NOT_FOUND)?;
    refused(house.label("AWSCURRENT").move_to_version_id(ONE).send().await, NOT_FOUND)?;
    refused(house.client.rotate_secret().secret_id(&house.name).send().await, NOT_FOUND)?;
    refused(house.client.cancel_rotate_secret().secret_id(&house.name).send().await, NOT_FOUND)
}

pub(crate) async fn refusals_have_status_400(house: House) -> Result<()> {
    let (status, answer) = house.raw("DescribeSecret", json!({ "SecretId": house.name })).await?;
    ensure!(answer.contains("ResourceNotFoundException") && status == 400, "{status}: {answer}");
    Ok(())
}

pub(crate) async fn no_rotation_is_described_before_the_first(house: House) -> Result<()> {
    house.create().await?;
    let described = house.described().await?;
    ensure!(described.rotation_enabled().is_none(), "RotationEnabled");
    ensure!(described.rotation_rules().is_none(), "RotationRules");
    ensure!(described.next_rotation_date().is_none(), "NextRotationDate");
    ensure!(described.last_rotated_date().is_none(), "LastRotatedDate");
    Ok(())
}

pub(crate) async fn the_access_date_comes_with_the_first_read(house: House) -> Result<()> {
    house.create().await?;
    ensure!(house.described().await?.last_accessed_date().is_none(), "it has not been read");
    house.get().send().await?;
    ensure!(house.described().await?.last_accessed_date().is_some(), "it has been read");
    Ok(())
}

pub(crate) async fn tags_are_replaced_and_taken_away(house: House) -> Result<()> {
    house.create().await?;
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let add = || house.client.tag_resource().secret_id(&house.name);
    add().tags(tag("a", "1")).tags(tag("b", "2")).send().await?;
    add().tags(tag("a", "3")).send().await?;
    let remove = house.client.untag_resource().secret_id(&house.name);
    remove.tag_keys("b").tag_keys("none").send().await?;
    let described = house.described().await?;
    ensure!(described.tags() == [tag("a", "3")], "{:?}", described.tags());
    Ok(())
}

pub(crate) async fn secrets_are_listed_by_the_start_of_their_name(house: House) -> Result<()> {
    house.create().await?;
    let prefix = &house.name[..house.name.len() - 1];
    for (filter, count) in [(prefix, 1), (&prefix.to_uppercase(), 0), (&house.name[1..], 0)] {
        let filter = Filter::builder().key(FilterNameStringType::Name).values(filter).build();
        let listed = house.client.list_secrets().filters(filter.clone()).send().await?;
        ensure!(listed.secret_list().len() == count, "{filter:?}: {}", listed.secret_list().len());
    }
    Ok(())
}

pub(crate) async fn secrets_are_listed_in_pages(house: House) -> Result<()> {
    for n in 0..3 {
        house.client.create_secret().name(format!("{}{n}", house.name)).send().await?;
    }
    let filter = Filter::builder().key(FilterNameStringType::Name).values(&house.name).build();
    let pages = house.client.list_secrets().filters(filter).max_results(2).into_paginator().send();
    let pages = pages.try_collect().await?;
    let sizes: Vec<_> = pages.iter().map(|page| page.secret_list().len()).collect();
    ensure!(sizes == [2, 1], "{sizes:?}");
    Ok(())
}

pub(crate) async fn versions_are_listed_in_pages(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    let list = || house.client.list_secret_version_ids().secret_id(&house.name);
    let first = list().max_results(1).send().await?;
    ensure!(first.versions().len() == 1, "{} versions", first.versions().len());
    let next = first.next_token().unwrap_or_default();
    let second = list().max_results(1).next_token(next).send().await?;
    ensure!(second.versions().len() == 1 && second.next_token().is_none(), "{second:?}");
    ensure!(first.versions()[0].version_id() != second.versions()[0].version_id(), "the same again");
    Ok(())
}

pub(crate) async fn pages_have_up_to_100_items(house: House) -> Result<()> {
    house.create().await?;
    for size in [0, 101] {
        refused(house.client.list_secrets().max_results(size).send().await, "")?;
        let versions = house.client.list_secret_version_ids().secret_id(&house.name).max_results(size);
        refused(versions.send().await, "")?;
    }
    Ok(())
}

pub(crate) async fn a_page_that_was_never_begun(house: House) -> Result<()> {
    house.create().await?;
    let list = house.client.list_secrets().next_token("no such page").send().await;
    refused(list, "InvalidNextTokenException")
}
