//! The functions' real binaries, built as the workspace builds them and laid out as Lambda wants them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::process::Command;

use crate::{places, progress};

/// The functions, by the name of package, binary and `CodeUri`.
pub const NAMES: [&str; 6] = [
    "onboard-customer",
    "offboard-customer",
    "rotate-secret",
    "reconcile-tenants",
    "submit-document",
    "collect-result",
];

/// Builds every function and puts it into a directory of its own, as `bootstrap`.
pub async fn build() -> Result<BTreeMap<String, PathBuf>> {
    let running = progress::begin("functions", "cargo build --workspace --bins");
    let built = executables().await?;
    let _lock = places::lock("functions")?;
    let mut directories = BTreeMap::new();
    for name in NAMES {
        let built = built.get(name).with_context(|| format!("cargo built no {name}"))?;
        let directory = places::directory(name)?;
        lay_out(built, &directory.join("bootstrap")).await?;
        directories.insert(name.to_owned(), directory);
    }
    running.done(&format!("{} bootstraps", directories.len()));
    Ok(directories)
}

/// Builds the whole workspace and not just four packages: choosing packages chooses their features
/// too, and would compile their dependencies a second time. Cargo's own progress is shown.
async fn executables() -> Result<BTreeMap<String, PathBuf>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--workspace", "--bins", "--message-format", "json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for (name, _) in std::env::vars_os().filter(|(name, _)| of_this_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.current_dir(places::workspace()).stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    let output = command.output().await.context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cargo build ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(executable).collect())
}

/// What cargo tells the program it runs about that program; a second cargo must not inherit it.
fn of_this_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}

fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = message.get("executable")?.as_str()?;
    Some((message.pointer("/target/name")?.as_str()?.to_owned(), PathBuf::from(path)))
}

/// Copies without debug information: an unstripped binary is three times as long to upload.
async fn lay_out(built: &Path, bootstrap: &Path) -> Result<()> {
    // Not "newer than": cargo also puts back an older build of the same name.
    let note = bootstrap.with_extension("from");
    let data = built.metadata().with_context(|| format!("cannot see {}", built.display()))?;
    let from = format!("{} bytes of {:?}", data.len(), data.modified()?);
    if bootstrap.exists() && fs::read_to_string(&note).is_ok_and(|noted| noted == from) {
        return Ok(());
    }
    let unfinished = bootstrap.with_extension("unfinished");
    let stripped = Command::new("strip").arg("-o").arg(&unfinished).arg(built).status().await;
    if !stripped.is_ok_and(|status| status.success()) {
        fs::copy(built, &unfinished).with_context(|| format!("cannot copy {}", built.display()))?;
    }
    fs::rename(&unfinished, bootstrap).context("cannot put the bootstrap in its place")?;
    fs::write(&note, from).context("cannot note what the bootstrap was made from")
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn reads_the_path_from_cargos_message() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"f","kind":["bin"]},"executable":"/t/debug/f"}"#;
        assert_eq!(executable(line), Some(("f".to_owned(), "/t/debug/f".into())));
        assert_eq!(
            executable(r#"{"reason":"compiler-artifact","target":{"name":"f"},"executable":null}"#),
            None
        );
    }
}
