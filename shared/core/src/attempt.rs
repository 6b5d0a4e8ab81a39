//! One invocation's attempt at a unit of work.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What a flow has to know of the invocation that it runs in.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Unique to this attempt: who holds a lease or a claim.
    pub owner: String,
    /// When the invocation will be ended by Lambda: no call outlives it.
    pub deadline: Instant,
    /// How long the invocation may take in all.
    pub whole: Duration,
    /// When a lease taken by it ends: the deadline and a margin, by the wall clock.
    pub lease_until: Timestamp,
    /// Where the message came from, as seen: for the audit trail.
    pub origin: String,
    /// The message as it was received, for the event that may have to refuse it.
    pub original: String,
}
