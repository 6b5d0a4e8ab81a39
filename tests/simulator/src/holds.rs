//! Calls that wait until a test lets them go.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, oneshot};

use crate::call::Call;
use crate::faults::HoldAt;
use crate::operations::Operation;

/// A call that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// Its number among all calls that ever waited.
    pub id: u64,
    /// The operation.
    pub operation: Operation,
    /// The tenant concerned, if known.
    pub tenant: Option<String>,
    /// Where it stands.
    pub at: HoldAt,
}

/// What becomes of a held call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// It goes on.
    #[default]
    Proceed,
    /// Its connection is closed; one that was held before it was done is never done.
    Discard,
}

/// All held calls.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    calls: BTreeMap<u64, (Held, oneshot::Sender<Release>)>,
}

impl Holds {
    /// Waits until the call is released.
    pub(crate) async fn hold(&self, call: &Call, at: HoldAt) -> Release {
        let (release, released) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            waiting.last += 1;
            let id = waiting.last;
            let held = Held { id, operation: call.target.operation, tenant: call.who.tenant.clone(), at };
            waiting.calls.insert(id, (held, release));
        }
        self.changed.notify_waiters();
        released.await.unwrap_or(Release::Discard)
    }

    pub(crate) fn list(&self) -> Vec<Held> {
        self.waiting().calls.values().map(|(held, _)| held.clone()).collect()
    }

    /// Waits until at least `count` calls are held.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Held> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let held = self.list();
            if held.len() >= count {
                return held;
            }
            changed.await;
        }
    }

    /// Releases one call, or all; says how many.
    pub(crate) fn release(&self, id: Option<u64>, how: Release) -> usize {
        let mut waiting = self.waiting();
        let ids: Vec<u64> =
            waiting.calls.keys().copied().filter(|held| id.is_none_or(|id| id == *held)).collect();
        let released = ids.iter().filter_map(|id| waiting.calls.remove(id));
        released.filter_map(|(_, release)| release.send(how).ok()).count()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
