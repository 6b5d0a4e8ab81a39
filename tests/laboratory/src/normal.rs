//! A world without what does not matter: ids by their order, times by their distance from now.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use crate::vendor::Proof;
use crate::world::World;

/// Beyond this a distance says no more: every time that the flows keep to is shorter.
const FAR: i64 = 1000;

/// From this age on a message has waited too long for some things, and from the other on for all.
const OLD: [i64; 2] = [3600, 24 * 3600];

/// Two worlds with the same text have the same futures.
pub fn text(world: &World) -> String {
    let mut normal = Normal { now: world.now, names: HashMap::new(), text: String::with_capacity(2048) };
    normal.table(world);
    normal.secrets(world);
    normal.vendor(world);
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

    fn time(&self, at: Timestamp) -> i64 {
        (at.as_second() - self.now.as_second()).clamp(-FAR, FAR)
    }

    fn table(&mut self, world: &World) {
        for row in world.table.rows() {
            let record = serde_json::to_value(&row.customer).expect("a record always serializes");
            self.value("", &record);
            let lease = row.lease.as_ref().map(|(_, until)| *until).filter(|until| *until >= self.now);
            let lease = lease.map(|until| self.time(until));
            self.line(format_args!("lease {lease:?}"));
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
                for (name, value) in fields {
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
            Value::String(text) => match field {
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
                "accepted_at" | "recorded_at" | "in_doubt_since" | "unreferenced_since" => {
                    let at = text.parse().expect("a time");
                    let distance = self.time(at);
                    self.line(format_args!("{distance}"));
                }
                _ => self.text.push_str(text),
            },
            other => self.line(format_args!("{other}")),
        }
        self.text.push(',');
    }

    fn secrets(&mut self, world: &World) {
        for secret in world.secrets.secrets() {
            let rotates = world.secrets.rotates(&secret.name);
            self.line(format_args!(
                "{} {:?} {} {rotates}",
                secret.name,
                secret.rotation_enabled,
                secret.deletion.is_some()
            ));
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
            let name = self.name(&tenant.id);
            let (from, until) =
                (self.future(tenant.listed_from), tenant.listed_until.map(|at| self.time(at)));
            self.line(format_args!("{name} {} {from} {until:?}", tenant.name));
        }
        for application in applications {
            let (name, tenant) = (self.name(&application.id), self.name(&application.tenant));
            let proof = match &application.proof {
                Proof::Key(kid) => self.name(kid),
                Proof::Secret(secret) => self.name(secret),
            };
            let (from, accepted) =
                (self.future(application.listed_from), self.future(application.accepted_from));
            let until = application.listed_until.map(|at| self.time(at));
            self.line(format_args!(
                "{name} {tenant} {} {proof} {from} {accepted} {until:?}",
                application.cell
            ));
        }
        for (at, request) in &world.landing {
            let path: Vec<String> = request.path.iter().map(|part| self.name_if_known(part)).collect();
            let kid = request.json()["auth_method"]["kid"].as_str().map(|kid| self.name(kid));
            let at = self.time(*at);
            self.line(format_args!("{at} {} {path:?} {kid:?}", request.method));
        }
    }

    /// When something begins that has not begun yet.
    fn future(&self, at: Timestamp) -> i64 {
        self.time(at).max(0)
    }

    fn name_if_known(&mut self, part: &str) -> String {
        if self.names.contains_key(part) { self.name(part) } else { part.to_owned() }
    }

    fn messages(&mut self, world: &World) {
        let mut lines: Vec<String> = Vec::new();
        for message in &world.queue {
            let parcel = &message.parcel;
            let asked = world.asked.iter().find(|asked| parcel.body.contains(asked.request_id.as_str()));
            let request = asked.map(|asked| asked.request_id.as_str()).unwrap_or_default();
            let age = self.now.as_second() - parcel.first_seen.as_second();
            let age = OLD.iter().filter(|old| age > **old).count();
            let due = self.future(message.due);
            let not_before = parcel.not_before.map(|at| self.future(at));
            lines.push(format!("{:?} {request} {due} {age} {not_before:?}", message.function));
        }
        lines.sort_unstable();
        let mut told: Vec<String> = world.bus.iter().map(|event| event.event_id().to_owned()).collect();
        told.sort_unstable();
        told.dedup();
        self.line(format_args!("{lines:?} {told:?}"));
        self.line(format_args!("{:?} {}", world.broken, world.upstream_was_touched));
    }
}
