//! Time between two times.

use std::time::Duration;

use jiff::Timestamp;

/// How long after `since` it is `now`; nothing where a clock was set back in between.
pub fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_run_backwards() {
        let (then, later) = (Timestamp::UNIX_EPOCH, Timestamp::constant(2, 500_000_000));
        assert_eq!(elapsed(then, later), Duration::from_millis(2500));
        assert_eq!(elapsed(later, then), Duration::ZERO);
    }
}
