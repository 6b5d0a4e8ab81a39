//! A world without what does not matter: ids by their order, times by the side of each limit that the flows
//! keep to on which they lie, a message by what it asks for.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use resistant::limits::LONGEST_ANALYSIS;
use serde_json::Value;
use shared_core::document::{DocumentId, State};

use crate::files::File;
use crate::lab::OVERLAP;
use crate::request::Request;
use crate::vendor::Proof;
use crate::world::{Function, Queued, World};

/// Two worlds with the same text have the same futures.
pub fn text(world: &World) -> String {
    let mut normal = Normal { now: world.now, names: HashMap::new(), text: String::with_capacity(2048) };
    normal.table(world);
    normal.secrets(world);
    normal.vendor(world);
    normal.documents(world);
    normal.rotations(world);
    normal.messages(world);
    normal.text
}

struct Normal {
    now: Timestamp,
    names: HashMap<String, usize>,
    text: String,
}

impl Normal {
    fn line(&mut self, words: std::fmt::Arguments<'_>) {
        self.text.write_fmt(words).expect("a text takes all");
        self.text.push('\n');
    }

    fn name(&mut self, id: &str) -> String {
        let next = self.names.len();
        format!("#{}", self.names.entry(id.to_owned()).or_insert(next))
    }

    /// How many of the limits, in seconds, have passed since then.
    fn since(&self, at: Timestamp, limits: &[i64]) -> usize {
        let passed = self.now.as_second() - at.as_second();
        limits.iter().filter(|limit| passed >= **limit).count()
    }

    /// Whether it is still to come.
    fn to_come(&self, at: Timestamp) -> bool {
        at > self.now
    }

    fn table(&mut self, world: &World) {
        for row in world.table.rows() {
            let record = serde_json::to_value(&row.customer).expect("a record always serializes");
            self.value("", &record);
            let held = row.lease.as_ref().is_some_and(|(_, until)| *until >= self.now);
            self.line(format_args!("lease {held}"));
        }
        for handled in world.table.requests() {
            let kind = handled.event.detail_type();
            self.line(format_args!("{} {kind} {}", handled.request_id, handled.announced));
        }
    }

