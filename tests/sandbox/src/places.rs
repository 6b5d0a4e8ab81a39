//! Where things are on disk: the workspace, and what the sandbox keeps under `target/`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The workspace's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/sandbox is two below the root")
        .to_owned()
}

/// A directory of the sandbox's own under `target/`, created if need be.
pub fn directory(name: &str) -> Result<PathBuf> {
    let path = target()?.join("sandbox").join(name);
    fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(path)
}

/// A path as short as it can be said from the workspace's root.
pub fn short(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

/// Keeps two sandboxes from preparing the same directory at once; released when dropped.
pub fn lock(name: &str) -> Result<File> {
    let path = directory("")?.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Cargo's target directory: this binary lies in it, under the profile's name.
fn target() -> Result<PathBuf> {
    let own = std::env::current_exe().context("the path of this program")?;
    let profile = own.ancestors().find(|path| path.ends_with("debug") || path.ends_with("release"));
    let target = profile.and_then(Path::parent).map(Path::to_owned);
    Ok(target.unwrap_or_else(|| workspace().join("target")))
}
