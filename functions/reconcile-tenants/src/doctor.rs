//! The doctor: says why an integration does not work, and what to do about it.
//!
//! It looks at everything that a deployment needs, each thing for itself, so that one that is wrong hides no
//! other. It changes nothing, asks for tokens and shows none.
//!
//! | module | checks |
//! |---|---|
//! | `premises` | `CONFIGURATION`, `STAGE_CONSISTENT` |
//! | `organization` | `ORGANIZATION_SECRET`, `ORGANIZATION_TOKEN`, `ORGANIZATION_SCOPES` |
//! | `cells` | `CELL_REACHABLE`, `CLOCK_SKEW` |
//! | `roster` | `TENANT_NAMES`, `QUOTA` |
//! | `credentials` | `CUSTOMER_CREDENTIAL`, `ROTATION` |
//! | `resources`, `bucket` | `QUEUES`, `TABLES`, `BUCKET` |
//!
//! `PERMISSIONS` gathers the calls that AWS denied to any of them. `desk` has the doctor answer also where
//! the function cannot work, `table` shows it all to a person.

mod bucket;
mod cells;
mod check;
mod credentials;
mod desk;
mod organization;
mod premises;
mod resources;
mod roster;
mod table;

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use jiff::Timestamp;
use registry::Registry;
use resistant::Vendor;
use serde_json::{Value, json};
use shared_core::request::DoctorRequest;
use vault::{SigningKeys, Vault};

pub use check::{Check, Code, Outcome};
pub use desk::Desk;
pub use premises::Premises;

/// The longest time for one call to the vendor: whoever asks waits for the answer, and the AWS CLI waits a minute.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The doctor of one deployment.
#[derive(Debug)]
pub struct Doctor {
    premises: Premises,
    aws: SdkConfig,
}

/// What one look works with. `None` is what the premises do not suffice for.
struct Site<'a> {
    premises: &'a Premises,
    aws: &'a SdkConfig,
    registry: Option<Registry>,
    vault: Option<Vault>,
    keys: SigningKeys,
    vendor: Option<Vendor>,
    now: Box<dyn Fn() -> Timestamp + Send + Sync + 'a>,
}

impl Doctor {
    /// The doctor of these premises.
    pub fn new(premises: Premises, aws: SdkConfig) -> Self {
        Self { premises, aws }
    }

    /// Looks at everything, the worst first. No call outlives `deadline`.
    pub async fn examine(
        &self,
        request: &DoctorRequest,
        deadline: Instant,
        now: impl Fn() -> Timestamp + Send + Sync,
    ) -> Vec<Check> {
        let site = self.site(deadline, Box::new(now));
        let (mut checks, wanted) = (self.premises.checks(), request.customer_id.as_ref());
        let (organization, cells, roster, resources) = tokio::join!(
            organization::examine(&site),
            cells::examine(&site),
            roster::Roster::read(&site),
            resources::examine(&site),
        );
        let tenants = organization.tenants.as_deref();
        let client = organization.client_id.as_ref();
        let credentials = credentials::examine(&site, wanted, &roster, client).await;
        checks.extend(cells);
        checks.extend(credentials);
        checks.extend(roster.names(tenants));
        checks.push(roster::quota(tenants, self.premises.quota));
        checks.extend(organization.checks);
        checks.extend(resources);
        checks.push(permissions(&checks));
        checks.sort_by_key(|check| (check.result, check.code));
        checks
    }

    fn site<'a>(&'a self, deadline: Instant, now: Box<dyn Fn() -> Timestamp + Send + Sync + 'a>) -> Site<'a> {
        let premises = &self.premises;
        let table = premises.customers_table.as_ref();
        let vendor = premises.endpoints.clone().and_then(|endpoints| Vendor::new(endpoints).ok());
        Site {
            premises,
            aws: &self.aws,
            registry: table.map(|table| Registry::new(&self.aws, table)),
            vault: premises.secret_prefix.clone().map(|prefix| Vault::new(&self.aws, prefix)),
            keys: SigningKeys::new(&self.aws),
            vendor: vendor.map(|vendor| vendor.with_timeout(CALL_TIMEOUT).with_deadline(deadline)),
            now,
        }
    }
}

/// `PERMISSIONS`: every call that was denied, in one place.
fn permissions(checks: &[Check]) -> Check {
    let denied: Vec<String> = checks
        .iter()
        .filter_map(|check| Some(format!("{} ({})", check.denied.as_deref()?, check.code.as_str())))
        .collect();
    match denied.is_empty() {
        true => Check::ok(Code::Permissions, "AWS denied no call of these checks"),
        false => Check::problem(
            Code::Permissions,
            format!("AWS denied {}", denied.join(", ")),
            "deploy infra/template.yaml as it is, or add these actions to this function's role",
        ),
    }
}

/// What the caller is answered: the checks for a machine, the table for a person.
fn answer(checks: &[Check]) -> Value {
    json!({ "checks": checks, "table": table::render(checks) })
}

/// How it went, in a few words.
fn outcome(checks: &[Check]) -> String {
    let count = |result| checks.iter().filter(|check| check.result == result).count();
    match (count(Outcome::Problem), count(Outcome::Warning)) {
        (0, 0) => "healthy".to_owned(),
        (problems, warnings) => format!("{problems} problems, {warnings} warnings"),
    }
}
