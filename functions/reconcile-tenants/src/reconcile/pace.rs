//! How fast the vendor is called.

use std::time::Duration;

use tokio::time::Instant;

/// From one call to the next: eight a second. The vendor says nothing of what tenant management and the token
/// endpoint take; the lowest rate that it publishes for calls that are no submissions is ten a second
/// (vendor: support/limit-and-quotas), and the other functions call beside this one.
pub(crate) const BETWEEN: Duration = Duration::from_millis(125);

/// Lets calls through one after the other.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    free_at: Option<Instant>,
}

impl Pace {
    /// Waits until so many calls may be made.
    pub(crate) async fn turn(&mut self, calls: u32) {
        if let Some(free_at) = self.free_at {
            tokio::time::sleep_until(free_at).await;
        }
        self.free_at = Some(Instant::now() + BETWEEN * calls);
    }
}
