//! The simulator as a program.

mod arguments;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use simulator::Simulator;
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::{Arguments, HELP};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return Ok(());
        }
        Err(error) => {
            eprint!("{error:#}\n\n{HELP}");
            std::process::exit(2);
        }
    };
    // Before the key is written, so that no signal can leave it behind.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let simulator = Simulator::start(arguments.options).await?;
    let key = write_key(&arguments.directory, &simulator)?;
    print(&simulator, &key);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.stop().await;
    fs::remove_file(&key).with_context(|| format!("{} cannot be removed", key.display()))
}

/// Writes the organization's private key so that only its owner can read it.
fn write_key(directory: &Path, simulator: &Simulator) -> Result<PathBuf> {
    fs::create_dir_all(directory).with_context(|| format!("{} cannot be made", directory.display()))?;
    let path = directory.join(format!("organization-{}.pem", simulator.address().port()));
    let _ = fs::remove_file(&path); // of an earlier run, perhaps with another mode
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(simulator.organization_private_key_pem().as_bytes())?;
    path.canonicalize().context("the key file's path")
}

fn print(simulator: &Simulator, key: &Path) {
    let base = simulator.base_url();
    println!("base URL                {base}");
    println!("organization client id  {}", simulator.organization_client_id());
    println!("organization key        {}", key.display());
    println!("organization token URL  {}", simulator.organization_token_url());
    println!("tenant management       {base}/tenants-api/v0");
    println!("documents, per cell     {base}/documents/<cell>");
    println!(
        "the simulator itself    {base}/_simulator/{{state,audit,faults,settings,clock,held,release,reset}}"
    );
    println!("ready");
}
