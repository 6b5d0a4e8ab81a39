//! A record that was set back, with the table that it lies in, is brought up to what the customer's secrets
//! prove.
//!
//! The vendor and Secrets Manager went on while the table did not. What a secret of ours names and the vendor
//! gives a token for is the customer's, so the record can be told again from there. What no secret names stays
//! unknown, and is not touched.

use std::collections::BTreeMap;

use resistant::Vendor;
use shared_core::credential::Authentication;
use shared_core::customer::{
    Application, CellPhase, Customer, Order, Phase, Restoration, Tenant, Transition,
};
use shared_core::ids::{Generation, InstallationId, KeyId, TenantId, TenantName};
use shared_core::place::Cell;
use shared_core::request::RestoreRequest;
use vault::{Description, SecretName, Stage, Stored, VaultError};

use crate::session::{Session, cause_of};
use crate::tenant::AGAIN;
use crate::{Attempt, FlowError, Remover};

/// What became of a restoration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Whether the record was changed: it may have named all that the secrets name.
    pub changed: bool,
    /// The cells whose secrets get a token.
    pub cells: Vec<Cell>,
    /// Cells whose secrets prove nothing, and why.
    pub left_out: BTreeMap<Cell, String>,
}

/// The credentials in one secret.
struct Held {
    current: Stored,
    /// AWSPENDING and AWSPREVIOUS.
    others: Vec<Stored>,
}

/// The life that the secrets belong to.
struct Life {
    generation: Generation,
    tenant: TenantId,
}

impl Remover {
    /// Has the customer's record name what the customer's secrets name, as far as the vendor gives tokens for
    /// it. A repeat changes nothing.
    ///
    /// # Errors
    /// [`FlowError::Contract`] where the secrets prove nothing that the record could be told by, or the customer
    /// is being removed; [`FlowError::NotYet`] where another invocation works on the customer.
    pub async fn restore(
        &self,
        request: &RestoreRequest,
        vendor: &Vendor,
        installation: &InstallationId,
        attempt: &Attempt,
    ) -> Result<Restored, FlowError> {
        let this = self.at(attempt);
        let cause = cause_of(&request.asked, attempt);
        // A pause does not hold it up: who restores a table pauses first.
        let mut session = Session::open_patiently(&this, &request.customer_id, &cause, attempt).await?;
        let restoring =
            Restoring { remover: &this, vendor: vendor.with_deadline(attempt.deadline), installation };
        let restored = restoring.under_lease(&mut session, request).await;
        session.release().await;
        restored
    }
}

/// What a restoration works with.
struct Restoring<'a> {
    remover: &'a Remover,
    vendor: Vendor,
    installation: &'a InstallationId,
}

