//! The event catalogue in `events/` is what the code does.
//!
//! The schemas are generated from the Rust types; `UPDATE_SCHEMAS=1` writes them anew. Good samples
//! pass both the schema and our own parser, bad ones are refused by both, at the place that their
//! `.why.txt` names. Every envelope's sample is opened by the parser that the functions use.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use runtime::envelope::{Delivery, Unit, open};
use runtime::{Origin, Payload};
use serde_json::Value;
use shared_core::event::OutboundEvent;
use shared_core::event::catalogue::{self, EventType};
use shared_core::request::{OffboardingRequest, OnboardingRequest};

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// Every sample of a type whose name begins so; at least one.
fn samples(event: &EventType, prefix: &str) -> Result<Vec<(PathBuf, Value)>> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(events().join(event.name))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(prefix) && name.ends_with(".json") {
            samples.push((path.clone(), read(&path)?));
        }
    }
    ensure!(!samples.is_empty(), "{} has no sample {prefix}*.json", event.name);
    Ok(samples)
}

/// What our own parser says of an event: nothing, or why it refuses it.
fn refusal(event: &EventType, sample: &Value) -> Option<String> {
    match event.name {
        OnboardingRequest::TYPE => {
            OnboardingRequest::parse(sample).err().map(|refusal| refusal.explanation())
        }
        OffboardingRequest::TYPE => {
            OffboardingRequest::parse(sample).err().map(|refusal| refusal.explanation())
        }
        _ => serde_json::from_value::<OutboundEvent>(sample.clone()).err().map(|error| error.to_string()),
    }
}

fn validator(event: &EventType) -> Result<jsonschema::Validator> {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&event.schema)
        .with_context(|| event.name.to_owned())
}

#[test]
fn the_schemas_are_those_of_the_types() -> Result<()> {
    let update = std::env::var_os("UPDATE_SCHEMAS").is_some();
    for event in catalogue::all() {
        let path = events().join(event.name).join(format!("v{}.schema.json", event.version));
        let generated = format!("{}\n", serde_json::to_string_pretty(&event.schema)?);
        if update {
            fs::write(&path, &generated)?;
        }
        let kept = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        ensure!(
            kept == generated,
            "{} differs from the type; UPDATE_SCHEMAS=1 writes it anew",
            path.display()
        );
        jsonschema::meta::validate(&event.schema)
            .map_err(|error| anyhow::anyhow!("{}: {error}", event.name))?;
    }
    Ok(())
}

#[test]
fn the_catalogue_holds_every_type_and_nothing_else() -> Result<()> {
    let mut held = BTreeSet::new();
    for entry in fs::read_dir(events())? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            held.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    let mut expected: BTreeSet<String> = catalogue::all().iter().map(|event| event.name.to_owned()).collect();
    let readme = fs::read_to_string(events().join("README.md"))?;
    for name in &expected {
        ensure!(readme.contains(&format!("`{name}`")), "README.md does not mention {name}");
    }
    expected.extend(["envelopes", "published"].map(str::to_owned));
    assert_eq!(held, expected);
    Ok(())
}

#[test]
fn good_samples_pass_the_schema_and_our_parser() -> Result<()> {
    for event in catalogue::all() {
        let validator = validator(&event)?;
        for (path, sample) in samples(&event, "good")? {
            let path = path.display();
            let errors: Vec<String> = validator.iter_errors(&sample).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{path}: {errors:?}");
            assert_eq!(refusal(&event, &sample), None, "{path}");
        }
    }
    Ok(())
}

#[test]
fn announcements_survive_our_types_and_have_the_id_of_their_cause() -> Result<()> {
    for event in catalogue::all().into_iter().filter(|event| !event.inbound) {
        let (_, sample) = samples(&event, "good")?.remove(0);
        let read: OutboundEvent = serde_json::from_value(sample.clone())?;
        assert_eq!(serde_json::to_value(&read)?, sample, "{}", event.name);
        assert_eq!(read.detail_type(), event.name);
        let again = OutboundEvent::new(read.content().clone(), read.occurred_at());
        assert_eq!(again.event_id(), read.event_id(), "{}", event.name);
    }
    Ok(())
}

