//! A control group with a limit of memory, of either version (cgroups(7)).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

const ROOT: &str = "/sys/fs/cgroup";

/// Removed when dropped; what ran in it must have been killed.
pub(crate) struct ControlGroup {
    directory: PathBuf,
    peak: &'static str,
}

impl ControlGroup {
    /// A group whose processes together may have so much memory, and no swap.
    pub(crate) fn within(bytes: u64) -> Result<Self> {
        let root = Path::new(ROOT);
        let name = format!("submit-document-{}", std::process::id());
        let (parent, limit, swap, peak) = if root.join("cgroup.controllers").exists() {
            (root.to_owned(), "memory.max", ("memory.swap.max", 0), "memory.peak")
        } else {
            let limits = ("memory.limit_in_bytes", ("memory.memsw.limit_in_bytes", bytes));
            (root.join("memory"), limits.0, limits.1, "memory.max_usage_in_bytes")
        };
        let directory = parent.join(name);
        fs::create_dir(&directory).with_context(|| format!("{}", directory.display()))?;
        let group = Self { directory, peak };
        group.write(limit, bytes)?;
        // A machine without swap accounting has no such file, and mostly no swap.
        if group.directory.join(swap.0).exists() {
            group.write(swap.0, swap.1)?;
        }
        Ok(group)
    }

    fn write(&self, file: &str, value: u64) -> Result<()> {
        fs::write(self.directory.join(file), value.to_string()).with_context(|| file.to_owned())
    }

    /// The file into which a process writes its id to join.
    pub(crate) fn joining(&self) -> PathBuf {
        self.directory.join("cgroup.procs")
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn peak(&self) -> Result<u64> {
        let text = fs::read_to_string(self.directory.join(self.peak)).context(self.peak)?;
        text.trim().parse().context(self.peak)
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // A killed process takes a moment to be gone, and no group with a process in it can be removed.
        for _ in 0..200 {
            if fs::remove_dir(&self.directory).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        println!("{} is left", self.directory.display());
    }
}