impl Restoring<'_> {
    async fn under_lease(
        &self,
        session: &mut Session,
        request: &RestoreRequest,
    ) -> Result<Restored, FlowError> {
        if session.customer().phase == Phase::Offboarding {
            return Err(impossible(session, "is being removed: ask for its offboarding again"));
        }
        let (mut held, mut left_out) = self.proved(session.customer()).await?;
        let life = life(session, &held)?;
        held.retain(|cell, held| {
            let of_it = held.current.credential.generation == life.generation;
            if !of_it {
                left_out.insert(*cell, "its secret belongs to an earlier life".to_owned());
            }
            of_it
        });
        let cells = held.keys().copied().collect();
        let changed = !names_all(session.customer(), &held, &life);
        if changed {
            let order = Order { requested_at: session.now(), request_id: request.asked.request_id.clone() };
            let restoration = self.restoration(session, life, &held, order).await?;
            session.step(Transition::Restore(restoration)).await?;
        }
        Ok(Restored { changed, cells, left_out })
    }

    /// What each cell's secret holds, where the vendor gives a token for it; else why it does not count.
    async fn proved(
        &self,
        customer: &Customer,
    ) -> Result<(BTreeMap<Cell, Held>, BTreeMap<Cell, String>), FlowError> {
        let (mut proved, mut left_out) = (BTreeMap::new(), BTreeMap::new());
        for cell in Cell::ALL {
            let name = self.remover.vault.prefix().secret_name(&customer.customer_id, cell);
            match self.held(&name).await? {
                Some(Ok(held)) => drop(proved.insert(cell, held)),
                Some(Err(why)) => drop(left_out.insert(cell, why)),
                None => {}
            }
        }
        Ok((proved, left_out))
    }

    async fn held(&self, name: &SecretName) -> Result<Option<Result<Held, String>>, FlowError> {
        let vault = &self.remover.vault;
        let secret = vault.describe(name.as_str()).await?;
        let Some(secret) = secret.filter(|secret| secret.deletion_date.is_none()) else { return Ok(None) };
        let current = match vault.read(name, Stage::Current).await {
            Err(error @ (VaultError::Missing(_) | VaultError::Unreadable { .. })) => {
                return Ok(Some(Err(error.to_string())));
            }
            read => read?,
        };
        let accepted = match self.vendor.data_plane(&current.credential) {
            Ok(plane) => plane.client_accepted().await?,
            Err(error) => return Ok(Some(Err(error.to_string()))),
        };
        if !accepted {
            return Ok(Some(Err("the vendor gives no token for its AWSCURRENT".to_owned())));
        }
        let others = self.others(name, &secret).await?;
        Ok(Some(Ok(Held { current, others })))
    }

    /// What a rotation that is under way, or that was the last, holds beside AWSCURRENT.
    async fn others(&self, name: &SecretName, secret: &Description) -> Result<Vec<Stored>, FlowError> {
        let labels =
            [(Stage::Pending, secret.unfinished()), (Stage::Previous, secret.version(Stage::Previous))];
        let mut others = Vec::new();
        for (stage, version) in labels {
            let Some(version) = version else { continue };
            match self.remover.vault.read_version(name, &version, stage).await {
                // Nothing can be told from it.
                Err(VaultError::Unreadable { .. }) => {}
                read => others.extend(read?),
            }
        }
        Ok(others)
    }

    async fn restoration(
        &self,
        session: &Session,
        Life { generation, tenant }: Life,
        held: &BTreeMap<Cell, Held>,
        order: Order,
    ) -> Result<Restoration, FlowError> {
        let listed = self.remover.applications(&tenant).await?;
        let customer = session.customer();
        let mut cells = BTreeMap::new();
        for (&cell, held) in held {
            let mut applications: Vec<Application> =
                held.all().filter(|one| one.credential.tenant_id == tenant).map(application).collect();
            if let Some(state) = customer.cells.get(&cell).filter(|_| customer.generation == generation) {
                applications.extend(state.applications.iter().cloned());
            }
            let mut seen = Vec::new();
            applications.retain(|one| {
                let news = listed.iter().any(|listed| listed.id == one.id) && !seen.contains(&one.id);
                seen.push(one.id.clone());
                news
            });
            let current = &held.current.credential.application_id;
            if !applications.iter().any(|one| one.id == *current) {
                let reason =
                    format!("the vendor gives a token for application {current} and does not list it yet");
                return Err(FlowError::not_yet(AGAIN, reason));
            }
            cells.insert(cell, applications);
        }
        let keys = held.values().flat_map(Held::all).filter_map(key).collect();
        let tenant = self.tenant(session, generation, tenant).await?;
        Ok(Restoration { generation, tenant, cells, keys, order })
    }

    async fn tenant(
        &self,
        session: &Session,
        generation: Generation,
        id: TenantId,
    ) -> Result<Tenant, FlowError> {
        let listed = self.remover.control.all_tenants().await?;
        let found = listed.into_iter().find(|tenant| tenant.id == id);
        let name: Option<TenantName> = found.and_then(|tenant| tenant.name.parse().ok());
        let Some(name) = name else {
            return Err(impossible(
                session,
                "has a tenant that the vendor does not list under a legal name: look for it at the vendor, and ask again once it is listed",
            ));
        };
        // Only one that was imported has another name.
        let derived = TenantName::derive(self.installation, &session.customer().customer_id, generation);
        let recorded = session.customer().adopted_at();
        let adopted_at = (name != derived).then(|| recorded.unwrap_or(session.now()));
        Ok(Tenant { name, id: Some(id), adopted_at })
    }
}

impl Held {
    fn all(&self) -> impl Iterator<Item = &Stored> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

/// The latest life that a secret belongs to.
fn life(session: &Session, held: &BTreeMap<Cell, Held>) -> Result<Life, FlowError> {
    let latest = held.values().map(|held| &held.current.credential).max_by_key(|one| one.generation);
    let Some(latest) = latest else {
        return Err(impossible(
            session,
            "has no secret for which the vendor gives a token: offboard it, and onboard it anew",
        ));
    };
    if latest.generation < session.customer().generation {
        return Err(impossible(
            session,
            "is recorded in a later life than its secrets are of, so it is not the record that was set back: reconcile, and \
             follow what is found",
        ));
    }
    let (generation, tenant) = (latest.generation, latest.tenant_id.clone());
    let same = |held: &Held| held.current.credential.tenant_id == tenant;
    if held.values().any(|held| held.current.credential.generation == generation && !same(held)) {
        return Err(impossible(
            session,
            "has secrets of two tenants in one life: find out at the vendor which tenant is its own, and delete the other secret",
        ));
    }
    Ok(Life { generation, tenant })
}

/// Whether the record names all that the secrets name.
fn names_all(customer: &Customer, held: &BTreeMap<Cell, Held>, life: &Life) -> bool {
    let works = |cell: &Cell| customer.cells.get(cell).filter(|state| state.phase == CellPhase::Active);
    let named = |(cell, held): (&Cell, &Held)| {
        let current = &held.current.credential.application_id;
        works(cell).is_some_and(|state| state.applications.iter().any(|one| one.id == *current))
    };
    customer.lives() && customer.tenant_id() == Some(&life.tenant) && held.iter().all(named)
}

fn application(stored: &Stored) -> Application {
    let credential = &stored.credential;
    Application {
        id: credential.application_id.clone(),
        client_id: credential.client_id.clone(),
        recorded_at: credential.created_at,
        unreferenced_since: None,
    }
}

fn key(stored: &Stored) -> Option<KeyId> {
    match &stored.credential.authentication {
        Authentication::KeyPair { key_id, .. } => Some(key_id.clone()),
        Authentication::ClientSecret { .. } => None,
    }
}

fn impossible(session: &Session, why: &str) -> FlowError {
    let id = &session.customer().customer_id;
    FlowError::Contract(format!("the record of customer `{id}` cannot be restored: it {why}"))
}
