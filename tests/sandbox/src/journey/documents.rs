//! Files land in the bucket.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;
use sha2::{Digest, Sha256};
use simulator::SubmissionState;

use super::{Customer, PATIENCE};
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

/// A file, and where it is dropped below its customer.
struct Document {
    path: &'static str,
    bytes: Vec<u8>,
}

/// Every kind of name and a few sizes.
fn documents() -> Vec<Document> {
    let document = |path, pages, padding| Document { path, bytes: pdf(path, pages, padding) };
    vec![
        document("contract.pdf", 1, 0),
        document("claims 2026/pay slip + 100% [draft] (1).pdf", 3, 4_096),
        document("žádost №7 🧾 & co=#?.pdf", 1, 65_536),
        document("scans/5-mebibytes.pdf", 24, 5 << 20),
    ]
}

pub(super) async fn documents_land(sandbox: &Sandbox, report: &mut Report, customers: &[Customer]) {
    report.chapter("Documents land in the bucket");
    for customer in customers {
        for cell in &customer.cells {
            for document in documents() {
                let key = format!("{}/{cell}/{}", customer.id, document.path);
                lands(sandbox, report, customer, cell, &key, &document.bytes).await;
            }
        }
        if let [cell] = customer.cells.as_slice() {
            let key = format!("{}/straight-away.pdf", customer.id);
            lands(sandbox, report, customer, cell, &key, &pdf("no cell named", 1, 0)).await;
        }
    }
}

async fn lands(
    sandbox: &Sandbox,
    report: &mut Report,
    customer: &Customer,
    cell: &str,
    key: &str,
    bytes: &[u8],
) {
    report.tell("bucket", &format!("-> {key}, {} bytes", bytes.len()));
    let expectation = format!("submitted whole: {key}");
    let submission = report.expect(&expectation, submitted(sandbox, customer, cell, key, bytes)).await;
    if let Some(one) = submission {
        report.tell(
            "vendor",
            &format!("submission {} in {}, by application {}", one.id, one.cell, one.application),
        );
    }
}

/// Drops a file and follows it to the vendor.
pub(crate) async fn submitted(
    sandbox: &Sandbox,
    customer: &Customer,
    cell: &str,
    key: &str,
    bytes: &[u8],
) -> Result<Seen<SubmissionState>> {
    let version = put(sandbox, key, bytes).await?;
    arrived(sandbox, customer, cell, key, &version, bytes).await
}

/// Waits until a version of a file is submitted, and compares it with what the vendor has.
pub(super) async fn arrived(
    sandbox: &Sandbox,
    customer: &Customer,
    cell: &str,
    key: &str,
    version: &str,
    bytes: &[u8],
) -> Result<Seen<SubmissionState>> {
    let about = |event: &Value| about(event, key, version);
    let event = sandbox.bus.wait_for("event about it", PATIENCE, about).await?;
    ensure!(event["type"] == "DocumentSubmitted", "{event}");
    let id = event["submission_id"].as_str().context("no submission in the event")?;
    let submission = sandbox.submission(id)?;
    let sha256 = sha256(bytes);
    ensure!(submission.sha256.as_deref() == Some(&sha256), "other bytes arrived: {submission:?}");
    ensure!(submission.uploads == 1, "it was uploaded {} times", submission.uploads);
    ensure!(submission.tenant == customer.tenant, "it is under tenant {}", submission.tenant);
    ensure!(submission.cell == cell, "it is in cell {}", submission.cell);
    let query_id = submission.query_id.clone().unwrap_or_default();
    ensure!(!query_id.contains(&customer.id), "its query id names the customer: {query_id}");
    Ok(seen(format!("{} bytes, SHA-256 {}…, {cell}", bytes.len(), &sha256[..8])).with(submission))
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Drops a file; its version says which event is about it.
pub(crate) async fn put(sandbox: &Sandbox, key: &str, bytes: &[u8]) -> Result<String> {
    let put = sandbox.aws.s3.put_object().bucket(&sandbox.stack.documents_bucket_name).key(key);
    let put = put.body(ByteStream::from(bytes.to_vec())).send().await.context("the file cannot be put")?;
    put.version_id.context("the bucket keeps no versions")
}

/// Whether an event is about this version of this object.
pub(crate) fn about(event: &Value, key: &str, version: &str) -> bool {
    event["document"]["key"] == key && event["document"]["version_id"] == version
}