#[test]
fn bad_samples_are_refused_by_both_for_the_named_reason() -> Result<()> {
    for event in catalogue::all() {
        let validator = validator(&event)?;
        for (path, sample) in samples(&event, "bad")? {
            let why = fs::read_to_string(path.with_extension("why.txt"))?;
            let path = path.display();
            let (place, explanation) = why.split_once('\n').context("a place, then the reason")?;
            let places: Vec<String> =
                validator.iter_errors(&sample).map(|error| error.instance_path().to_string()).collect();
            assert_eq!(places, [place.trim_end_matches('/')], "{path}");
            let refusal = refusal(&event, &sample).with_context(|| format!("{path}: our parser takes it"))?;
            if event.inbound {
                assert_eq!(refusal, explanation.trim_end(), "{path}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_sample_passes_no_other_type_s_schema() -> Result<()> {
    let all = catalogue::all();
    for event in &all {
        let (_, sample) = samples(event, "good")?.remove(0);
        for other in all.iter().filter(|other| other.name != event.name) {
            assert!(!validator(other)?.is_valid(&sample), "{} passes as {}", event.name, other.name);
        }
    }
    Ok(())
}

/// The one unit that a sample holds.
fn opened(payload: &Value) -> Result<Unit> {
    let now = "2026-02-03T10:16:00Z".parse()?;
    let mut units = match open(payload, now)? {
        Delivery::Queue(mut records) => {
            ensure!(records.len() == 1, "one record");
            records.remove(0).units
        }
        Delivery::Direct(units) => units,
    };
    ensure!(units.len() == 1, "one unit");
    Ok(units.remove(0))
}

/// Where a unit came from, and what it is, in the words of `envelopes/index.json`.
fn described(unit: &Unit) -> (&Origin, &'static str) {
    match unit {
        Unit::Message(message) => {
            let kind = match &message.payload {
                Payload::Event(_) => "event",
                Payload::Object(_) => "object",
                Payload::Rotation(_) => "rotation",
            };
            (&message.origin, kind)
        }
        Unit::Unreadable(unreadable) => (&unreadable.origin, "unreadable"),
        Unit::Ignored { origin, .. } => (origin, "ignored"),
    }
}

/// What a unit says must be what the index expects of it.
fn says(unit: Unit, expected: &Value) -> Result<()> {
    match unit {
        Unit::Message(message) => match message.payload {
            Payload::Event(event) => {
                let name = expected["good"].as_str().context("good")?;
                assert_eq!(event, read(&events().join(name).join("good.json"))?);
            }
            Payload::Object(object) => {
                assert_eq!(serde_json::to_value(object.document())?, expected["object"])
            }
            Payload::Rotation(rotation) => assert_eq!(rotation.step.as_str(), expected["step"]),
        },
        Unit::Unreadable(unreadable) => {
            assert_eq!(unreadable.refusal.reason_code.as_str(), expected["reason_code"]);
        }
        Unit::Ignored { .. } => {}
    }
    Ok(())
}

#[test]
fn every_envelope_s_sample_is_opened() -> Result<()> {
    let folder = events().join("envelopes");
    let index = read(&folder.join("index.json"))?;
    let index = index.as_object().context("an object")?;
    for (name, expected) in index {
        let unit = opened(&read(&folder.join(name))?).with_context(|| name.clone())?;
        let (origin, kind) = described(&unit);
        assert_eq!(expected["origin"], origin.to_string(), "{name}");
        assert_eq!(expected["kind"], kind, "{name}");
        says(unit, expected).with_context(|| name.clone())?;
    }
    let mut held = BTreeSet::new();
    for entry in fs::read_dir(&folder)? {
        held.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let named: BTreeSet<String> = index.keys().cloned().chain(["index.json".to_owned()]).collect();
    assert_eq!(held, named);
    Ok(())
}
