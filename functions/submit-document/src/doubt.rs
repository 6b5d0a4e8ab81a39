//! What an earlier attempt's upload came to, decided by the vendor's state and never by guess.

use resistant::{CallError, DataPlane, Removal};
use shared_core::document::Step;

use crate::submit::{Stop, Work};

/// What the vendor's state says of an upload whose answer nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Every byte arrived.
    Arrived,
    /// None counts: the submission is gone, and another may be made.
    Gone,
}

impl Work<'_> {
    /// A result proves that the upload arrived. Without one, the submission is deleted: only when the
    /// vendor says that it is gone may another be made, and when it says that it is being processed,
    /// the upload arrived (vendor: deleteSubmission).
    pub(crate) async fn resolve(&mut self, plane: &DataPlane) -> Result<Doubt, Stop> {
        let id = self.submission()?.id.clone();
        match plane.fraud(&id).await {
            Ok(Some(_)) => return Ok(Doubt::Arrived),
            // 400 may stand for a result that is too large to be answered; the deletion tells.
            Ok(None) | Err(CallError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        match plane.delete_submission(&id).await? {
            Removal::Processing => Ok(Doubt::Arrived),
            Removal::Deleted | Removal::AlreadyGone => {
                self.step(Step::Abandoned).await?;
                Ok(Doubt::Gone)
            }
        }
    }
}
