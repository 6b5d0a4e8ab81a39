//! The switchboard: which call fails, and how.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::operations::Operation;

/// A fault and the calls it hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation; any if absent.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// Only calls that concern this tenant: its id, or the name in a create.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Only calls that concern this cell.
    #[serde(default)]
    pub cell: Option<String>,
    /// Which of the matching calls is the first that is hit, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many calls are hit from there on; every one if null.
    #[serde(default = "just_one")]
    pub count: Option<u64>,
    /// What happens to them.
    pub effect: Effect,
}

fn one() -> u64 {
    1
}

#[expect(clippy::unnecessary_wraps, reason = "the type that serde wants")]
fn just_one() -> Option<u64> {
    Some(1)
}

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// The connection is closed; nothing else happens.
    Refuse,
    /// On an upload: the connection is closed once so many bytes have come; nothing is stored.
    BreakAfter {
        /// How many.
        bytes: u64,
    },
    /// This status is answered; nothing else happens.
    Status {
        /// The status.
        status: u16,
    },
    /// The call is done, and this status is answered all the same.
    DoneThenStatus {
        /// The status.
        status: u16,
    },
    /// The call is done, and the connection is closed without an answer.
    DoneThenCut,
    /// The answer is lost now; the call is done later, by the simulator's clock.
    Late {
        /// How much later.
        after_ms: u32,
        /// What is answered now; the connection is closed if absent.
        #[serde(default)]
        status: Option<u16>,
    },
    /// On a create or delete: listings show it only after a while. On a listing: it shows what was
    /// true a while ago.
    LateListing {
        /// How long.
        seconds: u32,
    },
    /// On the creation of an application: token endpoints know it only after a while.
    LateAcceptance {
        /// How long.
        seconds: u32,
    },
    /// The call waits until it is released.
    Hold {
        /// Before it is done, or after, with the answer still to come.
        at: HoldAt,
    },
}

/// Where a held call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldAt {
    /// Nothing has happened yet.
    Before,
    /// It is done, and not answered.
    After,
}

impl Fault {
    /// A fault that hits the next call of an operation.
    pub fn next(operation: Operation, effect: Effect) -> Self {
        Self { operation: Some(operation), tenant: None, cell: None, nth: 1, count: Some(1), effect }
    }

    fn concerns(&self, call: &Call) -> bool {
        let who = &call.who;
        let is =
            |wanted: &Option<String>, found: &[&Option<String>]| wanted.is_none() || found.contains(&wanted);
        self.operation.is_none_or(|operation| operation == call.target.operation)
            && is(&self.tenant, &[&who.tenant, &who.tenant_name])
            && is(&self.cell, &[&who.cell])
    }
}

/// A fault with its number and how many matching calls it has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Armed {
    /// The number it was given.
    pub id: u64,
    /// The fault.
    pub fault: Fault,
    /// How many calls matched it.
    pub seen: u64,
    /// How many of them it hit.
    pub hits: u64,
}

/// All faults, in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct Switchboard {
    faults: Vec<Armed>,
    last: u64,
}

impl Switchboard {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.last += 1;
        self.faults.push(Armed { id: self.last, fault, seen: 0, hits: 0 });
        self.last
    }

    pub(crate) fn list(&self) -> Vec<Armed> {
        self.faults.clone()
    }

    /// Removes one fault, or all.
    pub(crate) fn remove(&mut self, id: Option<u64>) {
        self.faults.retain(|armed| id.is_some_and(|id| id != armed.id));
    }

    /// The fault that hits this call. Every matching fault counts it; the oldest that is due hits.
    pub(crate) fn hit(&mut self, call: &Call) -> Option<(u64, Effect)> {
        let mut hit = None;
        for armed in self.faults.iter_mut().filter(|armed| armed.fault.concerns(call)) {
            armed.seen += 1;
            if armed.is_due() && hit.is_none() {
                armed.hits += 1;
                hit = Some((armed.id, armed.fault.effect.clone()));
            }
        }
        hit
    }
}

impl Armed {
    fn is_due(&self) -> bool {
        let over = self.fault.count.map(|count| self.fault.nth.saturating_add(count));
        self.seen >= self.fault.nth && over.is_none_or(|over| self.seen < over)
    }
}

impl Effect {
    /// Sets how much later than usual the call's effect will be seen.
    pub(crate) fn delay(&self, call: &mut Call) {
        match self {
            Self::LateListing { seconds } => {
                call.lag.listing = SignedDuration::from_secs(i64::from(*seconds))
            }
            Self::LateAcceptance { seconds } => {
                call.lag.acceptance = SignedDuration::from_secs(i64::from(*seconds))
            }
            _ => {}
        }
    }

    /// After how many bytes of a document its connection is closed.
    pub(crate) fn enough(&self) -> Option<u64> {
        match self {
            Self::BreakAfter { bytes } => Some(*bytes),
            _ => None,
        }
    }

    /// When the call's effect comes, if not now.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Late { after_ms, .. } => Some(now + SignedDuration::from_millis(i64::from(*after_ms))),
            _ => None,
        }
    }
}
