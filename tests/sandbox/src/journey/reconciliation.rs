//! What the vendor holds is what is recorded.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

pub(super) async fn vendor_and_record_agree(sandbox: &Sandbox, report: &mut Report, customers: usize) {
    report.chapter("What the vendor holds is compared with what is recorded");
    report
        .expect("a reconciliation finds nothing, and says so in its report", agree(sandbox, customers))
        .await;
}

async fn agree(sandbox: &Sandbox, customers: usize) -> Result<Seen<()>> {
    let request = json!({
        "type": "ReconciliationRequested", "version": "1", "request_id": "sandbox/1", "mode": "plan",
        "actor": "sandbox", "reason": "the journey"
    });
    let answer = sandbox.invoke("reconcile-tenants", &request).await?;
    ensure!(answer["findings"] == json!({}) && answer["unseen"] == 0, "{answer}");
    ensure!(answer["customers"] == customers && answer["tenants"] == customers, "{answer}");
    let place = |name: &str| answer["report"][name].as_str().context("the answer names no report");
    let kept = sandbox.aws.s3.get_object().bucket(place("bucket")?).key(place("key")?).send().await;
    let kept = kept.context("the report")?.body.collect().await?.to_vec();
    let kept: Value = serde_json::from_slice(&kept).context("the report is not JSON")?;
    ensure!(kept["findings"] == json!([]) && kept["actor"] == "sandbox", "{kept}");
    Ok(seen(format!("{customers} customers, {}", place("key")?)))
}
