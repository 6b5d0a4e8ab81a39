//! The X-Ray trace that an invocation belongs to.
//!
//! Lambda names it with each invocation. The SDK sends it along with every call as a header
//! (`aws_runtime::recursion_detection`), which is how a deferred message stays in the trace. An event keeps it only as
//! a field of its entry (AWS: EventBridge API Reference, PutEventsRequestEntry, TraceHeader).

use std::sync::{Mutex, PoisonError};

/// A process has one invocation at a time.
static CURRENT: Mutex<Option<String>> = Mutex::new(None);

/// From now on it is this one.
pub(crate) fn begin(trace: Option<&str>) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = trace.map(str::to_owned);
}

/// The trace's header.
pub(crate) fn current() -> Option<String> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
