//! What is left over at the end of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::{State, SubmissionState};

/// Leftovers. A clean house has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Whether every list below is empty.
    pub clean: bool,
    /// Ids of tenants that exist.
    pub tenants: Vec<String>,
    /// Ids of applications that exist.
    pub applications: Vec<String>,
    /// Ids of submissions that exist and were never wholly uploaded.
    pub never_uploaded: Vec<String>,
    /// Ids of submissions that exist and wait for characteristics in vain.
    pub awaiting_characteristics: Vec<String>,
    /// Groups of submissions that exist for the same tenant, cell and content.
    pub doubles: Vec<Vec<String>>,
    /// How many calls have an effect that is still to come.
    pub under_way: usize,
}

impl Audit {
    pub(crate) fn of(state: &State) -> Self {
        let living: Vec<&SubmissionState> =
            state.submissions.iter().filter(|one| one.deleted.is_none()).collect();
        let those = |wanted: fn(&SubmissionState) -> bool| -> Vec<String> {
            living.iter().filter(|one| wanted(one)).map(|one| one.id.clone()).collect()
        };
        let mut audit = Self {
            clean: false,
            tenants: state
                .tenants
                .iter()
                .filter(|one| one.deleted.is_none())
                .map(|one| one.id.clone())
                .collect(),
            applications: state
                .applications
                .iter()
                .filter(|one| one.deleted.is_none())
                .map(|one| one.id.clone())
                .collect(),
            never_uploaded: those(|one| one.uploads == 0),
            awaiting_characteristics: those(|one| one.uploads > 0 && one.awaits_characteristics),
            doubles: doubles(&living),
            under_way: state.under_way,
        };
        audit.clean = audit == Self::default();
        audit
    }
}

fn doubles(living: &[&SubmissionState]) -> Vec<Vec<String>> {
    let mut same = BTreeMap::<_, Vec<String>>::new();
    for one in living {
        if let Some(sha256) = &one.sha256 {
            same.entry((&one.tenant, &one.cell, sha256)).or_default().push(one.id.clone());
        }
    }
    same.into_values().filter(|ids| ids.len() > 1).collect()
}
