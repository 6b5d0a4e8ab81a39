//! When a thing exists, and when listings show it.

use jiff::{SignedDuration, Timestamp};

/// From creation to deletion. Listings may lag behind both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) created: Timestamp,
    listed_from: Timestamp,
    pub(crate) deleted: Option<Timestamp>,
    listed_until: Timestamp,
}

impl Life {
    pub(crate) fn begin(now: Timestamp, lag: SignedDuration) -> Self {
        Self { created: now, listed_from: now + lag, deleted: None, listed_until: Timestamp::MAX }
    }

    pub(crate) fn end(&mut self, now: Timestamp, lag: SignedDuration) {
        self.deleted = Some(now);
        self.listed_until = now + lag;
    }

    pub(crate) fn exists(&self) -> bool {
        self.deleted.is_none()
    }

    pub(crate) fn is_listed(&self, at: Timestamp) -> bool {
        self.listed_from <= at && at < self.listed_until
    }
}
