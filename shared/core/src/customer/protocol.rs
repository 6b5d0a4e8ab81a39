//! What each transition does to the record, and where it is illegal.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Application, CellPhase, CellState, Customer, Failure};
use super::{NextApplication, Pause, Phase, Restoration, Sealed, Tenant, Work};
use crate::credential::AuthenticationKind;
use crate::document::DocumentId;
use crate::event::{Certificate, DeletedApplication, DeletedSecret};
use crate::failure::{Class, Classified};
use crate::ids::{ApplicationId, CustomerId, TenantId, TenantName};
use crate::place::Cell;

/// One step of the protocol.
#[derive(Clone, Debug)]
pub enum Transition {
    /// An onboarding is accepted, with an intent for each cell that needs an application.
    Onboard {
        /// The request.
        work: Work,
        /// The name of the tenant of a new life; ignored while a life goes on.
        tenant_name: TenantName,
        /// An intent for each wanted cell that has neither an application nor an intent.
        intents: BTreeMap<Cell, NextApplication>,
    },
    /// The tenant exists.
    TenantFound {
        /// Under this id.
        id: TenantId,
    },
    /// A cell is to get another application.
    Intend {
        /// In this cell.
        cell: Cell,
        /// As this.
        next: NextApplication,
    },
    /// An operator asks for a rotation. The audit trail keeps who and why.
    AskRotation {
        /// Of this cell.
        cell: Cell,
        /// How the cell's next applications shall authenticate, where it is to change.
        authentication: Option<AuthenticationKind>,
    },
    /// A cell's secret is to be rotated on its schedule again. The audit trail keeps who and why.
    ScheduleRotation {
        /// Of this cell.
        cell: Cell,
    },
    /// A create may have happened unseen.
    Doubt {
        /// In this cell.
        cell: Cell,
        /// Since then.
        since: Timestamp,
    },
    /// It is certain that no create happened: the next may be called.
    NothingMade {
        /// In this cell.
        cell: Cell,
    },
    /// The vendor made our application.
    ApplicationFound {
        /// In this cell.
        cell: Cell,
        /// This one.
        application: Application,
        /// The client secret that came with it.
        sealed: Option<Sealed>,
    },
    /// A secret holds the credential of the cell's next application.
    Stored {
        /// In this cell.
        cell: Cell,
    },
    /// The cell cannot be had.
    CellFailed {
        /// This cell.
        cell: Cell,
        /// For this reason.
        failure: Failure,
    },
    /// An application was seen named by no staging label, or named again.
    Referenced {
        /// In this cell.
        cell: Cell,
        /// This application.
        id: ApplicationId,
        /// Since when it is not named; `None` when it is.
        unreferenced_since: Option<Timestamp>,
    },
    /// Documents that have no result are waited for no longer.
    DocumentsCutOff {
        /// These.
        ids: Vec<DocumentId>,
    },
    /// Applications are gone from the vendor, as its listing shows.
    ApplicationsGone {
        /// These.
        ids: Vec<ApplicationId>,
        /// Seen then.
        at: Timestamp,
    },
    /// Every wanted cell has ended, at least one of the customer's works.
    FinishOnboarding,
    /// The request has waited too long: it ends here, and what was made for it stays for the next one.
    GiveUp {
        /// For this reason.
        failure: Failure,
    },
    /// A first onboarding cannot be done: everything made is to be removed.
    Undo {
        /// For this reason.
        failure: Failure,
    },
    /// An offboarding is accepted.
    Offboard {
        /// The request.
        work: Work,
    },
    /// The tenant is gone, as a full listing proves.
    TenantGone {
        /// When the delete was answered.
        deleted_at: Timestamp,
        /// When the listing was complete.
        proved_at: Timestamp,
        /// How many tenants it held.
        tenants_listed: u64,
    },
    /// A new life begins in a tenant that exists already, by an operator's word. The audit trail keeps who and
    /// why.
    Adopt {
        /// It, with its id and since when.
        tenant: Tenant,
    },
    /// The record is brought up to what the customer's secrets prove. The audit trail keeps who and why.
    Restore(Restoration),
    /// Work on the customer stops, by an operator's word.
    Pause {
        /// Whose, and why.
        pause: Pause,
    },
    /// Work on the customer goes on. The audit trail keeps who and why.
    Resume,
    /// Nothing is left.
    FinishOffboarding {
        /// The secrets in their recovery windows.
        secrets: Vec<DeletedSecret>,
    },
}

/// A transition that the record's phase does not allow: a bug, never a race.
#[derive(Debug, thiserror::Error)]
#[error("`{transition}` is illegal for customer `{customer_id}` in phase {phase:?}: {why}")]
pub struct IllegalTransition {
    customer_id: CustomerId,
    phase: Phase,
    transition: &'static str,
    why: &'static str,
}

impl Classified for IllegalTransition {
    fn class(&self) -> Class {
        Class::Bug
    }
}

