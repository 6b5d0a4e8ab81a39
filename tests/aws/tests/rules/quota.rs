//! How many versions a secret may have.

use anyhow::{Result, ensure};
use aws_parts::secrets::End;

use crate::house::{DAY, House, ONE, TWO, refused};

fn token(n: usize) -> String {
    format!("version-{n:0>32}")
}

async fn count(house: &House) -> Result<usize> {
    let list = house.client.list_secret_version_ids().secret_id(&house.name).include_deprecated(true);
    let pages = list.into_paginator().send().try_collect().await?;
    Ok(pages.iter().map(|page| page.versions().len()).sum())
}

/// Version ONE and 99 more, all of one day.
async fn hundred(house: &House) -> Result<()> {
    house.create().await?;
    for n in 1..100 {
        house.put(&token(n), &format!("value {n}")).send().await?;
    }
    Ok(())
}

pub(crate) async fn a_hundred_versions_of_a_day_are_kept(house: House) -> Result<()> {
    hundred(&house).await?;
    ensure!(count(&house).await? == 100, "{} versions", count(&house).await?);
    ensure!(house.get().version_id(ONE).send().await?.secret_string() == Some("one"), "the first");
    Ok(())
}

pub(crate) async fn more_in_a_day_reach_the_quota(house: House) -> Result<()> {
    hundred(&house).await?;
    refused(house.put(TWO, "two").send().await, "LimitExceededException")?;
    let update = house.client.update_secret().secret_id(&house.name).client_request_token(TWO);
    refused(update.secret_string("two").send().await, "LimitExceededException")?;
    house.labelled(&[(&token(98), "AWSPREVIOUS"), (&token(99), "AWSCURRENT")]).await?;
    house.holds("AWSCURRENT", "value 99").await
}

pub(crate) async fn a_repeated_put_reaches_no_quota(house: House) -> Result<()> {
    hundred(&house).await?;
    house.put(&token(99), "value 99").send().await?;
    house.holds("AWSCURRENT", "value 99").await
}

pub(crate) async fn versions_of_a_day_before_make_room(house: House) -> Result<()> {
    hundred(&house).await?;
    house.advance(DAY + DAY / 24)?;
    house.put(TWO, "two").send().await?;
    ensure!(count(&house).await? == 100, "{} versions", count(&house).await?);
    refused(house.get().version_id(ONE).send().await, "ResourceNotFoundException")?;
    house.labelled(&[(&token(99), "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}

pub(crate) async fn labelled_versions_are_kept_for_ever(house: House) -> Result<()> {
    house.create().await?;
    house.label("blue").move_to_version_id(ONE).send().await?;
    for n in 1..130 {
        house.put(&token(n), &format!("value {n}")).send().await?;
        house.advance(DAY)?;
    }
    ensure!(count(&house).await? == 100, "{} versions", count(&house).await?);
    let expected = [(ONE, "blue"), (&token(128), "AWSPREVIOUS"), (&token(129), "AWSCURRENT")];
    house.labelled(&expected).await?;
    house.holds("blue", "one").await
}

pub(crate) async fn a_secret_rotates_for_years(house: House) -> Result<()> {
    house.create().await?;
    house.rotate(TWO).rotate_immediately(false).send().await?;
    house.rotations_ended().await?;
    let mut before = ONE.to_owned();
    for month in 0..130 {
        house.advance(30 * DAY)?;
        let rotated = house.rotate_due().await?;
        ensure!(rotated.len() == 1 && rotated[0].end == Some(End::Succeeded), "{month}: {rotated:?}");
        let current = &rotated[0].token;
        house.labelled(&[(&before, "AWSPREVIOUS"), (current, "AWSCURRENT")]).await?;
        before.clone_from(current);
    }
    house.holds("AWSCURRENT", &format!("made for {before}")).await?;
    ensure!(count(&house).await? == 100, "{} versions", count(&house).await?);
    Ok(())
}

pub(crate) async fn too_many_rotations_of_a_day_harm_nothing(house: House) -> Result<()> {
    house.create().await?;
    for n in 1..100 {
        house.rotated(&token(n)).await?;
    }
    let labels =
        [(&*token(98), "AWSPREVIOUS"), (&*token(99), "AWSCURRENT")].map(|(id, l)| (id.to_owned(), l));
    let [previous, current] = &labels;
    house.labelled(&[(&previous.0, previous.1), (&current.0, current.1)]).await?;
    // The rotation begins, and fails where its function stores the new value.
    house.rotated(TWO).await?;
    let (last, error) = (house.function.steps().pop(), house.function.errors().pop());
    ensure!(last.as_deref() == Some("createSecret"), "{last:?}");
    ensure!(error.is_some_and(|error| error.contains("LimitExceeded")), "another error");
    house.labelled(&[(TWO, "AWSPENDING"), (&previous.0, previous.1), (&current.0, current.1)]).await?;
    house.holds("AWSCURRENT", &format!("made for {}", token(99))).await?;
    // A day later there is room, and the same rotation succeeds.
    house.advance(DAY)?;
    ensure!(house.retry().await?.end == Some(End::Succeeded), "it is still refused");
    house.labelled(&[(&current.0, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}
