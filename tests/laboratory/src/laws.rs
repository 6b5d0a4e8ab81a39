//! What must hold at every moment, and what must hold once everything has come to rest.

use jiff::SignedDuration;
use shared_core::credential::{Authentication, Credential};
use shared_core::customer::{CellPhase, CellState, Customer, Phase};
use shared_core::event::{Content, OutboundEvent, ReasonCode};
use shared_core::ids::ApplicationId;
use vault::Prefix;

use crate::lab::OVERLAP;
use crate::vendor::{Application, Proof};
use crate::world::{Asked, Function, World};

mod documents;

/// How long readers keep what they have read; the flows are told the same.
pub const READER_CACHE: SignedDuration = SignedDuration::from_secs(300);

/// Checks what must hold at every moment; what does not is written down in the world.
pub(crate) fn at_this_moment(world: &mut World) {
    for row in world.table.rows() {
        let id = &row.customer.customer_id;
        match row.customer.phase {
            Phase::Offboarding => drop(world.leaving_since.entry(id.clone()).or_insert(world.now)),
            _ => drop(world.leaving_since.remove(id)),
        }
    }
    let mut broken = Vec::new();
    note_the_unnamed(world);
    if !world.upstream_was_touched {
        if !world.forced {
            deleted_too_soon(world, &mut broken);
        }
        for row in world.table.rows() {
            unserved_readers(world, &row.customer, &mut broken);
        }
    }
    strangers_touched(world, &mut broken);
    documents::at_this_moment(world, &mut broken);
    broken.retain(|law| !world.broken.contains(law));
    world.broken.extend(broken);
}

/// Notes since when applications that are recorded for a working cell are named by no label.
fn note_the_unnamed(world: &mut World) {
    let (now, mut unnamed) = (world.now, std::mem::take(&mut world.unnamed));
    unnamed.retain(|_, (id, _)| world.table.row(id).is_some_and(|row| row.customer.lives()));
    for row in world.table.rows().filter(|row| row.customer.lives()) {
        let id = &row.customer.customer_id;
        for (cell, state) in row.customer.cells.iter().filter(|(_, state)| state.applications.len() > 1) {
            let name = prefix().secret_name(id, *cell);
            let named: Vec<ApplicationId> = ["AWSCURRENT", "AWSPENDING"]
                .into_iter()
                .filter_map(|label| world.secrets.reveal(name.as_str(), label))
                .filter_map(|value| Credential::from_secret_value(value).ok())
                .map(|credential| credential.application_id)
                .collect();
            for application in &state.applications {
                match named.contains(&application.id) {
                    true => drop(unnamed.remove(application.id.as_str())),
                    false => {
                        unnamed.entry(application.id.to_string()).or_insert((id.clone(), now));
                    }
                }
            }
        }
    }
    world.unnamed = unnamed;
}

/// An application lives on for the overlap after it was last named: who read the secret just before, and has a
/// token by it, goes on working.
fn deleted_too_soon(world: &World, broken: &mut Vec<String>) {
    for (id, (_, since)) in &world.unnamed {
        let protected = *since + SignedDuration::try_from(OVERLAP).expect("some minutes") > world.now;
        if protected && !world.vendor.applications().any(|one| one.id == *id) {
            broken.push(format!("{id} was deleted before its overlap had passed"));
        }
    }
}

/// From the first Active to the offboarding, and for as long as readers may not have heard of that, what
/// a reader of AWSCURRENT gets works.
fn unserved_readers(world: &World, customer: &Customer, broken: &mut Vec<String>) {
    let served = match customer.phase {
        Phase::Onboarding | Phase::Active => true,
        Phase::Offboarding => {
            let since = world.leaving_since.get(&customer.customer_id);
            customer.failure.is_none() && since.is_some_and(|since| world.now < *since + READER_CACHE)
        }
        Phase::Absent | Phase::Offboarded | Phase::Failed => false,
    };
    if !served {
        return;
    }
    for (cell, state) in &customer.cells {
        if state.phase != CellPhase::Active {
            continue;
        }
        let name = prefix().secret_name(&customer.customer_id, *cell);
        let Some(value) = world.secrets.reveal(name.as_str(), "AWSCURRENT") else {
            broken.push(format!("{name} has no value"));
            continue;
        };
        let credential = Credential::from_secret_value(value).expect("what was stored can be read");
        let proof = match &credential.authentication {
            Authentication::KeyPair { key_id, .. } => Proof::Key(key_id.to_string()),
            Authentication::ClientSecret { client_secret } => {
                Proof::Secret(secrecy::ExposeSecret::expose_secret(client_secret).to_owned())
            }
        };
        match world.vendor.accepts(credential.client_id.as_str(), &proof, world.now) {
            Some(application) if application.id == credential.application_id.as_str() => {}
            _ => broken.push(format!("the credential in {name} gets no token")),
        }
    }
}

