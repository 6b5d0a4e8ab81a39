//! The audit trail: who changed what of a customer and why, and what operators did beside that.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared_core::customer::Customer;
use shared_core::ids::RequestId;

use crate::RegistryError;
use crate::customers::{Cause, Change};
use crate::item::{Item, get_text, text};

/// What the sort keys of a customer's entries begin with.
pub(crate) const AUDIT: &str = "AUDIT#";

/// The partition of what operators did that is no change of one customer.
pub(crate) const OPERATIONS: &str = "OPERATIONS";

/// One change of a customer's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place in the trail: later entries have greater ones.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// What was done, in words.
    pub what: String,
    /// Who, as claimed.
    pub actor: String,
    /// Why, as claimed.
    pub reason: String,
    /// The request, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// Where the request came from, as seen.
    pub origin: String,
    /// The record before it, as people may see it.
    pub before: Value,
    /// The record after it, as people may see it.
    pub after: Value,
}

impl Entry {
    /// The entry of a change: the `n`th under the lease with this fence, counted from 0.
    pub fn of(fence: u64, n: u32, change: &Change<'_>, cause: &Cause) -> Self {
        Self {
            key: format!("{fence:020}#{n:06}"),
            at: change.at,
            what: change.what.to_owned(),
            actor: cause.actor.clone(),
            reason: cause.reason.clone(),
            request_id: cause.request_id.clone(),
            origin: cause.origin.clone(),
            before: readable(change.before),
            after: readable(change.after),
        }
    }

    pub(crate) fn item(&self, pk: &str) -> Item {
        let fields = [
            ("pk", pk.to_owned()),
            ("sk", format!("{AUDIT}{}", self.key)),
            ("at", self.at.to_string()),
            ("what", self.what.clone()),
            ("actor", self.actor.clone()),
            ("reason", self.reason.clone()),
            ("origin", self.origin.clone()),
            ("before", self.before.to_string()),
            ("after", self.after.to_string()),
        ];
        let request_id = self.request_id.as_ref().map(|id| ("request_id", id.to_string()));
        fields.into_iter().chain(request_id).map(|(name, value)| (name.to_owned(), text(value))).collect()
    }

    pub(crate) fn read(item: &Item, pk: &str) -> Result<Self, RegistryError> {
        let field = |name: &'static str| {
            get_text(item, name).ok_or_else(|| RegistryError::unreadable(pk, format!("no `{name}`")))
        };
        let record = |name: &'static str| {
            serde_json::from_str(field(name)?).map_err(|source| RegistryError::unreadable(pk, source))
        };
        let request_id = get_text(item, "request_id").map(str::parse).transpose();
        Ok(Self {
            key: field("sk")?.trim_start_matches(AUDIT).to_owned(),
            at: field("at")?.parse().map_err(|source| RegistryError::unreadable(pk, source))?,
            what: field("what")?.to_owned(),
            actor: field("actor")?.to_owned(),
            reason: field("reason")?.to_owned(),
            request_id: request_id.map_err(|source| RegistryError::unreadable(pk, source))?,
            origin: field("origin")?.to_owned(),
            before: record("before")?,
            after: record("after")?,
        })
    }
}

fn readable(customer: &Customer) -> Value {
    serde_json::to_value(customer.readable()).expect("a record always serializes")
}

/// A page of a customer's audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The newest first.
    pub entries: Vec<Entry>,
    /// The entry before which the next page begins, where there are more.
    pub next: Option<String>,
}

impl Trail {
    /// A page of so many of the entries, which are more where there is one more or somebody says so.
    pub fn page(mut entries: Vec<Entry>, limit: usize, more: bool) -> Self {
        let more = more || entries.len() > limit;
        entries.truncate(limit);
        let last = entries.last().map(|last| last.key.clone());
        Self { entries, next: last.filter(|_| more) }
    }
}

/// What an operator did that is no change of one customer: looked, asked again, moved dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub what: String,
    /// Who, as claimed.
    pub actor: String,
    /// Why, as claimed.
    pub reason: String,
    /// The operator's id of it.
    pub request_id: RequestId,
    /// Where it came from, as seen.
    pub origin: String,
}

impl Operation {
    pub(crate) fn item(&self) -> Item {
        let fields = [
            ("pk", OPERATIONS.to_owned()),
            ("sk", format!("{}#{}", self.at, self.request_id)),
            ("at", self.at.to_string()),
            ("what", self.what.clone()),
            ("actor", self.actor.clone()),
            ("reason", self.reason.clone()),
            ("request_id", self.request_id.to_string()),
            ("origin", self.origin.clone()),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
    }
}
