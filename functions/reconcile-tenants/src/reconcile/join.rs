//! From what was seen to what is wrong: pure.
//!
//! One cause is one finding. Where a tenant is gone, its applications and credentials are gone with it and
//! are not told of; the same holds for the credential of an application that is gone.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use shared_core::customer::{CellPhase, Customer, Phase};
use shared_core::ids::{ApplicationId, CustomerId, TenantId};
use shared_core::place::Cell;

use super::commands;
use super::facts::{Context, CustomerFacts, Labelled, SecretFacts, TenantSeen, Unclaimed};
use super::findings::{Code, Finding, Subject};

mod document;
mod secret;

/// What goes on longer than this has not been waiting: requests wait for a day and are then given up.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A message whose invocation died comes back within six minutes, five times. What nobody has taken over by
/// then has no message any more.
const ABANDONED: SignedDuration = SignedDuration::from_hours(1);

/// Everything that is wrong with one customer.
pub fn customer(facts: &CustomerFacts, context: &Context<'_>) -> Vec<Finding> {
    let record = &facts.seen.customer;
    let mut found: Vec<Finding> =
        [lease(facts, context), stuck(record, context), document::stuck(facts, context)]
            .into_iter()
            .flatten()
            .collect();
    if let Some(tenant) = outrun(facts) {
        found.push(record_behind(&record.customer_id, tenant, context));
        return found;
    }
    let listed = match &facts.tenant {
        TenantSeen::Gone => {
            found.push(tenant_deleted(record, context));
            return found;
        }
        TenantSeen::Unknown => return found,
        TenantSeen::There(listed) => listed,
    };
    found.extend(unknown_applications(record, listed));
    let gone = gone(record, listed, context);
    let works = |cell: &Cell| record.cells.get(cell).is_some_and(|state| state.phase == CellPhase::Active);
    for (cell, secret) in facts.secrets.iter().filter(|(cell, _)| works(cell)) {
        found.extend(secret::all(&secret::Place { record, cell: *cell, secret, gone: &gone, context }));
    }
    // Of a cell that does not work yet, nothing else tells.
    for (cell, id) in &gone {
        if !facts.secrets.contains_key(cell) {
            found.push(application_deleted(record, *cell, id, context));
        }
    }
    found
}

fn about(record: &Customer) -> Subject {
    Subject {
        customer_id: Some(record.customer_id.clone()),
        tenant_id: record.tenant_id().cloned(),
        ..Subject::default()
    }
}

/// The tenant of a credential that works, is current, and is not recorded. In a working cell an application is
/// recorded as the secret's before AWSCURRENT names it, so the record has been set back.
fn outrun(facts: &CustomerFacts) -> Option<&TenantId> {
    let cells = &facts.seen.customer.cells;
    let named = |cell: &Cell, id: &ApplicationId| {
        let state = cells.get(cell);
        state.is_some_and(|state| match state.phase {
            CellPhase::Active => state.applications.iter().any(|one| one.id == *id),
            CellPhase::Provisioning | CellPhase::Failed => state.recorded().any(|one| one.id == *id),
        })
    };
    let working = facts.secrets.iter().filter_map(|(cell, secret)| Some((cell, works(secret)?)));
    working.filter(|(cell, (current, _))| !named(cell, current)).map(|(_, (_, tenant))| tenant).next()
}

/// The application and the tenant of a secret whose credential works.
pub(super) fn works(secret: &SecretFacts) -> Option<(&ApplicationId, &TenantId)> {
    match &secret.labelled {
        Labelled::Credential { current, tenant, accepted: true, .. } => Some((current, tenant)),
        _ => None,
    }
}

/// A customer whose secrets know more than its record.
pub(super) fn record_behind(customer_id: &CustomerId, tenant: &TenantId, context: &Context<'_>) -> Finding {
    let subject = Subject {
        customer_id: Some(customer_id.clone()),
        tenant_id: Some(tenant.clone()),
        ..Subject::default()
    };
    let explanation = format!(
        "a secret of customer `{customer_id}` holds a credential of tenant {tenant} for which the vendor gives a \
         token, and which is not recorded: the record was set back to an earlier time, or somebody put it there"
    );
    let action = format!(
        "restore the record from what the secrets prove: {}",
        commands::restore(context, customer_id)
    );
    Finding::new(Code::RecordBehind, subject, explanation, action)
}