/// What is not provably ours is not touched; offboarding, where the whole tenant goes, aside.
fn strangers_touched(world: &World, broken: &mut Vec<String>) {
    for (tenant, application) in &world.strangers {
        let there = world.vendor.applications().any(|one| one.id == *application);
        let leaving = world.table.rows().any(|row| {
            let ours = row.customer.tenant_id().is_some_and(|id| id.as_str() == tenant);
            ours && row.customer.phase == Phase::Offboarding
        });
        let tenant_there = world.vendor.tenants().any(|one| one.id == *tenant);
        if !there && !leaving && tenant_there {
            broken.push(format!("{application}, which is not ours, was deleted"));
        }
    }
}

/// Everything that does not hold, now that everything has come to rest.
pub fn at_rest(world: &World) -> Vec<String> {
    let mut broken = world.broken.clone();
    broken.extend(world.vendor.broken().iter().cloned());
    if !world.queue.is_empty() || !world.landing.is_empty() || !world.rotating.is_empty() {
        broken.push("it is not at rest".to_owned());
    }
    for asked in &world.asked {
        answered(world, asked, &mut broken);
    }
    for row in world.table.rows() {
        as_wanted(world, &row.customer, &mut broken);
        secrets_as_recorded(world, &row.customer, &mut broken);
    }
    nothing_left_over(world, &mut broken);
    documents::at_rest(world, &mut broken);
    secrets_in_clear(world, &mut broken);
    broken
}

/// The request that an event tells of the end of.
fn tells_of(event: &OutboundEvent) -> Option<&str> {
    match event.content() {
        Content::CustomerOnboarded(event) => Some(event.request_id.as_str()),
        Content::CustomerOnboardingFailed(event) => Some(event.request_id.as_str()),
        Content::CustomerOffboarded(event) => Some(event.request_id.as_str()),
        Content::CustomerOffboardingFailed(event) => Some(event.request_id.as_str()),
        Content::RequestRejected(event) => event.request_id.as_ref().map(|id| id.as_str()),
        Content::SecretRolledBack(event) => Some(event.request_id.as_str()),
        Content::SecretRotated(_)
        | Content::DocumentSubmitted(_)
        | Content::DocumentRejected(_)
        | Content::DocumentAnalyzed(_)
        | Content::DocumentAnalysisFailed(_)
        | Content::ReconciliationFinished(_) => None,
    }
}

/// Every accepted request ends in at least one event, always with the same id.
fn answered(world: &World, asked: &Asked, broken: &mut Vec<String>) {
    let id = asked.request_id.as_str();
    let mut told: Vec<&str> =
        world.bus.iter().filter(|event| tells_of(event) == Some(id)).map(OutboundEvent::event_id).collect();
    told.dedup();
    told.sort_unstable();
    told.dedup();
    match told[..] {
        [_] => {}
        [] => broken.push(format!("nothing was told of {id}")),
        _ => broken.push(format!("{id} ended in {} ways", told.len())),
    }
    match world.table.requests().find(|handled| handled.request_id == asked.request_id) {
        Some(handled) if !handled.announced => broken.push(format!("{id} is not noted as announced")),
        Some(_) => {}
        None => broken.push(format!("{id} is not recorded as ended")),
    }
}

/// The customer is where the last request wanted it, or the record says why not.
fn as_wanted(world: &World, customer: &Customer, broken: &mut Vec<String>) {
    let id = &customer.customer_id;
    let about = world.asked.iter().filter(|asked| asked.customer_id == *id);
    let Some(last) = about.max_by_key(|asked| (asked.requested_at, asked.request_id.clone())) else { return };
    let told = |failed: fn(&Content) -> bool| {
        let of_it = |event: &&OutboundEvent| tells_of(event) == Some(last.request_id.as_str());
        world.bus.iter().filter(of_it).any(|event| failed(event.content()))
    };
    let off_failed = || told(|content| matches!(content, Content::CustomerOffboardingFailed(_)));
    let on_failed = || told(|content| matches!(content, Content::CustomerOnboardingFailed(_)));
    let as_wanted = match (last.function, customer.phase) {
        (Function::Onboard, Phase::Active) => last.cells.iter().all(|cell| {
            customer.cells.get(cell).is_some_and(|state| match state.phase {
                CellPhase::Active => state.next.is_none() && state.applications.len() == 1,
                CellPhase::Failed => state.failure.is_some(),
                CellPhase::Provisioning => false,
            })
        }),
        (Function::Onboard, Phase::Failed) => customer.failure.is_some(),
        (Function::Offboard, Phase::Offboarded) => true,
        // Given up while it was waited for a removal, or in the middle of one: the next request goes on.
        (Function::Onboard, Phase::Offboarding | Phase::Offboarded) => on_failed(),
        (Function::Offboard, Phase::Offboarding) => off_failed(),
        _ => false,
    };
    if !as_wanted || customer.work.is_some() {
        let cells: Vec<String> =
            customer.cells.iter().map(|(cell, state)| format!("{cell} {:?}", state.phase)).collect();
        broken.push(format!(
            "{id} is {:?} with {cells:?} and work {:?} after {}",
            customer.phase,
            customer.work.as_ref().map(|work| work.request_id.as_str()),
            last.request_id
        ));
    }
}

