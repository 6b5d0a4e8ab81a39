//! The function's environment variables.

use std::str::FromStr as _;
use std::time::Duration;

use resistant::Endpoints;
use runtime::environment::{Environment, Misconfigured, account, seconds, text};
use shared_core::place::Stage;
use vault::Prefix;

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// `STAGE`, and `RESISTANT_LOCAL_URL` in local runs.
    pub endpoints: Endpoints,
    /// `EVENT_BUS_NAME`
    pub bus_name: String,
    /// `DOCUMENTS_TABLE`
    pub documents_table: String,
    /// `RESULTS_BUCKET`: where results lie that are too large for a record.
    pub results_bucket: String,
    /// `BUCKET_OWNER`: the account that owns the bucket, checked at every call.
    pub bucket_owner: String,
    /// `SECRET_PREFIX`
    pub secret_prefix: Prefix,
    /// `QUEUE_URL`: the function's own queue, for looks that come later.
    pub queue_url: String,
    /// `CREDENTIAL_CACHE_SECONDS` (default 300): how long a credential is kept.
    pub cache: Duration,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`Misconfigured`], with every variable that is missing or malformed.
    pub fn read(environment: &Environment) -> Result<Self, Misconfigured> {
        let mut reading = environment.reading();
        let stage = reading.required("STAGE", Stage::from_str);
        let local = stage.and_then(|stage| {
            reading.maybe("RESISTANT_LOCAL_URL", |base| {
                Endpoints::local(stage, base).map_err(|error| error.to_string())
            })
        });
        let bus_name = reading.required("EVENT_BUS_NAME", text);
        let documents_table = reading.required("DOCUMENTS_TABLE", text);
        let results_bucket = reading.required("RESULTS_BUCKET", text);
        let bucket_owner = reading.required("BUCKET_OWNER", account);
        let secret_prefix = reading.required("SECRET_PREFIX", Prefix::from_str);
        let queue_url = reading.required("QUEUE_URL", text);
        let cache = reading.optional("CREDENTIAL_CACHE_SECONDS", Duration::from_secs(300), seconds(0..=3600));
        reading.finish(|| {
            Some(Self {
                endpoints: local?.unwrap_or(Endpoints::new(stage?)),
                bus_name: bus_name?,
                documents_table: documents_table?,
                results_bucket: results_bucket?,
                bucket_owner: bucket_owner?,
                secret_prefix: secret_prefix?,
                queue_url: queue_url?,
                cache: cache?,
            })
        })
    }
}
