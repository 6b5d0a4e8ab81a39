//! Reconciliations, as an operator asks for them.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// What a reconciliation is to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// To look.
    Plan,
    /// To repair what is safe.
    Apply,
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
        }
    }
}

/// A finding, as it stands in the report.
#[derive(Debug)]
pub(super) struct Finding(Value);

impl Finding {
    fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }

    /// What it means, with what was seen.
    pub(super) fn explanation(&self) -> &str {
        self.0["explanation"].as_str().unwrap_or_default()
    }

    /// What is to be done about it, in words and commands.
    pub(super) fn action(&self) -> &str {
        self.0["action"].as_str().unwrap_or_default()
    }

    /// What it is about: its tenant, its application.
    pub(super) fn about(&self, what: &str) -> Result<&str> {
        self.0["subject"][what].as_str().with_context(|| format!("it names no {what}"))
    }

    pub(super) fn is_repaired(&self) -> bool {
        self.0["outcome"] == "repaired"
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The one finding that there is, which has to be of this code.
pub(super) async fn found(sandbox: &Sandbox, code: &str, mode: Mode) -> Result<Finding> {
    let id = match mode {
        Mode::Plan => format!("drifts/{code}/look"),
        Mode::Apply => format!("drifts/{code}/repair"),
    };
    let mut findings = reconcile(sandbox, &id, mode).await?;
    let codes: Vec<_> = findings.iter().map(Finding::code).collect();
    ensure!(codes == [code], "found is {codes:?}");
    findings.pop().context("nothing is found")
}

/// Reconciles to the end, with no customer left out, and reads the report.
pub(super) async fn reconcile(sandbox: &Sandbox, id: &str, mode: Mode) -> Result<Vec<Finding>> {
    // Of customers on whom somebody works nothing is told.
    sandbox.quiet().await?;
    let request = json!({
        "type": "ReconciliationRequested", "version": "1", "request_id": id, "mode": mode.as_str(),
        "actor": "sandbox", "reason": "the drifts"
    });
    let answer = sandbox.invoke("reconcile-tenants", &request).await?;
    let place = |name: &str| answer["report"][name].as_str().with_context(|| format!("no report: {answer}"));
    let kept = sandbox.aws.s3.get_object().bucket(place("bucket")?).key(place("key")?).send().await;
    let kept = kept.context("the report")?.body.collect().await?.to_vec();
    let mut report: Value = serde_json::from_slice(&kept).context("the report is not JSON")?;
    ensure!(report["unseen"] == json!({}) && report["busy"] == json!([]), "{report}");
    match report["findings"].take() {
        Value::Array(findings) => Ok(findings.into_iter().map(Finding).collect()),
        other => anyhow::bail!("the findings are {other}"),
    }
}
