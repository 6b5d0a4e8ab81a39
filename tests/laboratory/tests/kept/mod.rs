//! Records as they were published, in `events/published/records/`: of each name every edition that code ever wrote,
//! the oldest first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

pub(crate) mod samples;
pub(crate) mod tables;
pub(crate) mod written;

/// Records by their names.
pub(crate) type Records = BTreeMap<String, Value>;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../events/published/records/{file}.json"))
}

/// The editions of each record of a file.
pub(crate) fn published(file: &str) -> BTreeMap<String, Vec<Value>> {
    let text = std::fs::read_to_string(path(file)).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Every edition of every record of a file.
pub(crate) fn editions(file: &str) -> Vec<(String, Value)> {
    let published = published(file);
    assert!(!published.is_empty(), "nothing is published of {file}");
    let all = published.into_iter();
    all.flat_map(|(name, editions)| editions.into_iter().map(move |one| (name.clone(), one))).collect()
}

/// What today's code writes must have all that was published; what it has beside that is to be published.
pub(crate) fn hold(file: &str, written: &Records) {
    held(file, written, unfolded);
}

/// The same where values follow from how fast things go: fields and their types must be there.
pub(crate) fn hold_in_shape(file: &str, written: &Records) {
    held(file, written, shape);
}

fn held(file: &str, written: &Records, seen: fn(&Value) -> Value) {
    let mut published = published(file);
    let see = |(name, one): (&String, &Value)| (name.clone(), seen(one));
    let before = published.iter().map(|(name, all)| (name.clone(), all.iter().map(seen).collect())).collect();
    let broken = lacking(&before, &written.iter().map(see).collect());
    assert!(
        broken.is_empty(),
        "{file}: code that runs beside this one would miss\n{}\nWrite it as it was, or under another name beside it.",
        broken.join("\n")
    );
    let publish = std::env::var_os("PUBLISH_RECORDS").is_some();
    for (name, now) in written {
        let editions = published.entry(name.clone()).or_default();
        let known = editions.last().is_some_and(|last| seen(last) == seen(now));
        assert!(known || publish, "{file}, `{name}` has more than was published: PUBLISH_RECORDS=1 adds it");
        if !known {
            editions.push(now.clone());
        }
    }
    if publish {
        let text = serde_json::to_string_pretty(&published).unwrap();
        let written = path(file).with_extension("new");
        std::fs::write(&written, format!("{text}\n")).unwrap();
        // Others may be reading it.
        std::fs::rename(written, path(file)).unwrap();
    }
}

/// Fields and their types; of many alike, the first.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let of = |(name, value): (&String, &Value)| match value.as_object() {
                Some(held) if NAMED_OTHERWISE.contains(&name.as_str()) => {
                    (name.clone(), held.values().take(1).map(shape).collect())
                }
                _ => (name.clone(), shape(value)),
            };
            fields.iter().map(of).collect()
        }
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::String(_) => "a text".into(),
        Value::Number(_) => "a number".into(),
        Value::Bool(_) => "a flag".into(),
        Value::Null => Value::Null,
    }
}

/// What the published editions have, and today's records have not.
pub(crate) fn lacking(published: &BTreeMap<String, Vec<Value>>, written: &Records) -> Vec<String> {
    let mut lacking = Vec::new();
    for (name, edition) in published.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one))) {
        compare(name, edition, written.get(name).unwrap_or(&Value::Null), &mut lacking);
    }
    lacking
}

/// Everything of `before` is in `now`, with the same values.
pub(crate) fn covers(what: &str, now: &Value, before: &Value) {
    let mut lacking = Vec::new();
    compare(what, before, now, &mut lacking);
    assert!(lacking.is_empty(), "{what} is not read whole:\n{}", lacking.join("\n"));
}

fn compare(at: &str, before: &Value, now: &Value, lacking: &mut Vec<String>) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            for (name, value) in before {
                compare(&format!("{at}.{name}"), value, now.get(name).unwrap_or(&Value::Null), lacking);
            }
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            let both = before.iter().zip(now).enumerate();
            both.for_each(|(n, (before, now))| compare(&format!("{at}[{n}]"), before, now, lacking));
        }
        _ if before == now => {}
        _ => lacking.push(format!("`{at}`: {before}, and is {now}")),
    }
}

/// Texts that hold JSON, as what they hold.
pub(crate) fn unfolded(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), unfolded(value))).collect(),
        Value::Array(items) => items.iter().map(unfolded).collect(),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(held @ Value::Object(_)) => held,
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

/// What these hold is named by ids, codes or kinds, not by fields.
pub(crate) const NAMED_OTHERWISE: [&str; 6] = ["cells", "tenants", "left_over", "unseen", "findings", "step"];

/// The same with a field in every object that newer code might add.
pub(crate) fn with_newer_fields(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let of = |(name, value): (&String, &Value)| match value.as_object() {
                Some(held) if NAMED_OTHERWISE.contains(&name.as_str()) => {
                    let held = held.iter().map(|(key, value)| (key.clone(), with_newer_fields(value)));
                    (name.clone(), held.collect())
                }
                _ => (name.clone(), with_newer_fields(value)),
            };
            let mut newer: Map<String, Value> = fields.iter().map(of).collect();
            newer.insert("from_newer_code".to_owned(), json!("?"));
            Value::Object(newer)
        }
        Value::Array(items) => items.iter().map(with_newer_fields).collect(),
        _ => value.clone(),
    }
}
