//! What operators ask of one credential: to rotate it now, and to roll a rotation back.

use jiff::Timestamp;
use registry::{Cause, Handled};
use shared_core::customer::{Customer, Transition};
use shared_core::event::{Content, SecretRolledBack};
use shared_core::ids::{ApplicationId, CustomerId, RequestId};
use shared_core::place::Cell;
use shared_core::request::{RollBackRequest, RotationRequest};
use vault::{Description, SecretName, Stage, Stored, VaultError, VersionId};

use crate::begin::reused;
use crate::retire::{Haste, rotatable};
use crate::session::Session;
use crate::{Attempt, FlowError, Provider};

/// What became of a request for a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Secrets Manager has begun it.
    Begun,
    /// It goes on since an earlier attempt at the same request.
    UnderWay,
    /// An earlier attempt at the same request led to it, and it is complete.
    Complete,
}

impl Provider {
    /// Has Secrets Manager rotate a credential now. With `force`, a rotation that is stuck is taken back
    /// first, and what still retires is deleted without its overlap.
    ///
    /// # Errors
    /// [`FlowError`]; what stands in the way, and what to do about it, where that is not a failed call.
    pub async fn rotate_now(&self, request: &RotationRequest, attempt: &Attempt) -> Result<Asked, FlowError> {
        let this = self.at(attempt);
        let name = this.remover.vault.prefix().secret_name(&request.customer_id, request.cell);
        let version = VersionId::of_request(&request.request_id);
        let secret = this.describe(&name).await?;
        if secret.carries(&version, Stage::Current) {
            return Ok(Asked::Complete);
        }
        if secret.carries(&version, Stage::Pending) {
            return Ok(Asked::UnderWay);
        }
        let cause = cause(&request.request_id, &request.actor, &request.reason, attempt);
        let mut session = this.open_patiently(&request.customer_id, &cause, attempt).await?;
        let cleared = this.clear_the_way(&mut session, &name, &secret, request).await;
        // Before it begins: its first step takes the lease.
        session.release().await;
        cleared?;
        this.remover.vault.rotate_now(&name, &version).await?;
        Ok(Asked::Begun)
    }

    async fn clear_the_way(
        &self,
        session: &mut Session,
        name: &SecretName,
        secret: &Description,
        request: &RotationRequest,
    ) -> Result<(), FlowError> {
        let cell = request.cell;
        let tenant = rotatable(session.customer(), cell)?;
        if let Some(kind) = request.authentication
            && let Some(next) = session.customer().cells.get(&cell).and_then(|state| state.next.as_ref())
            && next.authentication != kind
        {
            return Err(FlowError::Contract(format!(
                "an application of `{name}` with the other kind of credential is being made: let that rotation end, \
                 then ask again"
            )));
        }
        session.step(Transition::AskRotation { cell, authentication: request.authentication }).await?;
        if let Some(unfinished) = secret.unfinished() {
            if !request.force {
                return Err(not_complete(name, &unfinished));
            }
            self.remover.vault.take_off(name, Stage::Pending, &unfinished).await?;
        }
        if request.force {
            self.remover.retire(session, &tenant, name, Haste::Now).await.map(drop)
        } else {
            self.refuse_while_retiring(session, &tenant, name).await
        }
    }

    /// Makes the version that a rotation replaced current again, while its application has its overlap
    /// before it: it is proved by a token first. A request that was carried out is not carried out again.
    ///
    /// # Errors
    /// [`FlowError`]; what stands in the way, and what to do about it, where that is not a failed call.
    pub async fn roll_back(
        &self,
        request: &RollBackRequest,
        attempt: &Attempt,
    ) -> Result<Handled, FlowError> {
        let this = self.at(attempt);
        if let Some(handled) = this.registry().handled(&request.request_id).await? {
            return same_request(handled, request);
        }
        let cause = cause(&request.request_id, &request.actor, &request.reason, attempt);
        let mut session = this.open_patiently(&request.customer_id, &cause, attempt).await?;
        let came_to = this.rolled_back(&mut session, request, attempt).await;
        session.end(&request.request_id, came_to).await
    }

