//! The vendor's limit on new submissions, kept in the process: for each tenant 4 a second, 6 at once.
//!
//! A document that finds no permit is deferred, and the vendor is not called. That keeps a loud tenant
//! from the others: a batch full of its messages is worked off at the cost of sending them again, and
//! what is sent again carries the customer as its message group, by which the queue is fair.
//!
//! Only creations are counted. Of the vendor's other calls, 10 a second for each tenant, a document
//! makes none or one, or two where an earlier upload is in doubt, so they follow the creations.
//!
//! Other instances are not seen, for that would cost a call for each document. What a 429 says of them
//! is learned instead: it halves what is taken for this instance's share, and each submission that is
//! made adds a little to it.
//!
//! Time is the wall clock's, which also runs while the function is frozen.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use resistant::limits::{SUBMISSIONS_AT_ONCE, SUBMISSIONS_PER_SECOND};
use shared_core::elapsed;
use shared_core::ids::CustomerId;

use crate::submit::Stop;

/// The least share: at it, as many instances as the template allows ask for hardly more than the rate.
const LEAST_SHARE: f64 = 1.0 / 16.0;

/// How far ahead the rate is promised to those that wait.
const HORIZON: Duration = Duration::from_secs(60);

/// Refusals within it count as one.
const ONE_MOMENT: Duration = Duration::from_millis(500);

/// What a submission that is made adds to the share.
const GAIN: f64 = 1.0 / 40.0;

/// The permits of every tenant that has been asked for lately. A customer has one tenant at a time.
#[derive(Default)]
pub(crate) struct Permits(Mutex<HashMap<CustomerId, Bucket>>);

impl Permits {
    /// Whether there is a permit, which stays where it is. Costs nothing, so it may be asked first.
    ///
    /// # Errors
    /// [`Stop::NotYet`], until when there should be one.
    pub(crate) fn look(&self, customer: &CustomerId, now: Timestamp) -> Result<(), Stop> {
        self.ask(customer, now, 0.0)
    }

    /// Takes a permit for a submission that is made now.
    ///
    /// # Errors
    /// As of [`Permits::look`].
    pub(crate) fn take(&self, customer: &CustomerId, now: Timestamp) -> Result<(), Stop> {
        self.ask(customer, now, 1.0)
    }

    fn ask(&self, customer: &CustomerId, now: Timestamp, taken: f64) -> Result<(), Stop> {
        let mut buckets = self.buckets();
        // Keys of a bucket name anybody. A bucket that is as a new one says nothing.
        if !buckets.contains_key(customer) {
            buckets.retain(|_, bucket| !bucket.is_as_new(now));
        }
        let bucket = buckets.entry(customer.clone()).or_insert_with(|| Bucket::new(now));
        bucket.fill(now);
        if bucket.permits < 1.0 {
            return Err(bucket.not_yet(now));
        }
        bucket.permits -= taken;
        Ok(())
    }

    /// The vendor has taken a submission.
    pub(crate) fn used(&self, customer: &CustomerId) {
        self.change(customer, |bucket| bucket.share = (bucket.share + GAIN).min(1.0));
    }

    /// The vendor has answered 429: others have used what this instance took for its own.
    pub(crate) fn refused(&self, customer: &CustomerId, now: Timestamp) {
        self.change(customer, |bucket| {
            bucket.permits = 0.0;
            // Those that were on their way side by side say the same thing once.
            if bucket.refused.is_none_or(|last| elapsed(last, now) >= ONE_MOMENT) {
                bucket.refused = Some(now);
                bucket.share = (bucket.share / 2.0).max(LEAST_SHARE);
            }
        });
    }

