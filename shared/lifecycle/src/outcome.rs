//! What is announced of an onboarding that has ended.

use shared_core::customer::{CellPhase, CellState, Customer, Failure};
use shared_core::event::{
    CellOutcome, CellStatus, Content, CustomerOnboarded, CustomerOnboardingFailed, ReasonCode,
};
use shared_core::place::Cell;
use vault::Prefix;

use crate::begin::Envelope;

/// How an onboarding that need not be undone has ended: by the cells that it asked for.
pub(crate) fn outcome(customer: &Customer, envelope: &Envelope, prefix: &Prefix) -> Content {
    let asked: Vec<(Cell, &CellState)> =
        envelope.cells.iter().filter_map(|cell| Some((*cell, customer.cells.get(cell)?))).collect();
    let works = asked.iter().any(|(_, state)| state.phase == CellPhase::Active);
    let Some(tenant_id) = customer.tenant_id().filter(|_| works) else {
        let failure = asked.iter().find_map(|(_, state)| state.failure.clone());
        return failed(envelope, failure.unwrap_or_else(|| failure_of(customer)));
    };
    CustomerOnboarded {
        request_id: envelope.request_id.clone(),
        customer_id: customer.customer_id.clone(),
        generation: customer.generation,
        tenant_id: tenant_id.clone(),
        cells: asked
            .into_iter()
            .map(|(cell, state)| {
                cell_outcome(cell, state, prefix.secret_name(&customer.customer_id, cell).to_string())
            })
            .collect(),
        actor: envelope.actor.clone(),
        reason: envelope.reason.clone(),
    }
    .into()
}

fn cell_outcome(cell: Cell, state: &CellState, secret_name: String) -> CellOutcome {
    let active = state.phase == CellPhase::Active;
    CellOutcome {
        cell,
        status: if active { CellStatus::Active } else { CellStatus::Failed },
        secret_name: active.then_some(secret_name),
        application_id: state
            .applications
            .last()
            .filter(|_| active)
            .map(|application| application.id.clone()),
        reason: state.failure.as_ref().map(|failure| failure.explanation.clone()),
    }
}

pub(crate) fn failed(envelope: &Envelope, failure: Failure) -> Content {
    CustomerOnboardingFailed {
        request_id: envelope.request_id.clone(),
        customer_id: envelope.customer_id.clone(),
        reason_code: failure.code,
        explanation: failure.explanation,
    }
    .into()
}

/// Why a customer's onboarding ends in nothing, as its event says it.
pub(crate) fn failure_of(customer: &Customer) -> Failure {
    customer
        .failure
        .clone()
        .unwrap_or_else(|| Failure::new(ReasonCode::NoCellWorks, "no cell could be provided"))
}
