//! A record that was set back, told again from what the customer's secrets prove.

use std::collections::BTreeMap;

use super::{Application, CellPhase, CellState, Customer, Failure, NextApplication, Order, Phase, Tenant};
use crate::event::{Certificate, ReasonCode};
use crate::ids::{Generation, KeyId};
use crate::place::Cell;

/// What a customer's secrets prove of a life that the record knows less of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// Which life.
    pub generation: Generation,
    /// Its tenant, with its id.
    pub tenant: Tenant,
    /// Of each cell whose secret gets a token, the applications that are the customer's.
    pub cells: BTreeMap<Cell, Vec<Application>>,
    /// The keys that are in the secrets: what was intended with one of them has been made.
    pub keys: Vec<KeyId>,
    /// Requests from before this are superseded: which of them were applied, nobody knows any more.
    pub order: Order,
}

impl Restoration {
    /// Whether an intent has become an application that is known.
    fn has_made(&self, cell: Cell, next: &NextApplication) -> bool {
        let keyed = next.key_id.as_ref().is_some_and(|key| self.keys.contains(key));
        let known = |made: &Application| self.cells[&cell].iter().any(|one| one.id == made.id);
        keyed || next.application.as_ref().is_some_and(known)
    }
}

impl Customer {
    pub(super) fn restore(&mut self, restoration: Restoration) {
        if restoration.generation != self.generation || !self.lives() {
            self.cells.clear();
            self.certificate = Certificate::default();
        }
        for (&cell, applications) in &restoration.cells {
            let state = self.cells.entry(cell).or_insert_with(CellState::wanted);
            state.phase = CellPhase::Active;
            state.failure = None;
            state.next = state.next.take().filter(|next| !restoration.has_made(cell, next));
            state.applications.clone_from(applications);
        }
        let explanation = "the record was restored while this cell was being made: ask for it again";
        self.end_open_cells(&Failure::new(ReasonCode::TooOld, explanation));
        self.generation = restoration.generation;
        self.tenant = Some(restoration.tenant);
        self.phase = Phase::Active;
        self.failure = None;
        self.work = None;
        self.last_request = Some(restoration.order);
    }
}
