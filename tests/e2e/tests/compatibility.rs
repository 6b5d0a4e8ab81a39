//! What was published in `events/published/` holds.
//!
//! A change that breaks a producer or a consumer fails here, until it is made as a version of its own. What
//! breaks nobody is published with `PUBLISH_EVENTS=1`, which never takes back what was published before.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use e2e::compatibility::{Direction, broken, promise, variations};
use serde_json::{Value, json};
use shared_core::event::catalogue::{self, EventType};
use shared_core::event::{OutboundEvent, SOURCE};
use shared_core::request::{OffboardingRequest, OnboardingRequest};

const HOW: &str =
    "leave it as it was, or make it a version of its own beside this one (events/README.md, Versions)";

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder whose names begin and end so, in order.
fn files(folder: &Path, begin: &str, end: &str) -> Vec<PathBuf> {
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(begin) && name.ends_with(end)
    };
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(named).collect();
    files.sort();
    files
}

/// One version of one type, as it was published. What breaks nobody is published first, where that is asked for.
fn published() -> &'static [Value] {
    static PUBLISHED: OnceLock<Vec<Value>> = OnceLock::new();
    let all = || files(&events().join("published"), "", ".json").iter().map(|path| read(path)).collect();
    PUBLISHED.get_or_init(|| {
        let (before, current): (Vec<Value>, _) = (all(), catalogue::all());
        if std::env::var_os("PUBLISH_EVENTS").is_none() || !problems(&before, &current).is_empty() {
            return before;
        }
        for event in &current {
            let known = before.iter().find(|published| is_of(published, event));
            let text = serde_json::to_string_pretty(&publication(event, known)).unwrap();
            fs::write(path(event), format!("{text}\n")).unwrap();
        }
        all()
    })
}

fn path(event: &EventType) -> PathBuf {
    events().join(format!("published/{}.v{}.json", event.name, event.version))
}

fn direction(event: &EventType) -> Direction {
    if event.inbound { Direction::Request } else { Direction::Announcement }
}

fn is_of(published: &Value, event: &EventType) -> bool {
    published["type"] == event.name && published["version"] == event.version
}

/// What somebody relies on and does not get any more: of which event, what, and who is hit.
fn problems(published: &[Value], current: &[EventType]) -> Vec<String> {
    let of = |promised: &Value| {
        let (name, version) = (&promised["type"], &promised["version"]);
        let Some(event) = current.iter().find(|event| is_of(promised, event)) else {
            return vec![format!("{name} {version} was published and is gone; {HOW}")];
        };
        let who = if event.inbound { "producers" } else { "consumers" };
        let schema = promise(&event.schema).unwrap();
        let mut broken: Vec<String> = broken(direction(event), &promised["schema"], &schema)
            .iter()
            .map(|broken| format!("{name} {version}: {broken}: this breaks its {who}; {HOW}"))
            .collect();
        if !event.inbound && promised["source"] != SOURCE {
            broken.push(format!("{name} {version}: rules match the source {}; {HOW}", promised["source"]));
        }
        broken
    };
    published.iter().flat_map(of).collect()
}

/// What stands in the catalogue, as it is published: with every sample that was published before.
fn publication(event: &EventType, before: Option<&Value>) -> Value {
    let mut samples: Vec<Value> =
        before.map(|before| before["samples"].as_array().unwrap().clone()).unwrap_or_default();
    for path in files(&events().join(event.name), "good", ".json") {
        let sample = read(&path);
        if sample["version"] == event.version && !samples.contains(&sample) {
            samples.push(sample);
        }
    }
    let schema = promise(&event.schema).unwrap();
    let mut publication =
        json!({ "type": event.name, "version": event.version, "schema": schema, "samples": samples });
    if !event.inbound {
        publication["source"] = SOURCE.into();
    }
    publication
}

#[test]
fn what_was_published_holds_and_what_holds_is_published() {
    let (published, current) = (published(), catalogue::all());
    let problems = problems(published, &current);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for event in &current {
        let known = published.iter().find(|published| is_of(published, event));
        assert!(
            known == Some(&publication(event, known)),
            "{} promises more than {}: it breaks nobody, so publish it with PUBLISH_EVENTS=1",
            event.name,
            path(event).display()
        );
    }
}

