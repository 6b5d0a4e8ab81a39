//! Lambda on this machine: real `bootstrap` binaries under a Runtime API, and an Invoke API before them.
//!
//! It speaks the Runtime API of 2018-06-01 (Lambda Developer Guide, runtimes-api), one execution
//! environment a process and one event at a time in each, as Lambda does. Unlike Lambda it can be told
//! to kill, freeze and thaw. Not modelled: memory limits, CPU shares, and the retries of asynchronous
//! invocations.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use aws_parts::runtime_api::{FunctionSettings, Lambda, Outcome};
//!
//! let lambda = Lambda::start().await?;
//! lambda.add(FunctionSettings::new("rotate-secret", "target/lambda/rotate-secret/bootstrap"));
//! let outcome = lambda.invoke("rotate-secret", b"{}").await?;
//! assert!(matches!(outcome, Outcome::Answered(_)));
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `lambda` | the functions and the Invoke API |
//! | `function` | one function and its environments |
//! | `environment` | one process under its Runtime API |
//! | `api` | the Runtime API's four resources |
//! | `process` | starting, signalling and killing process groups; their output |
//! | `batch` | which messages of a batch return to their queue |

mod api;
mod batch;
mod environment;
mod function;
mod lambda;
mod process;

pub use batch::returning;
pub use function::{Function, FunctionSettings, Outcome};
pub use lambda::Lambda;
