//! Everything together, up and running.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_parts::proxy::{Call, Proxy, Service};
use aws_parts::secrets::{SecretsManager, Settings as SecretsSettings};
use serde_json::{Value, json};
use simulator::Simulator;

use crate::bus::Bus;
use crate::clients::Clients;
use crate::emulator::{ACCOUNT, Emulator, REGION, free_port};
use crate::stack::{self, Deployed, Deployment, Outputs};
use crate::{functions, places, progress, python};

/// The prefix of the customers' secrets.
pub const SECRET_PREFIX: &str = "resistant";

/// The name of the organization's own secret.
pub const ORGANIZATION_SECRET: &str = "organization/resistant-ai";

/// What can be chosen about a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cells that requests may name.
    pub cells: String,
    /// What takes minutes in production takes this long here: settling and cached credentials.
    pub patience: Duration,
    /// The least important level that the functions log.
    pub log_level: String,
    /// What the vendor's contract leaves open.
    pub vendor: simulator::Settings,
    /// Template parameters beyond those.
    pub parameters: BTreeMap<String, String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cells: "eu-1,us-1".to_owned(),
            patience: Duration::from_secs(1),
            log_level: "info".to_owned(),
            vendor: simulator::Settings::default(),
            parameters: BTreeMap::new(),
        }
    }
}

/// The running system. Dropping it ends it; [`Sandbox::stop`] also makes sure.
pub struct Sandbox {
    /// The vendor.
    pub simulator: Simulator,
    /// Secrets Manager.
    pub secrets: SecretsManager,
    /// What stands between the functions and AWS: it records their calls, and can hold and cut them.
    pub calls: Proxy,
    /// What was deployed.
    pub stack: Outputs,
    /// Clients for looking into it.
    pub aws: Clients,
    /// Its event bus, listened to from the start.
    pub bus: Bus,
    /// How long cached credentials live.
    pub patience: Duration,
    /// The emulator's endpoint.
    pub endpoint: String,
    /// What the deployment made, by logical id.
    pub deployed: Deployed,
    /// The parameters that it was given.
    pub parameters: BTreeMap<String, String>,
    python: PathBuf,
    functions: BTreeMap<String, PathBuf>,
    emulator: Emulator,
}

impl Sandbox {
    /// Prepares what is missing, builds the functions and starts everything.
    ///
    /// # Errors
    /// Where one of the parts does not start; those that did are ended.
    pub async fn start(options: Options) -> Result<Self> {
        let (python, functions) = (python::interpreter().await?, functions::build().await?);
        let vendor = simulator::Options { settings: options.vendor.clone(), ..Default::default() };
        let simulator = Simulator::start(vendor).await?;
        progress::say("vendor", &format!("simulator on {}", simulator.base_url()));
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let secrets = secrets_manager(&endpoint).await?;
        let calls = proxy(&endpoint, &secrets).await?;
        let variables = variables(&endpoint, &simulator, &calls);
        let emulator = Emulator::start(&python, port, &variables).await?;
        let aws = Clients::new(&endpoint, secrets.url());
        let organization = create_organization_secret(&aws, &simulator).await?;
        let parameters = parameters(&options, &organization, &simulator);
        let deployment =
            Deployment { python: &python, endpoint: &endpoint, name: stack::NAME, functions: &functions };
        let deployed = deployment.create(&parameters).await?;
        let stack = deployed.outputs.clone();
        let bus = Bus::listen(&aws, &stack.bus_name).await.context("cannot listen to the bus")?;
        Ok(Self {
            simulator,
            secrets,
            calls,
            stack,
            deployed,
            parameters,
            functions,
            python,
            aws,
            bus,
            patience: options.patience,
            endpoint,
            emulator,
        })
    }

    /// The template as a stack of this name, deployed here.
    pub fn deployment<'a>(&'a self, name: &'a str) -> Deployment<'a> {
        Deployment { python: &self.python, endpoint: &self.endpoint, name, functions: &self.functions }
    }

    /// The template as it stands.
    ///
    /// # Errors
    /// If it is not YAML.
    pub async fn template(&self) -> Result<Value> {
        stack::template(&self.python).await
    }

