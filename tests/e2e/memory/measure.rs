//! How much memory a large document costs: `cargo run --example memory`.
//!
//! Builds submit-document as it is deployed, has it submit a document of 1 KB and then, in a process of
//! its own, one of 1 GB, and compares their peaks. Then the large one must pass within 64 MB, held to it
//! by a control group where one can be made. S3 makes the bytes as it sends them, and the vendor hashes and
//! drops them, so that they are nowhere whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use e2e::content::Content;
use e2e::messages::onboarding;
use e2e::world::World;

mod group;

use group::ControlGroup;

const SMALL: u64 = 1_000;
const LARGE: u64 = 1_000_000_000;

/// How much more than the small document the large one may cost.
const MOST_MORE_KB: u64 = 4 * 1024;

/// What the process may have in all.
const WITHIN_BYTES: u64 = 64 << 20;

/// How long an upload may take: as long as a function can live.
const LONGEST: Duration = Duration::from_secs(15 * 60);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let bootstrap = build()?;
    let world = World::start().await?;
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await?;
    world.secrets.rotations_ended().await;
    world.read_straight_from_s3();
    let (small, _) = peak(&world, &bootstrap, SMALL).await?;
    let (large, took) = peak(&world, &bootstrap, LARGE).await?;
    let more = large.saturating_sub(small);
    println!("{SMALL:>13} bytes: peak of {small} kB");
    println!("{LARGE:>13} bytes: peak of {large} kB, in {:.1} s", took.as_secs_f64());
    println!("{:>13} more:  {more} kB, and {MOST_MORE_KB} kB may be", "");
    let mut held = more <= MOST_MORE_KB;
    match ControlGroup::within(WITHIN_BYTES) {
        Ok(group) => {
            let confined = confined(&bootstrap, &group)?;
            let (peak, _) = peak(&world, &confined, LARGE).await?;
            println!("{LARGE:>13} bytes within {WITHIN_BYTES} bytes of memory: passed, peak of {peak} kB");
            println!("{:>13} the group's own peak: {} bytes", "", group.peak()?);
            // Nothing may run in the group when it is removed.
            drop(world);
        }
        Err(error) => {
            println!(
                "*** NOT CHECKED WITHIN {WITHIN_BYTES} BYTES: no control group can be made: {error:#} ***"
            );
        }
    }
    held &= large * 1024 <= WITHIN_BYTES;
    println!("{}", if held { "constant memory: held" } else { "constant memory: NOT SO" });
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The bootstrap, with the features and the profile of a deployment.
fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let status = cargo.args(["build", "--release", "-p", "submit-document"]).current_dir(&root).status()?;
    ensure!(status.success(), "cargo build ended with {status}");
    // This program is `<target>/<profile>/examples/memory`.
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).context("the target directory")?;
    Ok(target.join("release/submit-document"))
}

/// A program that first joins the group.
fn confined(bootstrap: &Path, group: &ControlGroup) -> Result<PathBuf> {
    let script = bootstrap.with_file_name("submit-document-confined");
    let text = format!(
        "#!/bin/sh\necho $$ > '{}' || exit 1\nexec '{}'\n",
        group.joining().display(),
        bootstrap.display()
    );
    fs::write(&script, text)?;
    let mut permissions = fs::metadata(&script)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(&script, permissions)?;
    Ok(script)
}

/// Has a new process submit a document of so many bytes; its greatest resident memory in kB, and how long
/// it took.
async fn peak(world: &World, bootstrap: &Path, size: u64) -> Result<(u64, Duration)> {
    world.change_function("submit-document", |settings| {
        settings.bootstrap = bootstrap.to_owned();
        settings.timeout = LONGEST;
    });
    let content = Content::Made(size);
    let name = bootstrap.file_name().unwrap_or_default().to_string_lossy();
    let key = format!("acme/{name}-{size}.pdf");
    let began = Instant::now();
    world.file(&key, content.clone()).await?;
    let took = began.elapsed();
    let submission = world.submissions().into_iter().find(|one| one.size == Some(size));
    let submission = submission.context("nothing of that size arrived")?;
    ensure!(submission.sha256 == Some(content.sha256()), "other bytes arrived: {submission:?}");
    let submitted =
        world.events("DocumentSubmitted").into_iter().any(|event| event["document"]["key"] == key);
    ensure!(submitted, "it was not submitted");
    let function = world.lambda.function("submit-document").context("the function")?;
    let processes = function.processes();
    let [process] = processes[..] else { anyhow::bail!("{processes:?} instead of one process") };
    Ok((resident_peak(process)?, took))
}

/// `VmHWM`, the peak resident set size (proc(5)).
fn resident_peak(process: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    line.trim().trim_end_matches(" kB").parse().context("VmHWM is no number")
}
