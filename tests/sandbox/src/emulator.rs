//! The AWS emulator: everything but Secrets Manager, which it does not model well enough.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::supervised::Supervised;
use crate::{places, progress};

/// The region that everything pretends to be in.
pub const REGION: &str = "eu-west-1";

/// The account that everything pretends to belong to.
pub const ACCOUNT: &str = "000000000000";

const SERVICES: &str = "cloudformation,lambda,sqs,sns,s3,events,dynamodb,kms,iam,sts,logs,cloudwatch,ssm";
const START: Duration = Duration::from_secs(60);

/// A running emulator on a free port of loopback.
pub struct Emulator {
    process: Supervised,
    log: PathBuf,
    /// Its files, and the functions' code; removed with it.
    _home: TempDir,
}

/// A port nobody listens on at this moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?;
    Ok(listener.local_addr()?.port())
}

impl Emulator {
    /// Starts it on `port`. `variables` reach the functions, for its environment leaks into them;
    /// that is also why it starts with an empty one.
    pub async fn start(python: &Path, port: u16, variables: &[(String, String)]) -> Result<Self> {
        let running = progress::begin("emulator", &format!("MiniStack on 127.0.0.1:{port}"));
        let runs = places::directory("runs")?;
        let home = TempDir::with_prefix_in("run-", runs).context("no directory for the emulator")?;
        let log = places::directory("logs")?.join(format!("emulator-{port}.log"));
        let mut environment = environment(port, home.path());
        environment.extend_from_slice(variables);
        let process = Supervised::python_module(python, "ministack", &environment, &log)?;
        let mut emulator = Self { process, log, _home: home };
        emulator.ready(port).await?;
        running.done("ready");
        Ok(emulator)
    }

    async fn ready(&mut self, port: u16) -> Result<()> {
        let began = Instant::now();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let health = format!("http://127.0.0.1:{port}/_ministack/health");
        while !client.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
            if self.process.ended() || began.elapsed() > START {
                bail!("the emulator did not start; its log is {}", places::short(&self.log));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Where it and the functions write their log lines.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Ends it and every function it started.
    pub async fn stop(self) -> Result<()> {
        self.process.stop().await.context("the emulator")
    }
}

fn environment(port: u16, home: &Path) -> Vec<(String, String)> {
    let home = home.display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    let variables = [
        ("PATH", path.as_str()),
        ("HOME", &home),
        ("TMPDIR", &home),
        ("BIND_HOST", "127.0.0.1"),
        ("MINISTACK_HOST", "127.0.0.1"),
        ("GATEWAY_PORT", &port.to_string()),
        ("MINISTACK_REGION", REGION),
        ("MINISTACK_ACCOUNT_ID", ACCOUNT),
        ("IOT_MTLS_ENABLED", "0"),
        ("SFTP_ENABLED", "0"),
        ("SERVICES", SERVICES),
        ("PYTHONUNBUFFERED", "1"),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
