//! "Not yet": a new message in the place of the old one.
//!
//! A message that merely waits must not use up the receive count that ends in the dead-letter queue,
//! so it is sent again as it is, delayed, before the old one is acknowledged. A crash between the two
//! leaves a duplicate, which the records absorb. A queue delays by 15 minutes at most; a longer wait
//! hops, and a hop is passed on without a look at it.

use shared_core::elapsed;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{BoxError, Message, Origin};

#[cfg(feature = "queue")]
mod queue;
#[cfg(feature = "queue")]
pub use queue::Deferral;

/// The most that a queue delays a message (AWS: SQS Developer Guide, "Amazon SQS message timers").
pub const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// Takes messages that come back later.
#[async_trait]
pub trait Postpone: Send + Sync {
    /// Sends it. Once this has returned without an error, the old message may be acknowledged.
    async fn postpone(&self, parcel: &Parcel) -> Result<(), BoxError>;
}

/// A message that comes back later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The same text.
    pub body: String,
    /// When the first of its messages was first seen.
    pub first_seen: Timestamp,
    /// The attempt that it will be.
    pub attempt: u32,
    /// How long the queue delays it.
    pub delay_seconds: u16,
    /// Before this it is only passed on, where that is longer than a queue delays.
    pub not_before: Option<Timestamp>,
    /// The message group; the customer.
    pub group: Option<String>,
    /// Where the first of its messages came from.
    pub origin: Origin,
}

impl Parcel {
    /// The first message of something, after a delay that a queue can make.
    pub fn first(body: String, delay: Duration, group: Option<String>, now: Timestamp) -> Self {
        Self {
            body,
            first_seen: now,
            attempt: 1,
            delay_seconds: delay_seconds(delay),
            not_before: None,
            group,
            origin: Origin::default(),
        }
    }

    /// The next attempt of a message, after a delay, or after more, up to `longest`, where it has waited
    /// often before.
    pub fn next(
        message: &Message,
        delay: Duration,
        longest: Duration,
        group: Option<String>,
        now: Timestamp,
    ) -> Self {
        let delay = delay.max(patience(message).min(longest));
        let not_before = (delay > LONGEST_DELAY).then(|| now.checked_add(delay).unwrap_or(Timestamp::MAX));
        let group = group.or_else(|| message.group.clone());
        Self::of(message, message.attempt.saturating_add(1), delay, not_before, group)
    }

    /// The next hop of a message that is still too early, if it is.
    pub fn hop(message: &Message, now: Timestamp) -> Option<Self> {
        let not_before = message.not_before?;
        let left = elapsed(now, not_before);
        let hop = || Self::of(message, message.attempt, left, Some(not_before), message.group.clone());
        (!left.is_zero()).then(hop)
    }

    fn of(
        message: &Message,
        attempt: u32,
        delay: Duration,
        not_before: Option<Timestamp>,
        group: Option<String>,
    ) -> Self {
        Self {
            body: message.text.clone(),
            first_seen: message.first_seen,
            attempt,
            delay_seconds: delay_seconds(delay),
            not_before,
            group,
            origin: message.origin.clone(),
        }
    }
}

/// Rounded up: too early would be a call for nothing.
fn delay_seconds(delay: Duration) -> u16 {
    let seconds = delay.min(LONGEST_DELAY).as_millis().div_ceil(1000);
    u16::try_from(seconds).unwrap_or(u16::MAX)
}

/// How long a message waits at least that has waited before: twice as long each time, up to the longest
/// delay of a queue, so that a day's outage costs about a hundred attempts. A quarter of it is spread by
/// what the message says, so that those that failed together do not come back together.
fn patience(message: &Message) -> Duration {
    let doubled = Duration::from_millis(500) * 2_u32.saturating_pow(message.attempt.min(12));
    let longest = doubled.min(LONGEST_DELAY);
    let mut hasher = DefaultHasher::new();
    (message.attempt, &message.text).hash(&mut hasher);
    let spread = u32::try_from(hasher.finish() % 256).unwrap_or_default();
    longest - longest * spread / 1024
}

/// For functions that have no queue: nothing can be postponed.
#[derive(Clone, Copy, Debug)]
pub struct NoQueue;

#[async_trait]
impl Postpone for NoQueue {
    async fn postpone(&self, _: &Parcel) -> Result<(), BoxError> {
        Err("this function has no queue to wait in".into())
    }
}

#[cfg(test)]
mod tests;
