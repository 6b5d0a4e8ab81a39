//! The vendor's limits, as far as callers have to keep to them.

use std::time::Duration;

/// New submissions of a tenant for each second (vendor: support/limit-and-quotas).
pub const SUBMISSIONS_PER_SECOND: f64 = 4.0;

/// New submissions of a tenant at once (vendor: support/limit-and-quotas).
pub const SUBMISSIONS_AT_ONCE: f64 = 6.0;

/// How long after its caller's end a call may still come to pass, and a listing may be late. The vendor
/// says nothing of it: this is our assumption.
pub const SETTLE: Duration = Duration::from_secs(60);

/// After this an analysis has ended, or never will (vendor: support/limit-and-quotas). From when it counts
/// is not said; we count from the last byte.
pub const LONGEST_ANALYSIS: Duration = Duration::from_secs(15 * 60);

/// The most time between two looks at a result (vendor: receiving-results/polling).
pub const LONGEST_BETWEEN_LOOKS: Duration = Duration::from_secs(45);
