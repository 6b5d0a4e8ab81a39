//! Who is recorded, and whether the vendor knows them by the same names.

use registry::{Registry, RegistryError};
use resistant::Tenant;
use shared_core::customer::{Customer, Phase};
use shared_core::ids::CustomerId;

use super::Site;
use super::check::{Check, Code};

/// So many records are read, one call each; beyond it the check says that it did not see all.
const MOST_RECORDS: usize = 500;

/// So many customers' credentials are tried where none is named.
const A_FEW: usize = 3;

/// The customers that have, or should have, a tenant.
#[derive(Default)]
pub(super) struct Roster {
    pub(super) records: Vec<Customer>,
    /// Records that cannot be read, and calls that failed.
    pub(super) checks: Vec<Check>,
    /// Whether there are more.
    cut: bool,
}

impl Roster {
    pub(super) async fn read(site: &Site<'_>) -> Self {
        let mut roster = Self::default();
        let Some(registry) = &site.registry else {
            roster.checks.push(Check::skipped(
                Code::TenantNames,
                "CUSTOMERS_TABLE cannot be used",
                "first what CONFIGURATION says",
            ));
            return roster;
        };
        match roster.listed(registry).await {
            Ok(listed) => roster.take(registry, listed).await,
            Err(error) => roster.checks.push(failed("dynamodb:Query", &error)),
        }
        roster
    }

    async fn listed(&mut self, registry: &Registry) -> Result<Vec<CustomerId>, RegistryError> {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = registry.list(after.as_ref()).await?;
            after = page.customers.last().map(|last| last.customer_id.clone());
            let living = page.customers.into_iter().filter(|customer| !is_gone(customer.phase));
            listed.extend(living.map(|customer| customer.customer_id));
            self.cut = listed.len() > MOST_RECORDS;
            if self.cut || !page.more || after.is_none() {
                listed.truncate(MOST_RECORDS);
                return Ok(listed);
            }
        }
    }

    async fn take(&mut self, registry: &Registry, listed: Vec<CustomerId>) {
        for id in listed {
            match registry.customer(&id).await {
                Ok(record) => self.records.push(record),
                Err(error @ RegistryError::Unreadable { .. }) => {
                    self.checks.push(failed("dynamodb:GetItem", &error).of(id.as_str()));
                }
                // What fails for one fails for all.
                Err(error) => {
                    self.checks.push(failed("dynamodb:GetItem", &error));
                    return;
                }
            }
        }
    }

    /// A few customers to try the credentials of.
    pub(super) fn a_few(&self) -> impl Iterator<Item = &Customer> {
        self.records.iter().filter(|record| record.phase == Phase::Active).take(A_FEW)
    }

    /// `TENANT_NAMES`: each recorded tenant is one that the vendor lists, under the same name.
    pub(super) fn names(&self, tenants: Option<&[Tenant]>) -> Vec<Check> {
        let code = Code::TenantNames;
        let mut checks = self.checks.clone();
        let Some(tenants) = tenants else {
            let next_step = "first what ORGANIZATION_SCOPES says";
            checks.push(Check::skipped(code, "the vendor's listing is not to be had", next_step));
            return checks;
        };
        checks.extend(self.records.iter().filter_map(|record| unlisted(record, tenants)));
        if checks.is_empty() {
            let seen = format!(
                "{} recorded tenants have legal names, and the vendor lists them",
                self.records.len()
            );
            checks.push(match self.cut {
                false => Check::ok(code, seen),
                true => Check::warning(code, format!("the first {seen}"), "the others were not looked at"),
            });
        }
        checks
    }
}

/// Whether nothing is left of a customer at the vendor.
fn is_gone(phase: Phase) -> bool {
    match phase {
        Phase::Absent | Phase::Offboarded => true,
        Phase::Onboarding | Phase::Active | Phase::Offboarding | Phase::Failed => false,
    }
}

/// What is wrong where the vendor does not list a tenant as it is recorded. One that is being made or removed
/// may be missing.
fn unlisted(record: &Customer, tenants: &[Tenant]) -> Option<Check> {
    let tenant = record.tenant.as_ref().filter(|_| record.phase == Phase::Active)?;
    let id = tenant.id.as_ref()?;
    let code = Code::TenantNames;
    let seen = match tenants.iter().find(|listed| listed.id == *id) {
        Some(listed) if listed.is_named(&tenant.name) => return None,
        Some(listed) => {
            format!(
                "tenant `{id}` is recorded as `{}`, and the vendor has it as `{}`",
                tenant.name, listed.name
            )
        }
        None => format!("tenant `{id}` ({}) is recorded, and the vendor does not list it", tenant.name),
    };
    let next_step = "ask the vendor what became of it; is the organization's client one of another organization? \
                     Offboard the customer, and onboard it again";
    Some(Check::problem(code, seen, next_step).of(record.customer_id.as_str()))
}

fn failed(permission: &str, error: &RegistryError) -> Check {
    let next_step = "look at the record in the customers table: a tenant's name is 1 to 61 lower-case letters or \
                     digits; restore the table to a point in time where it was changed by hand";
    Check::failed(Code::TenantNames, permission, error, next_step)
}

/// `QUOTA`: how many tenants there are, of how many.
pub(super) fn quota(tenants: Option<&[Tenant]>, quota: Option<usize>) -> Check {
    let code = Code::Quota;
    let (Some(tenants), Some(quota)) = (tenants, quota) else {
        return Check::skipped(
            code,
            "the vendor's listing or TENANT_QUOTA is not to be had",
            "first what ORGANIZATION_SCOPES and CONFIGURATION say",
        );
    };
    let seen = format!("{} of {quota} tenants", tenants.len());
    let next_step =
        "ask the vendor for more, then set the parameter TenantQuota; offboard customers who have left";
    match quota.saturating_sub(tenants.len()) {
        0 => Check::problem(code, format!("{seen}: the next onboarding fails"), next_step),
        left if left * 10 <= quota => Check::warning(code, seen, next_step),
        _ => Check::ok(code, seen),
    }
}
