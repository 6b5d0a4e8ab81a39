//! Secrets Manager, as its documentation describes it.
//!
//! Each rule stands beside its source: `API_…` is a page of the AWS Secrets Manager API Reference,
//! "User Guide" a page of the AWS Secrets Manager User Guide. Where neither says anything, the comment
//! says so. `tests/rules/RULES.md` has them all in one table, each with a check. Not modelled: `cron()` schedules (refused), rotation windows, resource policies, the time that
//! a change takes to its replicas, external secrets, request rates, and the eventual consistency of `ListSecrets`. Callers are not
//! authenticated.
//!
//! | module | holds |
//! |---|---|
//! | `versions` | versions and staging labels: the rules that rotations depend on |
//! | `store` | all secrets; names, ARNs and partial ARNs |
//! | `values`, `metadata`, `deletion`, `replication`, `rotate` | the operations |
//! | `state`, `runner` | rotations: what runs, what came of it, the calls |
//! | `server` | HTTP, and what tests may ask in the process |
//! | `account` | the same without a server |

mod account;
mod clock;
mod deletion;
mod error;
mod input;
mod metadata;
mod operations;
mod replication;
mod rotate;
mod rotation;
mod runner;
mod schedule;
mod server;
mod state;
mod store;
mod values;
mod versions;
mod view;

pub use account::{Account, Begun, Refused};
pub use rotate::Preflight;
pub use rotation::{Cause, End, Rotation, Step, StepOutcome};
pub use server::{SecretsManager, Settings};
pub use view::{SecretState, VersionState};
