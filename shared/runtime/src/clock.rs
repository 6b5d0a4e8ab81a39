//! The wall clock.

use jiff::Timestamp;

/// The time. A unit of work takes it from its [`Invocation`](crate::Invocation).
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