#[test]
fn every_sample_that_was_published_is_taken_by_today_s_parser() {
    for published in published() {
        for sample in published["samples"].as_array().unwrap() {
            match published["type"].as_str().unwrap() {
                OnboardingRequest::TYPE => drop(OnboardingRequest::parse(sample).unwrap()),
                OffboardingRequest::TYPE => drop(OffboardingRequest::parse(sample).unwrap()),
                _ => {
                    // The registry keeps announcements, to announce them again: by other code, perhaps.
                    let event: OutboundEvent = serde_json::from_value(sample.clone()).unwrap();
                    let again = OutboundEvent::new(event.content().clone(), event.occurred_at());
                    assert_eq!(again.event_id(), sample["event_id"], "one cause has one id: {sample}");
                }
            }
        }
    }
}

/// The reader's schema takes what the writer sends: checked by a validator, which knows nothing of the checker.
#[test]
fn samples_of_the_writer_pass_the_schema_of_the_reader() {
    for event in catalogue::all() {
        let published = published().iter().find(|published| is_of(published, &event)).unwrap();
        let old = published["samples"].as_array().unwrap().iter().cloned();
        let (reader, samples): (&Value, Vec<Value>) = if event.inbound {
            (&event.schema, old.collect())
        } else {
            let now = files(&events().join(event.name), "good", ".json");
            (&published["schema"], now.iter().map(|path| read(path)).collect())
        };
        assert!(!samples.is_empty(), "{} has no sample", event.name);
        for sample in samples.iter().filter(|sample| sample["version"] == event.version) {
            if let Err(error) = jsonschema::validate(reader, sample) {
                panic!("{}: {error}", event.name);
            }
        }
    }
}

/// What is frozen is the schema itself, in other words.
#[test]
fn what_is_frozen_takes_what_the_schema_takes_and_nothing_else() {
    let validator =
        |schema: &Value| jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    for event in catalogue::all() {
        let published = published().iter().find(|published| is_of(published, &event)).unwrap();
        let (schema, frozen) = (validator(&event.schema), validator(&published["schema"]));
        for sample in published["samples"].as_array().unwrap().iter().flat_map(variations) {
            assert_eq!(frozen.is_valid(&sample), schema.is_valid(&sample), "{}: {sample:#}", event.name);
        }
    }
}

// --- Planted changes --------------------------------------------------------------------------------

fn event(name: &str) -> EventType {
    catalogue::all().into_iter().find(|event| event.name == name).unwrap()
}

/// What the checker says of a change to a type of the catalogue, by the fields that it names.
fn said_of(name: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut changed = event(name);
    let before = publication(&changed, None);
    change(&mut changed.schema);
    assert_ne!(publication(&changed, None)["schema"], before["schema"], "nothing is planted");
    let said = problems(&[before], &[changed]);
    said.iter().map(|said| said.split('`').nth(1).unwrap().to_owned()).collect()
}

fn remove(list: &mut Value, item: &str) {
    list.as_array_mut().unwrap().retain(|one| one != item);
}

fn remove_field(schema: &mut Value, name: &str) {
    schema["properties"].as_object_mut().unwrap().remove(name).unwrap();
    remove(&mut schema["required"], name);
}

