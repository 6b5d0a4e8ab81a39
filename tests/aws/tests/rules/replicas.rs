//! Replicas in other regions. "Home" is the region of the primary.

use anyhow::{Result, ensure};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::remove_regions_from_replication::builders::RemoveRegionsFromReplicationFluentBuilder;
use aws_sdk_secretsmanager::operation::replicate_secret_to_regions::builders::ReplicateSecretToRegionsFluentBuilder;
use aws_sdk_secretsmanager::types::ReplicaRegionType;

use crate::house::{House, MALFORMED, ONE, THREE, TWO, refused};

const HOME: &str = "us-east-1";
const ABROAD: &str = "eu-west-1";
const ELSEWHERE: &str = "ap-southeast-2";
const NOT_FOUND: &str = "ResourceNotFoundException";
const CLOSED: &str = "InvalidRequestException";
/// With which error a replica stands in the way, no page says.
const IN_THE_WAY: &str = "InvalidRequestException|InvalidParameterException";

fn in_region(region: &str) -> ReplicaRegionType {
    ReplicaRegionType::builder().region(region).build()
}

fn replicate(house: &House) -> ReplicateSecretToRegionsFluentBuilder {
    house.client.replicate_secret_to_regions().secret_id(&house.name)
}

fn remove(house: &House) -> RemoveRegionsFromReplicationFluentBuilder {
    house.client.remove_regions_from_replication().secret_id(&house.name)
}

/// Version ONE, with the value `one`, and a replica abroad.
async fn replicated(house: &House) -> Result<()> {
    house.create().await?;
    replicate(house).add_replica_regions(in_region(ABROAD)).send().await?;
    Ok(())
}

async fn reads(client: &Client, id: &str, label: &str, value: &str) -> Result<()> {
    let read = client.get_secret_value().secret_id(id).version_stage(label).send().await?;
    ensure!(read.secret_string() == Some(value), "{label} holds {:?}", read.secret_string());
    Ok(())
}

async fn is_nowhere_in(house: &House, region: &'static str) -> Result<()> {
    let client = house.abroad(region);
    refused(client.get_secret_value().secret_id(&house.name).send().await, NOT_FOUND)?;
    refused(client.describe_secret().secret_id(&house.name).send().await, NOT_FOUND)
}

pub(crate) async fn a_secret_may_be_created_with_replicas(house: House) -> Result<()> {
    let create = house.client.create_secret().name(&house.name).client_request_token(ONE);
    let answer = create.secret_string("one").add_replica_regions(in_region(ABROAD)).send().await?;
    let regions: Vec<_> = answer.replication_status().iter().map(|status| status.region()).collect();
    ensure!(regions == [Some(ABROAD)], "{answer:?}");
    reads(&house.abroad(ABROAD), &house.name, "AWSCURRENT", "one").await
}

pub(crate) async fn a_replica_is_found_by_name_and_arn(house: House) -> Result<()> {
    replicated(&house).await?;
    let (arn, abroad) = (house.described().await?.arn.unwrap_or_default(), house.abroad(ABROAD));
    let there = arn.replace(HOME, ABROAD);
    ensure!(there != arn && there.ends_with(&arn[arn.len() - 7..]), "{arn}");
    reads(&abroad, &house.name, "AWSCURRENT", "one").await?;
    reads(&abroad, &there, "AWSCURRENT", "one").await?;
    let read = abroad.get_secret_value().secret_id(&house.name).send().await?;
    ensure!(read.arn() == Some(&there), "{:?}", read.arn());
    Ok(())
}

pub(crate) async fn elsewhere_there_is_none(house: House) -> Result<()> {
    house.create().await?;
    is_nowhere_in(&house, ABROAD).await?;
    replicate(&house).add_replica_regions(in_region(ABROAD)).send().await?;
    is_nowhere_in(&house, ELSEWHERE).await
}

pub(crate) async fn replicas_are_added_later(house: House) -> Result<()> {
    replicated(&house).await?;
    replicate(&house).add_replica_regions(in_region(ELSEWHERE)).send().await?;
    for region in [ABROAD, ELSEWHERE] {
        reads(&house.abroad(region), &house.name, "AWSCURRENT", "one").await?;
    }
    Ok(())
}

