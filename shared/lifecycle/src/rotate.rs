//! Rotation by Secrets Manager's contract: createSecret, setSecret, testSecret, finishSecret, each
//! repeatable from any crash.
//!
//! The vendor cannot change a credential in place, so a rotation makes a second application, proves
//! it, and moves AWSCURRENT. The first application is not remembered as "old" anywhere: an
//! application that neither AWSCURRENT nor AWSPENDING names retires once the overlap has passed
//! since that was first seen.

use std::time::Duration;

use registry::Cause;
use resistant::Probe;
use shared_core::credential::AuthenticationKind;
use shared_core::customer::{Customer, Transition};
use shared_core::event::SecretRotated;
use shared_core::ids::{ApplicationId, CustomerId, TenantId};
use shared_core::place::Cell;
use tokio::time::Instant;
use vault::{Description, RotationToken, SecretName, Stage, Stored, VaultError, VersionId};

use crate::onboard::{ACCEPTANCE, Intent};
use crate::retire::{Haste, rotatable};
use crate::session::{Session, patience};
use crate::{Attempt, FlowError, Provider};

/// One rotation, as Secrets Manager names it.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The secret's ARN.
    pub secret_id: String,
    /// The version that is to become current (`ClientRequestToken`).
    pub version: VersionId,
    /// Goes back with the new value, where it was given.
    pub token: Option<RotationToken>,
}

/// What finishing a rotation found.
#[derive(Clone, Debug)]
pub struct Rotated {
    /// What to announce.
    pub event: SecretRotated,
}

/// A rotation whose secret and version were checked against the contract.
struct Checked {
    name: SecretName,
    secret: Description,
}

impl Provider {
    /// createSecret: the version gets a complete value, made from a new application.
    ///
    /// # Errors
    /// [`FlowError`]; Secrets Manager repeats the rotation.
    pub async fn create_secret(&self, rotation: &Rotation, attempt: &Attempt) -> Result<(), FlowError> {
        let this = self.at(attempt);
        let checked = this.check(rotation).await?;
        if checked.secret.carries(&rotation.version, Stage::Current) {
            return Ok(());
        }
        let cause = cause(rotation, attempt);
        let mut session = this.open_patiently(checked.name.customer_id(), &cause, attempt).await?;
        let created = this.create_pending(&mut session, &checked, rotation).await;
        session.release().await;
        created
    }

    /// setSecret: nothing. The vendor knows the new application since it was created.
    ///
    /// # Errors
    /// [`FlowError`] where the contract is broken.
    pub async fn set_secret(&self, rotation: &Rotation, attempt: &Attempt) -> Result<(), FlowError> {
        self.at(attempt).check(rotation).await.map(drop)
    }

    /// testSecret: a new token is obtained and used. The trial that follows a change of the schedule
    /// runs this step alone, on a version without a value of ours: then the current one is tested.
    ///
    /// # Errors
    /// [`FlowError`] where the vendor does not accept the credential.
    pub async fn test_secret(&self, rotation: &Rotation, attempt: &Attempt) -> Result<(), FlowError> {
        let this = self.at(attempt);
        let checked = this.check(rotation).await?;
        let vault = &this.remover.vault;
        let pending = match checked.secret.carries(&rotation.version, Stage::Pending) {
            true => vault.read_version(&checked.name, &rotation.version, Stage::Pending).await?,
            false => None,
        };
        let Some(pending) = pending else {
            let current = vault.read(&checked.name, Stage::Current).await?;
            return this.probe_patiently(&current, attempt).await;
        };
        match this.probe_patiently(&pending, attempt).await {
            Err(refused @ FlowError::Contract(_)) => {
                this.take_back_if_deleted(&checked, &pending, rotation, attempt).await?;
                Err(refused)
            }
            tested => tested,
        }
    }

    /// Somebody may have deleted the new application at the vendor by hand: then no repeat of this rotation
    /// can succeed, and its label would block every other (Secrets Manager: `RotateSecret`).
    async fn take_back_if_deleted(
        &self,
        Checked { name, secret }: &Checked,
        pending: &Stored,
        rotation: &Rotation,
        attempt: &Attempt,
    ) -> Result<(), FlowError> {
        let age = self.remover.clock.now().duration_since(pending.credential.created_at);
        if Duration::try_from(age).unwrap_or_default() < ACCEPTANCE
            || secret.carries(&rotation.version, Stage::Current)
        {
            return Ok(());
        }
        let cause = cause(rotation, attempt);
        let mut session = self.open_patiently(name.customer_id(), &cause, attempt).await?;
        let taken_back = self.take_back(&mut session, name, pending, rotation).await;
        session.release().await;
        taken_back
    }