    fn change(&self, customer: &CustomerId, change: impl FnOnce(&mut Bucket)) {
        if let Some(bucket) = self.buckets().get_mut(customer) {
            change(bucket);
        }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<CustomerId, Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bucket {
    permits: f64,
    /// When it was filled up last.
    at: Timestamp,
    /// Which part of the tenant's rate is this instance's.
    share: f64,
    /// When the share was halved last.
    refused: Option<Timestamp>,
    /// Until when the tenant's rate is promised to documents that wait.
    promised: Timestamp,
}

impl Bucket {
    fn new(now: Timestamp) -> Self {
        Self { permits: SUBMISSIONS_AT_ONCE, at: now, share: 1.0, refused: None, promised: now }
    }

    fn fill(&mut self, now: Timestamp) {
        let seconds = elapsed(self.at, now).as_secs_f64();
        self.permits =
            (self.permits + seconds * SUBMISSIONS_PER_SECOND * self.share).min(SUBMISSIONS_AT_ONCE);
        self.at = now;
    }

    /// Those that wait come back one after the other, as fast as this instance may submit. The share is
    /// a guess, and what a tenant does not use of its rate is lost: so nothing is promised for later
    /// than the horizon, within which it will be known better. Who is too early then waits once more.
    fn not_yet(&mut self, now: Timestamp) -> Stop {
        if self.promised < now || self.promised > now + HORIZON {
            self.promised = now;
        }
        self.promised += Duration::from_secs_f64(1.0 / (SUBMISSIONS_PER_SECOND * self.share));
        Stop::NotYet {
            delay: elapsed(now, self.promised),
            reason: "the tenant's rate of new submissions is used up",
        }
    }

    fn is_as_new(&self, now: Timestamp) -> bool {
        let seconds = elapsed(self.at, now).as_secs_f64();
        self.share >= 1.0
            && self.permits + seconds * SUBMISSIONS_PER_SECOND >= SUBMISSIONS_AT_ONCE
            && self.promised <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customer(name: &str) -> CustomerId {
        name.parse().unwrap()
    }

    /// How many of so many get a permit at this moment.
    fn taken(permits: &Permits, name: &str, of: usize, now: Timestamp) -> usize {
        (0..of).filter(|_| permits.take(&customer(name), now).is_ok()).count()
    }

    fn delay(permits: &Permits, now: Timestamp) -> Duration {
        let Err(Stop::NotYet { delay, .. }) = permits.look(&customer("acme"), now) else {
            panic!("a permit")
        };
        delay
    }

    #[test]
    fn a_tenant_has_its_burst_then_its_rate_whatever_the_others_take() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(taken(&permits, "acme", 20, now), 6);
        assert_eq!(taken(&permits, "zenith", 20, now), 6);
        assert_eq!(taken(&permits, "acme", 20, now + Duration::from_secs(1)), 4);
        assert_eq!(taken(&permits, "acme", 20, now + Duration::from_secs(60)), 6);
    }

    #[test]
    fn a_look_takes_nothing() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        assert!((0..20).all(|_| permits.look(&customer("acme"), now).is_ok()));
        assert_eq!(taken(&permits, "acme", 20, now), 6);
    }

    #[test]
    fn those_that_wait_come_back_one_after_the_other() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        taken(&permits, "acme", 6, now);
        let delays: Vec<_> = (0..40).map(|_| delay(&permits, now).as_millis()).collect();
        assert_eq!(delays, (1..=40).map(|number| number * 250).collect::<Vec<u128>>());
        // Nine seconds later the last of them is still to come; who is new waits behind it.
        taken(&permits, "acme", 6, now + Duration::from_secs(9));
        assert_eq!(delay(&permits, now + Duration::from_secs(9)).as_millis(), 1250);
    }

    #[test]
    fn nobody_is_told_to_wait_much_longer_than_the_horizon() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        taken(&permits, "acme", 6, now);
        permits.refused(&customer("acme"), now);
        let delays: Vec<_> = (0..500).map(|_| delay(&permits, now)).collect();
        assert_eq!(delays[0].as_millis(), 500, "half of the rate");
        assert!(delays.iter().all(|delay| *delay <= HORIZON + Duration::from_secs(1)));
        let late = delays.iter().filter(|delay| **delay > HORIZON / 2).count();
        assert!((200..300).contains(&late), "spread over all of it: {late}");
    }

    #[test]
    fn a_429_halves_the_share_and_submissions_win_it_back() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        let acme = customer("acme");
        taken(&permits, "acme", 1, now);
        (0..4).for_each(|_| permits.refused(&acme, now)); // of one moment: once
        assert_eq!(taken(&permits, "acme", 20, now), 0);
        assert_eq!(taken(&permits, "acme", 20, now + Duration::from_secs(1)), 2);
        (0..20).for_each(|_| permits.used(&acme));
        assert_eq!(taken(&permits, "acme", 20, now + Duration::from_secs(2)), 4);
    }

    #[test]
    fn the_share_has_an_end() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        let later = |tries: u64| now + Duration::from_secs(tries * 5);
        for tries in 0..20 {
            assert!(taken(&permits, "acme", 1, later(tries)) == 1, "a try each 5 seconds");
            permits.refused(&customer("acme"), later(tries));
            permits.look(&customer("acme"), later(tries)).unwrap_err();
        }
    }

    #[test]
    fn tenants_of_which_nothing_is_known_are_forgotten() {
        let (permits, now) = (Permits::default(), Timestamp::UNIX_EPOCH);
        for number in 0..1000 {
            permits.look(&customer(&format!("c-{number}")), now).unwrap();
        }
        assert_eq!(permits.buckets().len(), 1);
        taken(&permits, "acme", 6, now);
        permits.look(&customer("zenith"), now + Duration::from_secs(1)).unwrap();
        assert!(permits.buckets().contains_key(&customer("acme")));
    }
}