impl Transition {
    /// Its name, for the audit trail.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Onboard { .. } => "onboarding accepted",
            Self::TenantFound { .. } => "tenant recorded",
            Self::Intend { .. } => "application intended",
            Self::AskRotation { .. } => "rotation asked for",
            Self::ScheduleRotation { .. } => "rotation scheduled again",
            Self::Doubt { .. } => "application in doubt",
            Self::NothingMade { .. } => "doubt settled",
            Self::ApplicationFound { .. } => "application recorded",
            Self::Stored { .. } => "credential stored",
            Self::CellFailed { .. } => "cell failed",
            Self::Referenced { .. } => "reference seen",
            Self::DocumentsCutOff { .. } => "documents cut off",
            Self::ApplicationsGone { .. } => "applications deleted",
            Self::FinishOnboarding => "onboarding finished",
            Self::GiveUp { .. } => "given up",
            Self::Undo { .. } => "undo begun",
            Self::Offboard { .. } => "offboarding accepted",
            Self::TenantGone { .. } => "tenant deleted",
            Self::Adopt { .. } => "tenant imported",
            Self::Restore(_) => "record restored",
            Self::Pause { .. } => "paused",
            Self::Resume => "resumed",
            Self::FinishOffboarding { .. } => "offboarding finished",
        }
    }
}

impl Customer {
    /// The record after `transition`.
    ///
    /// # Errors
    /// [`IllegalTransition`] where the phase, or the cell, does not allow it.
    pub fn apply(mut self, transition: Transition) -> Result<Self, IllegalTransition> {
        use Phase::{Absent, Active, Failed, Offboarded, Offboarding, Onboarding};
        let name = transition.name();
        let (id, phase) = (self.customer_id.clone(), self.phase);
        let illegal = |why| IllegalTransition { customer_id: id.clone(), phase, transition: name, why };
        match (self.phase, transition) {
            // A life that was given up goes on: its tenant and its applications may exist.
            (Failed, Transition::Onboard { work, intents, .. }) if self.lives() => self.want(work, intents),
            (Absent | Offboarded | Failed, Transition::Onboard { work, tenant_name, intents }) => {
                self.begin_life(tenant_name);
                self.want(work, intents);
            }
            (Onboarding | Active, Transition::Onboard { work, intents, .. }) => self.want(work, intents),
            (Onboarding | Offboarding, Transition::TenantFound { id }) => {
                self.tenant.as_mut().ok_or_else(|| illegal("no tenant was intended"))?.id = Some(id);
            }
            (Onboarding | Active, Transition::Intend { cell, next }) => {
                let state = self.cells.get_mut(&cell).ok_or_else(|| illegal("the cell is not wanted"))?;
                if state.next.is_some() {
                    return Err(illegal("the cell has an intent already"));
                }
                state.next = Some(next);
            }
            (Onboarding | Active, Transition::AskRotation { cell, authentication }) => {
                let state = self.cells.get_mut(&cell).ok_or_else(|| illegal("the cell is not wanted"))?;
                state.authentication = authentication.or(state.authentication);
            }
            (Active, Transition::ScheduleRotation { cell }) => {
                if !self.cells.contains_key(&cell) {
                    return Err(illegal("the cell is not wanted"));
                }
            }
            (Onboarding | Active, Transition::Doubt { cell, since }) => {
                let next = self.undecided(cell).ok_or_else(|| illegal("the cell has no undecided intent"))?;
                next.in_doubt_since = Some(since);
            }
            (Onboarding | Active, Transition::NothingMade { cell }) => {
                let next = self.undecided(cell).ok_or_else(|| illegal("the cell has no undecided intent"))?;
                next.in_doubt_since = None;
            }
            (Onboarding | Active, Transition::ApplicationFound { cell, application, sealed }) => {
                let next = self.undecided(cell).ok_or_else(|| illegal("the cell has no undecided intent"))?;
                next.in_doubt_since = None;
                next.application = Some(application);
                next.sealed = sealed.or(next.sealed.take());
            }
            (Onboarding | Active, Transition::Stored { cell }) => {
                let state = self.cells.get_mut(&cell).ok_or_else(|| illegal("the cell is not wanted"))?;
                let made = state.next.take().and_then(|next| next.application);
                state.applications.push(made.ok_or_else(|| illegal("no application was recorded"))?);
                state.phase = CellPhase::Active;
            }
            (Onboarding, Transition::CellFailed { cell, failure }) => {
                let state = self.cells.get_mut(&cell).ok_or_else(|| illegal("the cell is not wanted"))?;
                state.phase = CellPhase::Failed;
                state.failure = Some(failure);
            }
            (Onboarding | Active, Transition::Referenced { cell, id, unreferenced_since }) => {
                let state = self.cells.get_mut(&cell).ok_or_else(|| illegal("the cell is not wanted"))?;
                for application in state.applications.iter_mut().filter(|application| application.id == id) {
                    application.unreferenced_since = unreferenced_since;
                }
            }
            (Onboarding | Active | Offboarding, Transition::ApplicationsGone { ids, at }) => {
                ids.iter().for_each(|id| self.forget(id));
                if self.phase == Offboarding {
                    let deleted = |application_id| DeletedApplication { application_id, deleted_at: at };
                    self.certificate.applications.extend(ids.into_iter().map(deleted));
                }
            }
            (Onboarding, Transition::FinishOnboarding) => {
                if !self.works() {
                    return Err(illegal("no cell works"));
                }
                self.phase = Active;
                self.work = None;
            }
            (Onboarding, Transition::GiveUp { failure }) => {
                self.end_open_cells(&failure);
                self.work = None;
                self.phase = Active;
                if !self.works() {
                    self.phase = Failed;
                    self.failure = Some(failure);
                }
            }
            (Offboarding, Transition::GiveUp { .. }) => self.work = None,
            (Onboarding, Transition::Undo { failure }) => {
                self.phase = Offboarding;
                self.failure = Some(failure);
                self.certificate = self.blank_certificate();
            }
            (
                Absent | Onboarding | Active | Offboarding | Offboarded | Failed,
                Transition::Offboard { work },
            ) => {
                if self.phase != Offboarding {
                    self.certificate = self.blank_certificate();
                }
                self.phase = Offboarding;
                self.failure = None;
                self.last_request = Some(work.order());
                self.work = Some(work);
            }
            (Offboarding, Transition::DocumentsCutOff { ids }) => {
                for id in &ids {
                    self.certificate.cut_off(id);
                }
            }
            (Offboarding, Transition::TenantGone { deleted_at, proved_at, tenants_listed }) => {
                self.certificate.tenant_id = self.tenant_id().cloned();
                self.certificate.tenant_deleted_at = Some(deleted_at);
                self.certificate.proved_by_listing_at = Some(proved_at);
                self.certificate.tenants_listed = Some(tenants_listed);
            }
            (Offboarding, Transition::FinishOffboarding { secrets }) => {
                if self.tenant.is_some() && self.certificate.proved_by_listing_at.is_none() {
                    return Err(illegal("no listing proves that the tenant is gone"));
                }
                self.certificate.secrets = secrets;
                self.phase = if self.failure.is_some() { Failed } else { Offboarded };
                self.tenant = None;
                self.cells.clear();
                self.work = None;
            }
            (Absent | Offboarded | Failed, Transition::Adopt { tenant }) => {
                if self.lives() {
                    return Err(illegal("its tenant stands"));
                }
                self.begin_life(tenant.name.clone());
                self.tenant = Some(tenant);
                self.phase = Onboarding;
                self.failure = None;
            }
            (Absent | Onboarding | Active | Offboarded | Failed, Transition::Restore(restoration)) => {
                if restoration.generation < self.generation {
                    return Err(illegal("its life is a later one"));
                }
                self.restore(restoration);
            }
            // It stops who would move the record, and moves nothing itself.
            (
                Absent | Onboarding | Active | Offboarding | Offboarded | Failed,
                Transition::Pause { pause },
            ) => self.paused = Some(pause),
            (Absent | Onboarding | Active | Offboarding | Offboarded | Failed, Transition::Resume) => {
                self.paused = None;
            }
            _ => return Err(illegal("the phase does not allow it")),
        }
        Ok(self)
    }