    async fn take_back(
        &self,
        session: &mut Session,
        name: &SecretName,
        pending: &Stored,
        rotation: &Rotation,
    ) -> Result<(), FlowError> {
        let tenant = rotatable(session.customer(), name.cell())?;
        let id = &pending.credential.application_id;
        if self.remover.applications(&tenant).await?.iter().any(|listed| listed.id == *id) {
            return Ok(());
        }
        let (ids, at) = (vec![id.clone()], session.now());
        session.step(Transition::ApplicationsGone { ids, at }).await?;
        self.remover.vault.take_off(name, Stage::Pending, &rotation.version).await?;
        Err(broken(
            rotation,
            &format!(
                "application {id} was deleted at the vendor by somebody else: the next rotation makes another"
            ),
        ))
    }

    /// finishSecret: AWSCURRENT moves, if it has not, and what it leaves behind is stamped.
    ///
    /// # Errors
    /// [`FlowError`] where Secrets Manager refuses or fails.
    pub async fn finish_secret(&self, rotation: &Rotation, attempt: &Attempt) -> Result<Rotated, FlowError> {
        let this = self.at(attempt);
        let checked = this.check(rotation).await?;
        let cause = cause(rotation, attempt);
        let mut session = this.open_patiently(checked.name.customer_id(), &cause, attempt).await?;
        let finished = this.promote(&mut session, &checked, rotation).await;
        session.release().await;
        let current = finished?;
        let name = checked.name;
        let event = SecretRotated {
            customer_id: name.customer_id().clone(),
            cell: name.cell(),
            secret_name: name.to_string(),
            version_id: rotation.version.to_string(),
            application_id: current.credential.application_id,
            previous_application_id: this.previous(&name).await?,
        };
        Ok(Rotated { event })
    }

    async fn promote(
        &self,
        session: &mut Session,
        Checked { name, secret }: &Checked,
        rotation: &Rotation,
    ) -> Result<Stored, FlowError> {
        let (vault, tenant) = (&self.remover.vault, rotatable(session.customer(), name.cell()));
        let current = if secret.carries(&rotation.version, Stage::Current) {
            vault.read(name, Stage::Current).await?
        } else {
            // A label can outlive a customer.
            tenant.as_ref().map_err(|error| broken(rotation, &error.to_string()))?;
            let pending = vault.read_version(name, &rotation.version, Stage::Pending).await?;
            let pending = pending
                .ok_or_else(|| broken(rotation, "the version has no value: createSecret comes first"))?;
            of_this_life(session.customer(), &pending, rotation)?;
            vault.promote(name, &rotation.version, secret.version(Stage::Current).as_ref()).await?;
            pending
        };
        // Who leaves in between loses all applications, this one too.
        if let Ok(tenant) = tenant {
            self.remover.retire(session, &tenant, name, Haste::AfterTheOverlap).await?;
        }
        Ok(current)
    }

