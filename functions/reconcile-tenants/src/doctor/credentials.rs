//! Customers' credentials: what their secrets hold, whether it opens the right cell, whether it is rotated.

use futures::StreamExt as _;
use registry::RegistryError;
use resistant::{CallError, CredentialError, Probe, Vendor};
use shared_core::credential::Credential;
use shared_core::customer::{CellPhase, CellState, Customer, Phase};
use shared_core::ids::{ClientId, CustomerId};
use shared_core::place::Cell;
use vault::{Description, SecretName, Stage, Vault, VaultError};

use super::Site;
use super::check::{Check, Code};
use super::roster::Roster;

/// So many cells are looked at side by side.
const CONCURRENCY: usize = 4;

const ROTATE: &str = "have it replaced: invoke rotate-secret with SecretRotationRequested and \"force\": true \
                      (README.md, Rotating by hand)";

/// `CUSTOMER_CREDENTIAL` and `ROTATION` for each cell of the named customer, or of a few.
pub(super) async fn examine(
    site: &Site<'_>,
    wanted: Option<&CustomerId>,
    roster: &Roster,
    organization: Option<&ClientId>,
) -> Vec<Check> {
    let customers = match wanted {
        Some(id) => match named(site, id).await {
            Ok(customer) => vec![customer],
            Err(check) => return vec![check],
        },
        None => roster.a_few().cloned().collect(),
    };
    if customers.is_empty() {
        let next_step = "send CustomerOnboardingRequested (README.md, A walk through each function)";
        let codes = [Code::CustomerCredential, Code::Rotation];
        return codes.map(|code| Check::skipped(code, "there is no active customer", next_step)).into();
    }
    let mut looks = Vec::new();
    for customer in &customers {
        for (cell, state) in &customer.cells {
            looks.push(one_cell(site, organization, customer, *cell, state));
        }
    }
    let checks: Vec<Vec<Check>> = futures::stream::iter(looks).buffered(CONCURRENCY).collect().await;
    checks.concat()
}

async fn named(site: &Site<'_>, id: &CustomerId) -> Result<Customer, Check> {
    let code = Code::CustomerCredential;
    let Some(registry) = &site.registry else {
        let seen = "CUSTOMERS_TABLE cannot be used";
        return Err(Check::skipped(code, seen, "first what CONFIGURATION says").of(id.as_str()));
    };
    let problem = |seen: String, next_step: &str| Err(Check::problem(code, seen, next_step).of(id.as_str()));
    match registry.customer(id).await {
        Ok(customer) => match customer.phase {
            Phase::Absent => problem(
                "no such customer is recorded".to_owned(),
                "is the id right? Else send CustomerOnboardingRequested",
            ),
            Phase::Failed => {
                let why = customer.failure.map(|failure| failure.explanation).unwrap_or_default();
                problem(
                    format!("its onboarding failed: {why}"),
                    "mend that, and send CustomerOnboardingRequested again",
                )
            }
            Phase::Offboarding | Phase::Offboarded => problem(
                "it has left, or is leaving".to_owned(),
                "send CustomerOnboardingRequested if it comes back",
            ),
            Phase::Onboarding | Phase::Active => Ok(customer),
        },
        Err(error) => {
            let permission = match error {
                RegistryError::Unreadable { .. } => "",
                _ => "dynamodb:GetItem",
            };
            Err(Check::failed(code, permission, &error, "look at TENANT_NAMES").of(id.as_str()))
        }
    }
}

