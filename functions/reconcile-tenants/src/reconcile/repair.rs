//! The repairs of mode `apply`: the flows' own, under the customer's lease, with who asked and why in the
//! audit trail.

use registry::Cause;
use shared_core::attempt::Attempt;
use shared_core::ids::{ApplicationId, CustomerId};
use vault::SecretName;

use lifecycle::{FlowError, Remover};

use super::facts::Terms;
use super::findings::{Code, Finding, Outcome};
use super::pace::Pace;

/// How many calls to the vendor a clean-up makes of one replaced application, its deletion and the listing
/// that proves it, with one of each to spare.
const CLEAN_UP_CALLS: u32 = 4;

/// Makes the repairs.
pub(crate) struct Repair<'a> {
    pub(crate) remover: &'a Remover,
    pub(crate) terms: &'a Terms,
    pub(crate) cause: Cause,
    pub(crate) attempt: Attempt,
}

impl Repair<'_> {
    /// Repairs what is safe of what was found at one customer, and notes in each finding what became of it.
    pub(crate) async fn all(&self, customer_id: &CustomerId, found: &mut [Finding], pace: &mut Pace) {
        if found.iter().any(|finding| finding.code == Code::RetirementDue) {
            pace.turn(CLEAN_UP_CALLS).await;
            let cleaned = self.remover.clean_up(customer_id, self.cause.clone(), &self.attempt).await;
            let gone = cleaned.map(|cleaned| cleaned.deleted);
            for finding in found.iter_mut().filter(|finding| finding.code == Code::RetirementDue) {
                finding.outcome = Some(deleted(&gone, finding.subject.application_id.as_ref()));
            }
        }
        for finding in found.iter_mut().filter(|finding| finding.code == Code::RotationOff) {
            let Some(cell) = finding.subject.cell else { continue };
            let name = self.remover.vault().prefix().secret_name(customer_id, cell);
            finding.outcome = Some(self.reschedule(&name).await);
        }
    }

    async fn reschedule(&self, name: &SecretName) -> Outcome {
        let schedule = &self.terms.schedule;
        match self.remover.reschedule(name, schedule, self.cause.clone(), &self.attempt).await {
            Ok(()) => Outcome::Repaired,
            Err(error) => not_repaired(&error),
        }
    }
}

fn deleted(cleaned: &Result<Vec<ApplicationId>, FlowError>, id: Option<&ApplicationId>) -> Outcome {
    match cleaned {
        Ok(gone) if id.is_some_and(|id| gone.contains(id)) => Outcome::Repaired,
        Ok(_) => Outcome::NotRepaired { why: "it was not due any more".to_owned() },
        Err(error) => not_repaired(error),
    }
}

fn not_repaired(error: &FlowError) -> Outcome {
    Outcome::NotRepaired { why: super::reasons(error) }
}