    async fn previous(&self, name: &SecretName) -> Result<Option<ApplicationId>, FlowError> {
        match self.remover.vault.read(name, Stage::Previous).await {
            Ok(stored) => Ok(Some(stored.credential.application_id)),
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What Secrets Manager promises of a rotation, checked before anything is done (Secrets Manager:
    /// "Lambda rotation functions").
    async fn check(&self, rotation: &Rotation) -> Result<Checked, FlowError> {
        let vault = &self.remover.vault;
        let secret = vault.describe(&rotation.secret_id).await?;
        let secret = secret.ok_or_else(|| broken(rotation, "there is no such secret"))?;
        let name =
            vault.prefix().read(&secret.name).map_err(|invalid| broken(rotation, &invalid.to_string()))?;
        if !secret.rotation_enabled {
            return Err(broken(rotation, "rotation is not enabled for it"));
        }
        if !secret.carries(&rotation.version, Stage::Current)
            && !secret.carries(&rotation.version, Stage::Pending)
        {
            return Err(broken(rotation, "the version is neither AWSPENDING nor AWSCURRENT"));
        }
        Ok(Checked { name, secret })
    }

    async fn create_pending(
        &self,
        session: &mut Session,
        checked: &Checked,
        rotation: &Rotation,
    ) -> Result<(), FlowError> {
        let (name, cell) = (&checked.name, checked.name.cell());
        let tenant = rotatable(session.customer(), cell)?;
        let pending = self.remover.vault.read_version(name, &rotation.version, Stage::Pending).await?;
        let pending = match pending {
            Some(stored) => {
                of_this_life(session.customer(), &stored, rotation)?;
                stored.credential.application_id
            }
            None => self.store_pending(session, &tenant, name, rotation).await?,
        };
        // The version has its value: the intent has served, unless an earlier repeat said so.
        let next =
            session.customer().cells.get(&cell).and_then(|state| state.next.as_ref()?.application.as_ref());
        if next.is_some_and(|application| application.id == pending) {
            session.step(Transition::Stored { cell }).await?;
        }
        Ok(())
    }

    async fn store_pending(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        name: &SecretName,
        rotation: &Rotation,
    ) -> Result<ApplicationId, FlowError> {
        let cell = name.cell();
        let current = self.remover.vault.read(name, Stage::Current).await?;
        self.refuse_while_retiring(session, tenant, name).await?;
        let wanted = session.customer().cells.get(&cell).and_then(|state| state.authentication);
        let kind = wanted.unwrap_or_else(|| current.credential.authentication.kind());
        let intent = self.intend(session, cell, kind).await?;
        self.ensure_application(session, tenant, cell, intent).await?;
        let credential = self.next_credential(session, tenant, cell).await?;
        self.remover
            .vault
            .store_pending(name, &credential, &rotation.version, rotation.token.as_ref())
            .await?;
        Ok(credential.application_id)
    }

    /// An intent that an earlier rotation left behind is used again, key and all.
    async fn intend(
        &self,
        session: &mut Session,
        cell: Cell,
        kind: AuthenticationKind,
    ) -> Result<Intent, FlowError> {
        if session.customer().cells.get(&cell).is_some_and(|state| state.next.is_some()) {
            return Ok(Intent::Found);
        }
        let generation = session.customer().generation;
        let next = self.intent(session, cell, generation, kind).await?;
        session.step(Transition::Intend { cell, next }).await?;
        Ok(Intent::Fresh)
    }

    /// One application retires at a time: a second would make the overlap meaningless.
    pub(crate) async fn refuse_while_retiring(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<(), FlowError> {
        let left = self.remover.retire(session, tenant, name, Haste::AfterTheOverlap).await?;
        let Some(retiring) = left.first() else { return Ok(()) };
        let ends = self.remover.overlap_ends(retiring.unreferenced_since.unwrap_or(session.now()));
        Err(FlowError::Contract(format!(
            "application {} of `{name}` still retires: rotate again after {ends}, or force it",
            retiring.id
        )))
    }

    /// The lease, for a caller that waits, on a customer that nobody has paused.
    pub(crate) async fn open_patiently(
        &self,
        customer_id: &CustomerId,
        cause: &Cause,
        attempt: &Attempt,
    ) -> Result<Session, FlowError> {
        let session = Session::open_patiently(&self.remover, customer_id, cause, attempt).await?;
        session.unless_paused().await
    }

    pub(crate) async fn probe_patiently(&self, stored: &Stored, attempt: &Attempt) -> Result<(), FlowError> {
        let (plane, until) = (self.vendor.data_plane(&stored.credential)?, patience(attempt));
        loop {
            match plane.probe().await? {
                Probe::Authorized => return Ok(()),
                Probe::ClientRefused { .. } if Instant::now() < until => {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
                Probe::ClientRefused { message } => {
                    return Err(FlowError::Contract(format!(
                        "the vendor gives no token for the new credential: {message}"
                    )));
                }
                Probe::CallRefused { status, message } => {
                    return Err(FlowError::Contract(format!(
                        "the vendor refuses calls with the new credential ({status}): {message}"
                    )));
                }
            }
        }
    }
}

fn cause(rotation: &Rotation, attempt: &Attempt) -> Cause {
    Cause {
        actor: "secretsmanager.amazonaws.com".to_owned(),
        reason: format!("rotation to version {}", rotation.version),
        request_id: None,
        origin: attempt.origin.clone(),
    }
}

fn broken(rotation: &Rotation, problem: &str) -> FlowError {
    FlowError::Contract(format!(
        "rotation of `{}` to version {}: {problem}",
        rotation.secret_id, rotation.version
    ))
}

fn of_this_life(customer: &Customer, stored: &Stored, rotation: &Rotation) -> Result<(), FlowError> {
    if customer.tenant_id() == Some(&stored.credential.tenant_id) {
        return Ok(());
    }
    Err(broken(
        rotation,
        "the version belongs to an earlier life of the customer: remove its AWSPENDING label",
    ))
}