async fn one_cell(
    site: &Site<'_>,
    organization: Option<&ClientId>,
    customer: &Customer,
    cell: Cell,
    state: &CellState,
) -> Vec<Check> {
    let subject = format!("{}/{cell}", customer.customer_id);
    let checks = match state.phase {
        CellPhase::Active => match &site.vault {
            Some(vault) => {
                let name = vault.prefix().secret_name(&customer.customer_id, cell);
                let case = Case { site, organization, customer, state, vault, name: &name };
                let (credential, rotation) = tokio::join!(case.credential(), case.rotation());
                vec![credential.unwrap_or_else(|wrong| wrong), rotation]
            }
            None => vec![Check::skipped(
                Code::CustomerCredential,
                "SECRET_PREFIX cannot be used",
                "first what CONFIGURATION says",
            )],
        },
        CellPhase::Provisioning => vec![Check::warning(
            Code::CustomerCredential,
            "the cell is still being made",
            "wait; if it stays so, look at onboard-customer's log and at its dead letters",
        )],
        CellPhase::Failed => {
            let why =
                state.failure.as_ref().map_or("no reason recorded", |failure| failure.explanation.as_str());
            let seen = format!("the cell could not be had: {why}");
            vec![Check::problem(
                Code::CustomerCredential,
                seen,
                "mend that, and send CustomerOnboardingRequested again",
            )]
        }
    };
    checks.into_iter().map(|check| check.of(subject.as_str())).collect()
}

/// One active cell of one customer.
struct Case<'a> {
    site: &'a Site<'a>,
    organization: Option<&'a ClientId>,
    customer: &'a Customer,
    state: &'a CellState,
    vault: &'a Vault,
    name: &'a SecretName,
}

