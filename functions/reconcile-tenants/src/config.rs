//! The function's environment variables.

use std::time::Duration;

use lifecycle::{Deployment, Rules};
use runtime::environment::{Environment, Misconfigured, seconds};

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the functions of the control plane have in common.
    pub deployment: Deployment,
    /// `OVERLAP_SECONDS` (default 7200): how long a replaced application lives on. `SETTLE_SECONDS`
    /// (default 60).
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
        let overlap = reading.optional("OVERLAP_SECONDS", Duration::from_secs(7200), seconds(0..=604_800));
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        reading.finish(|| {
            Some(Self {
                deployment: deployment?,
                rules: Rules { settle: settle?, overlap: overlap?, ..Rules::default() },
            })
        })
    }
}
