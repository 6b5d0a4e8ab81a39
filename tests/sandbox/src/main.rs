//! `cargo sandbox`: the whole system on this machine, and a journey through it.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use sandbox::report::{Report, seen};
use sandbox::sandbox::{Options, Sandbox};
use sandbox::{burst, drifts, journey, large, lifecycle, rotations};
use tokio::signal::unix::{SignalKind, signal};

mod keep;

const HELP: &str = "\
The whole system on this machine: the vendor's simulator, an AWS emulator, the deployed template
and the real functions, all on loopback.

  cargo sandbox                 starts it, drives the journey through it, stops it; ends well only
                                if every expectation held
  cargo sandbox -- --rotations  the same with another story: 20 customers are rotated 10 times each
                                while their documents are submitted without pause (minutes)
  cargo sandbox -- --burst      another: 2,000 documents of 20 customers, many more than the vendor
                                takes at once, 620 of them one customer's (minutes)
  cargo sandbox -- --drifts     another: every kind of drift that a reconciliation can find is made by
                                hand, found, and repaired or undone (a minute or two)
  cargo sandbox -- --stack      another: the stack is changed in place, a second one is refused, it is
                                removed, and nothing that holds data goes (a minute)
  cargo sandbox -- --large 1GB  the same with one document of that size (KB, MB, GB), from a file that is
                                made under target/ for it
  cargo sandbox -- --keep       starts it, says how to send events and files, stays until Ctrl-C
  cargo sandbox -- --help       this text
";

/// What is done with the sandbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Story {
    Journey,
    Rotations,
    Burst,
    Drifts,
    Lifecycle,
    Large(u64),
    Keep,
}

impl Story {
    /// What its recording is called.
    fn name(self) -> &'static str {
        match self {
            Self::Journey => "journey",
            Self::Rotations => "rotations",
            Self::Burst => "burst",
            Self::Drifts => "drifts",
            Self::Lifecycle => "stack",
            Self::Large(_) => "large",
            Self::Keep => "keep",
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let story = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Story::Journey,
        ["--rotations"] => Story::Rotations,
        ["--burst"] => Story::Burst,
        ["--drifts"] => Story::Drifts,
        ["--stack"] => Story::Lifecycle,
        ["--large", size] => match large::size(size) {
            Ok(bytes) => Story::Large(bytes),
            Err(error) => {
                eprintln!("--large: {error:#}");
                return ExitCode::from(2);
            }
        },
        ["--keep"] => Story::Keep,
        ["--help" | "-h"] => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("unknown: {}\n\n{HELP}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    tokio::select! {
        outcome = run(story) => outcome.unwrap_or_else(|error| {
            eprintln!("\nThe sandbox failed: {error:#}");
            ExitCode::FAILURE
        }),
        () = interrupted() => {
            eprintln!("\nStopped.");
            ExitCode::from(130)
        }
    }
}

async fn run(story: Story) -> Result<ExitCode> {
    let began = Instant::now();
    let options = match story {
        Story::Rotations => rotations::options(),
        Story::Burst => burst::options(),
        Story::Drifts => drifts::options(),
        Story::Journey | Story::Lifecycle | Story::Large(_) | Story::Keep => Options::default(),
    };
    let sandbox = Sandbox::start(options).await?;
    let mut report = Report::default();
    match story {
        Story::Journey => journey::run(&sandbox, &mut report).await,
        Story::Rotations => rotations::run(&sandbox, &mut report).await,
        Story::Burst => burst::run(&sandbox, &mut report).await,
        Story::Drifts => drifts::run(&sandbox, &mut report).await,
        Story::Lifecycle => lifecycle::run(&sandbox, &mut report).await,
        Story::Large(bytes) => large::run(&sandbox, &mut report, bytes).await,
        Story::Keep => {
            keep::instructions(&sandbox);
            keep::show_events(&sandbox).await;
        }
    }
    sandbox.write_calls(story.name())?;
    let log = sandbox.log_path();
    let stopped = async { sandbox.stop().await.map(|()| seen("none")) };
    report.expect("no process is left", stopped).await;
    report.print(began.elapsed());
    if report.held() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("What the functions logged is in {log}, and their AWS calls beside it.");
    Ok(ExitCode::FAILURE)
}

/// Ctrl-C, or the request of a supervisor. What runs is dropped, and that ends every process.
async fn interrupted() {
    let interrupt = signal(SignalKind::interrupt()).context("SIGINT");
    let terminate = signal(SignalKind::terminate()).context("SIGTERM");
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