/// Working cells have secrets that rotate, with their replicas; nothing else has a secret that can be read.
fn secrets_as_recorded(world: &World, customer: &Customer, broken: &mut Vec<String>) {
    let given_up = customer.phase == Phase::Offboarding;
    for secret in world.secrets.secrets() {
        let Ok(name) = prefix().read(&secret.name) else { continue };
        if name.customer_id() != &customer.customer_id {
            continue;
        }
        let cell = customer.cells.get(&name.cell());
        let works = customer.lives() && cell.is_some_and(|cell| cell.phase == CellPhase::Active);
        if works {
            let pending = secret.version("AWSPENDING");
            if secret.deletion.is_some()
                || secret.rotation_enabled != Some(true)
                || secret.replicas != world.replicas
                || (pending.is_some() && pending != secret.version("AWSCURRENT"))
            {
                broken.push(format!("the secret {name} is not as a working one is: {secret:?}"));
            }
        } else if secret.deletion.is_none() && !given_up && !cell.is_some_and(was_given_up) {
            broken.push(format!("the secret {name} is left over"));
        }
    }
}

/// The vendor holds what is recorded and what strangers have, and nothing else.
fn nothing_left_over(world: &World, broken: &mut Vec<String>) {
    let strange = |id: &str| world.strangers.iter().any(|(_, application)| application == id);
    let customers = || world.table.rows().map(|row| &row.customer);
    for tenant in world.vendor.tenants() {
        let recorded = customers().any(|one| {
            let by_name = matches!(one.phase, Phase::Failed | Phase::Offboarding);
            one.tenant.as_ref().is_some_and(|recorded| match &recorded.id {
                Some(id) => id.as_str() == tenant.id,
                None => by_name && recorded.name.as_str() == tenant.name,
            })
        });
        if !recorded && tenant.name != "strangers" {
            broken.push(format!("{} is left over", tenant.id));
        }
    }
    for application in world.vendor.applications() {
        let recorded = customers().any(|one| {
            one.recorded().any(|ours| ours.id.as_str() == application.id) || given_up_on(one, application)
        });
        if !recorded && !strange(&application.id) {
            broken.push(format!("{} is left over", application.id));
        }
    }
    if world.upstream_was_touched {
        return;
    }
    // A removal that was given up has removed what it could.
    for customer in customers().filter(|one| one.phase != Phase::Offboarding) {
        let lives = |id: &str| world.vendor.tenants().any(|tenant| tenant.id == id);
        if customer.tenant_id().is_some_and(|id| !lives(id.as_str())) {
            broken.push(format!("the tenant of {} is recorded and gone", customer.customer_id));
        }
        for ours in customer.recorded() {
            if !world.vendor.applications().any(|one| one.id == ours.id.as_str()) {
                broken.push(format!("{} is recorded and gone", ours.id));
            }
        }
    }
}

/// A request that was given up leaves its intent, by which the next one finds what was made for it; a removal
/// that was given up leaves the tenant, all of which the next one removes.
fn given_up_on(customer: &Customer, application: &Application) -> bool {
    if customer.tenant_id().is_none_or(|id| id.as_str() != application.tenant) {
        return false;
    }
    let intended = |state: &CellState| {
        state.next.as_ref().is_some_and(|next| match &application.proof {
            Proof::Key(kid) => next.key_id.as_ref().is_some_and(|id| id.as_str() == kid),
            Proof::Secret(_) => next.key_id.is_none(),
        })
    };
    let mut cells = customer.cells.iter().filter(|(cell, _)| cell.as_str() == application.cell);
    customer.phase == Phase::Offboarding || cells.any(|(_, state)| was_given_up(state) && intended(state))
}

/// Whether a cell has an end because the request for it waited too long.
fn was_given_up(state: &CellState) -> bool {
    let code = state.failure.as_ref().map(|failure| &failure.code);
    matches!(code, Some(ReasonCode::TooOld | ReasonCode::ControlPlaneForbidden))
}

/// No credential stands in clear anywhere but in the vault.
fn secrets_in_clear(world: &World, broken: &mut Vec<String>) {
    let mut texts: Vec<String> = world.table.rows().map(|row| shown(&row.customer)).collect();
    texts.extend(world.table.requests().map(|handled| shown(&handled.event)));
    texts.extend(world.bus.iter().map(shown));
    texts.extend(world.queue.iter().map(|message| message.parcel.body.clone()));
    if texts.iter().any(|text| text.contains("PRIVATE KEY") || text.contains("very-private")) {
        broken.push("a secret stands in clear".to_owned());
    }
}

fn shown(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("records and events always serialize")
}

fn prefix() -> Prefix {
    "resistant".parse().expect("a legal prefix")
}
