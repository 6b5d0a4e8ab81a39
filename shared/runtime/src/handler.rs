//! What a function implements.

use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use shared_core::attempt::Attempt;

use crate::{Deadline, Message, Unreadable, Verdict, clock};

/// A function: what it does with one message.
///
/// The runtime takes envelopes off, works the records of a batch side by side, catches panics,
/// keeps the time budget, defers, and logs one line at the end of each unit.
pub trait Handler: Send + Sync {
    /// The function's name, for the log.
    fn name(&self) -> &'static str;

    /// How much at once, and how much time one unit may need.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Works on one message.
    fn handle(&self, message: Message, invocation: &Invocation) -> impl Future<Output = Verdict> + Send;

    /// Announces a message that cannot be read; usually [`Bus::reject`](crate::Bus::reject).
    fn reject(&self, unreadable: Unreadable, invocation: &Invocation)
    -> impl Future<Output = Verdict> + Send;
}

/// How much at once, and how much time one unit may need.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many records of a batch are worked on side by side.
    pub concurrency: usize,
    /// A record is not begun when less time than this is left; it goes back untouched.
    pub time_needed: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 4, time_needed: Duration::from_secs(10) }
    }
}

/// What a unit of work knows of the invocation it runs in.
#[derive(Debug)]
pub struct Invocation {
    /// When Lambda ends it.
    pub deadline: Deadline,
    /// Lambda's id of it.
    pub request_id: String,
    now: fn() -> Timestamp,
    subject: Mutex<Option<String>>,
}

impl Invocation {
    /// An invocation with nothing done yet.
    pub fn new(deadline: Deadline, request_id: impl Into<String>) -> Self {
        Self { deadline, request_id: request_id.into(), now: clock::now, subject: Mutex::new(None) }
    }

    /// Tells the time by another clock than the machine's.
    pub fn with_clock(self, now: fn() -> Timestamp) -> Self {
        Self { now, ..self }
    }

    /// The same invocation, for another unit.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.deadline, self.request_id.clone()).with_clock(self.now)
    }

    /// How long it is until Lambda ends it, by whichever clock says that it is less: a function that was frozen
    /// may find that its monotonic clock stood still.
    pub fn left(&self) -> Duration {
        let by_the_wall = Duration::try_from(self.deadline.at().duration_since(self.now()));
        self.deadline.remaining().min(by_the_wall.unwrap_or_default())
    }

    /// Says for whom the work is, for the line at its end: usually the customer's id.
    pub fn concerns(&self, subject: impl Display) {
        *self.subject.lock().unwrap_or_else(PoisonError::into_inner) = Some(subject.to_string());
    }

    pub(crate) fn subject(&self) -> Option<String> {
        self.subject.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A name for this unit's attempt that no other attempt has: who holds a lease or a claim.
    pub fn owner(&self) -> String {
        static UNITS: AtomicU64 = AtomicU64::new(0);
        format!("{}#{}", self.request_id, UNITS.fetch_add(1, Ordering::Relaxed))
    }

    /// This attempt at a message, as the flows know it.
    pub fn attempt(&self, message: &Message) -> Attempt {
        Attempt {
            owner: self.owner(),
            deadline: self.deadline.instant(),
            whole: self.deadline.whole(),
            lease_until: self.deadline.lease_until(),
            origin: message.origin.to_string(),
            original: message.text().to_owned(),
        }
    }

    /// An attempt that may take no longer than this: a message that is much work does it in turns, and no
    /// lease outlives its turn.
    pub fn turn(&self, message: &Message, longest: Duration) -> Attempt {
        let deadline = Deadline::after(longest.min(self.deadline.remaining()), self.now());
        Attempt {
            deadline: deadline.instant(),
            whole: deadline.whole(),
            lease_until: deadline.lease_until(),
            ..self.attempt(message)
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }
}
