//! What the vendor is told of a document beside its bytes.
//!
//! The characteristics follow the bytes, as in the vendor's own steps and client; that they would be
//! taken before is nowhere said. Nothing is analysed without them, so each crash leaves this:
//!
//! | the record says | surely | the next attempt |
//! |---|---|---|
//! | `Created` | no byte was sent | sends the bytes |
//! | `Sending` | no characteristics were sent | asks what became of the bytes, as without characteristics |
//! | `Uploaded` | every byte arrived | sends the characteristics, perhaps again |
//!
//! What the vendor answers to a repeat is not said. If it takes it, the same was said twice. If it refuses,
//! its state decides: a result proves that it had them; a submission that it lets go is made again.

use resistant::{CallError, Characteristics, DataPlane};
use shared_core::document::{Refusal, Step};

use crate::doubt::Doubt;
use crate::submit::{Stop, Work};

/// Whether an earlier attempt may have sent the characteristics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// None did: what the vendor answers, it answers to these.
    Surely,
    /// One may have.
    Maybe,
}

impl Work<'_> {
    /// Sends the characteristics after bytes that have just arrived.
    pub(crate) async fn describe(&mut self, plane: &DataPlane, known: Characteristics) -> Result<(), Stop> {
        self.step(Step::Uploaded).await?;
        match self.tell(plane, Ok(known), Earlier::Surely).await? {
            Doubt::Arrived => Ok(()),
            Doubt::Gone => Err(Stop::Broken("a first refusal that did not end the document")),
        }
    }

    /// Sends the characteristics of bytes that an earlier attempt sent. They are read from the same
    /// version again.
    pub(crate) async fn describe_late(&mut self, plane: &DataPlane, earlier: Earlier) -> Result<Doubt, Stop> {
        let known = match self.open().await {
            Ok(object) => Ok(object.asked.characteristics),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(stop) => return Err(stop),
        };
        self.tell(plane, known, earlier).await
    }

    async fn tell(
        &mut self,
        plane: &DataPlane,
        known: Result<Characteristics, Refusal>,
        earlier: Earlier,
    ) -> Result<Doubt, Stop> {
        let refusal = match known {
            Err(refusal) => refusal,
            Ok(known) => match plane.put_characteristics(&self.submission()?.id, &known).await {
                Ok(()) => return Ok(Doubt::Arrived),
                Err(error) => refused(error, earlier)?,
            },
        };
        match self.resolve_described(plane).await? {
            Doubt::Gone if earlier == Earlier::Surely => Err(refusal.into()),
            doubt => Ok(doubt),
        }
    }
}

/// A refusal of the characteristics, or of their being sent twice; all else is for the next attempt.
fn refused(error: CallError, earlier: Earlier) -> Result<Refusal, Stop> {
    match (&error, earlier) {
        (CallError::Refused { .. }, _)
        | (CallError::Conflict { .. } | CallError::NotFound { .. }, Earlier::Maybe) => {
            Ok(Refusal::RefusedByVendor(error.to_string()))
        }
        _ => Err(error.into()),
    }
}
