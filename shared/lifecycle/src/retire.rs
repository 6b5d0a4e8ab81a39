//! Retirement: an application that no staging label names is deleted once the overlap has passed.
//!
//! Nothing is remembered as "old". What AWSCURRENT and AWSPENDING name is read under the lease by the
//! invocation that deletes, and everything else that is recorded for the cell retires. A rotation does it on
//! its way, and so does the clean-up, whichever comes first.

use jiff::{SignedDuration, Timestamp};
use registry::Cause;
use shared_core::customer::{Application, CellPhase, Customer, Transition};
use shared_core::ids::{ApplicationId, CustomerId, TenantId};
use shared_core::place::Cell;
use vault::{Description, SecretName, Stage, VaultError};

use crate::session::Session;
use crate::{Attempt, FlowError, Remover};

/// What a clean-up found at one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CleanedUp {
    /// Applications that were deleted.
    pub deleted: Vec<ApplicationId>,
    /// Applications whose overlap goes on.
    pub retiring: Vec<ApplicationId>,
}

/// When an application that is not named any more is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// Once its overlap has passed.
    AfterTheOverlap,
    /// At once, for an operator said so.
    Now,
}

impl Remover {
    /// Deletes a customer's applications whose overlap has passed, for this cause.
    ///
    /// # Errors
    /// [`FlowError`]; [`FlowError::NotYet`] where another invocation works on the customer, and
    /// [`FlowError::Paused`]. The next clean-up goes on from there.
    pub async fn clean_up(
        &self,
        customer_id: &CustomerId,
        cause: Cause,
        attempt: &Attempt,
    ) -> Result<CleanedUp, FlowError> {
        let this = self.at(attempt);
        let mut session = Session::open(&this, customer_id, cause, attempt).await?.unless_paused().await?;
        let cleaned = this.clean_up_cells(&mut session).await;
        session.release().await;
        cleaned
    }

    async fn clean_up_cells(&self, session: &mut Session) -> Result<CleanedUp, FlowError> {
        let mut cleaned = CleanedUp::default();
        let mut stopped = None;
        let before: Vec<ApplicationId> = session.customer().recorded().map(|one| one.id.clone()).collect();
        for cell in crowded(session.customer()) {
            let Ok(tenant) = rotatable(session.customer(), cell) else { continue };
            let name = self.vault.prefix().secret_name(&session.customer().customer_id, cell);
            match self.retire(session, &tenant, &name, Haste::AfterTheOverlap).await {
                Ok(left) => cleaned.retiring.extend(left.into_iter().map(|application| application.id)),
                // After it the record is unknown.
                Err(error @ (FlowError::Registry(_) | FlowError::Illegal(_))) => return Err(error),
                // One cell's trouble must not hold up the others.
                Err(error) => stopped = Some(error),
            }
        }
        let left: Vec<&ApplicationId> = session.customer().recorded().map(|one| &one.id).collect();
        cleaned.deleted = before.into_iter().filter(|id| !left.contains(&id)).collect();
        stopped.map_or(Ok(cleaned), Err)
    }

    /// Stamps the cell's applications that no label names, clears the stamp of those named again, and
    /// deletes those whose overlap has passed. Answers which still retire.
    pub(crate) async fn retire(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        name: &SecretName,
        haste: Haste,
    ) -> Result<Vec<Application>, FlowError> {
        let cell = name.cell();
        let applications =
            session.customer().cells.get(&cell).map(|state| state.applications.clone()).unwrap_or_default();
        if applications.len() < 2 {
            // What a working cell has one of is what its secret names.
            return Ok(Vec::new());
        }
        let (named, since) = self.named(name, session.now()).await?;
        let mut due = Vec::new();
        for Application { id, unreferenced_since, .. } in applications {
            let stamp = match (named.contains(&id), unreferenced_since) {
                (true, _) => None,
                // Stamped before anything is deleted, so that nobody counts on its overlap any more.
                (false, _) if haste == Haste::Now => Some(Timestamp::UNIX_EPOCH),
                (false, stamped) => Some(stamped.unwrap_or(since)),
            };
            if stamp != unreferenced_since {
                let (id, unreferenced_since) = (id.clone(), stamp);
                session.step(Transition::Referenced { cell, id, unreferenced_since }).await?;
            }
            if stamp.is_some_and(|since| self.overlap_ends(since) <= session.now()) {
                due.push(id);
            }
        }
        if !due.is_empty() {
            self.delete_applications(session, tenant, &due).await?;
        }
        let left = session.customer().cells.get(&cell).map(|state| state.applications.clone());
        Ok(left.unwrap_or_default().into_iter().filter(|left| left.unreferenced_since.is_some()).collect())
    }

    /// When the overlap ends of an application that no label names since then.
    pub(crate) fn overlap_ends(&self, since: Timestamp) -> Timestamp {
        since + self.rules.overlap
    }

    /// The applications that AWSCURRENT and AWSPENDING name, and since when no other is named at the latest.
    /// A secret without AWSCURRENT tells nothing: then nothing is deleted.
    async fn named(
        &self,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<(Vec<ApplicationId>, Timestamp), FlowError> {
        let secret = self.vault.describe(name.as_str()).await?;
        let secret = secret.ok_or_else(|| VaultError::Missing(name.to_string()))?;
        let current = self.vault.read(name, Stage::Current).await?;
        let mut named = vec![current.credential.application_id];
        if let Some(pending) = secret.unfinished() {
            // A rotation that has just begun has no value yet.
            let stored = self.vault.read_version(name, &pending, Stage::Pending).await?;
            named.extend(stored.map(|stored| stored.credential.application_id));
        }
        Ok((named, unnamed_since(&secret, now)))
    }
}

/// Labels are where they are since the secret was last changed, so what they do not name they have not named
/// since then. Secrets Manager may tell the second without its fraction.
fn unnamed_since(secret: &Description, now: Timestamp) -> Timestamp {
    let changed = secret.changed_at.map_or(now, |at| at + SignedDuration::from_secs(1));
    changed.min(now)
}

/// The cells in which more is recorded than what a secret can name.
fn crowded(customer: &Customer) -> Vec<Cell> {
    let crowded = customer.cells.iter().filter(|(_, state)| state.applications.len() > 1);
    crowded.map(|(cell, _)| *cell).collect()
}

/// The tenant of a customer whose cell may be rotated.
pub(crate) fn rotatable(customer: &Customer, cell: Cell) -> Result<TenantId, FlowError> {
    let active =
        customer.lives() && customer.cells.get(&cell).is_some_and(|state| state.phase == CellPhase::Active);
    match customer.tenant_id().filter(|_| active) {
        Some(tenant) => Ok(tenant.clone()),
        None => Err(FlowError::Contract(format!(
            "customer `{}` is {:?} and has no working application in cell `{cell}`: there is nothing to rotate",
            customer.customer_id, customer.phase
        ))),
    }
}
