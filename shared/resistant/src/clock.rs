//! The wall clock, handed in so that a test can set it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time. Assertions carry it, and the token cache looks at it beside the monotonic clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// Any other clock.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