impl Case<'_> {
    /// `CUSTOMER_CREDENTIAL`; `Err` is a check too, the one at which the look ended.
    async fn credential(&self) -> Result<Check, Check> {
        let stored = self.vault.read(self.name, Stage::Current).await.map_err(|error| self.unread(&error))?;
        self.belongs(&stored.credential)?;
        let Some(vendor) = &self.site.vendor else {
            let seen = "readable, and of this customer and cell; not tried";
            return Err(Check::skipped(Code::CustomerCredential, seen, "first what STAGE_CONSISTENT says"));
        };
        Ok(self.tried(vendor, &stored.credential).await)
    }

    fn unread(&self, error: &VaultError) -> Check {
        let code = Code::CustomerCredential;
        match error {
            VaultError::Missing(_) => Check::problem(
                code,
                format!("there is no secret `{}`, or it has no AWSCURRENT", self.name),
                "offboard the customer, and onboard it again: the vendor shows a credential once, so nothing else brings it back",
            ),
            VaultError::ScheduledForDeletion(_) => Check::problem(
                code,
                format!("the secret `{}` waits for its deletion", self.name),
                format!("aws secretsmanager restore-secret --secret-id {}", self.name),
            ),
            VaultError::Unreadable { .. } => Check::failed(code, "", error, ROTATE),
            VaultError::Refused { .. } | VaultError::Call { .. } | VaultError::BrokenSeal(_) => {
                let next_step = format!(
                    "aws secretsmanager get-secret-value --secret-id {} --query VersionId",
                    self.name
                );
                Check::failed(code, "secretsmanager:GetSecretValue", error, &next_step)
            }
        }
    }

    /// Whether it is this customer's credential, for this cell, and for this API.
    fn belongs(&self, credential: &Credential) -> Result<(), Check> {
        let wrong = |seen: String| Check::problem(Code::CustomerCredential, seen, ROTATE);
        if Some(&credential.client_id) == self.organization {
            return Err(wrong(format!(
                "the secret holds the organization's client `{}`: its tokens open Tenant Management, not documents",
                credential.client_id
            )));
        }
        let control = self.site.premises.control.as_ref();
        if control.is_some_and(|control| control.token_url() == credential.token_url) {
            return Err(wrong(format!(
                "its token URL is Tenant Management's, {}: such a token does not open the Documents API",
                credential.token_url
            )));
        }
        if credential.cell != self.name.cell() {
            return Err(wrong(format!(
                "the secret of cell {} holds a credential of cell {}",
                self.name.cell(),
                credential.cell
            )));
        }
        if self.customer.tenant_id().is_some_and(|tenant| *tenant != credential.tenant_id) {
            return Err(wrong(format!("the credential is of another tenant, `{}`", credential.tenant_id)));
        }
        if !self.state.recorded().any(|application| application.id == credential.application_id) {
            return Err(wrong(format!("its application `{}` is not recorded", credential.application_id)));
        }
        let endpoints = self.site.premises.endpoints.as_ref();
        match endpoints.map(|endpoints| endpoints.check(credential)) {
            Some(Err(mixed)) => Err(wrong(mixed.to_string())),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    async fn tried(&self, vendor: &Vendor, credential: &Credential) -> Check {
        let code = Code::CustomerCredential;
        let plane = match vendor.data_plane(credential) {
            Ok(plane) => plane,
            Err(error @ (CredentialError::Mixed(_) | CredentialError::Key(_))) => {
                return Check::failed(code, "", &error, ROTATE);
            }
        };
        match plane.probe().await {
            Ok(Probe::Authorized) => {
                let seen =
                    format!("application `{}` gets a token, and the API takes it", credential.application_id);
                Check::ok(code, seen)
            }
            Ok(Probe::ClientRefused { message }) => {
                let seen = format!(
                    "no token: the client `{}` or its proof is refused: {message}",
                    credential.client_id
                );
                Check::problem(code, seen, ROTATE)
            }
            Ok(Probe::CallRefused { status: 403, message }) => {
                let seen = format!(
                    "a token, and the API forbids the call (403): the scope submissions.read is missing, most likely: {message}"
                );
                Check::problem(code, seen, ROTATE)
            }
            Ok(Probe::CallRefused { status, message }) => {
                let seen = format!(
                    "a token, and the API does not take it ({status}), so it is one for another API, cell or stage: {message}"
                );
                Check::problem(code, seen, ROTATE)
            }
            Err(CallError::Throttled { .. }) => {
                Check::warning(code, "the vendor asks for fewer requests (429)", "ask again in a minute")
            }
            Err(error) => Check::failed(code, "", &error, "first what CELL_REACHABLE and CLOCK_SKEW say"),
        }
    }

    /// `ROTATION`
    async fn rotation(&self) -> Check {
        match self.vault.describe(self.name.as_str()).await {
            Ok(Some(secret)) => self.rotated(&secret),
            Ok(None) => {
                Check::skipped(Code::Rotation, "there is no secret", "first what CUSTOMER_CREDENTIAL says")
            }
            Err(error) => {
                let next_step = format!("aws secretsmanager describe-secret --secret-id {}", self.name);
                Check::failed(Code::Rotation, "secretsmanager:DescribeSecret", &error, &next_step)
            }
        }
    }

    fn rotated(&self, secret: &Description) -> Check {
        let code = Code::Rotation;
        let Some(schedule) = &self.site.premises.schedule else {
            return Check::skipped(code, "its variables cannot be used", "first what CONFIGURATION says");
        };
        let (expected, name) = (schedule.expression(self.name), self.name);
        let set = format!(
            "aws secretsmanager rotate-secret --secret-id {name} --rotation-lambda-arn {} --rotation-rules \
             '{{\"ScheduleExpression\": \"{expected}\"}}' --no-rotate-immediately",
            schedule.function_arn
        );
        if !secret.rotation_enabled {
            return Check::problem(code, "rotation is off", set);
        }
        let function = secret.rotation_function.as_deref().unwrap_or("no function");
        if function != schedule.function_arn {
            return Check::problem(code, format!("it is rotated by {function}"), set);
        }
        let every = secret.rotation_schedule.as_deref().unwrap_or("no schedule");
        if every != expected {
            return Check::warning(
                code,
                format!("the schedule is {every}, and for this deployment it would be {expected}"),
                set,
            );
        }
        if secret.unfinished().is_some() {
            let seen = "a rotation is under way, or stuck";
            return Check::warning(code, seen, format!("ask again in a minute; if it stays so, {ROTATE}"));
        }
        Check::ok(code, format!("{every} by {function}"))
    }
}
