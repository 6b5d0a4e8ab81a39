//! How many customers may leave in an hour: a producer that has gone wild must not take all of them away.

use std::time::Duration;

use jiff::{Timestamp, Unit};
use registry::Admission;
use shared_core::customer::Phase;

use crate::begin::Envelope;
use crate::session::Session;
use crate::{FlowError, Remover};

/// How often what waits for an operator looks whether there was one.
const BETWEEN: Duration = Duration::from_secs(300);

impl Remover {
    /// Lets an offboarding begin, unless it is one of too many in this hour: then it waits for an operator, for good,
    /// and not just for the next hour. Who has nothing to lose is not counted.
    pub(crate) async fn admit(&self, session: &Session, envelope: &Envelope) -> Result<(), FlowError> {
        let id = &envelope.request_id;
        if matches!(session.customer().phase, Phase::Absent | Phase::Offboarding | Phase::Offboarded) {
            return Ok(());
        }
        let admission = self.registry.admission(id).await?;
        if admission == Some(Admission::Approved) {
            return Ok(());
        }
        let most = self.rules.offboardings_an_hour;
        if admission.is_none() {
            if most > 0 && self.registry.count_offboarding(id, hour(session.now()), most).await? {
                return Ok(());
            }
            self.registry.hold(id).await?;
            tracing::warn!(request.id = %id, offboardings.most = most, "An offboarding waits for an operator.");
        }
        Err(FlowError::not_yet(
            BETWEEN,
            format!("more than {most} customers are leaving in an hour: an operator has to approve this one"),
        ))
    }
}

/// The hour that it is.
fn hour(now: Timestamp) -> Timestamp {
    now.round(jiff::TimestampRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Trunc)).unwrap_or(now)
}
