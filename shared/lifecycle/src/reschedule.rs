//! A rotation that somebody turned off is set on its schedule again.

use registry::Cause;
use shared_core::customer::Transition;
use vault::{Schedule, SecretName};

use crate::retire::rotatable;
use crate::session::Session;
use crate::{Attempt, FlowError, Remover};

impl Remover {
    /// Sets the rotation of a working cell's secret on its schedule, as its onboarding did. A repeat changes
    /// nothing but the audit trail.
    ///
    /// # Errors
    /// [`FlowError`]; [`FlowError::NotYet`] where another invocation works on the customer, and
    /// [`FlowError::Contract`] where the cell has nothing to rotate.
    pub async fn reschedule(
        &self,
        name: &SecretName,
        schedule: &Schedule,
        cause: Cause,
        attempt: &Attempt,
    ) -> Result<(), FlowError> {
        let this = self.at(attempt);
        let mut session = Session::open(&this, name.customer_id(), cause, attempt).await?;
        let scheduled = this.set_schedule(&mut session, name, schedule).await;
        session.release().await;
        scheduled
    }

    async fn set_schedule(
        &self,
        session: &mut Session,
        name: &SecretName,
        schedule: &Schedule,
    ) -> Result<(), FlowError> {
        rotatable(session.customer(), name.cell())?;
        session.step(Transition::ScheduleRotation { cell: name.cell() }).await?;
        self.vault.schedule_rotation(name, schedule).await.map_err(FlowError::from)
    }
}