    /// Invokes a function, and gives what it answers.
    ///
    /// # Errors
    /// Where it cannot be called, or answers with an error.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let name = format!("{}-{function}", stack::NAME);
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.endpoint);
        let answer = reqwest::Client::new().post(url).body(event.to_string()).send().await?;
        let failed = answer.headers().contains_key("x-amz-function-error") || !answer.status().is_success();
        let body = answer.text().await?;
        ensure!(!failed, "{function} answered {body}");
        serde_json::from_str(&body).with_context(|| body)
    }

    /// The log lines of the emulator and of every function so far.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn log(&self) -> Result<String> {
        let bytes = std::fs::read(self.emulator.log()).context("the emulator's log")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Where that log is.
    pub fn log_path(&self) -> String {
        crate::places::short(self.emulator.log())
    }

    /// Writes every AWS call of the functions into a file beside the log, for whoever looks for a cause, and what
    /// they needed permission for into one of the story's name, by which the template's policies are judged.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_calls(&self, story: &str) -> Result<()> {
        let calls = self.calls.calls();
        let lines: String = calls.iter().map(|call| format!("{call}\n")).collect();
        std::fs::write(self.emulator.log().with_extension("calls"), lines).context("the list of calls")?;
        let needed = json!({
            "region": REGION,
            "account": ACCOUNT,
            "stack": stack::NAME,
            "parameters": self.parameters,
            "resources": self.deployed.resources,
            "needed": needed(&calls),
        });
        let file = places::directory("recorded")?.join(format!("{story}.json"));
        std::fs::write(file, needed.to_string()).context("the list of permissions")
    }

    /// Ends everything.
    ///
    /// # Errors
    /// If a process is left.
    pub async fn stop(self) -> Result<()> {
        drop((self.bus, self.calls));
        let ended = self.emulator.stop().await;
        drop(self.secrets);
        self.simulator.stop().await;
        ended
    }
}

/// Who needed which permission, for what and under which conditions; each once.
fn needed(calls: &[Call]) -> Vec<Value> {
    let mut all = BTreeSet::new();
    for call in calls {
        let caller = call.caller.as_deref().unwrap_or_default();
        all.extend(call.targets.iter().map(|target| {
            (caller, target.permission.as_str(), target.resource.as_str(), &target.conditions)
        }));
    }
    let needed = all.into_iter().map(|(caller, permission, resource, conditions)| {
        json!({"caller": caller, "permission": permission, "resource": resource, "conditions": conditions})
    });
    needed.collect()
}

async fn secrets_manager(lambda: &str) -> Result<SecretsManager> {
    let settings = SecretsSettings {
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        lambda: Some(lambda.to_owned()),
        ..SecretsSettings::default()
    };
    let secrets = SecretsManager::start(settings).await?;
    progress::say("secrets", &format!("Secrets Manager server on {}", secrets.url()));
    Ok(secrets)
}

/// Secrets Manager is our own server, everything else the emulator.
async fn proxy(endpoint: &str, secrets: &SecretsManager) -> Result<Proxy> {
    let emulated = [
        Service::DynamoDb,
        Service::EventBridge,
        Service::Kms,
        Service::Lambda,
        Service::S3,
        Service::Sqs,
        Service::Sts,
    ];
    let mut upstreams: Vec<_> = emulated.into_iter().map(|service| (service, endpoint)).collect();
    upstreams.push((Service::SecretsManager, secrets.url()));
    Proxy::start(&upstreams).await
}

/// What the functions find in their environment beside the template's variables: where AWS is, and
/// the one switch for local runs.
fn variables(endpoint: &str, simulator: &Simulator, calls: &Proxy) -> Vec<(String, String)> {
    let mut variables: Vec<_> = calls.environment().into_iter().collect();
    // Should a function call another service, it must not find a real one.
    variables.push(("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned()));
    variables.push(("RESISTANT_LOCAL_URL".to_owned(), simulator.base_url().to_owned()));
    variables
}

/// The secret that an operator makes before the first deployment.
async fn create_organization_secret(aws: &Clients, simulator: &Simulator) -> Result<String> {
    let value = json!({
        "client_id": simulator.organization_client_id(),
        "private_key": simulator.organization_private_key_pem(),
    });
    let create = aws.secrets.create_secret().name(ORGANIZATION_SECRET).secret_string(value.to_string());
    let created = create.send().await.context("cannot create the organization's secret")?;
    created.arn.context("the organization's secret has no ARN")
}

fn parameters(options: &Options, organization: &str, simulator: &Simulator) -> BTreeMap<String, String> {
    let patience = options.patience.as_secs().to_string();
    // The published URL: the switch for local runs replaces its host, not its authorization server.
    let path = simulator.organization_token_url().replace(simulator.base_url(), "https://eu.id.resistant.ai");
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let chosen = [
        ("Cells", options.cells.as_str()),
        ("InstallationId", "sandbox"),
        ("OrganizationSecretArn", organization),
        ("OrganizationTokenUrl", &path),
        ("SecretPrefix", SECRET_PREFIX),
        ("CredentialCacheSeconds", &patience),
        ("SettleSeconds", &patience),
        // Later than a notification, so that the two ways of a verdict differ.
        ("FirstLookSeconds", "3"),
        ("Architecture", architecture),
        ("LogLevel", &options.log_level),
    ];
    let mut parameters: BTreeMap<_, _> =
        chosen.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    parameters.extend(options.parameters.clone());
    parameters
}