fn lease(facts: &CustomerFacts, context: &Context<'_>) -> Option<Finding> {
    let holder = facts.seen.lease.as_ref().filter(|holder| holder.until + ABANDONED < context.now)?;
    let explanation = format!(
        "`{}` took the customer's lease, which ended at {}, and never gave it back: it was killed, and no message \
         came after it",
        holder.owner, holder.until
    );
    let action = "nothing needs to be done to the lease, the next request takes it over; look for the message \
                  in the dead-letter queues, and for the invocation in the logs";
    Some(Finding::new(Code::LeaseAbandoned, about(&facts.seen.customer), explanation, action))
}

fn stuck(record: &Customer, context: &Context<'_>) -> Option<Finding> {
    const CODE: Code = Code::CustomerStuck;
    let given_up = record.phase == Phase::Failed && record.lives();
    if !given_up && !matches!(record.phase, Phase::Onboarding | Phase::Offboarding) {
        return None;
    }
    let asked = record.last_request.as_ref().map(|last| last.requested_at);
    let since = record.work.as_ref().map(|work| work.accepted_at).or(record.adopted_at()).or(asked)?;
    if since + DAY >= context.now {
        return None;
    }
    let (what, action) = match record.phase {
        Phase::Offboarding => ("it is being removed", commands::offboard(context, &record.customer_id, CODE)),
        _ if given_up => {
            ("its onboarding was given up, and its tenant stands", commands::onboard(context, record, CODE))
        }
        _ => ("it is being onboarded", commands::onboard(context, record, CODE)),
    };
    let why = record.failure.as_ref().map(|failure| format!(" ({})", failure.explanation));
    let explanation = format!("since {since} {what}{}", why.unwrap_or_default());
    Some(Finding::new(
        CODE,
        about(record),
        explanation,
        format!("ask again, which goes on from where it stands: {action}"),
    ))
}

fn tenant_deleted(record: &Customer, context: &Context<'_>) -> Finding {
    let code = Code::TenantDeletedUpstream;
    let id = record.tenant_id().map(ToString::to_string).unwrap_or_default();
    let explanation = format!(
        "tenant {id} is recorded, the organization's whole listing does not show it, and its applications cannot \
         be listed: somebody deleted it at the vendor, and every document of the customer is refused"
    );
    Finding::new(code, about(record), explanation, anew(record, code, context))
}

/// What cannot be repaired is made anew: what is left of the old life is removed first.
fn anew(record: &Customer, code: Code, context: &Context<'_>) -> String {
    // Of two requests of the same instant, the ids say which is the later one.
    let afterwards = Context { now: context.now + SignedDuration::from_secs(1), ..*context };
    format!(
        "offboard the customer, then onboard it anew: {}; and once CustomerOffboarded has come: {}",
        commands::offboard(context, &record.customer_id, code),
        commands::onboard(&afterwards, record, code)
    )
}

fn unknown_applications(record: &Customer, listed: &[resistant::Application]) -> Vec<Finding> {
    let recorded: BTreeSet<&ApplicationId> = record.recorded().map(|one| &one.id).collect();
    // Where an application is intended and not recorded yet, one that is listed may be it.
    let open: Vec<Cell> = record
        .cells
        .iter()
        .filter(|(_, state)| state.next.as_ref().is_some_and(|next| next.application.is_none()))
        .map(|(cell, _)| *cell)
        .collect();
    let unknown =
        listed.iter().filter(|one| !recorded.contains(&one.id) && !open.iter().any(|cell| one.cell == *cell));
    unknown
        .map(|one| {
            let subject = Subject { application_id: Some(one.id.clone()), ..about(record) };
            let explanation = format!(
                "application {} in cell {} is in the customer's tenant and not recorded: somebody else made it, and \
                 it may submit documents in the customer's name",
                one.id, one.cell
            );
            let action = "it is not provably ours, so it is not touched: find out at the vendor who made it";
            Finding::new(Code::UnknownApplication, subject, explanation, action)
        })
        .collect()
}

/// Recorded applications that their tenant does not list, but for those so young that they may be listed late.
fn gone(
    record: &Customer,
    listed: &[resistant::Application],
    context: &Context<'_>,
) -> Vec<(Cell, ApplicationId)> {
    let old = |recorded_at: Timestamp| recorded_at + context.rules.settle < context.now;
    let cells = record.cells.iter();
    cells
        .flat_map(|(cell, state)| state.recorded().map(|one| (*cell, one)))
        .filter(|(_, one)| old(one.recorded_at) && !listed.iter().any(|listed| listed.id == one.id))
        .map(|(cell, one)| (cell, one.id.clone()))
        .collect()
}

