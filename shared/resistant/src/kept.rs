//! Kept tokens: one request in flight for each client, early renewal, the drop after a 401.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::MutexGuard;

use crate::clock::{Clock, Moment};
use crate::error::TokenError;
use crate::requester::Requester;
use crate::token::{Grant, Token};
use crate::transport::Http;

/// After a failed early renewal the old token serves this long before the next attempt.
const RENEWAL_PAUSE: Duration = Duration::from_secs(15);

/// How many credentials' tokens are kept; beyond it, those that no client holds any more are dropped.
const LARGEST_CACHE: usize = 1024;

/// The kept token of one client, with one request in flight at most.
pub(crate) struct Entry<P> {
    slot: tokio::sync::Mutex<Slot<P>>,
    /// How many requests have ended.
    ended: AtomicU64,
}

struct Slot<P> {
    held: Option<Held<P>>,
    /// The last failure, and which request it was.
    failed: Option<(u64, TokenError)>,
}

struct Held<P> {
    token: Arc<Token<P>>,
    since: Moment,
    lifetime: Duration,
    /// The age at which a new one is asked for: before the end, so that no call meets it.
    renew_at: Duration,
}

impl<P> Held<P> {
    fn new(grant: Grant<P>, since: Moment) -> Self {
        let Grant { token, lifetime } = grant;
        Self { token: Arc::new(token), since, lifetime, renew_at: lifetime * 4 / 5 }
    }
}

impl<P> Default for Entry<P> {
    fn default() -> Self {
        let slot = tokio::sync::Mutex::new(Slot { held: None, failed: None });
        Self { slot, ended: AtomicU64::new(0) }
    }
}

/// A client with its kept token. Clones share it.
pub(crate) struct Tokens<P> {
    requester: Arc<Requester>,
    entry: Arc<Entry<P>>,
    clock: Clock,
}

impl<P> Clone for Tokens<P> {
    fn clone(&self) -> Self {
        let (requester, entry) = (Arc::clone(&self.requester), Arc::clone(&self.entry));
        Self { requester, entry, clock: self.clock.clone() }
    }
}

impl<P> Tokens<P> {
    pub(crate) fn new(requester: Requester, entry: Arc<Entry<P>>, clock: Clock) -> Self {
        Self { requester: Arc::new(requester), entry, clock }
    }

    /// The kept token, or a new one. Callers that come while one is asked for share its outcome.
    pub(crate) async fn get(&self, http: &Http) -> Result<Arc<Token<P>>, TokenError> {
        let ended = self.entry.ended.load(Ordering::Acquire);
        let mut slot = self.slot(http).await?;
        let now = Moment::now(&self.clock);
        if let Some(held) = &slot.held
            && now.since(held.since) < held.renew_at
        {
            return Ok(Arc::clone(&held.token));
        }
        if let Some((number, error)) = &slot.failed
            && *number > ended
        {
            return Err(error.clone());
        }
        let client = self.requester.client(http, &self.clock).await;
        let outcome = client.request(http, &self.clock).await;
        let number = self.entry.ended.fetch_add(1, Ordering::AcqRel) + 1;
        slot.settle(number, now, outcome)
    }

    /// A token by a new request, past the cache in both directions: what a probe proves is that the
    /// credential works now.
    pub(crate) async fn fresh(&self, http: &Http) -> Result<Token<P>, TokenError> {
        let client = self.requester.client(http, &self.clock).await;
        Ok(client.request(http, &self.clock).await?.token)
    }

    /// Drops `refused`, unless another call has already replaced it.
    pub(crate) async fn drop_refused(&self, http: &Http, refused: &Arc<Token<P>>) -> Result<(), TokenError> {
        let mut slot = self.slot(http).await?;
        if slot.held.as_ref().is_some_and(|held| Arc::ptr_eq(&held.token, refused)) {
            slot.held = None;
        }
        Ok(())
    }

    /// The slot, once nobody else asks for its token.
    async fn slot(&self, http: &Http) -> Result<MutexGuard<'_, Slot<P>>, TokenError> {
        tokio::time::timeout(http.time_left(), self.entry.slot.lock()).await.map_err(|_| {
            TokenError::NotSent {
                problem: "another request for the same token took all the time",
                source: None,
            }
        })
    }
}

impl<P> Slot<P> {
    /// Takes in the outcome of a request that started at `now`.
    fn settle(
        &mut self,
        number: u64,
        now: Moment,
        outcome: Result<Grant<P>, TokenError>,
    ) -> Result<Arc<Token<P>>, TokenError> {
        match outcome {
            Ok(grant) => {
                self.failed = None;
                let held = self.held.insert(Held::new(grant, now));
                Ok(Arc::clone(&held.token))
            }
            Err(error) => match self.held.as_mut().filter(|held| outlasts(&error, held, now)) {
                Some(held) => {
                    held.renew_at = now.since(held.since) + RENEWAL_PAUSE;
                    Ok(Arc::clone(&held.token))
                }
                None => {
                    self.held = None;
                    self.failed = Some((number, error.clone()));
                    Err(error)
                }
            },
        }
    }
}

/// Whether the old token may serve on after a failed early renewal: it still lives, and the failure
/// says nothing about the client.
fn outlasts<P>(error: &TokenError, held: &Held<P>, now: Moment) -> bool {
    let passing = match error {
        TokenError::Throttled
        | TokenError::NotSent { .. }
        | TokenError::Unclear { .. }
        | TokenError::Signing { .. } => true,
        TokenError::InvalidClient { .. } | TokenError::Refused { .. } | TokenError::Unsigned => false,
    };
    // The margin of the pause, so that it does not end while it is used.
    passing && now.since(held.since) + RENEWAL_PAUSE < held.lifetime
}

/// The kept tokens of many clients, by a digest of everything that a client presents.
pub(crate) struct Cache<P>(Mutex<HashMap<[u8; 32], Arc<Entry<P>>>>);

impl<P> Default for Cache<P> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<P> Cache<P> {
    pub(crate) fn entry(&self, key: [u8; 32]) -> Arc<Entry<P>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= LARGEST_CACHE && !entries.contains_key(&key) {
            entries.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        Arc::clone(entries.entry(key).or_default())
    }
}
