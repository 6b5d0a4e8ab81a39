//! The function's environment variables.

use std::str::FromStr as _;
use std::time::Duration;

use lifecycle::{Deployment, Rules, Terms};
use runtime::environment::{Environment, Misconfigured, list, number, seconds, text};
use shared_core::ids::InstallationId;
use shared_core::place::Cell;
use vault::{Region, Schedule};

/// What the function is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the functions of the control plane have in common.
    pub deployment: Deployment,
    /// `INSTALLATION_ID`, and `TENANT_QUOTA` (default 20).
    pub terms: Terms,
    /// `CELLS`: those that this deployment serves.
    pub cells: Vec<Cell>,
    /// `SECRETS_KEY_ID`: the KMS key that secrets are encrypted under.
    pub secrets_key_id: String,
    /// `REPLICA_REGIONS` (default none): where else secrets are, for data planes there.
    pub replica_regions: Vec<Region>,
    /// `SEALING_KEY_ID`: the KMS key that new private keys are sealed under.
    pub sealing_key_id: String,
    /// `ROTATION_FUNCTION_ARN`, and `ROTATION_DAYS` (default 30).
    pub schedule: Schedule,
    /// `DOCUMENTS_TABLE`: what is open of a customer whose removal an onboarding finishes.
    pub documents_table: String,
    /// `QUEUE_URL`: the function's own queue, for messages that wait.
    pub queue_url: String,
    /// `SETTLE_SECONDS` (default 60), and `RECOVERY_WINDOW_DAYS` (default 30) for what is undone.
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
        let installation = reading.required("INSTALLATION_ID", InstallationId::from_str);
        let quota = reading.optional("TENANT_QUOTA", 20, number(1..=1_000_000));
        let cells = reading.required("CELLS", list(Cell::from_str));
        if let (Some(deployment), Some(cells)) = (&deployment, &cells)
            && let Some(foreign) =
                cells.iter().find(|cell| !deployment.organization.endpoints.stage().has(**cell))
        {
            reading.problem("CELLS", foreign.as_str(), "the testing stage exists in `eu-1` only");
        }
        let secrets_key_id = reading.required("SECRETS_KEY_ID", text);
        let replica_regions = reading.optional("REPLICA_REGIONS", Vec::new(), regions);
        let sealing_key_id = reading.required("SEALING_KEY_ID", text);
        let function_arn = reading.required("ROTATION_FUNCTION_ARN", text);
        let every_days = reading.optional("ROTATION_DAYS", 30, number(1..=999));
        let documents_table = reading.required("DOCUMENTS_TABLE", text);
        let queue_url = reading.required("QUEUE_URL", text);
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        let window = reading.optional("RECOVERY_WINDOW_DAYS", 30, number(7..=30));
        reading.finish(|| {
            Some(Self {
                deployment: deployment?,
                terms: Terms { installation: installation?, quota: quota? },
                cells: cells?,
                secrets_key_id: secrets_key_id?,
                replica_regions: replica_regions?,
                sealing_key_id: sealing_key_id?,
                schedule: Schedule { function_arn: function_arn?, every_days: every_days? },
                documents_table: documents_table?,
                queue_url: queue_url?,
                rules: Rules { settle: settle?, recovery_window_days: window?, ..Rules::default() },
            })
        })
    }
}

/// Regions, comma-separated. None at all is written as nothing.
fn regions(text: &str) -> Result<Vec<Region>, &'static str> {
    text.split(',').map(str::trim).filter(|region| !region.is_empty()).map(Region::from_str).collect()
}