fn application_deleted(record: &Customer, cell: Cell, id: &ApplicationId, context: &Context<'_>) -> Finding {
    let code = Code::ApplicationDeletedUpstream;
    let subject = Subject { cell: Some(cell), application_id: Some(id.clone()), ..about(record) };
    let explanation = format!(
        "application {id} is recorded for cell {cell}, and its tenant does not list it: somebody deleted it at the \
         vendor"
    );
    let working = record.cells.get(&cell).is_some_and(|state| state.phase == CellPhase::Active);
    let action = match working {
        true => format!("rotate: {}", commands::rotate(context, &record.customer_id, cell, code)),
        false => format!("ask for the cell again: {}", commands::onboard(context, record, code)),
    };
    Finding::new(code, subject, explanation, action)
}

/// A tenant that no customer's record names.
pub fn unclaimed(tenant: &Unclaimed, context: &Context<'_>) -> Finding {
    let Unclaimed { tenant_id, name, derived } = tenant;
    let mut subject = Subject { tenant_id: Some(tenant_id.clone()), ..Subject::default() };
    let Some((customer_id, generation)) = derived else {
        let explanation = format!(
            "tenant {tenant_id}, named `{name}`, is in the organization and belongs to no recorded customer"
        );
        let action = format!(
            "it is not provably ours, so it is not touched, and it takes a place of the quota: find out at the vendor \
             whose it is. If it is a customer's, import it: {}",
            commands::import(context, tenant_id)
        );
        return Finding::new(Code::OrphanTenant, subject, explanation, action);
    };
    subject.customer_id = Some(customer_id.clone());
    let explanation = format!(
        "tenant {tenant_id} has the name that life {generation} of customer `{customer_id}` had, and that life has \
         ended: its tenant was shown to be gone"
    );
    let action = "nothing uses it, and it takes a place of the quota: see at the vendor that it has no applications \
                  that somebody needs, and delete it there";
    Finding::new(Code::TenantLeftOver, subject, explanation, action)
}

/// A secret under a name of ours that no customer's record accounts for.
pub fn secret_without_customer(name: &str, customer_id: &CustomerId, cell: Cell, phase: Phase) -> Finding {
    let subject = Subject {
        customer_id: Some(customer_id.clone()),
        cell: Some(cell),
        secret_name: Some(name.to_owned()),
        ..Subject::default()
    };
    let explanation = format!(
        "`{name}` is a secret of customer `{customer_id}` in cell {cell}, which is recorded as {phase:?} without that \
         cell: readers who know its name still get what is in it"
    );
    let action = format!(
        "delete it, with a window to restore it in: aws secretsmanager delete-secret --secret-id {name}"
    );
    Finding::new(Code::SecretWithoutCustomer, subject, explanation, action)
}

/// Whether there is room for new customers.
pub fn quota(tenants: usize, quota: usize) -> Option<Finding> {
    let left = quota.saturating_sub(tenants);
    if left * 5 >= quota {
        return None;
    }
    let explanation = format!("{tenants} of {quota} tenants are used, {left} are left");
    let action = "ask the vendor for more, then set the template's TenantQuota";
    Some(Finding::new(Code::QuotaHeadroom, Subject::default(), explanation, action))
}

/// Whether a queue that should be empty is.
pub fn dead_letters(queue_url: &str, waiting: u64) -> Option<Finding> {
    if waiting == 0 {
        return None;
    }
    let subject = Subject { queue_url: Some(queue_url.to_owned()), ..Subject::default() };
    let explanation = format!(
        "about {waiting} messages wait in {queue_url}: each failed five times, or could not be delivered"
    );
    let action = format!(
        "read them, mend the cause, and send them back to the queue that they failed in: aws sqs \
         start-message-move-task --source-arn \"$(aws sqs get-queue-attributes --queue-url {queue_url} \
         --attribute-names QueueArn --query Attributes.QueueArn --output text)\"; what EventBridge could not deliver \
         never was in one, and is put on the bus again"
    );
    Some(Finding::new(Code::DeadLettersWaiting, subject, explanation, action))
}

#[cfg(test)]
mod tests;