    /// Whether any cell can be used.
    fn works(&self) -> bool {
        self.cells.values().any(|state| state.phase == CellPhase::Active)
    }

    pub(super) fn end_open_cells(&mut self, failure: &Failure) {
        for state in self.cells.values_mut().filter(|state| state.phase == CellPhase::Provisioning) {
            state.phase = CellPhase::Failed;
            state.failure = Some(failure.clone());
        }
    }

    fn begin_life(&mut self, tenant_name: TenantName) {
        self.generation = self.generation.next();
        self.tenant = Some(Tenant { name: tenant_name, id: None, adopted_at: None });
        self.cells.clear();
        self.certificate = Certificate::default();
    }

    fn want(&mut self, work: Work, mut intents: BTreeMap<Cell, NextApplication>) {
        for &cell in &work.cells {
            let state = self.cells.entry(cell).or_insert_with(CellState::wanted);
            if state.phase != CellPhase::Active {
                state.phase = CellPhase::Provisioning;
                state.failure = None;
                state.next = state.next.take().or(intents.remove(&cell));
            }
        }
        self.phase = Phase::Onboarding;
        self.failure = None;
        self.last_request = Some(work.order());
        self.work = Some(work);
    }

    /// The intent of a cell for which no application is known yet.
    fn undecided(&mut self, cell: Cell) -> Option<&mut NextApplication> {
        self.cells.get_mut(&cell)?.next.as_mut().filter(|next| next.application.is_none())
    }

    fn forget(&mut self, id: &ApplicationId) {
        for state in self.cells.values_mut() {
            state.applications.retain(|application| application.id != *id);
            if let Some(next) = &mut state.next {
                next.application = next.application.take().filter(|application| application.id != *id);
            }
        }
    }

    fn blank_certificate(&self) -> Certificate {
        Certificate {
            tenant_name: self.tenant.as_ref().map(|tenant| tenant.name.clone()),
            ..Certificate::default()
        }
    }
}
