//! What RotateSecret and CancelRotateSecret check, before any function is called.

use anyhow::{Result, ensure};
use aws_sdk_secretsmanager::types::RotationRulesType;
use aws_sdk_secretsmanager::types::builders::RotationRulesTypeBuilder;

use crate::house::{House, MALFORMED, ONE, THREE, TWO, refused};

const REFUSED: &str = "InvalidRequestException";

fn rules() -> RotationRulesTypeBuilder {
    RotationRulesType::builder()
}

/// Refuses these rules, and leaves no rotation behind.
async fn refuses(house: &House, rules: RotationRulesType) -> Result<()> {
    refused(house.rotate_by(rules).rotate_immediately(false).send().await, MALFORMED)?;
    ensure!(house.described().await?.rotation_enabled().is_none(), "rotation is configured");
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn rotation_needs_a_function(house: House) -> Result<()> {
    house.create().await?;
    let rotate = house.client.rotate_secret().secret_id(&house.name);
    refused(rotate.rotation_rules(rules().automatically_after_days(30).build()).send().await, REFUSED)?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn cancelling_needs_a_function(house: House) -> Result<()> {
    house.create().await?;
    refused(house.client.cancel_rotate_secret().secret_id(&house.name).send().await, REFUSED)
}

pub(crate) async fn days_are_1_to_1000(house: House) -> Result<()> {
    house.create().await?;
    for illegal in [0, 1001] {
        refuses(&house, rules().automatically_after_days(illegal).build()).await?;
    }
    Ok(())
}

pub(crate) async fn days_1_and_1000_are_legal(house: House) -> Result<()> {
    house.create().await?;
    for legal in [1, 1000] {
        let rules = rules().automatically_after_days(legal).build();
        house.rotate_by(rules).rotate_immediately(false).send().await?;
        house.rotations_ended().await?;
        let kept = house.described().await?.rotation_rules.and_then(|rules| rules.automatically_after_days);
        ensure!(kept == Some(legal), "{kept:?}");
    }
    Ok(())
}

pub(crate) async fn days_and_expression_exclude_each_other(house: House) -> Result<()> {
    house.create().await?;
    let both = rules().automatically_after_days(10).schedule_expression("rate(10 days)").build();
    refuses(&house, both).await
}

pub(crate) async fn a_rate_is_four_hours_or_more(house: House) -> Result<()> {
    house.create().await?;
    for illegal in ["rate(3 hours)", "rate(30 minutes)", "rate(0 days)", "rate(10)", "every day"] {
        refuses(&house, rules().schedule_expression(illegal).build()).await?;
    }
    Ok(())
}

pub(crate) async fn rates_in_hours_and_days_are_legal(house: House) -> Result<()> {
    house.create().await?;
    for legal in ["rate(4 hours)", "rate(12 hours)", "rate(1 day)", "rate(10 days)"] {
        let rules = rules().schedule_expression(legal).duration("3h").build();
        house.rotate_by(rules.clone()).rotate_immediately(false).send().await?;
        house.rotations_ended().await?;
        let kept = house.described().await?.rotation_rules;
        ensure!(kept.as_ref() == Some(&rules), "{kept:?}");
    }
    Ok(())
}

pub(crate) async fn a_duration_is_a_number_of_hours(house: House) -> Result<()> {
    house.create().await?;
    for illegal in ["3", "h", "3m", "100h", "-1h"] {
        refuses(&house, rules().automatically_after_days(10).duration(illegal).build()).await?;
    }
    Ok(())
}

pub(crate) async fn a_window_ends_before_the_next(house: House) -> Result<()> {
    house.create().await?;
    refuses(&house, rules().schedule_expression("rate(4 hours)").duration("5h").build()).await?;
    refuses(&house, rules().schedule_expression("rate(10 days)").duration("25h").build()).await
}

pub(crate) async fn rotation_tokens_are_well_formed(house: House) -> Result<()> {
    house.create().await?;
    for illegal in ["t".repeat(35), "t".repeat(257), format!("{TWO}_")] {
        refused(house.put(TWO, "two").rotation_token(illegal).send().await, MALFORMED)?;
    }
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn a_foreign_rotation_token_is_refused(house: House) -> Result<()> {
    house.create().await?;
    refused(house.put(TWO, "two").rotation_token(THREE).send().await, "")?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn pending_elsewhere_blocks_the_next_rotation(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").version_stages("AWSPENDING").send().await?;
    let refusal = house.rotate(THREE).send().await;
    let said = refusal.as_ref().err().and_then(|error| error.as_service_error()?.meta().message());
    let said = said.unwrap_or_default().to_owned();
    refused(refusal, REFUSED)?;
    ensure!(said == "A previous rotation isn't complete. That rotation will be reattempted.", "{said}");
    house.labelled(&[(ONE, "AWSCURRENT"), (TWO, "AWSPENDING")]).await
}

pub(crate) async fn pending_on_current_blocks_nothing(house: House) -> Result<()> {
    house.create().await?;
    house.label("AWSPENDING").move_to_version_id(ONE).send().await?;
    if let Err(error) = house.rotate(TWO).send().await {
        // There may be no such function, but no rotation stands in the way.
        let error = error.into_service_error();
        ensure!(!error.is_invalid_request_exception(), "{}", error.meta().message().unwrap_or_default());
    }
    Ok(())
}
