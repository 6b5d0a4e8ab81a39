//! Looking: every call that reads what the registry, the vendor and the vault hold, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use registry::{Documents, Registry, Seen};
use resistant::{ControlPlane, Tenant, Vendor};
use shared_core::customer::{CellPhase, Customer};
use shared_core::ids::{CustomerId, TenantId};
use shared_core::place::Cell;
use vault::{Description, SecretName, Stage, Stored, Vault, VaultError};

use super::facts::{CustomerFacts, Labelled, SecretFacts, TenantSeen};
use super::pace::Pace;
use super::stop::Stop;

/// The way to everything that is looked at, for one invocation.
pub(crate) struct Look {
    pub(crate) registry: Registry,
    pub(crate) documents: Documents,
    pub(crate) vault: Vault,
    pub(crate) control: ControlPlane,
    pub(crate) vendor: Vendor,
    pub(crate) pace: Pace,
}

impl Look {
    /// Every tenant of the organization. A part of a listing proves nothing, so it is all or an error.
    pub(crate) async fn tenants(&mut self) -> Result<Vec<Tenant>, Stop> {
        let (mut pages, mut tenants) = (self.control.tenants(), Vec::new());
        loop {
            self.pace.turn(1).await;
            match pages.next().await? {
                Some(page) => tenants.extend(page),
                None => return Ok(tenants),
            }
        }
    }

    /// The names of the secrets under this installation's prefix.
    pub(crate) async fn secrets(&self) -> Result<Vec<SecretName>, Stop> {
        let (mut names, mut after) = (Vec::new(), None);
        loop {
            let page = self.vault.list(after.as_deref()).await?;
            // Others' secrets may lie under the prefix too.
            names.extend(page.names.iter().filter_map(|name| self.vault.prefix().read(name).ok()));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(names),
            }
        }
    }

    /// Whether a tenant is there at this moment.
    pub(crate) async fn has_tenant(&mut self, id: &TenantId) -> Result<bool, Stop> {
        self.pace.turn(1).await;
        Ok(self.control.tenant(id).await?.is_some())
    }

    /// A customer's record as it stands.
    pub(crate) async fn record(&self, id: &CustomerId) -> Result<Seen, Stop> {
        Ok(self.registry.look(id).await?)
    }

    /// What the vendor and the vault hold of a customer. `listed` says whether the organization's listing
    /// shows its tenant.
    pub(crate) async fn customer(&mut self, seen: Seen, listed: bool) -> Result<CustomerFacts, Stop> {
        let tenant = self.tenant(&seen.customer, listed).await?;
        let mut secrets = BTreeMap::new();
        for cell in telling(&seen.customer, &tenant) {
            let name = self.vault.prefix().secret_name(&seen.customer.customer_id, cell);
            secrets.insert(cell, self.secret(&name).await?);
        }
        let open = self.documents.open(&seen.customer.customer_id).await?.documents;
        Ok(CustomerFacts { seen, tenant, secrets, open })
    }

    async fn tenant(&mut self, customer: &Customer, listed: bool) -> Result<TenantSeen, Stop> {
        let Some(id) = customer.tenant_id().filter(|_| customer.lives()) else {
            return Ok(TenantSeen::Unknown);
        };
        // "Not found" alone is not believed, said once still less.
        for _ in 0..2 {
            self.pace.turn(1).await;
            if let Some(applications) = self.control.applications(id).await? {
                return Ok(TenantSeen::There(applications));
            }
        }
        Ok(if listed { TenantSeen::Unknown } else { TenantSeen::Gone })
    }

    pub(crate) async fn secret(&mut self, name: &SecretName) -> Result<SecretFacts, Stop> {
        let description = self.vault.describe(name.as_str()).await?;
        let labelled = match &description {
            Some(secret) if secret.deletion_date.is_none() => self.labelled(name, secret).await?,
            _ => Labelled::Nothing,
        };
        Ok(SecretFacts { name: name.to_string(), description, labelled })
    }

    async fn labelled(&mut self, name: &SecretName, secret: &Description) -> Result<Labelled, Stop> {
        let current = match self.current(name).await {
            Ok(current) => current,
            // The store has just answered about it, so it is this secret that cannot be read.
            Err(error) => return Ok(Labelled::Unreadable { why: super::reasons(&error) }),
        };
        let pending = match secret.unfinished() {
            Some(version) => self.vault.read_version(name, &version, Stage::Pending).await?,
            None => None,
        };
        match self.vendor.data_plane(&current.credential) {
            Ok(plane) => Ok(Labelled::Credential {
                accepted: self.accepted(&plane).await?,
                tenant: current.credential.tenant_id.clone(),
                current: application(current),
                pending: pending.map(application),
            }),
            Err(error) => Ok(Labelled::Unreadable { why: super::reasons(&error) }),
        }
    }

    /// What readers get; a call that fails is made once more.
    async fn current(&self, name: &SecretName) -> Result<Stored, VaultError> {
        match self.vault.read(name, Stage::Current).await {
            Err(VaultError::Call { .. }) => self.vault.read(name, Stage::Current).await,
            read => read,
        }
    }

    /// Who is refused once may be refused by a passing trouble; twice, it is refused.
    async fn accepted(&mut self, plane: &resistant::DataPlane) -> Result<bool, Stop> {
        for _ in 0..2 {
            self.pace.turn(1).await;
            if plane.client_accepted().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The cells whose secrets tell something: where an application works, and where the vendor has one that is not
/// recorded. Also of a tenant that is gone, for the secrets may be those of the next one.
fn telling(customer: &Customer, tenant: &TenantSeen) -> BTreeSet<Cell> {
    let listed = match tenant {
        TenantSeen::Unknown => return BTreeSet::new(),
        TenantSeen::Gone => &[][..],
        TenantSeen::There(listed) => listed,
    };
    let working = customer.cells.iter().filter(|(_, state)| state.phase == CellPhase::Active);
    let unrecorded = listed.iter().filter(|listed| customer.recorded().all(|one| one.id != listed.id));
    let unrecorded = unrecorded.filter_map(|listed| listed.cell.known());
    working.map(|(cell, _)| *cell).chain(unrecorded).collect()
}

fn application(stored: Stored) -> shared_core::ids::ApplicationId {
    stored.credential.application_id
}
