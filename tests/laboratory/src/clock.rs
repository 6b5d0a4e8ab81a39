//! The laboratory's clock: tokio's paused one, from wherever the world stands.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

thread_local! {
    static SET: Cell<Option<(Timestamp, Instant)>> = const { Cell::new(None) };
}

/// The time in this thread's world.
///
/// # Panics
/// Where no world was entered.
pub(crate) fn now() -> Timestamp {
    let (at, since) = SET.get().expect("a world was entered before its time was asked for");
    at + SignedDuration::try_from(since.elapsed()).expect("no world lives for centuries")
}

/// Sets the time, in the runtime whose paused clock goes on from here.
pub(crate) fn set(at: Timestamp) {
    SET.set(Some((at, Instant::now())));
}
