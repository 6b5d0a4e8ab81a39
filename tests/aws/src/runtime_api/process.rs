//! Process groups: started, signalled, killed, listened to.

use std::path::Path;
use std::process::{Command as Now, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// The lines that a function has written, of all its processes.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no holder panics").clone()
    }

    async fn read(self, stream: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(stream).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8_lossy(&line).into_owned();
            self.lines.lock().expect("no holder panics").push(line);
        }
    }
}

/// A process group, by the id of its first process. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Group {
    id: u32,
}

impl Group {
    /// Starts a program in a group of its own, with exactly this environment.
    pub(super) fn start(
        program: &Path,
        environment: &[(String, String)],
        log: &Log,
    ) -> anyhow::Result<(Self, Child)> {
        let mut child = Command::new(program)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let id = child.id().context("it has ended already")?;
        for stream in [child.stdout.take().map(reader), child.stderr.take().map(reader)].into_iter().flatten()
        {
            // Ends with the pipe's last writer, and the group does not outlive this.
            tokio::spawn(log.clone().read(stream));
        }
        Ok((Self { id }, child))
    }

    /// The id of the group, and of its first process.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Sends a signal to every process of the group: `KILL`, `STOP`, `CONT`.
    pub(super) fn signal(&self, signal: &str) {
        // `unsafe` is forbidden here, so that the shell's tool does it. A group that is gone already
        // is what is wanted of KILL, and not worth a word otherwise.
        let mut kill = Now::new("kill");
        kill.args([&format!("-{signal}"), "--", &format!("-{}", self.id)]);
        drop(kill.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal("KILL");
    }
}

fn reader(stream: impl AsyncRead + Send + Unpin + 'static) -> Box<dyn AsyncRead + Send + Unpin> {
    Box::new(stream)
}
