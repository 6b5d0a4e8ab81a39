//! The function's environment variables.

use std::time::Duration;

use lifecycle::{Deployment, Rules};
use runtime::environment::{Environment, Misconfigured, seconds, text};

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the functions of the control plane have in common.
    pub deployment: Deployment,
    /// `SEALING_KEY_ID`: the KMS key that new private keys are sealed under.
    pub sealing_key_id: String,
    /// `OVERLAP_SECONDS` (default 7200): how long a replaced application lives on. At least the
    /// longest life of a token, the readers' cache and a margin. `SETTLE_SECONDS` (default 60).
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
        let sealing_key_id = reading.required("SEALING_KEY_ID", text);
        let overlap = reading.optional("OVERLAP_SECONDS", Duration::from_secs(7200), seconds(0..=604_800));
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        reading.finish(|| {
            Some(Self {
                deployment: deployment?,
                sealing_key_id: sealing_key_id?,
                rules: Rules { settle: settle?, overlap: overlap?, ..Rules::default() },
            })
        })
    }
}
