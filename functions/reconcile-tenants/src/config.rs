//! The function's environment variables.

use std::str::FromStr as _;
use std::time::Duration;

use lifecycle::{Deployment, Rules};
use runtime::environment::{Environment, Misconfigured, list, number, seconds, text};
use shared_core::ids::InstallationId;
use vault::Schedule;

use crate::reconcile::facts::Terms;

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the functions of the control plane have in common.
    pub deployment: Deployment,
    /// `OVERLAP_SECONDS` (default 7200): how long a replaced application lives on. `SETTLE_SECONDS`
    /// (default 60).
    pub rules: Rules,
    /// `INSTALLATION_ID`, `TENANT_QUOTA` (default 20), `ROTATION_FUNCTION_ARN`, `ROTATION_DAYS` (default 30),
    /// `REPORTS_BUCKET` and `DEAD_LETTER_QUEUE_URLS`.
    pub terms: Terms,
    /// `DOCUMENTS_TABLE`: what customers wait for.
    pub documents_table: String,
    /// `BUCKET_OWNER`: the account that owns the bucket of reports.
    pub bucket_owner: String,
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
        let installation = reading.required("INSTALLATION_ID", InstallationId::from_str);
        let quota = reading.optional("TENANT_QUOTA", 20, number(1..=1_000_000));
        let function_arn = reading.required("ROTATION_FUNCTION_ARN", text);
        let every_days = reading.optional("ROTATION_DAYS", 30, number(1..=999));
        let reports_bucket = reading.required("REPORTS_BUCKET", text);
        let bucket_owner = reading.required("BUCKET_OWNER", text);
        let documents_table = reading.required("DOCUMENTS_TABLE", text);
        let dead_letters = reading.required("DEAD_LETTER_QUEUE_URLS", list(text));
        reading.finish(|| {
            let deployment = deployment?;
            let terms = Terms {
                installation: installation?,
                quota: quota?,
                schedule: Schedule { function_arn: function_arn?, every_days: every_days? },
                bus_name: deployment.bus_name.clone(),
                reports_bucket: reports_bucket?,
                dead_letters: dead_letters?,
            };
            let rules = Rules { settle: settle?, overlap: overlap?, ..Rules::default() };
            Some(Self {
                deployment,
                rules,
                terms,
                documents_table: documents_table?,
                bucket_owner: bucket_owner?,
            })
        })
    }
}