#[test]
fn a_request_that_takes_less_is_broken() {
    let said = |change: &dyn Fn(&mut Value)| said_of("CustomerOnboardingRequested", change);
    let field = |name: &'static str, key: &'static str, value: Value| {
        said(&|schema| schema["properties"][name][key] = value.clone())
    };
    // A field that was optional, and one that is new, is required.
    assert_eq!(said(&|schema| schema["required"].as_array_mut().unwrap().push("cells".into())), ["cells"]);
    let required = |schema: &mut Value| {
        schema["properties"]["plan"] = json!({ "type": "string" });
        schema["required"].as_array_mut().unwrap().push("plan".into());
    };
    assert_eq!(said(&required), ["plan"]);
    // A field is removed, or renamed.
    assert_eq!(said(&|schema| remove_field(schema, "reason")), ["reason"]);
    assert_eq!(
        said(&|schema| drop(schema["properties"].as_object_mut().unwrap().remove("cells"))),
        ["cells"]
    );
    // A type, a format, a pattern, a length, a word.
    assert_eq!(said(&|schema| schema["$defs"]["RequestId"] = json!({ "type": "integer" })), ["request_id"]);
    assert_eq!(field("requested_at", "format", json!("date")), ["requested_at"]);
    assert_eq!(said(&|schema| schema["$defs"]["CustomerId"]["pattern"] = "^[a-z]+$".into()), ["customer_id"]);
    assert_eq!(said(&|schema| schema["$defs"]["AuditText"]["maxLength"] = 99.into()), ["actor", "reason"]);
    assert_eq!(said(&|schema| schema["$defs"]["AuditText"]["minLength"] = 2.into()), ["actor", "reason"]);
    assert_eq!(said(&|schema| schema["$defs"]["Cells"]["maxItems"] = 2.into()), ["cells"]);
    assert_eq!(said(&|schema| schema["$defs"]["Cells"]["minItems"] = 2.into()), ["cells"]);
    let no_canada =
        |schema: &mut Value| drop(schema["$defs"]["Cell"]["oneOf"].as_array_mut().unwrap().remove(2));
    assert_eq!(said(&no_canada), ["cells[]"]);
    // What is meant where nothing is said.
    assert_eq!(field("authentication", "default", json!("CLIENT_SECRET")), ["authentication"]);
    // Another version, under the same name.
    assert_eq!(field("version", "const", json!("2")), ["version"]);
}

#[test]
fn a_request_that_takes_more_is_not() {
    let said = |change: &dyn Fn(&mut Value)| said_of("CustomerOnboardingRequested", change);
    let nothing: [&str; 0] = [];
    assert_eq!(said(&|schema| schema["properties"]["plan"] = json!({ "type": "string" })), nothing);
    assert_eq!(said(&|schema| remove(&mut schema["required"], "reason")), nothing);
    assert_eq!(said(&|schema| schema["$defs"]["AuditText"]["maxLength"] = 999.into()), nothing);
    assert_eq!(
        said(&|schema| drop(schema["$defs"]["Cells"].as_object_mut().unwrap().remove("uniqueItems"))),
        nothing
    );
    let mars = json!({ "const": "mars-1", "type": "string" });
    assert_eq!(
        said(&|schema| schema["$defs"]["Cell"]["oneOf"].as_array_mut().unwrap().push(mars.clone())),
        nothing
    );
    let or_none = json!({ "anyOf": [{ "$ref": "#/$defs/RequestId" }, { "type": "null" }] });
    assert_eq!(said(&|schema| schema["properties"]["request_id"] = or_none.clone()), nothing);
}

