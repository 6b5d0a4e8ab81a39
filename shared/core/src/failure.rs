//! What kinds of failure there are, and what follows from each.

use std::time::Duration;

/// What becomes of a unit of work that did not succeed. Every error of every adapter is mapped to
/// one of these, and nothing else decides on retries.
///
/// | class | a queued message | a direct call |
/// |---|---|---|
/// | [`Retry`](Self::Retry) | left to the queue, whose receive count is bounded | error |
/// | [`Wait`](Self::Wait) | a new, delayed message; this one is acknowledged | error |
/// | [`Rejected`](Self::Rejected) | done; a rejection event says why | error with the reason |
/// | [`Final`](Self::Final) | done; a failure event says why | error |
/// | [`Bug`](Self::Bug) | dead-letter queue | error |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Something broke that may work next time: 5xx, time-out, transaction conflict, AWS AccessDenied.
    Retry,
    /// Nothing broke, it is too early: 429, a lease held elsewhere, settling, not ready.
    Wait {
        /// The least time until the next attempt.
        delay: Duration,
    },
    /// The input is wrong and will stay wrong.
    Rejected,
    /// The input is right, and yet it cannot be done.
    Final,
    /// We are wrong: an illegal transition, an impossible answer.
    Bug,
}

/// How long work waits at most for what passes by itself, or never.
pub const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// From this attempt on work has tried often enough to be given up.
const PERSISTENT: u32 = 10;

impl Class {
    /// Whether work of this age, after so many attempts, has waited too long for what it waits for. Only
    /// waiting makes it old: a message that lay in a queue for days, or was replayed from an archive, has
    /// not tried yet.
    pub fn has_waited_too_long(self, age: Duration, attempt: u32, longest: Duration) -> bool {
        matches!(self, Self::Wait { .. }) && attempt >= PERSISTENT && age > longest
    }
}

/// How an adapter's error tells its class.
pub trait Classified {
    /// The class, decided by an exhaustive `match`.
    fn class(&self) -> Class;
}
