//! The calls that are held.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::{oneshot, watch};

/// Where a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// The upstream has not seen it.
    Before,
    /// The upstream has answered it, the caller has not.
    After,
}

/// A held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The call's number.
    pub number: u64,
    /// Where it is held.
    pub point: Point,
}

/// What becomes of a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Release,
    /// Its connection is closed.
    Cut,
}

/// Where held calls wait.
#[derive(Debug, Default)]
pub(super) struct Gate {
    waiting: Mutex<BTreeMap<u64, (Point, oneshot::Sender<Verdict>)>>,
    count: watch::Sender<usize>,
}

impl Gate {
    /// Waits for the verdict on a call. A gate that is gone cuts.
    pub(super) async fn hold(&self, held: Held) -> Verdict {
        let (sender, verdict) = oneshot::channel();
        self.change(|waiting| waiting.insert(held.number, (held.point, sender)));
        verdict.await.unwrap_or(Verdict::Cut)
    }

    /// Gives the verdict on one call. Says whether it was held.
    pub(super) fn decide(&self, number: u64, verdict: Verdict) -> bool {
        let waiting = self.change(|waiting| waiting.remove(&number));
        waiting.is_some_and(|(_, sender)| sender.send(verdict).is_ok())
    }

    /// Gives the same verdict on all that wait.
    pub(super) fn decide_all(&self, verdict: Verdict) {
        for (_, sender) in self.change(std::mem::take).into_values() {
            // Whoever waited may be gone.
            let _ = sender.send(verdict);
        }
    }

    /// Those that wait, in the order of their numbers, once there are at least `count`.
    pub(super) async fn held(&self, count: usize) -> Vec<Held> {
        let mut counts = self.count.subscribe();
        // The sender lives in `self`, so that it cannot be gone.
        drop(counts.wait_for(|&waiting| waiting >= count).await);
        let waiting = self.waiting.lock().expect("no holder panics");
        waiting.iter().map(|(&number, &(point, _))| Held { number, point }).collect()
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<u64, (Point, oneshot::Sender<Verdict>)>) -> T,
    ) -> T {
        let mut waiting = self.waiting.lock().expect("no holder panics");
        let result = change(&mut waiting);
        self.count.send_replace(waiting.len());
        result
    }
}
