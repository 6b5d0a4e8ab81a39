//! The main job from end to end, through the deployed template and the real bootstraps: nothing here
//! calls a function's code.

pub(crate) mod audit;
mod doctor;
pub(crate) mod documents;
mod forms;
mod offboarding;
pub(crate) mod onboarding;
mod reconciliation;
mod refusals;
pub(crate) mod requests;
mod results;
pub(crate) mod rotation;
mod watching;

use std::time::Duration;

use crate::report::Report;
use crate::sandbox::Sandbox;

/// How long an event may take to come. Generous: a slow machine is no failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Two cells and key pairs, as most customers are.
const ACME: &str = "acme";

/// One cell and a client secret.
const ZENITH: &str = "zenith_7";

/// A customer as the journey goes on.
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) cells: Vec<String>,
}

/// Everything in order. The report says what held.
pub async fn run(sandbox: &Sandbox, report: &mut Report) {
    let customers = onboarding::customers_are_signed(sandbox, report).await;
    onboarding::the_same_request_again(sandbox, report).await;
    doctor::the_deployment_is_looked_over(sandbox, report).await;
    documents::documents_land(sandbox, report, &customers).await;
    forms::keys_and_envelopes(sandbox, report, &customers).await;
    results::verdicts_come_back(sandbox, report, &customers).await;
    rotation::a_credential_is_rotated(sandbox, report, &customers).await;
    refusals::bad_requests(sandbox, report).await;
    refusals::bad_documents(sandbox, report).await;
    reconciliation::vendor_and_record_agree(sandbox, report, customers.len()).await;
    offboarding::customers_leave(sandbox, report, &customers).await;
    audit::nothing_is_left(sandbox, report).await;
    watching::everything_was_told(sandbox, report).await;
}
