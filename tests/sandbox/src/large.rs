//! One large document, from a file on disk through the bucket to the vendor.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_s3::primitives::ByteStream;
use serde_json::Value;
use sha2::{Digest, Sha256};
use simulator::SubmissionState;

use crate::journey::onboarding::announced;
use crate::journey::requests::onboarding;
use crate::journey::{Customer, documents};
use crate::places;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

const CUSTOMER: &str = "large";
const CELL: &str = "eu-1";

/// As long as a function can live.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How many bytes are meant by a number with its unit, such as `1GB` or `64MB`.
///
/// # Errors
/// Where it is none, or nothing.
pub fn size(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: u64 = match &text[digits.len()..] {
        "" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        other => bail!("{other} is no unit: KB, MB or GB"),
    };
    let number: u64 = digits.parse().with_context(|| format!("{text} is no size"))?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0).with_context(|| format!("{text} is no size"))
}

/// The whole story. The report says what held.
pub async fn run(sandbox: &Sandbox, report: &mut Report, bytes: u64) {
    report.chapter(&format!("A document of {bytes} bytes"));
    let request = onboarding("large-onboard", CUSTOMER, &[CELL]);
    let signed = announced(sandbox, CUSTOMER, &request);
    let Some(customer) = report.expect("its customer is signed", signed).await else { return };
    let made = async { Document::make(bytes).map(|document| seen(document.told()).with(document)) };
    let Some(document) = report.expect("it lies on disk", made).await else { return };
    report.expect("it is submitted whole, once", submitted(sandbox, &customer, &document)).await;
}

/// A file, removed when dropped.
struct Document {
    path: PathBuf,
    sha256: String,
}

impl Document {
    /// Writes it, a block at a time. Every block is another, so that none can take another's place.
    fn make(bytes: u64) -> Result<Self> {
        let path = places::directory("large")?.join(format!("{}.pdf", std::process::id()));
        let document = Self { sha256: write(&path, bytes)?, path };
        Ok(document)
    }

    fn told(&self) -> String {
        format!("{}, SHA-256 {}…", places::short(&self.path), &self.sha256[..8])
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

fn write(path: &Path, bytes: u64) -> Result<String> {
    let mut file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
    let (mut hash, mut block) = (Sha256::new(), vec![0_u8; 1 << 20]);
    let (mut left, mut number) = (bytes, 0_u64);
    while left > 0 {
        block[..8].copy_from_slice(&number.to_le_bytes());
        let part = &block[..block.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        hash.update(part);
        file.write_all(part)?;
        left -= part.len() as u64;
        number += 1;
    }
    file.flush()?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn submitted(
    sandbox: &Sandbox,
    customer: &Customer,
    document: &Document,
) -> Result<Seen<SubmissionState>> {
    let key = format!("{CUSTOMER}/{CELL}/large.pdf");
    let body = ByteStream::from_path(&document.path).await.context("the file cannot be read")?;
    let put = sandbox.aws.s3.put_object().bucket(&sandbox.stack.documents_bucket_name).key(&key);
    let put = put.body(body).send().await.context("the file cannot be put")?;
    let version = put.version_id.context("the bucket keeps no versions")?;
    let about = |event: &Value| documents::about(event, &key, &version);
    let event = sandbox.bus.wait_for("event about it", PATIENCE, about).await?;
    ensure!(event["type"] == "DocumentSubmitted", "{event}");
    let submission = sandbox.submission(event["submission_id"].as_str().context("no submission")?)?;
    ensure!(submission.sha256.as_deref() == Some(&document.sha256), "other bytes arrived: {submission:?}");
    ensure!(submission.uploads == 1, "it was uploaded {} times", submission.uploads);
    ensure!(submission.tenant == customer.tenant, "it is under tenant {}", submission.tenant);
    let size = submission.size.unwrap_or_default();
    Ok(seen(format!("{size} bytes, SHA-256 {}…", &document.sha256[..8])).with(submission))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("1GB").unwrap(), 1_000_000_000);
        assert_eq!(size("64MB").unwrap(), 64_000_000);
        assert_eq!(size("7").unwrap(), 7);
        for none in ["", "GB", "0", "1TB", "-1", "1 GB", "99999999999GB"] {
            assert!(size(none).is_err(), "{none}");
        }
    }
}