    async fn rolled_back(
        &self,
        session: &mut Session,
        request: &RollBackRequest,
        attempt: &Attempt,
    ) -> Result<(Transition, SecretRolledBack), FlowError> {
        let (vault, cell) = (&self.remover.vault, request.cell);
        let name = vault.prefix().secret_name(&request.customer_id, cell);
        let tenant = rotatable(session.customer(), cell)?;
        let secret = self.describe(&name).await?;
        if let Some(unfinished) = secret.unfinished() {
            return Err(not_complete(&name, &unfinished));
        }
        let bad = VersionId::from(request.version_id.as_str());
        let restored = if secret.carries(&bad, Stage::Current) {
            self.restore(session, &name, &secret, &bad, attempt).await?
        } else if secret.carries(&bad, Stage::Previous) {
            // An earlier attempt moved the label.
            vault.read(&name, Stage::Current).await?
        } else {
            return Err(FlowError::Contract(format!(
                "version {bad} of `{name}` is not the current one: look which is, by describe-secret"
            )));
        };
        self.remover.retire(session, &tenant, &name, Haste::AfterTheOverlap).await?;
        let id = restored.credential.application_id;
        let event = SecretRolledBack {
            request_id: request.request_id.clone(),
            customer_id: request.customer_id.clone(),
            cell,
            secret_name: name.to_string(),
            version_id: restored.version.to_string(),
            application_id: id.clone(),
            rolled_back_version_id: bad.to_string(),
        };
        Ok((Transition::Referenced { cell, id, unreferenced_since: None }, event))
    }

    /// Moves AWSCURRENT back, from the bad version to the one that it replaced.
    async fn restore(
        &self,
        session: &mut Session,
        name: &SecretName,
        secret: &Description,
        bad: &VersionId,
        attempt: &Attempt,
    ) -> Result<Stored, FlowError> {
        let (vault, cell) = (&self.remover.vault, name.cell());
        let previous = match vault.read(name, Stage::Previous).await {
            Err(VaultError::Missing(_)) => return Err(too_late(name, "there is no earlier version")),
            read => read?,
        };
        let id = &previous.credential.application_id;
        let until = self.overlap_of(session.customer(), cell, id, session.now());
        // Whoever deletes it begins no sooner than at the end of its overlap, and what has begun may land
        // late.
        if until.is_none_or(|until| until <= session.now() + self.remover.rules.settle) {
            return Err(too_late(
                name,
                &format!("application {id} of the earlier version is gone, or going"),
            ));
        }
        self.probe_patiently(&previous, attempt).await?;
        let (id, unreferenced_since) = (id.clone(), None);
        // Saved only by who still has the lease: nobody else moves a label.
        session.step(Transition::Referenced { cell, id, unreferenced_since }).await?;
        if secret.carries(bad, Stage::Pending) {
            // Left there it would block every later rotation (Secrets Manager: `RotateSecret`).
            vault.take_off(name, Stage::Pending, bad).await?;
        }
        vault.promote(name, &previous.version, Some(bad)).await?;
        Ok(previous)
    }

    /// When the overlap of a recorded application ends; `None` where it is not recorded. One that is not
    /// stamped yet is stamped now at the earliest.
    fn overlap_of(
        &self,
        customer: &Customer,
        cell: Cell,
        id: &ApplicationId,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut recorded = customer.cells.get(&cell)?.applications.iter();
        let application = recorded.find(|application| application.id == *id)?;
        Some(self.remover.overlap_ends(application.unreferenced_since.unwrap_or(now)))
    }

    async fn describe(&self, name: &SecretName) -> Result<Description, FlowError> {
        let secret = self.remover.vault.describe(name.as_str()).await?;
        secret.ok_or_else(|| {
            FlowError::Contract(format!("there is no secret `{name}`: is the customer onboarded?"))
        })
    }
}

fn cause(request_id: &RequestId, actor: &impl ToString, reason: &impl ToString, attempt: &Attempt) -> Cause {
    Cause {
        actor: actor.to_string(),
        reason: reason.to_string(),
        request_id: Some(request_id.clone()),
        origin: attempt.origin.clone(),
    }
}

fn not_complete(name: &SecretName, unfinished: &VersionId) -> FlowError {
    FlowError::Contract(format!(
        "a rotation of `{name}` to version {unfinished} is not complete: Secrets Manager goes on with it when it is \
         asked to rotate; a forced rotation takes it back"
    ))
}

fn too_late(name: &SecretName, why: &str) -> FlowError {
    FlowError::Contract(format!("`{name}` cannot be rolled back: {why}; ask for a rotation instead"))
}

/// The end of this request, unless its id was used for another before.
fn same_request(handled: Handled, request: &RollBackRequest) -> Result<Handled, FlowError> {
    let same = |customer_id: &CustomerId, cell| *customer_id == request.customer_id && cell == request.cell;
    match handled.event.content() {
        Content::SecretRolledBack(event) if same(&event.customer_id, event.cell) => Ok(handled),
        _ => Err(reused(&request.request_id, &request.customer_id)),
    }
}
