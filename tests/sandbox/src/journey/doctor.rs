//! The doctor calls a deployment healthy that is.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::report::{Report, Seen, seen};
use crate::sandbox::Sandbox;

pub(super) async fn the_deployment_is_looked_over(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("The doctor looks at the deployment");
    let table = report.expect("every check of the doctor is ok", healthy(sandbox)).await;
    for line in table.unwrap_or_default().lines() {
        report.tell("", line);
    }
}

async fn healthy(sandbox: &Sandbox) -> Result<Seen<String>> {
    // The trials of the new rotations would be seen as rotations under way.
    sandbox.quiet().await?;
    let asked = json!({
        "type": "DoctorRequested", "version": "1", "request_id": "journey-doctor",
        "actor": "the sandbox", "reason": "two customers were signed"
    });
    let answer = sandbox.invoke("reconcile-tenants", &asked).await?;
    let table = answer["table"].as_str().context("no table in the answer")?.to_owned();
    let checks = answer["checks"].as_array().context("no checks in the answer")?;
    let credentials = checks.iter().filter(|check| check["check"] == "CUSTOMER_CREDENTIAL").count();
    ensure!(answer["outcome"] == "healthy", "\n{table}");
    ensure!(credentials == 3, "{credentials} credentials were tried:\n{table}");
    Ok(seen(format!("{} checks", checks.len())).with(table))
}
