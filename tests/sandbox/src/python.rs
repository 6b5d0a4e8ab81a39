//! The Python environment: made once under `target/`, and again when its pinned list changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::{places, progress};

const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// The interpreter of the environment, which is made first where it is missing or of another list.
pub async fn interpreter() -> Result<PathBuf> {
    let _lock = places::lock("python")?;
    let home = places::directory("python")?;
    let interpreter = home.join("bin/python");
    let installed = home.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|list| list == REQUIREMENTS) {
        progress::say("python", &format!("{} is ready", places::short(&home)));
        return Ok(interpreter);
    }
    let running = progress::begin("python", &format!("making {}, once", places::short(&home)));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home)).await?;
    install(&interpreter, &home).await?;
    fs::write(&installed, REQUIREMENTS).context("cannot note what is installed")?;
    running.done("ready");
    Ok(interpreter)
}

async fn install(interpreter: &Path, home: &Path) -> Result<()> {
    let list = home.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).context("cannot write the list of packages")?;
    progress::say("python", &format!("installing {} pinned packages from PyPI", packages().count()));
    let options =
        ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--only-binary", ":all:"];
    run(Command::new(interpreter).args(options).args(["--progress-bar", "off", "-q", "-r"]).arg(&list)).await
}

fn packages() -> impl Iterator<Item = &'static str> {
    REQUIREMENTS.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// Runs a command to its end; what it says is shown.
async fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{:?}", command.as_std());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let status = command.status().await.with_context(|| format!("cannot start {shown}"))?;
    if !status.success() {
        bail!("{shown} ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn every_package_is_pinned() {
        let loose: Vec<_> = packages().filter(|line| !line.contains("==")).collect();
        assert!(loose.is_empty(), "{loose:?}");
        assert!(packages().any(|line| line.starts_with("ministack[full]==")));
    }
}
