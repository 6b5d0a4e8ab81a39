//! What an earlier attempt's upload came to, decided by the vendor's state and never by guess.

use std::time::Duration;

use resistant::{CallError, DataPlane, Removal, ResultKind};
use shared_core::document::Step;
use shared_core::elapsed;

use crate::submit::{Stop, Work};

/// What the vendor's state says of an upload whose answer nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Every byte arrived.
    Arrived,
    /// None counts: the submission is gone, and another may be made.
    Gone,
}

/// What the vendor's state proves of a submission.
enum Proof {
    /// There is a result: it has all that it needs.
    Analysed,
    /// It will not be deleted now: the bytes arrived.
    Processing,
    Gone,
}

impl Work<'_> {
    /// A result proves that the upload arrived. Without one, the submission is deleted: only when the
    /// vendor says that it is gone may another be made, and when it says that it is being processed,
    /// the upload arrived (vendor: deleteSubmission).
    pub(crate) async fn resolve(&mut self, plane: &DataPlane) -> Result<Doubt, Stop> {
        match self.proof(plane).await? {
            Proof::Analysed | Proof::Processing => Ok(Doubt::Arrived),
            Proof::Gone => Ok(Doubt::Gone),
        }
    }

    /// The same of a submission whose bytes arrived, and of whose characteristics nothing is known. That
    /// it is being processed does not prove that it has them: it is not said whether waiting for them
    /// is processing. An analysis ends within 15 minutes (vendor: limits), so one of the other proofs
    /// comes.
    pub(crate) async fn resolve_described(&mut self, plane: &DataPlane) -> Result<Doubt, Stop> {
        match self.proof(plane).await? {
            Proof::Analysed => Ok(Doubt::Arrived),
            Proof::Gone => Ok(Doubt::Gone),
            Proof::Processing => Err(Stop::NotYet {
                delay: Duration::from_secs(15),
                reason: "the vendor processes the submission, and takes no characteristics of it",
            }),
        }
    }

    /// A removal whose answer nobody has may come to pass later, even after a result was seen. So it is
    /// recorded before it is asked for, and until it must have come to pass, nothing is concluded.
    async fn proof(&mut self, plane: &DataPlane) -> Result<Proof, Stop> {
        let submission = self.submission()?;
        if let Some(until) = submission.removing_until.filter(|until| *until > self.now()) {
            let delay = elapsed(self.now(), until);
            return Err(Stop::NotYet { delay, reason: "the submission may still be removed" });
        }
        let (id, result) = (submission.id.clone(), ResultKind::of(submission.pipeline));
        match plane.result(&id, result).await {
            Ok(Some(_)) => return Ok(Proof::Analysed),
            // 400 may stand for a result that is too large to be answered; the deletion tells.
            Ok(None) | Err(CallError::Refused { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        self.step(Step::Removing { until: self.lands_by() }).await?;
        match plane.delete_submission(&id).await? {
            Removal::Processing => {
                self.step(Step::Kept).await?;
                Ok(Proof::Processing)
            }
            Removal::Deleted | Removal::AlreadyGone => {
                self.step(Step::Abandoned).await?;
                Ok(Proof::Gone)
            }
        }
    }
}
