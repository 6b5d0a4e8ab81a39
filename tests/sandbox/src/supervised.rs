//! A child process with everything it starts, which cannot outlive the sandbox.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// A process group under the care of `supervise.py`, which kills it when this value, or the whole
/// sandbox, is gone: the kernel closes the pipe however that came about.
pub struct Supervised {
    supervisor: Child,
    pipe: Option<ChildStdin>,
    group: u32,
}

impl Supervised {
    /// Starts `python -m <module>` with nothing in its environment but `variables`.
    pub fn python_module(
        python: &Path,
        module: &str,
        variables: &[(String, String)],
        log: &Path,
    ) -> Result<Self> {
        let log = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
        let mut command = Command::new(python);
        command.arg("-c").arg(include_str!("../python/supervise.py"));
        command.arg(python).args(["-m", module]);
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let mut supervisor = command.spawn().with_context(|| format!("cannot start {module}"))?;
        let pipe = supervisor.stdin.take();
        let group = supervisor.id().context("the supervisor ended at once")?;
        Ok(Self { supervisor, pipe, group })
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> bool {
        !matches!(self.supervisor.try_wait(), Ok(None))
    }

    /// Ends the group and makes sure of it.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.pipe.take());
        if timeout(Duration::from_secs(10), self.supervisor.wait()).await.is_err() {
            bail!("process group {} did not end", self.group);
        }
        self.gone().await
    }

    /// Killed processes take a moment to be gone.
    async fn gone(&self) -> Result<()> {
        for _ in 0..200 {
            if processes_of(self.group).is_empty() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        bail!("processes {:?} of group {} are left", processes_of(self.group), self.group)
    }
}

impl Drop for Supervised {
    /// Closes the pipe and gives the supervisor the time it takes to end the group.
    fn drop(&mut self) {
        drop(self.pipe.take());
        for _ in 0..200 {
            if self.ended() {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }
}

/// The living processes of a group, where the system shows them in `/proc`.
fn processes_of(group: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| in_group(*id, group)).collect()
}

/// `/proc/<id>/stat` is: id, (name), state, parent, group, …; the name may hold anything.
fn in_group(id: u32, group: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
    let Some((_, rest)) = stat.rsplit_once(") ") else { return false };
    let fields: Vec<_> = rest.split(' ').collect();
    fields[0] != "Z" && fields.get(2).is_some_and(|field| field.parse() == Ok(group))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Supervised, processes_of};

    /// A module that starts a child of its own and ignores the request to end.
    fn stubborn(directory: &Path) -> Supervised {
        let text = "import signal, subprocess, time\n\
            signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
            subprocess.Popen(['sleep', '600'])\n\
            time.sleep(600)\n";
        std::fs::write(directory.join("stubborn.py"), text).unwrap();
        let path = std::env::var("PATH").unwrap();
        let variables =
            [("PYTHONPATH".to_owned(), directory.display().to_string()), ("PATH".to_owned(), path)];
        Supervised::python_module(Path::new("python3"), "stubborn", &variables, &directory.join("log"))
            .unwrap()
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_stop_leaves_no_grandchild() {
        let directory = tempfile::tempdir().unwrap();
        let supervised = stubborn(directory.path());
        let group = supervised.group;
        until(|| processes_of(group).len() == 3).await;
        supervised.stop().await.unwrap();
        assert_eq!(processes_of(group), Vec::<u32>::new());
    }

    #[tokio::test]
    async fn losing_the_pipe_is_a_stop() {
        let directory = tempfile::tempdir().unwrap();
        let supervised = stubborn(directory.path());
        let group = supervised.group;
        until(|| processes_of(group).len() == 3).await;
        drop(supervised);
        until(|| processes_of(group).is_empty()).await;
    }
}
