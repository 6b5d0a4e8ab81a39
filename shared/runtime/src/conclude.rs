//! The end of a unit whose outcome is recorded: announce it once it is known, note that it was said.

use shared_core::event::{Content, OutboundEvent};
use shared_core::failure::Classified;

use crate::{Bus, Report, Verdict};

impl Bus {
    /// Announces how a unit ended, unless that was done before, then notes that it was done.
    ///
    /// The outcome must be recorded already. A crash in between leaves an event that the next
    /// delivery announces again, with the same id.
    pub async fn conclude<E>(
        &self,
        event: &OutboundEvent,
        announced: bool,
        mark: impl AsyncFnOnce() -> Result<(), E>,
    ) -> Verdict
    where
        E: Classified + std::error::Error + Send + Sync + 'static,
    {
        if announced {
            return Verdict::Done(report(event, "nothing to do: it had ended in "));
        }
        if let Err(error) = self.announce(event).await {
            return Verdict::of(error, None);
        }
        match mark().await {
            Ok(()) => ended(event),
            Err(error) => Verdict::of(error, None),
        }
    }
}

/// The verdict that an event stands for.
fn ended(event: &OutboundEvent) -> Verdict {
    let report = report(event, "");
    match event.content() {
        Content::CustomerOnboarded(_)
        | Content::CustomerOffboarded(_)
        | Content::SecretRotated(_)
        | Content::SecretRolledBack(_)
        | Content::DocumentSubmitted(_)
        | Content::ReconciliationFinished(_)
        | Content::DocumentAnalyzed(_)
        // How a document was found is not how the work on its message went.
        | Content::DocumentAnalysisFailed(_) => Verdict::Done(report),
        Content::DocumentRejected(_) | Content::RequestRejected(_) => Verdict::Rejected(report),
        Content::CustomerOnboardingFailed(_) | Content::CustomerOffboardingFailed(_) => {
            Verdict::Failed(report)
        }
    }
}

fn report(event: &OutboundEvent, prefix: &str) -> Report {
    let detail = serde_json::json!({ "event_id": event.event_id() });
    Report::new(format!("{prefix}{}", event.detail_type())).with(detail)
}
