//! The process's environment: the only place that reads it.

pub use shared_core::settings::*;

/// The process's variables.
#[expect(clippy::disallowed_methods, reason = "the one place that reads them")]
pub fn process() -> Environment {
    Environment::new(|name| std::env::var(name).ok())
}
