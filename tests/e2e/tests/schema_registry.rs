//! `infra/schemas.yaml` says of every event what its schema says, in the form of EventBridge's schema registry.
//!
//! It is generated; `UPDATE_SCHEMAS=1` writes it anew. The samples of `events/`, each as the detail of an event on a
//! bus, pass or fail by what stands in the template as they do by the schema.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use e2e::compatibility::variations;
use e2e::openapi::{document, name, template};
use serde_json::{Value, json};
use shared_core::event::SOURCE;
use shared_core::event::catalogue::{self, EventType};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn path() -> PathBuf {
    root().join("infra/schemas.yaml")
}

/// The template as it is uploaded, written anew before that where it is asked for.
fn kept() -> &'static str {
    static KEPT: OnceLock<String> = OnceLock::new();
    KEPT.get_or_init(|| {
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            fs::write(path(), template(&catalogue::all()).unwrap()).unwrap();
        }
        fs::read_to_string(path()).unwrap()
    })
}

/// The document of an event's schema in it.
fn uploaded(event: &EventType) -> Value {
    let (_, resource) = kept().split_once(&format!("\n      SchemaName: {}\n", name(event))).unwrap();
    let content = resource.lines().find_map(|line| line.strip_prefix("      Content: '")).unwrap();
    serde_json::from_str(&content.strip_suffix('\'').unwrap().replace("''", "'")).unwrap()
}

/// Checks an event on a bus: OpenAPI 3.0 took its schemas from JSON Schema, of about draft 4.
fn validator(mut document: Value) -> jsonschema::Validator {
    document["allOf"] = json!([{ "$ref": "#/components/schemas/AWSEvent" }]);
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .should_validate_formats(true)
        .build(&document)
        .unwrap()
}

fn on_a_bus(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "11111111-2222-3333-4444-555555555555", "detail-type": "one of ours",
        "source": SOURCE, "account": "111122223333", "time": "2026-02-03T10:16:00Z", "region": "eu-west-1",
        "resources": [], "detail": detail
    })
}

/// The places where a sample on a bus breaks what is uploaded.
fn places(validator: &jsonschema::Validator, sample: &Value) -> Vec<String> {
    let event = on_a_bus(sample);
    validator.iter_errors(&event).map(|error| error.instance_path().to_string()).collect()
}

/// The samples of a type whose names begin so, by their paths.
fn samples(event: &EventType, begin: &str) -> Vec<(PathBuf, Value)> {
    let entries = fs::read_dir(root().join("events").join(event.name)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(begin) && name.ends_with(".json")
    });
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, serde_json::from_str(&text).unwrap())
    };
    let samples: Vec<(PathBuf, Value)> = paths.map(read).collect();
    assert!(!samples.is_empty(), "{} has no sample {begin}*.json", event.name);
    samples
}

#[test]
fn the_template_is_that_of_the_schemas() {
    let generated = template(&catalogue::all()).unwrap();
    assert!(
        kept() == generated,
        "infra/schemas.yaml is not that of the types; UPDATE_SCHEMAS=1 writes it anew"
    );
}

#[test]
fn good_samples_pass_what_is_uploaded() {
    for event in catalogue::all() {
        let validator = validator(uploaded(&event));
        for (path, sample) in samples(&event, "good") {
            assert_eq!(places(&validator, &sample), [""; 0], "{}", path.display());
        }
    }
}

#[test]
fn bad_samples_fail_it_where_they_fail_the_schema() {
    for event in catalogue::all() {
        let validator = validator(uploaded(&event));
        for (path, sample) in samples(&event, "bad") {
            let why = fs::read_to_string(path.with_extension("why.txt")).unwrap();
            let place = format!("/detail{}", why.lines().next().unwrap().trim_end_matches('/'));
            assert_eq!(places(&validator, &sample), [place], "{}", path.display());
        }
    }
}

/// OpenAPI says nothing of `null` here, and what is announced never holds one.
#[test]
fn what_is_uploaded_takes_what_the_schema_takes_and_nothing_else() {
    for event in catalogue::all() {
        let uploaded = validator(uploaded(&event));
        let schema = jsonschema::options().should_validate_formats(true).build(&event.schema).unwrap();
        let (mut taken, mut refused) = (0, 0);
        let good = samples(&event, "good");
        for sample in good.iter().flat_map(|(_, sample)| variations(sample)).filter(|one| !holds_null(one)) {
            let takes = schema.is_valid(&sample);
            assert_eq!(uploaded.is_valid(&on_a_bus(&sample)), takes, "{}: {sample:#}", event.name);
            *(if takes { &mut taken } else { &mut refused }) += 1;
        }
        assert!(taken > 0 && refused > 20, "{}: {taken} taken, {refused} refused", event.name);
    }
}

#[test]
fn a_sample_fails_what_is_uploaded_of_any_other_type() {
    for event in catalogue::all() {
        let validator = validator(uploaded(&event));
        for other in catalogue::all().iter().filter(|other| other.name != event.name) {
            let (_, sample) = samples(other, "good").remove(0);
            assert!(!validator.is_valid(&on_a_bus(&sample)), "{} passes as {}", other.name, event.name);
        }
    }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(holds_null),
        Value::Array(items) => items.iter().any(holds_null),
        value => value.is_null(),
    }
}

/// `null` is dropped from what is uploaded, so nothing that is announced may ever hold one.
#[test]
fn no_event_holds_a_null() {
    for event in catalogue::all() {
        for (path, sample) in samples(&event, "good") {
            assert!(!holds_null(&sample), "{}", path.display());
        }
    }
}

#[test]
fn what_openapi_does_not_know_is_not_uploaded() {
    fn keys(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    found.push(if value.is_array() { format!("{key}[]") } else { key.clone() });
                    if key != "properties" {
                        keys(value, found);
                    } else {
                        value.as_object().unwrap().values().for_each(|field| keys(field, found));
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    catalogue::all().iter().for_each(|event| keys(&uploaded(event), &mut found));
    for unknown in ["const", "type[]", "examples[]", "$defs", "$schema", "$id"] {
        assert!(!found.iter().any(|key| key == unknown), "{unknown}");
    }
    for known in ["type", "enum[]", "oneOf[]", "$ref", "example", "x-amazon-events-source"] {
        assert!(found.iter().any(|key| key == known), "the search finds nothing: {known}");
    }
}

#[test]
fn a_word_that_is_not_known_is_not_dropped() {
    let mut event = catalogue::all().remove(0);
    event.schema["properties"]["reason"] = json!({ "type": "string", "not": { "const": "x" } });
    assert!(format!("{:#}", document(&event).unwrap_err()).contains("`not`"));
}

#[test]
fn a_later_version_has_a_name_of_its_own() {
    let first = catalogue::all().remove(0);
    let later = EventType { version: "2", ..first.clone() };
    let names = [name(&first), name(&later)];
    assert_eq!(
        names,
        ["resistant-tenants@CustomerOnboardingRequested", "resistant-tenants@CustomerOnboardingRequested.v2"]
    );
}
