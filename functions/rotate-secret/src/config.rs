//! The function's environment variables.

use std::str::FromStr as _;
use std::time::Duration;

use lifecycle::{Organization, Rules};
use runtime::environment::{Environment, Misconfigured, seconds, text};
use vault::Prefix;

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// `STAGE`, `ORGANIZATION_TOKEN_URL`, `ORGANIZATION_SECRET_ID`, and `RESISTANT_LOCAL_URL` in local runs.
    pub organization: Organization,
    /// `EVENT_BUS_NAME`
    pub bus_name: String,
    /// `CUSTOMERS_TABLE`
    pub customers_table: String,
    /// `SECRET_PREFIX`
    pub secret_prefix: Prefix,
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
        let organization = Organization::read(&mut reading);
        let bus_name = reading.required("EVENT_BUS_NAME", text);
        let customers_table = reading.required("CUSTOMERS_TABLE", text);
        let secret_prefix = reading.required("SECRET_PREFIX", Prefix::from_str);
        let sealing_key_id = reading.required("SEALING_KEY_ID", text);
        let overlap = reading.optional("OVERLAP_SECONDS", Duration::from_secs(7200), seconds(0..=604_800));
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        reading.finish(|| {
            Some(Self {
                organization: organization?,
                bus_name: bus_name?,
                customers_table: customers_table?,
                secret_prefix: secret_prefix?,
                sealing_key_id: sealing_key_id?,
                rules: Rules { settle: settle?, overlap: overlap?, ..Rules::default() },
            })
        })
    }
}
