//! The function's environment variables.

use std::str::FromStr as _;
use std::time::Duration;

use lifecycle::{Organization, Rules};
use runtime::environment::{Environment, Misconfigured, number, seconds, text};
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
    /// `QUEUE_URL`: the function's own queue, for messages that wait.
    pub queue_url: String,
    /// `SETTLE_SECONDS` (default 60), `CREDENTIAL_CACHE_SECONDS` (default 300),
    /// `RECOVERY_WINDOW_DAYS` (default 30).
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
        let queue_url = reading.required("QUEUE_URL", text);
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        let cache = reading.optional("CREDENTIAL_CACHE_SECONDS", Duration::from_secs(300), seconds(0..=3600));
        let window = reading.optional("RECOVERY_WINDOW_DAYS", 30, number(7..=30));
        reading.finish(|| {
            Some(Self {
                organization: organization?,
                bus_name: bus_name?,
                customers_table: customers_table?,
                secret_prefix: secret_prefix?,
                queue_url: queue_url?,
                rules: Rules {
                    settle: settle?,
                    reader_cache: cache?,
                    recovery_window_days: window?,
                    ..Rules::default()
                },
            })
        })
    }
}
