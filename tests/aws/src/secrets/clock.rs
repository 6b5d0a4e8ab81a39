//! The server's time: the machine's, moved forward by tests.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// Days that pass when a test says so.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: Mutex<Duration>,
}

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now() + *self.ahead.lock().expect("no holder panics")
    }

    pub(super) fn advance(&self, by: Duration) {
        *self.ahead.lock().expect("no holder panics") += by;
    }
}

/// A duration of whole days, as Secrets Manager counts them.
pub(super) fn days(count: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(24 * count)
}

/// A time as the AWS JSON protocol writes it: seconds since 1970, with a fraction.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
pub(super) fn epoch(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}
