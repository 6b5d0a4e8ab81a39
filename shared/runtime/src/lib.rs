//! Everything that a function is, apart from its work.
//!
//! This is the only crate that knows the Lambda runtime. A function implements [`Handler`] for one
//! message and says with a [`Verdict`] what became of it; its `main.rs` is wiring:
//!
//! ```ignore
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> std::process::ExitCode {
//!     runtime::start(async |environment| {
//!         let config = Config::read(&environment)?;
//!         let aws = runtime::aws::config(&environment).await;
//!         let function = OnboardCustomer::new(&config, &aws);
//!         runtime::run(function, runtime::Deferral::new(&aws, &config.queue_url)).await
//!     })
//!     .await
//! }
//! ```
//!
//! | what comes in | module |
//! |---|---|
//! | variables, each with its rule | [`environment`] |
//! | any envelope, taken off | [`envelope`] |
//! | one unit of work, and how it ended | [`handler`], [`verdict`] |
//! | a batch, each record for itself | [`batch`] |
//! | "not yet": a new, delayed message | [`deferral`] |
//! | events to be announced | [`bus`] |
//! | how much waits in a queue | `backlog` |
//! | lines to be read | [`telemetry`] |
//! | lines that CloudWatch counts | [`metrics`] |

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests serve and tell the time themselves"))]

pub mod aws;
#[cfg(feature = "queue")]
pub mod backlog;
pub mod batch;
pub mod bus;
mod clock;
mod conclude;
pub mod deadline;
pub mod deferral;
mod direct;
pub mod envelope;
pub mod environment;
pub mod handler;
pub mod message;
pub mod metrics;
#[cfg(feature = "queue")]
mod queue;
mod run;
pub mod telemetry;
mod trace;
mod unit;
pub mod verdict;

#[cfg(feature = "queue")]
pub use backlog::{Backlog, Queues};
pub use bus::Bus;
pub use deadline::Deadline;
#[cfg(feature = "queue")]
pub use deferral::Deferral;
pub use deferral::{NoQueue, Parcel, Postpone};
pub use environment::{Environment, Misconfigured};
pub use handler::{Handler, Invocation, Limits};
pub use message::{Envelope, Message, ObjectCreated, Origin, Payload, Rotation, RotationStep, Unreadable};
pub use metrics::Metrics;
#[cfg(feature = "queue")]
pub use queue::Queue;
#[cfg(feature = "queue")]
pub use run::run;
pub use run::{deliver, run_direct, start};
pub use verdict::{Report, Verdict};

/// Any error, on its way to the one place that prints it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
