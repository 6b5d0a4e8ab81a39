//! The deployed stack: `infra/template.yaml` itself, packaged and deployed as SAM would.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::emulator::REGION;
use crate::{places, progress};

/// The stack's name, and so the bus's.
pub const NAME: &str = "resistant-tenants";

/// What the template puts out.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "each field is the template's output of its name, described there")]
pub struct Outputs {
    pub bus_name: String,
    pub documents_bucket_name: String,
    pub customers_table_name: String,
    pub documents_table_name: String,
    pub onboarding_queue_url: String,
    pub onboarding_dead_letters_url: String,
    pub offboarding_queue_url: String,
    pub offboarding_dead_letters_url: String,
    pub submission_queue_url: String,
    pub submission_dead_letters_url: String,
    pub results_bucket_name: String,
    pub results_queue_url: String,
    pub results_dead_letters_url: String,
    pub undelivered_queue_url: String,
    pub rotate_secret_arn: String,
    pub data_key_arn: String,
    pub sealing_key_arn: String,
}

impl Outputs {
    /// The queues before the functions, by name.
    pub fn queues(&self) -> [(&'static str, &str); 4] {
        [
            ("onboarding", &self.onboarding_queue_url),
            ("offboarding", &self.offboarding_queue_url),
            ("submission", &self.submission_queue_url),
            ("results", &self.results_queue_url),
        ]
    }

    /// The queues that stay empty as long as all is well, by name.
    pub fn dead_letters(&self) -> [(&'static str, &str); 5] {
        [
            ("onboarding dead letters", &self.onboarding_dead_letters_url),
            ("offboarding dead letters", &self.offboarding_dead_letters_url),
            ("submission dead letters", &self.submission_dead_letters_url),
            ("results dead letters", &self.results_dead_letters_url),
            ("undelivered requests", &self.undelivered_queue_url),
        ]
    }
}

/// A deployment that has become of the template.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployed {
    /// What it puts out.
    pub outputs: Outputs,
    /// Each resource's physical id, by its logical one.
    pub resources: BTreeMap<String, String>,
    /// What the change set changed, by logical id.
    pub changed: Vec<String>,
    /// What it said that it would replace, of these.
    pub replaced: Vec<String>,
}

/// Where and as what the template is deployed.
pub struct Deployment<'a> {
    /// The interpreter that it takes.
    pub python: &'a Path,
    /// Where AWS is.
    pub endpoint: &'a str,
    /// The stack's name.
    pub name: &'a str,
    /// The bootstraps' directories, by function.
    pub functions: &'a BTreeMap<String, PathBuf>,
}

impl Deployment<'_> {
    /// Makes the stack.
    pub async fn create(&self, parameters: &BTreeMap<String, String>) -> Result<Deployed> {
        let running = progress::begin("stack", &format!("deploying infra/template.yaml as {}", self.name));
        let deployed = self.deploy("CREATE", parameters).await?;
        running.done("deployed");
        Ok(deployed)
    }

    /// Changes it in place.
    pub async fn update(&self, parameters: &BTreeMap<String, String>) -> Result<Deployed> {
        self.deploy("UPDATE", parameters).await
    }

    /// Removes it, but for what it retains.
    pub async fn remove(&self) -> Result<()> {
        self.order("DELETE", &BTreeMap::new()).await.map(drop)
    }

    async fn deploy(&self, change: &str, parameters: &BTreeMap<String, String>) -> Result<Deployed> {
        let answer = self.order(change, parameters).await?;
        serde_json::from_slice(&answer).context("the stack's outputs are not those of the template")
    }

    async fn order(&self, change: &str, parameters: &BTreeMap<String, String>) -> Result<Vec<u8>> {
        let order = json!({
            "change": change,
            "endpoint": self.endpoint,
            "region": REGION,
            "stack": self.name,
            "template": template_path(),
            "functions": self.functions,
            "parameters": parameters,
        });
        run(self.python, &[], &order.to_string()).await
    }
}

/// The template as it stands, with CloudFormation's short tags in their long form.
///
/// # Errors
/// If it is not YAML.
pub async fn template(python: &Path) -> Result<Value> {
    long_form(python, &template_path()).await
}

/// The template of a data plane in another region, likewise.
///
/// # Errors
/// If it is not YAML.
pub async fn data_plane_template(python: &Path) -> Result<Value> {
    long_form(python, &places::workspace().join("infra/data-plane.yaml")).await
}

async fn long_form(python: &Path, template: &Path) -> Result<Value> {
    let text = run(python, &[template.as_os_str()], "").await?;
    serde_json::from_slice(&text).context("the template is not what deploy.py says it is")
}

fn template_path() -> PathBuf {
    places::workspace().join("infra/template.yaml")
}

async fn run(python: &Path, arguments: &[&OsStr], order: &str) -> Result<Vec<u8>> {
    let mut command = Command::new(python);
    command.arg("-c").arg(include_str!("../python/deploy.py")).args(arguments).env("NO_PROXY", "127.0.0.1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start the deployment")?;
    let mut input = child.stdin.take().context("the deployment takes no order")?;
    // Whoever does not read its order says on standard error why.
    drop(input.write_all(order.as_bytes()).await);
    drop(input);
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        bail!("deploy.py failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}
