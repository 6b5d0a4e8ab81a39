//! When Lambda ends an invocation.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The moment at which Lambda ends this invocation, whatever it is doing.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Timestamp,
    // Time is measured on the monotonic clock: a step of the wall clock must not end a unit.
    instant: Instant,
    whole: Duration,
}

impl Deadline {
    /// Assumed where the runtime gives none that can be: local emulators (`cargo lambda watch`)
    /// send a constant in 1970.
    const ASSUMED: Duration = Duration::from_secs(60);

    /// By how much a lease outlives the invocation that holds it.
    const LEASE_MARGIN: Duration = Duration::from_secs(5);

    /// So long from `now`.
    pub fn after(remaining: Duration, now: Timestamp) -> Self {
        let at = now.checked_add(remaining).unwrap_or(Timestamp::MAX);
        Self { at, instant: Instant::now() + remaining, whole: remaining }
    }

    /// The same moment, in the course of an invocation that began earlier.
    pub fn in_an_invocation_of(self, whole: Duration) -> Self {
        Self { whole, ..self }
    }

    /// As the runtime says it, in milliseconds since 1970.
    pub fn at_millis(millis: u64, now: Timestamp) -> Self {
        let at = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let remaining = at.and_then(|at| Duration::try_from(at.duration_since(now)).ok());
        match remaining {
            Some(remaining) if !remaining.is_zero() => Self::after(remaining, now),
            Some(_) | None => Self::after(Self::ASSUMED, now),
        }
    }

    /// The moment itself, by the wall clock: for a lease that must outlive it.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The moment itself, by the monotonic clock: no call outlives it.
    pub fn instant(&self) -> Instant {
        self.instant
    }

    /// How long the invocation may take in all.
    pub fn whole(&self) -> Duration {
        self.whole
    }

    /// When a lease or a claim taken in this invocation ends: a margin after the moment itself, so
    /// that nobody takes over while a last write may still be under way.
    pub fn lease_until(&self) -> Timestamp {
        self.at.checked_add(Self::LEASE_MARGIN).unwrap_or(Timestamp::MAX)
    }

    /// How long it is until then.
    pub fn remaining(&self) -> Duration {
        self.instant.saturating_duration_since(Instant::now())
    }

    /// Whether something that takes so long would see its end.
    pub fn allows(&self, duration: Duration) -> bool {
        self.remaining() >= duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_deadline_is_a_moment_and_a_rest() {
        let deadline = Deadline::at_millis(now().as_millisecond() as u64 + 30_000, now());
        assert_eq!(deadline.at().to_string(), "2026-01-31T09:00:30Z");
        assert!(deadline.remaining() <= Duration::from_secs(30));
        assert!(deadline.allows(Duration::from_secs(5)) && !deadline.allows(Duration::from_secs(31)));
    }

    #[test]
    fn a_deadline_that_has_passed_leaves_nothing() {
        let deadline = Deadline::after(Duration::ZERO, now());
        assert_eq!(deadline.remaining(), Duration::ZERO);
        assert!(!deadline.allows(Duration::from_millis(1)));
    }

    #[test]
    fn a_deadline_that_cannot_be_is_replaced() {
        for impossible in [0, 600_000, u64::MAX] {
            let remaining = Deadline::at_millis(impossible, now()).remaining();
            assert!(remaining <= Deadline::ASSUMED && remaining > Deadline::ASSUMED / 2, "{impossible}");
        }
    }
}
