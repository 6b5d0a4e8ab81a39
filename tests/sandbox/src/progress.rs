//! What a person sees while it builds and runs: one line a thing, on standard error.

use std::time::{Duration, Instant};

/// Says that something begins that takes a while.
pub fn begin(what: &str, detail: &str) -> Running {
    eprintln!("{what:<14} {detail} …");
    Running { what: what.to_owned(), since: Instant::now() }
}

/// Says one thing.
pub fn say(what: &str, detail: &str) {
    eprintln!("{what:<14} {detail}");
}

/// Something that was begun.
pub struct Running {
    what: String,
    since: Instant,
}

impl Running {
    /// Says that it is done, and how long it took.
    pub fn done(self, detail: &str) {
        eprintln!("{:<14} {detail} ({})", self.what, seconds(self.since.elapsed()));
    }
}

/// A duration as a person reads it.
pub fn seconds(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
