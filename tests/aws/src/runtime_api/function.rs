//! One function and its environments.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::json;
use tokio::sync::Semaphore;

use super::environment::{Call, Environment, Start};
use super::process::{Group, Log};

/// A function as a template would describe it.
#[derive(Clone, Debug)]
pub struct FunctionSettings {
    /// Its name.
    pub name: String,
    /// Its program.
    pub bootstrap: PathBuf,
    /// Its own variables. They are all that it gets beside Lambda's.
    pub environment: BTreeMap<String, String>,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// How long a start may take. Lambda gives 10 seconds.
    pub init_timeout: Duration,
    /// The memory in its environment variable. Nothing limits it.
    pub memory_mb: u32,
    /// How many environments may run at once.
    pub concurrency: usize,
    /// The region of its ARN.
    pub region: String,
    /// The account of its ARN.
    pub account: String,
}

impl FunctionSettings {
    /// A function with a minute, 128 MB and at most ten environments.
    pub fn new(name: &str, bootstrap: impl Into<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            bootstrap: bootstrap.into(),
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(60),
            init_timeout: Duration::from_secs(10),
            memory_mb: 128,
            concurrency: 10,
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
        }
    }

    /// The function's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    /// The process's whole environment: Lambda's variables (Lambda Developer Guide,
    /// configuration-envvars, "Defined runtime environment variables"), credentials that open nothing,
    /// and the function's own, which win.
    pub(super) fn variables(&self, runtime_api: &str) -> Vec<(String, String)> {
        let root = self.bootstrap.parent().unwrap_or(&self.bootstrap).display().to_string();
        let memory = self.memory_mb.to_string();
        let group = format!("/aws/lambda/{}", self.name);
        let lambda = [
            ("_HANDLER", "bootstrap"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_DEFAULT_REGION", &self.region),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
            ("AWS_LAMBDA_FUNCTION_NAME", &self.name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &group),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_REGION", &self.region),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_SESSION_TOKEN", "test"),
            ("LAMBDA_TASK_ROOT", &root),
            ("LANG", "en_US.UTF-8"),
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("TZ", ":UTC"),
        ];
        let mut all: BTreeMap<String, String> =
            lambda.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(self.environment.clone());
        all.into_iter().collect()
    }
}

/// What came of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The function's answer.
    Answered(Bytes),
    /// The function's error, as its runtime reported it.
    FunctionError(Bytes),
    /// The runtime's error before its first event.
    InitError(Bytes),
    /// The process ended: its status.
    Exited(String),
    /// It took too long, and was killed.
    TimedOut,
}

impl Outcome {
    /// The body that Invoke answers with, and whether it is a function error. The errors that Lambda
    /// itself makes have its type names (Lambda Developer Guide, troubleshooting-invocation).
    pub fn to_invoke_answer(&self) -> (Bytes, bool) {
        let error = |kind: &str, message: &str| {
            json!({ "errorType": kind, "errorMessage": message }).to_string().into()
        };
        match self {
            Self::Answered(body) => (body.clone(), false),
            Self::FunctionError(body) | Self::InitError(body) => (body.clone(), true),
            Self::Exited(status) => (error("Runtime.ExitError", &format!("Runtime exited: {status}")), true),
            Self::TimedOut => (error("Sandbox.Timedout", "Task timed out"), true),
        }
    }
}

/// A function. Its environments start when they are needed and are kept; dropping it kills them.
#[derive(Debug)]
pub struct Function {
    settings: FunctionSettings,
    log: Log,
    permits: Semaphore,
    idle: Mutex<Vec<Environment>>,
    groups: Mutex<Vec<Weak<Group>>>,
}

impl Function {
    pub(super) fn new(settings: FunctionSettings) -> Self {
        Self {
            permits: Semaphore::new(settings.concurrency),
            settings,
            log: Log::default(),
            idle: Mutex::default(),
            groups: Mutex::default(),
        }
    }

    /// What it was made with.
    pub fn settings(&self) -> &FunctionSettings {
        &self.settings
    }

    /// Has one event handled, in an idle environment or in a new one.
    ///
    /// # Errors
    /// Where the program cannot be started at all.
    pub async fn invoke(&self, payload: &[u8]) -> anyhow::Result<Outcome> {
        let _permit = self.permits.acquire().await.context("the function is gone")?;
        let mut environment = match self.take_idle() {
            Some(environment) => environment,
            None => {
                match Environment::start(&self.settings, &self.log, |group| self.remember(group)).await? {
                    Start::Ready(environment) => *environment,
                    Start::Failed(outcome) => return Ok(outcome),
                }
            }
        };
        let call = Call {
            id: new_id(),
            payload: Bytes::copy_from_slice(payload),
            arn: self.settings.arn(),
            timeout: self.settings.timeout,
        };
        let (outcome, usable) = environment.invoke(call).await;
        if usable {
            self.idle.lock().expect("no holder panics").push(environment);
        }
        Ok(outcome)
    }

    /// Kills every environment (SIGKILL): what runs ends as [`Outcome::Exited`], and the next
    /// invocation starts a new one.
    pub fn kill(&self) {
        self.signal("KILL");
    }

    /// Stops every environment (SIGSTOP), as Lambda freezes one between two events.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets every environment go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Every line that its processes have written so far, to both streams.
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// The processes of the environments that have been started and not ended: the first one of each.
    pub fn processes(&self) -> Vec<u32> {
        let groups = self.groups.lock().expect("no holder panics");
        groups.iter().filter_map(Weak::upgrade).map(|group| group.id()).collect()
    }

    /// How many environments have been started and not ended.
    pub fn environments(&self) -> usize {
        self.groups.lock().expect("no holder panics").iter().filter(|group| group.strong_count() > 0).count()
    }

    fn take_idle(&self) -> Option<Environment> {
        let mut idle = self.idle.lock().expect("no holder panics");
        idle.retain_mut(|environment| !environment.has_ended());
        idle.pop()
    }

    fn remember(&self, group: &Arc<Group>) {
        let mut groups = self.groups.lock().expect("no holder panics");
        groups.retain(|group| group.strong_count() > 0);
        groups.push(Arc::downgrade(group));
    }

    fn signal(&self, signal: &str) {
        let groups: Vec<_> =
            self.groups.lock().expect("no holder panics").iter().filter_map(Weak::upgrade).collect();
        for group in groups {
            group.signal(signal);
        }
    }
}

fn new_id() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
