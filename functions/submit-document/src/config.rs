//! The function's environment variables.

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::time::Duration;

use resistant::{Endpoints, Pipeline};
use runtime::environment::{Environment, Misconfigured, account, seconds, text};
use shared_core::ids::{Invalid, TenantId};
use shared_core::place::Stage;
use vault::Prefix;

use crate::FirstLook;
use crate::metadata::{Defaults, yes_or_no};

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// `STAGE`, and `RESISTANT_LOCAL_URL` in local runs.
    pub endpoints: Endpoints,
    /// `EVENT_BUS_NAME`
    pub bus_name: String,
    /// `CUSTOMERS_TABLE`
    pub customers_table: String,
    /// `DOCUMENTS_TABLE`
    pub documents_table: String,
    /// `DOCUMENTS_BUCKET`
    pub bucket: String,
    /// `BUCKET_OWNER`: the account that owns the bucket, checked at every call.
    pub bucket_owner: String,
    /// `SECRET_PREFIX`
    pub secret_prefix: Prefix,
    /// `QUEUE_URL`: the function's own queue, for messages that wait.
    pub queue_url: String,
    /// `RESULTS_QUEUE_URL`: the queue of `collect-result`, which a first look at each result goes to.
    pub results_queue_url: String,
    /// `FIRST_LOOK_SECONDS` (default 10) and `NOTIFIED_TENANTS` (default none): when results are looked for
    /// first, and the tenants of whose results the vendor tells by itself.
    pub first_look: FirstLook,
    /// `CREDENTIAL_CACHE_SECONDS` (default 300): how long a credential and a customer are kept.
    pub cache: Duration,
    /// `PIPELINE_CONFIGURATION` (default `FRAUD_ONLY`) and `ENABLE_DECISION` (default `false`): what
    /// is asked for where an object's metadata and tags do not say.
    pub defaults: Defaults,
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
        let customers_table = reading.required("CUSTOMERS_TABLE", text);
        let documents_table = reading.required("DOCUMENTS_TABLE", text);
        let bucket = reading.required("DOCUMENTS_BUCKET", text);
        let bucket_owner = reading.required("BUCKET_OWNER", account);
        let secret_prefix = reading.required("SECRET_PREFIX", Prefix::from_str);
        let queue_url = reading.required("QUEUE_URL", text);
        let results_queue_url = reading.required("RESULTS_QUEUE_URL", text);
        let after = reading.optional("FIRST_LOOK_SECONDS", Duration::from_secs(10), seconds(0..=900));
        let notified = reading.optional("NOTIFIED_TENANTS", BTreeSet::new(), tenants);
        let cache = reading.optional("CREDENTIAL_CACHE_SECONDS", Duration::from_secs(300), seconds(0..=3600));
        let pipeline = reading.optional("PIPELINE_CONFIGURATION", Pipeline::default(), Pipeline::from_str);
        let decision = reading.optional("ENABLE_DECISION", false, yes_or_no);
        reading.finish(|| {
            Some(Self {
                endpoints: local?.unwrap_or(Endpoints::new(stage?)),
                bus_name: bus_name?,
                customers_table: customers_table?,
                documents_table: documents_table?,
                bucket: bucket?,
                bucket_owner: bucket_owner?,
                secret_prefix: secret_prefix?,
                queue_url: queue_url?,
                results_queue_url: results_queue_url?,
                first_look: FirstLook { after: after?, notified: notified? },
                cache: cache?,
                defaults: Defaults { pipeline: pipeline?, decision: decision? },
            })
        })
    }
}

/// Tenants' ids, comma-separated. None at all is written as nothing.
fn tenants(text: &str) -> Result<BTreeSet<TenantId>, String> {
    let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty());
    ids.map(|id| id.parse().map_err(|error: Invalid| error.to_string())).collect()
}