#[test]
fn an_announcement_that_says_less_or_otherwise_is_broken() {
    let onboarded = |change: &dyn Fn(&mut Value)| said_of("CustomerOnboarded", change);
    let analysed = |change: &dyn Fn(&mut Value)| said_of("DocumentAnalyzed", change);
    // A field is removed: a required one, an optional one, one further down.
    assert_eq!(onboarded(&|schema| remove_field(schema, "tenant_id")), ["tenant_id"]);
    assert_eq!(analysed(&|schema| remove_field(schema, "score")), ["score"]);
    let of_cells = |schema: &mut Value| remove_field(&mut schema["$defs"]["CellOutcome"], "secret_name");
    assert_eq!(onboarded(&of_cells), ["cells[].secret_name"]);
    // One that was always there may be absent, or null.
    assert_eq!(onboarded(&|schema| remove(&mut schema["required"], "actor")), ["actor"]);
    assert_eq!(
        onboarded(&|schema| schema["properties"]["actor"]["type"] = json!(["string", "null"])),
        ["actor"]
    );
    let status = |schema: &mut Value| remove(&mut schema["$defs"]["CellOutcome"]["required"], "status");
    assert_eq!(onboarded(&status), ["cells[].status"]);
    // A type, a format, a pattern, a limit, a word.
    assert_eq!(onboarded(&|schema| schema["properties"]["reason"]["type"] = "object".into()), ["reason"]);
    let time = |schema: &mut Value| {
        drop(schema["properties"]["occurred_at"].as_object_mut().unwrap().remove("format"))
    };
    assert_eq!(onboarded(&time), ["occurred_at"]);
    assert_eq!(onboarded(&|schema| schema["$defs"]["TenantId"]["pattern"] = ".*".into()), ["tenant_id"]);
    assert_eq!(onboarded(&|schema| schema["$defs"]["Generation"]["minimum"] = (-1).into()), ["generation"]);
    let pending = json!({ "const": "PENDING", "type": "string" });
    let word = |schema: &mut Value| {
        schema["$defs"]["CellStatus"]["oneOf"].as_array_mut().unwrap().push(pending.clone())
    };
    assert_eq!(onboarded(&word), ["cells[].status"]);
    // One of several forms: a field of one, and another form.
    let bucket = |schema: &mut Value| remove_field(&mut schema["$defs"]["Kept"]["oneOf"][1], "bucket");
    assert_eq!(analysed(&bucket), ["results.bucket"]);
    let tape = json!({ "type": "object", "properties": { "in": { "const": "TAPE" } }, "required": ["in"] });
    let form =
        |schema: &mut Value| schema["$defs"]["Kept"]["oneOf"].as_array_mut().unwrap().push(tape.clone());
    assert_eq!(analysed(&form), ["results.in"]);
    // What a map holds.
    let counts = |schema: &mut Value| {
        schema["properties"]["findings"]["additionalProperties"] = json!({ "type": "string" })
    };
    assert_eq!(said_of("ReconciliationFinished", counts), ["findings.*"]);
}

#[test]
fn an_announcement_that_says_more_or_is_more_exact_is_not() {
    let said = |change: &dyn Fn(&mut Value)| said_of("CustomerOnboarded", change);
    let nothing: [&str; 0] = [];
    assert_eq!(said(&|schema| schema["properties"]["plan"] = json!({ "type": "string" })), nothing);
    let always = |schema: &mut Value| {
        schema["$defs"]["CellOutcome"]["required"].as_array_mut().unwrap().push("reason".into())
    };
    assert_eq!(said(&always), nothing);
    assert_eq!(said(&|schema| schema["properties"]["actor"]["maxLength"] = 256.into()), nothing);
    assert_eq!(said(&|schema| schema["$defs"]["Generation"]["minimum"] = 1.into()), nothing);
    let one =
        |schema: &mut Value| drop(schema["$defs"]["CellStatus"]["oneOf"].as_array_mut().unwrap().remove(1));
    assert_eq!(said(&one), nothing);
}

#[test]
fn a_version_goes_beside_the_one_before_it_and_not_in_its_place() {
    let first = event("CustomerOnboarded");
    let published = [publication(&first, None)];
    let mut second = EventType { version: "2", ..first.clone() };
    remove_field(&mut second.schema, "tenant_id");
    second.schema["properties"]["version"]["const"] = "2".into();
    assert_eq!(problems(&published, &[first, second.clone()]), [""; 0]);
    let gone = problems(&published, &[second]);
    assert!(gone.len() == 1 && gone[0].contains("is gone"), "{gone:?}");
}

#[test]
fn what_is_broken_says_what_for_whom_and_what_to_do() {
    let mut changed = event("CustomerOnboarded");
    let published = [publication(&changed, None)];
    remove_field(&mut changed.schema, "tenant_id");
    let said = problems(&published, &[changed]).join("\n");
    for words in [
        "\"CustomerOnboarded\" \"1\"",
        "`tenant_id` is not written any more",
        "consumers",
        "version of its own",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn words_of_a_schema_that_nothing_is_known_of_are_not_passed_over() {
    let unknown = promise(&json!({ "type": "string", "not": { "const": "x" } }));
    assert!(unknown.unwrap_err().to_string().contains("`not`"));
    let beside = promise(&json!({ "oneOf": [{ "type": "string" }], "maxLength": 3 }));
    assert!(beside.unwrap_err().to_string().contains("`maxLength`"));
}
