//! The function's environment variables.

use std::time::Duration;

use lifecycle::{Deployment, Rules};
use runtime::environment::{Environment, Misconfigured, number, seconds, text};

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the functions of the control plane have in common.
    pub deployment: Deployment,
    /// `DOCUMENTS_TABLE`
    pub documents_table: String,
    /// `QUEUE_URL`: the function's own queue, for messages that wait.
    pub queue_url: String,
    /// `SETTLE_SECONDS` (default 60), `CREDENTIAL_CACHE_SECONDS` (default 300),
    /// `OFFBOARDINGS_PER_HOUR` (default 5), `RECOVERY_WINDOW_DAYS` (default 30).
    pub rules: Rules,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`Misconfigured`], with every variable that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let mut reading = environment.reading();
        let deployment = Deployment::read(&mut reading);
        let documents_table = reading.required("DOCUMENTS_TABLE", text);
        let queue_url = reading.required("QUEUE_URL", text);
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        let cache = reading.optional("CREDENTIAL_CACHE_SECONDS", Duration::from_secs(300), seconds(0..=3600));
        let most = reading.optional("OFFBOARDINGS_PER_HOUR", 5, number(0..=100_000));
        let window = reading.optional("RECOVERY_WINDOW_DAYS", 30, number(7..=30));
        reading.finish(|| {
            Some(Self {
                deployment: deployment?,
                documents_table: documents_table?,
                queue_url: queue_url?,
                rules: Rules {
                    settle: settle?,
                    reader_cache: cache?,
                    offboardings_an_hour: most?,
                    recovery_window_days: window?,
                    ..Rules::default()
                },
            })
        })
    }
}
