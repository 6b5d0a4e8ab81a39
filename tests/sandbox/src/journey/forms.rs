//! Every form of a key and of an envelope, and files of every kind.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::types::NotificationConfiguration;
use serde_json::Value;

use super::documents::{about, arrived, put, submitted};
use super::{ACME, Customer, PATIENCE};
use crate::load::lines_of_submission;
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

const CELL: &str = "eu-1";

/// A kind of file, and one of it that says this: no two that are dropped are the same.
fn files(says: &str) -> [(&'static str, Vec<u8>); 5] {
    let length = u8::try_from(says.len()).unwrap_or(u8::MAX - 2);
    let says_bytes = says.as_bytes();
    let (png, jpeg) = (include_bytes!("../../files/pixel.png"), include_bytes!("../../files/pixel.jpg"));
    let docx = include_bytes!("../../files/letter.docx");
    [
        ("a PDF", pdf(says, 1, 0)),
        // Behind the end, where readers look no more.
        ("a PNG", [png, says_bytes].concat()),
        // A comment behind the start of the image.
        ("a JPEG", [&jpeg[..2], &[0xFF, 0xFE, 0, length + 2], says_bytes, &jpeg[2..]].concat()),
        // The archive's comment, whose length is the last that an archive without one says.
        ("a DOCX", [&docx[..docx.len() - 2], &[length, 0], says_bytes].concat()),
        ("a text", format!("příliš žluťoučký\r\nkůň\0\n{says}").into_bytes()),
    ]
}

/// What a key can be, below the customer and the cell.
fn paths() -> Vec<(&'static str, String)> {
    let path = |what, path: &str| (what, path.to_owned());
    let longest = 1024 - ACME.len() - CELL.len() - "//".len();
    vec![
        path("spaces", " two  spaces .pdf"),
        path("plus signs", "1+1 = 2++.png"),
        path("percent signs", "100% %2B %zz %.jpg"),
        path("brackets", "[a](b){c}<d>.docx"),
        path("other signs", "&=#?;:@$,'\"!*~|^`\\.txt"),
        path("emoji and accents", "žádost 🧾👩‍👩‍👧.pdf"),
        path("empty parts", "a//b///c.pdf"),
        path("exactly 1,024 bytes", &format!("{}{}", "x".repeat(longest % 4), "🧾".repeat(longest / 4))),
        path("a slash at the end", "not a folder/"),
    ]
}

/// What of a sample that goes through the queue: its body. The others are invocations as they are.
const ENVELOPES: [(&str, &str); 5] = [
    ("object-s3-sqs", include_str!("../../../../events/envelopes/object-s3-sqs.json")),
    ("object-s3-sns-sqs", include_str!("../../../../events/envelopes/object-s3-sns-sqs.json")),
    ("object-eventbridge-sqs", include_str!("../../../../events/envelopes/object-eventbridge-sqs.json")),
    ("object-s3", include_str!("../../../../events/envelopes/object-s3.json")),
    ("object-eventbridge", include_str!("../../../../events/envelopes/object-eventbridge.json")),
];

/// The object that every sample names.
const SAMPLE_BUCKET: &str = "documents-111122223333";
const SAMPLE_CUSTOMER: &str = "acme-4711";
const SAMPLE_PATH: &str = "eu-1/März 2026 (1+1).pdf";
const SAMPLE_VERSION: &str = "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY";

pub(super) async fn keys_and_envelopes(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) {
    report.chapter("Keys, files and envelopes of every form");
    let Some(customer) = customers.iter().find(|customer| customer.id == ACME) else { return };
    for (number, (what, path)) in paths().into_iter().enumerate() {
        let (kind, bytes) = &files(what)[number % 5];
        let key = format!("{ACME}/{CELL}/{path}");
        let check = submitted(sandbox, customer, CELL, &key, bytes);
        report.expect(&format!("{kind} arrives whole, its key with {what}"), check).await;
    }
    report.expect("a folder marker is no document", folder_marker(sandbox)).await;
    let Some(before) = report.expect("the bucket stops to notify", stop_notifying(sandbox)).await else {
        return;
    };
    for (number, (name, sample)) in ENVELOPES.into_iter().enumerate() {
        let (kind, bytes) = &files(name)[number];
        let check = in_envelope(sandbox, customer, name, sample, bytes);
        report.expect(&format!("{kind} arrives whole by {name}"), check).await;
    }
    report.expect("the bucket notifies again", notify(sandbox, before)).await;
}

async fn folder_marker(sandbox: &Sandbox) -> Result<Seen<()>> {
    let key = format!("{ACME}/{CELL}/folder/");
    let ignored = || -> Result<usize> {
        let log = sandbox.log()?;
        Ok(lines_of_submission(&log).filter(|line| line["outcome"] == "ignored: a folder marker").count())
    };
    let (before, began) = (ignored()?, Instant::now());
    let version = put(sandbox, &key, b"").await?;
    while ignored()? == before {
        ensure!(began.elapsed() < PATIENCE, "nobody has ignored it");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let events = sandbox.bus.events();
    ensure!(!events.iter().any(|event| about(event, &key, &version)), "there is an event about it");
    Ok(seen("ignored, no event"))
}

/// A sample with a real object in the place of its own, sent the way that it stands for.
async fn in_envelope(
    sandbox: &Sandbox,
    customer: &Customer,
    name: &str,
    sample: &str,
    bytes: &[u8],
) -> Result<Seen<()>> {
    let key = format!("{ACME}/{SAMPLE_PATH}");
    let version = put(sandbox, &key, bytes).await?;
    let text = sample
        .replace(SAMPLE_BUCKET, &sandbox.stack.documents_bucket_name)
        .replace(SAMPLE_CUSTOMER, ACME)
        .replace(SAMPLE_VERSION, &version);
    let envelope: Value = serde_json::from_str(&text)?;
    if name.ends_with("-sqs") {
        let body = envelope["Records"][0]["body"].as_str().context("a sample without a body")?;
        let send = sandbox.aws.sqs.send_message().queue_url(&sandbox.stack.submission_queue_url);
        send.message_body(body).send().await?;
    } else {
        invoke_patiently(sandbox, &envelope).await?;
    }
    let submission = arrived(sandbox, customer, CELL, &key, &version, bytes).await?.found();
    let of_it = sandbox.simulator.state().submissions;
    let of_it = of_it.iter().filter(|one| one.query_id == submission.query_id).count();
    ensure!(of_it == 1, "{of_it} submissions of it");
    Ok(seen(format!("{} bytes, submission {}", bytes.len(), submission.id)))
}

/// A direct call that is too early is told so and has no queue to wait in.
async fn invoke_patiently(sandbox: &Sandbox, envelope: &Value) -> Result<Value> {
    let began = Instant::now();
    loop {
        match sandbox.invoke("submit-document", envelope).await {
            Err(error) if error.to_string().contains("\"Wait\"") && began.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            answered => return answered,
        }
    }
}

/// So that what is put is told by nobody but the envelope. Gives what notified before.
async fn stop_notifying(sandbox: &Sandbox) -> Result<Seen<NotificationConfiguration>> {
    let bucket = &sandbox.stack.documents_bucket_name;
    let before = sandbox.aws.s3.get_bucket_notification_configuration().bucket(bucket).send().await?;
    let before =
        NotificationConfiguration::builder().set_queue_configurations(before.queue_configurations).build();
    ensure!(!before.queue_configurations().is_empty(), "it notified no queue before");
    notify(sandbox, NotificationConfiguration::builder().build()).await?;
    Ok(seen("no notification").with(before))
}

async fn notify(sandbox: &Sandbox, how: NotificationConfiguration) -> Result<Seen<()>> {
    let bucket = &sandbox.stack.documents_bucket_name;
    let queues = how.queue_configurations().len();
    let change = sandbox.aws.s3.put_bucket_notification_configuration().bucket(bucket);
    change.notification_configuration(how).send().await?;
    Ok(seen(format!("{queues} queues")))
}
