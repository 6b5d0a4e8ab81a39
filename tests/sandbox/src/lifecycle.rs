//! The stack itself: it is changed in place, refused a second time, and removed; what holds data stays.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use simulator::SubmissionState;

use crate::journey::documents::submitted;
use crate::journey::onboarding::announced;
use crate::journey::requests::onboarding;
use crate::journey::{Customer, PATIENCE};
use crate::pdf::pdf;
use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;
use crate::stack;

const CUSTOMER: &str = "acme";
const CELL: &str = "eu-1";

/// What CloudFormation must never replace here, nor delete.
const WITH_DATA: [&str; 3] = ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"];

/// What an operator changes while customers live in it, each to something else.
const CHANGED: [(&str, &str); 19] = [
    ("Cells", "eu-1,us-1,ca-1"),
    ("ReplicaRegions", "us-east-1"),
    ("RotationDays", "45"),
    ("OverlapSeconds", "3600"),
    ("CleanUpSchedule", "rate(2 hours)"),
    ("ReconciliationSchedule", "cron(0 5 * * ? *)"),
    ("ReconciliationMode", "apply"),
    ("OffboardingsPerHour", "9"),
    ("RecoveryWindowDays", "14"),
    ("CredentialCacheSeconds", "2"),
    ("SettleSeconds", "2"),
    ("TenantQuota", "25"),
    ("FirstLookSeconds", "4"),
    ("VendorAccountId", "111111111111"),
    ("VendorTenantIds", "t-1,t-2"),
    ("EnableDecision", "true"),
    ("MemorySize", "512"),
    ("LogLevel", "debug"),
    ("LogRetentionDays", "60"),
];

/// Everything in order. The report says what held.
pub async fn run(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("A customer lives in the stack");
    let request = onboarding("lifecycle-onboard", CUSTOMER, &[CELL]);
    let customer = report.expect("acme is onboarded", announced(sandbox, CUSTOMER, &request)).await;
    let Some(customer) = customer else { return };
    report.expect("its document is submitted", document(sandbox, &customer, "before.pdf")).await;

    report.chapter("The stack is changed in place");
    report.expect("nothing that holds data is replaced", changed(sandbox)).await;
    report.expect("the functions have what was changed", configured(sandbox)).await;
    report.expect("the record is as it was", recorded(sandbox)).await;
    report.expect("documents go on", document(sandbox, &customer, "after.pdf")).await;

    report.chapter("A second control plane");
    report.expect("a second stack over the same secret is refused", second(sandbox)).await;
    report.expect("documents go on", document(sandbox, &customer, "still.pdf")).await;

    report.chapter("The stack is removed");
    report.expect("it goes", removed(sandbox)).await;
    report.expect("the record is still there", recorded(sandbox)).await;
    report.expect("the documents are still there", documents_stay(sandbox)).await;
    report.expect("no function is left", functions_are_gone(sandbox)).await;
}

async fn document(sandbox: &Sandbox, customer: &Customer, name: &str) -> Result<Seen<SubmissionState>> {
    let key = format!("{CUSTOMER}/{CELL}/{name}");
    submitted(sandbox, customer, CELL, &key, &pdf(name, 1, 0)).await
}

/// The physical ids of what holds data, by logical id.
async fn with_data(sandbox: &Sandbox, all: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let template = sandbox.template().await?;
    let holds = |id: &str| WITH_DATA.iter().any(|kind| template["Resources"][id]["Type"] == *kind);
    let those: BTreeMap<_, _> = all.clone().into_iter().filter(|(id, _)| holds(id)).collect();
    ensure!(!those.is_empty(), "nothing holds data");
    Ok(those)
}

async fn changed(sandbox: &Sandbox) -> Result<Seen<()>> {
    let mut parameters = sandbox.parameters.clone();
    for (name, value) in CHANGED {
        let before = parameters.insert(name.to_owned(), value.to_owned());
        ensure!(before.as_deref() != Some(value), "{name} was {value} already");
    }
    let before = with_data(sandbox, &sandbox.deployed.resources).await?;
    let now = sandbox.deployment(stack::NAME).update(&parameters).await?;
    let replaced: Vec<_> = now.replaced.iter().filter(|id| before.contains_key(*id)).collect();
    ensure!(replaced.is_empty(), "replaced: {replaced:?}");
    let after = with_data(sandbox, &now.resources).await?;
    ensure!(before == after, "before {before:?}, after {after:?}");
    ensure!(!now.changed.is_empty(), "nothing was changed");
    Ok(seen(format!("{} of {} with data kept, {} changed", after.len(), before.len(), now.changed.len())))
}

async fn configuration(sandbox: &Sandbox, function: &str) -> Result<reqwest::Response> {
    let name = format!("{}-{function}", stack::NAME);
    let url = format!("{}/2015-03-31/functions/{name}/configuration", sandbox.endpoint);
    Ok(reqwest::get(url).await?)
}

async fn configured(sandbox: &Sandbox) -> Result<Seen<()>> {
    let is: Value = configuration(sandbox, "reconcile-tenants").await?.error_for_status()?.json().await?;
    let variables = &is["Environment"]["Variables"];
    let have =
        (is["MemorySize"].as_u64(), variables["TENANT_QUOTA"].as_str(), variables["LOG_LEVEL"].as_str());
    ensure!(have == (Some(512), Some("25"), Some("debug")), "{have:?}");
    Ok(seen("512 MiB, quota 25, level debug"))
}

async fn recorded(sandbox: &Sandbox) -> Result<Seen<()>> {
    let record = sandbox.record(CUSTOMER).await?;
    ensure!(record.phase == "ACTIVE", "{record:?}");
    Ok(seen(format!("{}, {} audit entries", record.phase, record.audit_entries)))
}

async fn second(sandbox: &Sandbox) -> Result<Seen<()>> {
    let deployment = sandbox.deployment("second");
    let Err(refused) = deployment.create(&sandbox.parameters).await else {
        bail!("it was deployed");
    };
    let refused = refused.to_string();
    let why = refused.lines().find(|line| line.contains("ControlPlane")).with_context(|| refused.clone())?;
    Ok(seen(why.trim()))
}

async fn removed(sandbox: &Sandbox) -> Result<Seen<()>> {
    sandbox.bus.leave().await?;
    sandbox.deployment(stack::NAME).remove().await?;
    Ok(seen("DELETE_COMPLETE"))
}

async fn documents_stay(sandbox: &Sandbox) -> Result<Seen<()>> {
    let bucket = &sandbox.stack.documents_bucket_name;
    let list = sandbox.aws.s3.list_objects_v2().bucket(bucket).send().await.context("the bucket")?;
    ensure!(list.contents().len() == 3, "{} objects", list.contents().len());
    Ok(seen(format!("3 objects in {bucket}")))
}

async fn functions_are_gone(sandbox: &Sandbox) -> Result<Seen<()>> {
    let began = std::time::Instant::now();
    while configuration(sandbox, "submit-document").await?.status() != reqwest::StatusCode::NOT_FOUND {
        ensure!(began.elapsed() < PATIENCE, "submit-document is still there");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    Ok(seen("none"))
}