pub(crate) async fn replicas_are_described(house: House) -> Result<()> {
    replicated(&house).await?;
    let described = house.described().await?;
    ensure!(described.primary_region() == Some(HOME), "{described:?}");
    let [status] = described.replication_status() else { anyhow::bail!("{described:?}") };
    ensure!(status.region() == Some(ABROAD), "{status:?}");
    ensure!(status.status().is_some_and(|status| status.as_str() != "Failed"), "{status:?}");
    Ok(())
}

pub(crate) async fn a_replica_follows_its_primary(house: House) -> Result<()> {
    replicated(&house).await?;
    house.put(TWO, "two").send().await?;
    let abroad = house.abroad(ABROAD);
    reads(&abroad, &house.name, "AWSCURRENT", "two").await?;
    reads(&abroad, &house.name, "AWSPREVIOUS", "one").await
}

pub(crate) async fn a_replica_cannot_be_changed(house: House) -> Result<()> {
    replicated(&house).await?;
    let abroad = house.abroad(ABROAD);
    let put = abroad.put_secret_value().secret_id(&house.name).client_request_token(TWO);
    refused(put.secret_string("two").send().await, IN_THE_WAY)?;
    let update = abroad.update_secret().secret_id(&house.name).client_request_token(THREE);
    refused(update.secret_string("three").send().await, IN_THE_WAY)?;
    refused(
        abroad.rotate_secret().secret_id(&house.name).client_request_token(TWO).send().await,
        IN_THE_WAY,
    )?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn a_removed_replica_is_gone(house: House) -> Result<()> {
    replicated(&house).await?;
    let answer = remove(&house).remove_replica_regions(ABROAD).send().await?;
    ensure!(answer.replication_status().is_empty(), "{answer:?}");
    is_nowhere_in(&house, ABROAD).await?;
    house.holds("AWSCURRENT", "one").await
}

pub(crate) async fn a_secret_with_replicas_is_not_deleted(house: House) -> Result<()> {
    replicated(&house).await?;
    let delete = || house.client.delete_secret().secret_id(&house.name);
    refused(delete().recovery_window_in_days(7).send().await, IN_THE_WAY)?;
    refused(delete().force_delete_without_recovery(true).send().await, IN_THE_WAY)?;
    house.holds("AWSCURRENT", "one").await?;
    remove(&house).remove_replica_regions(ABROAD).send().await?;
    delete().recovery_window_in_days(7).send().await?;
    Ok(())
}

pub(crate) async fn deleted_refuses_replication(house: House) -> Result<()> {
    house.create().await?;
    house.client.delete_secret().secret_id(&house.name).recovery_window_in_days(7).send().await?;
    refused(replicate(&house).add_replica_regions(in_region(ABROAD)).send().await, CLOSED)?;
    refused(remove(&house).remove_replica_regions(ABROAD).send().await, CLOSED)
}

pub(crate) async fn a_replica_is_in_a_region(house: House) -> Result<()> {
    house.create().await?;
    for illegal in ["", "Ireland", "eu-west", "eu-west-1a", "-1"] {
        refused(replicate(&house).add_replica_regions(in_region(illegal)).send().await, MALFORMED)?;
    }
    Ok(())
}

pub(crate) async fn replicas_are_added_and_removed_by_one_or_more(house: House) -> Result<()> {
    replicated(&house).await?;
    refused(replicate(&house).set_add_replica_regions(Some(Vec::new())).send().await, MALFORMED)?;
    refused(remove(&house).set_remove_replica_regions(Some(Vec::new())).send().await, MALFORMED)
}

pub(crate) async fn a_region_has_one_replica(house: House) -> Result<()> {
    replicated(&house).await?;
    for region in [HOME, ABROAD] {
        refused(replicate(&house).add_replica_regions(in_region(region)).send().await, "")?;
    }
    Ok(())
}

pub(crate) async fn where_there_is_no_replica_none_is_removed(house: House) -> Result<()> {
    replicated(&house).await?;
    refused(remove(&house).remove_replica_regions(ELSEWHERE).send().await, "")?;
    reads(&house.abroad(ABROAD), &house.name, "AWSCURRENT", "one").await
}
