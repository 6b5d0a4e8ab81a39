//! The vendor's limits, as far as callers have to keep to them.

use std::time::Duration;

/// New submissions of a tenant for each second (vendor: support/limit-and-quotas).
pub const SUBMISSIONS_PER_SECOND: f64 = 4.0;

/// New submissions of a tenant at once (vendor: support/limit-and-quotas).
pub const SUBMISSIONS_AT_ONCE: f64 = 6.0;

/// How long after its caller's end a call may still come to pass, and a listing may be late. The vendor
/// says nothing of it: this is our assumption.
pub const SETTLE: Duration = Duration::from_secs(60);
