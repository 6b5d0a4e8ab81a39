//! UpdateSecretVersionStage.

use anyhow::{Result, ensure};

use crate::house::{House, ONE, THREE, TWO, refused};

/// ONE is current, TWO has `label`.
async fn two_versions(house: &House, label: &str) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").version_stages(label).send().await?;
    Ok(())
}

pub(crate) async fn previous_follows_current(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    house.label("AWSCURRENT").move_to_version_id(TWO).remove_from_version_id(ONE).send().await?;
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT AWSPENDING")]).await?;
    house.holds("AWSCURRENT", "two").await?;
    house.holds("AWSPREVIOUS", "one").await
}

pub(crate) async fn a_rollback_swaps_current_and_previous(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    house.label("AWSCURRENT").move_to_version_id(ONE).remove_from_version_id(TWO).send().await?;
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPREVIOUS")]).await
}

pub(crate) async fn a_free_label_needs_no_source(house: House) -> Result<()> {
    house.create().await?;
    house.label("blue").move_to_version_id(ONE).send().await?;
    house.labelled(&[(ONE, "AWSCURRENT blue")]).await
}

pub(crate) async fn current_moves_only_with_its_source(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    let blind = house.label("AWSCURRENT").move_to_version_id(TWO).send().await;
    refused(blind, "InvalidParameterException|InvalidRequestException")?;
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await
}

pub(crate) async fn any_label_moves_only_with_its_source(house: House) -> Result<()> {
    two_versions(&house, "blue").await?;
    let blind = house.label("blue").move_to_version_id(ONE).send().await;
    refused(blind, "InvalidParameterException|InvalidRequestException")?;
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "blue")]).await
}

pub(crate) async fn a_wrong_source_is_refused(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    house.put(THREE, "three").version_stages("blue").send().await?;
    let wrong = house.label("AWSCURRENT").move_to_version_id(TWO).remove_from_version_id(THREE);
    refused(wrong.send().await, "InvalidParameterException|InvalidRequestException")?;
    let wrong = house.label("AWSPENDING").remove_from_version_id(ONE);
    refused(wrong.send().await, "InvalidParameterException|InvalidRequestException")?;
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING"), (THREE, "blue")]).await
}

/// What a finishSecret meets that is repeated after its answer was lost.
pub(crate) async fn a_repeated_move_is_refused(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    let promote = || house.label("AWSCURRENT").move_to_version_id(TWO).remove_from_version_id(ONE).send();
    promote().await?;
    refused(promote().await, "InvalidParameterException|InvalidRequestException")?;
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT AWSPENDING")]).await
}

pub(crate) async fn a_label_may_move_to_where_it_is(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    house.label("AWSCURRENT").move_to_version_id(TWO).send().await?;
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}

pub(crate) async fn a_label_is_removed_by_its_source_alone(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    house.label("AWSPENDING").remove_from_version_id(TWO).send().await?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await?;
    refused(house.get().version_stage("AWSPENDING").send().await, "ResourceNotFoundException")
}

pub(crate) async fn a_version_without_labels_is_not_described(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    house.label("AWSPENDING").remove_from_version_id(TWO).send().await?;
    let versions = house.described().await?.version_ids_to_stages.unwrap_or_default();
    ensure!(versions.len() == 1 && versions.contains_key(ONE), "{versions:?}");
    Ok(())
}

pub(crate) async fn a_version_without_labels_is_listed_on_request(house: House) -> Result<()> {
    two_versions(&house, "AWSPENDING").await?;
    house.label("AWSPENDING").remove_from_version_id(TWO).send().await?;
    let list = || house.client.list_secret_version_ids().secret_id(&house.name);
    let labelled = list().send().await?;
    ensure!(labelled.versions().len() == 1, "{} versions", labelled.versions().len());
    let all = list().include_deprecated(true).send().await?;
    let deprecated = all.versions().iter().find(|version| version.version_id() == Some(TWO));
    ensure!(
        all.versions().len() == 2 && deprecated.is_some_and(|v| v.version_stages().is_empty()),
        "{all:?}"
    );
    Ok(())
}

pub(crate) async fn current_is_never_removed(house: House) -> Result<()> {
    house.create().await?;
    refused(house.label("AWSCURRENT").remove_from_version_id(ONE).send().await, "")?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn a_label_goes_from_or_to_something(house: House) -> Result<()> {
    two_versions(&house, "blue").await?;
    refused(house.label("blue").send().await, "")
}

pub(crate) async fn a_label_moves_only_to_a_version(house: House) -> Result<()> {
    house.create().await?;
    refused(house.label("blue").move_to_version_id(THREE).send().await, "")
}

pub(crate) async fn a_refused_move_changes_nothing(house: House) -> Result<()> {
    house.create().await?;
    let lost = house.label("AWSCURRENT").move_to_version_id(THREE).remove_from_version_id(ONE);
    refused(lost.send().await, "")?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}
