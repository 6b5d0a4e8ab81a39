//! What must hold of documents: each once, whole, to its own customer, in its own cell.

use std::collections::BTreeSet;

use shared_core::document::{DocumentId, Kept, State, customer_of};
use shared_core::event::{Content, OutboundEvent, ReasonCode};

use crate::files::{DocumentRow, File};
use crate::vendor::Submission;
use crate::world::World;

/// At every moment: of no document are there two submissions with anything of it.
pub(super) fn at_this_moment(world: &World, broken: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for submission in world.vendor.submissions().filter(|submission| !submission.is_empty()) {
        if !seen.insert(&submission.query_id) {
            broken.push(format!("the vendor has {} twice", submission.id));
        }
        elsewhere(world, submission, broken);
    }
}

/// Bytes in the tenant of a customer whose they are not, or in a cell that is not theirs.
fn elsewhere(world: &World, submission: &Submission, broken: &mut Vec<String>) {
    let Some(file) = world.files.iter().find(|file| id(file).as_str() == submission.query_id) else {
        broken.push(format!("{} is of no file", submission.id));
        return;
    };
    let customer = customer_of(file.key).expect("files lie under their customers");
    let owner = world
        .table
        .rows()
        .map(|row| &row.customer)
        .find(|customer| customer.tenant_id().is_some_and(|tenant| tenant.as_str() == submission.tenant));
    if owner.is_some_and(|owner| owner.customer_id != customer) {
        broken.push(format!("{} went to {owner:?}", file.key));
    }
    let named = file.key.split('/').nth(1).filter(|_| file.key.matches('/').count() >= 2);
    if named.is_some_and(|cell| cell != submission.cell) {
        broken.push(format!("{} went to the cell {}", file.key, submission.cell));
    }
}

/// At rest: each has ended and was announced, and what was submitted is there, whole.
pub(super) fn at_rest(world: &World, broken: &mut Vec<String>) {
    for file in &world.files {
        match world.documents.row(&id(file)) {
            Some(row) => ended(world, file, row, broken),
            None => broken.push(format!("{} was never begun", file.key)),
        }
    }
}

fn ended(world: &World, file: &File, row: &DocumentRow, broken: &mut Vec<String>) {
    let (key, document) = (file.key, &row.document);
    if !row.announced {
        broken.push(format!("{key} is not noted as announced"));
    }
    let told = told(world, file, |what| matches!(what, "submitted" | "rejected"), broken);
    analysed(world, file, row, broken);
    let mine = |one: &&Submission| one.query_id == id(file).as_str();
    let recorded = document.submission.as_ref().map(|submission| submission.id.as_str());
    let at_vendor: Vec<&Submission> = world.vendor.submissions().filter(mine).collect();
    match document.state {
        State::Analyzed | State::AnalysisFailed => {
            if told != Some("submitted") {
                broken.push(format!("{key} is submitted, and {told:?} was told"));
            }
            // It went with its customer, whose tenant was deleted, perhaps by hand.
            let left = world.vendor.submissions().all(|one| Some(one.id.as_str()) != recorded);
            let gone = left && !tenant_lives(world, row);
            if !gone && !at_vendor.iter().any(|one| Some(one.id.as_str()) == recorded && whole(file, one)) {
                broken.push(format!("{key} is not with the vendor as it is: {at_vendor:?}"));
            }
        }
        State::Rejected => {
            if told != Some("rejected") || document.failure.is_none() {
                broken.push(format!("{key} is rejected, and {told:?} was told"));
            }
        }
        state => broken.push(format!("{key} is still {state:?}")),
    }
    // One whose id was lost on its way is empty for good: nobody can find it.
    let given_up = document.failure.as_ref().is_some_and(|failure| failure.code == ReasonCode::TooOld);
    let submitted = matches!(document.state, State::Analyzed | State::AnalysisFailed);
    let kept = (submitted || given_up).then_some(recorded).flatten();
    for left in at_vendor.iter().filter(|one| Some(one.id.as_str()) != kept && !one.is_empty()) {
        broken.push(format!("{} of {key} is left over", left.id));
    }
    if document.submission.as_ref().is_some_and(|submission| submission.upload_url.is_some()) {
        broken.push(format!("the upload URL of {key} is kept"));
    }
}

/// What was told of a file, of what can be told only once; always under one id.
fn told(
    world: &World,
    file: &File,
    once: fn(&str) -> bool,
    broken: &mut Vec<String>,
) -> Option<&'static str> {
    let (mut told, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (what, event) in world.bus.iter().filter_map(|event| Some((tells(event, file)?, event))) {
        if once(what) {
            told.insert(what);
            ids.insert(event.event_id());
        }
    }
    if told.len() > 1 || ids.len() > 1 {
        broken.push(format!("of {} was told {told:?} in {} ways", file.key, ids.len()));
    }
    told.pop_first()
}

/// What was submitted has its analysis' end told, and what that found is kept where it is said to lie.
fn analysed(world: &World, file: &File, row: &DocumentRow, broken: &mut Vec<String>) {
    let (key, document) = (file.key, &row.document);
    let told = told(world, file, |what| matches!(what, "analysed" | "failed"), broken);
    let right = match document.state {
        State::Analyzed => told == Some("analysed") && document.failure.is_none(),
        State::AnalysisFailed => told == Some("failed") && document.failure.is_some(),
        _ => told.is_none(),
    };
    if !right || row.told != told.is_some() {
        broken.push(format!("{key} is {:?}, {told:?} was told, and noted: {}", document.state, row.told));
    }
    let kept = match document.findings.as_ref().map(|findings| &findings.kept) {
        None => document.state != State::Analyzed,
        Some(Kept::Record) => row.results.is_some(),
        Some(Kept::Bucket { key, .. }) => row.results.is_none() && world.results.contains_key(key),
    };
    if !kept {
        broken.push(format!("the results of {key} are not where they should be"));
    }
}

fn whole(file: &File, submission: &Submission) -> bool {
    let bytes = submission.uploaded.as_ref().is_some_and(|(_, bytes)| bytes == file.content);
    let told = submission.told.as_ref().map(|(_, told)| told["customer_case_id"].as_str());
    let asked = file.metadata.iter().find(|(key, _)| *key == "resistant-case-id").map(|(_, case)| *case);
    bytes && told.flatten() == asked && submission.awaits == asked.is_some()
}

fn tenant_lives(world: &World, row: &DocumentRow) -> bool {
    let customer = row.document.customer_id.as_ref().and_then(|id| world.table.row(id));
    let submission = row.document.submission.as_ref();
    let of_this_life =
        customer.filter(|row| submission.is_some_and(|one| one.generation == row.customer.generation));
    let tenant = of_this_life.and_then(|row| row.customer.tenant_id());
    tenant.is_some_and(|id| world.vendor.tenants().any(|tenant| tenant.id == id.as_str()))
}

/// What an event tells of a file.
fn tells(event: &OutboundEvent, file: &File) -> Option<&'static str> {
    let (id, what) = match event.content() {
        Content::DocumentSubmitted(event) => (Some(&event.document_id), "submitted"),
        Content::DocumentRejected(event) => (event.document_id.as_ref(), "rejected"),
        Content::DocumentAnalyzed(event) => (Some(&event.document_id), "analysed"),
        Content::DocumentAnalysisFailed(event) => (Some(&event.document_id), "failed"),
        _ => return None,
    };
    (id.map(String::as_str) == Some(self::id(file).as_str())).then_some(what)
}

fn id(file: &File) -> DocumentId {
    DocumentId::of(&file.source())
}