    /// A record's field. What is said for people, and when what was done was done, decides nothing.
    fn value(&mut self, field: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                self.text.push('{');
                for (name, value) in fields.iter().filter(|(name, _)| decides(field, name)) {
                    self.text.push_str(name);
                    self.text.push(':');
                    self.value(name, value);
                }
                self.text.push('}');
            }
            Value::Array(items) => {
                self.text.push('[');
                items.iter().for_each(|item| self.value(field, item));
                self.text.push(']');
            }
            Value::String(text) => self.string(field, text),
            other => self.line(format_args!("{other}")),
        }
        self.text.push(',');
    }

    /// A field's text that decides something.
    fn string(&mut self, field: &str, text: &str) {
        match field {
            "explanation"
            | "actor"
            | "reason"
            | "deleted_at"
            | "intended_at"
            | "tenant_deleted_at"
            | "proved_by_listing_at"
            | "recoverable_until" => self.text.push('_'),
            "id" | "client_id" | "key_id" | "sealed" | "tenant_id" | "application_id" => {
                let name = self.name(text);
                self.text.push_str(&name);
            }
            // The limits that the flows keep to: `settle`, the readers' cache, how long a new application
            // may be refused, the overlap.
            "accepted_at" => self.limits(text, &[60, 300]),
            "in_doubt_since" => self.limits(text, &[60, 600]),
            "recorded_at" => self.limits(text, &[600]),
            "unreferenced_since" => self.limits(text, &[OVERLAP.as_secs() as i64]),
            _ => self.text.push_str(text),
        }
    }

    fn limits(&mut self, text: &str, limits: &[i64]) {
        let passed = self.since(text.parse().expect("a time"), limits);
        self.line(format_args!("{passed}"));
    }

    fn secrets(&mut self, world: &World) {
        for secret in world.secrets.secrets() {
            let rotates = world.secrets.rotates(&secret.name);
            let (name, on, leaves) = (&secret.name, secret.rotation_enabled, secret.deletion.is_some());
            self.line(format_args!("{name} {on:?} {leaves} {rotates}"));
            for version in secret.versions.iter().filter(|version| !version.labels.is_empty()) {
                // A version's id is the application's, or a rotation's.
                let value = version
                    .labels
                    .first()
                    .and_then(|label| world.secrets.reveal(&secret.name, label))
                    .and_then(|value| serde_json::from_str::<Value>(value).ok());
                let application = value.as_ref().and_then(|value| value["application_id"].as_str());
                let name = application.map(|application| self.name(application));
                self.line(format_args!("{name:?} {:?}", version.labels));
            }
        }
    }

    fn vendor(&mut self, world: &World) {
        let (tenants, applications) = world.vendor.everything();
        for tenant in tenants {
            let id = self.name(&tenant.id);
            let (hidden, lives) = (self.to_come(tenant.listed_from), tenant.lives());
            self.line(format_args!("{id} {} {hidden} {lives}", tenant.name));
        }
        for application in applications {
            let (id, tenant) = (self.name(&application.id), self.name(&application.tenant));
            let proof = match &application.proof {
                Proof::Key(kid) => self.name(kid),
                Proof::Secret(secret) => self.name(secret),
            };
            let (hidden, lives) = (self.to_come(application.listed_from), application.lives());
            let (cell, refused) = (&application.cell, self.to_come(application.accepted_from));
            self.line(format_args!("{id} {tenant} {cell} {proof} {hidden} {refused} {lives}"));
        }
        let void = |request: &Request| {
            request.method == "DELETE" && !request.path.last().is_some_and(|id| world.vendor.has(id))
        };
        let mut deletions = Vec::new();
        for (_, request) in world.landing.iter().filter(|(_, request)| !void(request)) {
            let path: Vec<String> = request.path.iter().map(|part| self.name_if_known(part)).collect();
            // Of two deletions of the same, one does nothing.
            if request.method == "DELETE" && deletions.contains(&path) {
                continue;
            }
            // A submission that lands now is known to nobody.
            if request.method == "POST" && path.last().is_some_and(|last| last == "submission") {
                continue;
            }
            let kid = request.json()["auth_method"]["kid"].as_str().map(|kid| self.name(kid));
            self.line(format_args!("{} {path:?} {kid:?}", request.method));
            deletions.push(path);
        }
    }

    fn documents(&mut self, world: &World) {
        for row in world.documents.rows() {
            let document = &row.document;
            let (key, state, abandoned) = (&document.source.key, document.state, document.abandoned);
            let held = row.claim.1 >= self.now;
            let ended = document.failure.as_ref().map(|failure| &failure.code);
            let (announced, told) = (row.announced, row.told);
            self.line(format_args!("{key} {state:?} {abandoned} {held} {ended:?} {announced} {told}"));
            // Whether an analysis must have ended.
            let submitted = document.ended_at.filter(|_| state == State::Submitted);
            let overdue = submitted.map(|at| self.since(at, &[LONGEST_ANALYSIS.as_secs() as i64]));
            self.line(format_args!("{overdue:?}"));
            if let Some(submission) = &document.submission {
                let (id, url) = (self.name(submission.id.as_str()), submission.upload_url.is_some());
                let (life, told) = (submission.generation, submission.characteristics);
                let removing = submission.removing_until.is_some_and(|until| self.to_come(until));
                self.line(format_args!("{:?} {id} {url} {life} {told} {removing}", document.cell));
            }
        }
        // One that is empty and that nobody knows of never comes to anything.
        let known = |id: &str| {
            let mut recorded = world.documents.rows().filter_map(|row| row.document.submission.as_ref());
            recorded.any(|one| one.id.as_str() == id)
                || world.landing.iter().any(|(_, request)| request.path.iter().any(|part| part == id))
        };
        for one in world.vendor.submissions().filter(|one| !one.is_empty() || known(&one.id)) {
            let (id, tenant) = (self.name(&one.id), self.name(&one.tenant));
            let (open, bytes, told) =
                (self.to_come(one.url_until), one.uploaded.is_some(), one.told.is_some());
            let (busy, done) = (one.is_busy(self.now), one.is_analysed(self.now));
            let (cell, awaits) = (&one.cell, one.awaits);
            self.line(format_args!("{id} {tenant} {cell} {awaits} {open} {bytes} {told} {busy} {done}"));
        }
        let files: Vec<(&str, usize)> =
            world.files.iter().map(|file| (file.key, file.content.len())).collect();
        self.line(format_args!("{files:?}"));
    }

    fn rotations(&mut self, world: &World) {
        for rotating in &world.rotating {
            let waits = self.to_come(rotating.due);
            self.line(format_args!("{} {} {waits}", rotating.name, rotating.step));
        }
        for (id, (_, since)) in &world.unnamed {
            let (id, passed) = (self.name(id), self.since(*since, &[OVERLAP.as_secs() as i64]));
            self.line(format_args!("unnamed {id} {passed}"));
        }
        // What an operator asks names a version, which matters by its labels.
        let said = world.operator.as_deref().and_then(|said| serde_json::from_str::<Value>(said).ok());
        let version = said.as_ref().and_then(|said| said["version_id"].as_str()).unwrap_or_default();
        let versions = world.secrets.secrets().flat_map(|secret| secret.versions);
        let labels: Vec<_> = versions.filter(|one| one.id == version).map(|one| one.labels).collect();
        self.line(format_args!("{} {} {labels:?}", world.rotations, world.operated));
    }

    fn name_if_known(&mut self, part: &str) -> String {
        if self.names.contains_key(part) { self.name(part) } else { part.to_owned() }
    }

    fn messages(&mut self, world: &World) {
        let mut lines: Vec<String> = Vec::new();
        for message in &world.queue {
            let parcel = &message.parcel;
            let asked = world.asked.iter().find(|asked| parcel.body.contains(asked.request_id.as_str()));
            let request = match asked {
                Some(asked) => asked.request_id.to_string(),
                None => message.file(world).map(File::event_id).unwrap_or_default(),
            };
            let waited = if message.is_persistent() { "too old" } else { "waits" };
            let waits = parcel.not_before.is_some_and(|at| self.to_come(at));
            lines.push(format!(
                "{:?} {request} {waited} {waits} {:?}",
                message.function,
                look(world, message)
            ));
        }
        // Two of the same do what one does that is delivered twice.
        lines.sort_unstable();
        lines.dedup();
        // Of a rotation is told by the version that it led to, which no request names.
        let named = world.bus.iter().filter(|event| event.detail_type() != "SecretRotated");
        let mut told: Vec<&str> = named.map(|event| event.event_id()).collect();
        told.sort_unstable();
        told.dedup();
        self.line(format_args!("{lines:?} {told:?}"));
        self.line(format_args!("{:?} {}", world.broken, world.upstream_was_touched));
    }
}

/// Of a look: how its number is to the record's, and whether it was received before.
fn look(world: &World, message: &Queued) -> Option<(std::cmp::Ordering, bool)> {
    let file = message.file(world).filter(|_| message.function == Function::Collect)?;
    let row = world.documents.row(&DocumentId::of(&file.source()))?;
    Some((message.parcel.attempt.cmp(&row.looks), message.receives > 0))
}

/// Whether a field of a record decides what comes next. A certificate does so only by its proof, and an
/// application whose credential is stored not by when it was recorded.
fn decides(within: &str, field: &str) -> bool {
    match within {
        "certificate" => field == "proved_by_listing_at",
        "applications" => field != "recorded_at",
        _ => true,
    }
}
