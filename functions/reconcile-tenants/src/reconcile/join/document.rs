//! Documents that nobody works on any more.

use shared_core::document::{Document, DocumentId, State};

use super::{DAY, about};
use crate::reconcile::commands;
use crate::reconcile::facts::{Context, CustomerFacts};
use crate::reconcile::findings::{Code, Finding};

/// One finding for all of them: they have one cause, mostly.
pub(super) fn stuck(facts: &CustomerFacts, context: &Context<'_>) -> Option<Finding> {
    let is_old = |one: &&Document| one.first_seen + DAY < context.now;
    let old: Vec<&Document> = facts.open.iter().filter(is_old).collect();
    let oldest = old.first()?;
    let id = DocumentId::of(&oldest.source);
    let explanation = format!(
        "{} of the first {} open documents are older than a day; the oldest is `{}`, {:?} since {}",
        old.len(),
        facts.open.len(),
        id.as_str(),
        oldest.state,
        oldest.first_seen
    );
    let again =
        "a message of it may lie in the dead letters of submit-document or collect-result: move them back";
    let action = match oldest.state {
        State::Submitted => format!("{again}; or look for its result anew: {}", commands::look(context, &id)),
        _ => format!("{again}; or put the object again, which is a new document"),
    };
    Some(Finding::new(Code::DocumentStuck, about(&facts.seen.customer), explanation, action))
}
