//! CreateSecret, PutSecretValue, UpdateSecret.

use anyhow::{Result, ensure};
use aws_sdk_secretsmanager::primitives::Blob;
use serde_json::json;

use crate::house::{House, MALFORMED, ONE, THREE, TWO, refused};

pub(crate) async fn first_version_is_current(house: House) -> Result<()> {
    let created = house.create().await?;
    ensure!(created.version_id() == Some(ONE), "{created:?}");
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn create_again_is_ignored(house: House) -> Result<()> {
    let created = house.create().await?;
    let again = house.create().await?;
    ensure!((again.arn(), again.version_id()) == (created.arn(), Some(ONE)), "{again:?}");
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn create_again_with_another_value(house: House) -> Result<()> {
    house.create().await?;
    let other = house.client.create_secret().name(&house.name).client_request_token(ONE);
    refused(other.secret_string("other").send().await, "ResourceExistsException")?;
    house.holds("AWSCURRENT", "one").await
}

pub(crate) async fn create_of_a_taken_name(house: House) -> Result<()> {
    house.create().await?;
    let other = house.client.create_secret().name(&house.name).client_request_token(TWO);
    refused(other.secret_string("one").send().await, "ResourceExistsException")
}

pub(crate) async fn create_without_a_value(house: House) -> Result<()> {
    let created = house.client.create_secret().name(&house.name).send().await?;
    ensure!(created.version_id().is_none(), "{created:?}");
    ensure!(house.described().await?.version_ids_to_stages().is_none(), "it has versions");
    refused(house.get().send().await, "ResourceNotFoundException")
}

pub(crate) async fn names_have_legal_characters(house: House) -> Result<()> {
    let create = |end: &str| house.client.create_secret().name(format!("{}{end}", house.name)).send();
    create("/_+=.@-aZ09").await?;
    for illegal in [" ", "!", "é", "\\", "*"] {
        refused(create(illegal).await, MALFORMED)?;
    }
    Ok(())
}

pub(crate) async fn names_have_up_to_512_characters(house: House) -> Result<()> {
    let name = |length| format!("{:x<length$}", house.name);
    house.client.create_secret().name(name(512)).send().await?;
    refused(house.client.create_secret().name(name(513)).send().await, MALFORMED)
}

pub(crate) async fn arns_end_in_six_characters_of_their_own(house: House) -> Result<()> {
    let mut arns = Vec::new();
    for _ in 0..2 {
        let arn = house.create().await?.arn.unwrap_or_default();
        let end = arn.rsplit_once(&format!(":secret:{}-", house.name)).map(|(_, end)| end.to_owned());
        let end = end.unwrap_or_default();
        ensure!(end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{arn}");
        house
            .client
            .delete_secret()
            .secret_id(&house.name)
            .force_delete_without_recovery(true)
            .send()
            .await?;
        arns.push(arn);
    }
    ensure!(arns[0] != arns[1], "a new secret has the old one's ARN");
    Ok(())
}

pub(crate) async fn tokens_have_32_to_64_characters(house: House) -> Result<()> {
    let create = |length| {
        let create = house.client.create_secret().name(&house.name).secret_string("one");
        create.client_request_token("t".repeat(length)).send()
    };
    refused(create(31).await, MALFORMED)?;
    refused(create(65).await, MALFORMED)?;
    create(32).await?;
    let put = |length| house.put(&"t".repeat(length), "two").send();
    refused(put(31).await, MALFORMED)?;
    refused(put(65).await, MALFORMED)?;
    ensure!(put(64).await?.version_id().is_some_and(|id| id.len() == 64), "the token is the version's id");
    Ok(())
}

pub(crate) async fn a_raw_request_needs_a_token(house: House) -> Result<()> {
    house.create().await?;
    let body = json!({ "SecretId": house.name, "SecretString": "two" });
    let (status, answer) = house.raw("PutSecretValue", body).await?;
    ensure!((400..500).contains(&status), "{status}: {answer}");
    house.holds("AWSCURRENT", "one").await
}

pub(crate) async fn a_put_has_exactly_one_value(house: House) -> Result<()> {
    house.create().await?;
    let put = || house.client.put_secret_value().secret_id(&house.name).client_request_token(TWO);
    refused(put().send().await, "")?;
    refused(put().secret_string("a").secret_binary(Blob::new("b")).send().await, "")?;
    house.labelled(&[(ONE, "AWSCURRENT")]).await
}

pub(crate) async fn values_have_up_to_65536_bytes(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, &"x".repeat(65_536)).send().await?;
    refused(house.put(THREE, &"x".repeat(65_537)).send().await, MALFORMED)
}

pub(crate) async fn values_are_not_empty(house: House) -> Result<()> {
    house.create().await?;
    refused(house.put(TWO, "").send().await, "")
}

pub(crate) async fn put_moves_current_by_default(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await?;
    house.put(THREE, "three").version_stages("AWSCURRENT").send().await?;
    house.labelled(&[(TWO, "AWSPREVIOUS"), (THREE, "AWSCURRENT")]).await
}

pub(crate) async fn put_answers_with_the_labels(house: House) -> Result<()> {
    house.create().await?;
    let put = house.put(TWO, "two").version_stages("AWSPENDING").version_stages("blue").send().await?;
    let mut labels = put.version_stages().to_vec();
    labels.sort();
    ensure!(put.version_id() == Some(TWO) && labels == ["AWSPENDING", "blue"], "{put:?}");
    Ok(())
}

pub(crate) async fn first_put_is_current_whatever_is_asked(house: House) -> Result<()> {
    house.client.create_secret().name(&house.name).send().await?;
    house.put(ONE, "one").version_stages("AWSPENDING").send().await?;
    house.labelled(&[(ONE, "AWSCURRENT AWSPENDING")]).await?;
    house.holds("AWSCURRENT", "one").await
}

pub(crate) async fn put_again_is_ignored(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    house.put(THREE, "three").send().await?;
    // A repeat that comes late must not bring the labels back.
    house.put(TWO, "two").send().await?;
    house.labelled(&[(TWO, "AWSPREVIOUS"), (THREE, "AWSCURRENT")]).await?;
    house.holds("AWSCURRENT", "three").await
}

pub(crate) async fn put_again_with_another_value(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").send().await?;
    refused(house.put(TWO, "other").send().await, "ResourceExistsException")?;
    house.holds("AWSCURRENT", "two").await
}

pub(crate) async fn put_again_with_another_value_while_pending(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").version_stages("AWSPENDING").send().await?;
    let other = house.put(TWO, "other").version_stages("AWSPENDING").send().await;
    refused(other, "ResourceExistsException")?;
    house.holds("AWSPENDING", "two").await
}

pub(crate) async fn put_takes_a_label_from_another_version(house: House) -> Result<()> {
    house.create().await?;
    house.put(TWO, "two").version_stages("blue").send().await?;
    house.put(THREE, "three").version_stages("blue").send().await?;
    house.labelled(&[(ONE, "AWSCURRENT"), (THREE, "blue")]).await
}

pub(crate) async fn own_labels_stay_when_current_moves(house: House) -> Result<()> {
    house.create().await?;
    house.label("blue").move_to_version_id(ONE).send().await?;
    house.put(TWO, "two").send().await?;
    house.labelled(&[(ONE, "AWSPREVIOUS blue"), (TWO, "AWSCURRENT")]).await
}

pub(crate) async fn put_takes_one_to_twenty_labels(house: House) -> Result<()> {
    house.client.create_secret().name(&house.name).send().await?;
    let labels = |count| Some((0..count).map(|n| format!("label-{n}")).collect());
    refused(house.put(ONE, "one").set_version_stages(labels(0)).send().await, MALFORMED)?;
    refused(house.put(ONE, "one").set_version_stages(labels(21)).send().await, MALFORMED)?;
    house.put(ONE, "one").set_version_stages(labels(19)).send().await?;
    Ok(())
}

pub(crate) async fn a_secret_has_up_to_twenty_labels(house: House) -> Result<()> {
    house.create().await?;
    for n in 0..19 {
        house.label(&format!("label-{n}")).move_to_version_id(ONE).send().await?;
    }
    let more = house.label("one-more").move_to_version_id(ONE).send().await;
    refused(more, "LimitExceededException")?;
    refused(house.put(TWO, "two").version_stages("one-more").send().await, "LimitExceededException")?;
    // A label that only moves is not one more.
    house.put(TWO, "two").version_stages("label-0").send().await?;
    Ok(())
}

pub(crate) async fn put_to_no_secret(house: House) -> Result<()> {
    refused(house.put(ONE, "one").send().await, "ResourceNotFoundException")
}

pub(crate) async fn update_refuses_the_token_of_a_version(house: House) -> Result<()> {
    house.create().await?;
    let update = house.client.update_secret().secret_id(&house.name).client_request_token(ONE);
    refused(update.secret_string("one").send().await, "ResourceExistsException")
}

pub(crate) async fn update_moves_current(house: House) -> Result<()> {
    house.create().await?;
    let update = house.client.update_secret().secret_id(&house.name).client_request_token(TWO);
    let updated = update.secret_string("two").send().await?;
    ensure!(updated.version_id() == Some(TWO), "{updated:?}");
    house.labelled(&[(ONE, "AWSPREVIOUS"), (TWO, "AWSCURRENT")]).await
}
