//! The simulator's clock: real time that a test can advance or stop.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A change to the clock. Everything in it is optional.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockChange {
    /// How far to move forward.
    pub advance_seconds: f64,
    /// Stops the clock at its present time, or lets it run on from there.
    pub frozen: Option<bool>,
    /// How far ahead of real time the authorization servers believe to be when they judge the
    /// times in an assertion.
    pub assertion_skew_seconds: Option<f64>,
}

/// Tokens, URLs, results, limits and late effects live by [`Clock::now`]. The times in an assertion
/// are the caller's own and are judged by real time, which advancing this clock does not change.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Hands>);

#[derive(Debug, Default)]
struct Hands {
    advanced: SignedDuration,
    frozen_at: Option<Timestamp>,
    assertion_skew: SignedDuration,
}

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        self.hands().now()
    }

    pub(crate) fn assertion_now(&self) -> Timestamp {
        Timestamp::now() + self.hands().assertion_skew
    }

    pub(crate) fn change(&self, change: &ClockChange) {
        let mut hands = self.hands();
        let advance = SignedDuration::from_secs_f64(change.advance_seconds);
        match &mut hands.frozen_at {
            Some(at) => *at += advance,
            None => hands.advanced += advance,
        }
        if let Some(skew) = change.assertion_skew_seconds {
            hands.assertion_skew = SignedDuration::from_secs_f64(skew);
        }
        match change.frozen {
            Some(true) => hands.frozen_at = Some(hands.now()),
            Some(false) => hands.run(),
            None => {}
        }
    }

    pub(crate) fn reset(&self) {
        *self.hands() = Hands::default();
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands {
    fn now(&self) -> Timestamp {
        self.frozen_at.unwrap_or_else(|| Timestamp::now() + self.advanced)
    }

    fn run(&mut self) {
        if let Some(at) = self.frozen_at.take() {
            self.advanced = at.duration_since(Timestamp::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_told_to() {
        let clock = Clock::default();
        clock.change(&ClockChange { frozen: Some(true), ..ClockChange::default() });
        let then = clock.now();
        clock.change(&ClockChange { advance_seconds: 2.5, ..ClockChange::default() });
        assert_eq!(clock.now(), then + SignedDuration::from_millis(2500));
        clock.change(&ClockChange { frozen: Some(false), ..ClockChange::default() });
        assert!(clock.now() >= then + SignedDuration::from_millis(2500));
    }
}
