//! Old and new code run side by side, on the same records: what either writes, the other reads.
//!
//! Today's code writes every record with all that it can have, and that must hold all that was published. It reads
//! every edition that was ever published. `PUBLISH_RECORDS=1` adds an edition where a record has more than before.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;

use kept::samples::second;
use kept::tables::{Tables, name, plain, with_newer_attributes};
use kept::written::{self, UNFINISHED};
use kept::{Records, covers, editions, hold, hold_in_shape, lacking, unfolded, with_newer_fields};
use laboratory::delivery::{End, Work};
use reconcile_tenants::reconcile::findings::Code;
use registry::{Acquired, Admission, Cause, Change, Claimed, Documents, Registry, RegistryError};
use runtime::Origin;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};
use shared_core::credential::{AuthenticationKind, Credential};
use shared_core::customer::{Aim, CellPhase, Phase};
use shared_core::document::{Look, Pipeline, State};
use shared_core::place::{Cell, Stage};
use shared_core::request::ReconciliationMode;

mod kept;
mod real;

// --- What is written --------------------------------------------------------------------------------

#[tokio::test]
async fn what_is_written_has_all_that_was_published() {
    hold("customers", &written::customers().await);
    hold("documents", &written::documents().await);
    hold("secrets", &written::secrets());
    hold("messages", &written::messages());
}

#[test]
fn what_a_reconciliation_keeps_has_all_that_was_published() {
    hold_in_shape("reports", &written::reports());
}

/// A record and its published edition, with a change planted; answers what is told to be lacking.
fn lacks(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let record = json!({
        "phase": { "S": "ACTIVE" }, "fence": { "N": "1" }, "cells": { "L": [{ "S": "eu-1" }] },
        "work": { "M": { "drain": { "BOOL": true } } }, "event": { "S": r#"{"type":"SecretRotated"}"# }
    });
    let published = BTreeMap::from([("RECORD".to_owned(), vec![unfolded(&record)])]);
    let mut changed = record;
    change(&mut changed);
    let said = lacking(&published, &Records::from([("RECORD".to_owned(), unfolded(&changed))]));
    said.iter().map(|said| said.split('`').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_record_that_lacks_what_was_published_is_found_out() {
    let remove = |record: &mut Value, name: &str| drop(record.as_object_mut().unwrap().remove(name));
    assert_eq!(lacks(|_| {}), [""; 0]);
    assert_eq!(lacks(|record| record["more"] = json!({ "S": "x" })), [""; 0], "more may be there");
    let event = |record: &mut Value, text: &str| record["event"]["S"] = text.into();
    assert_eq!(lacks(|record| event(record, r#"{"more":1,"type":"SecretRotated"}"#)), [""; 0], "in JSON too");
    assert_eq!(lacks(|record| event(record, r#"{"more":1}"#)), ["RECORD.event.S.type"], "gone from JSON");
    assert_eq!(lacks(|record| remove(record, "phase")), ["RECORD.phase"], "a field is gone");
    assert_eq!(lacks(|record| record["fence"] = json!({ "S": "1" })), ["RECORD.fence.N"], "of another type");
    assert_eq!(
        lacks(|record| record["phase"] = json!({ "S": "active" })),
        ["RECORD.phase.S"],
        "another word"
    );
    assert_eq!(lacks(|record| record["cells"]["L"] = json!([])), ["RECORD.cells.L"], "an item is gone");
    let renamed = |record: &mut Value| record["work"]["M"] = json!({ "drains": { "BOOL": true } });
    assert_eq!(lacks(renamed), ["RECORD.work.M.drain"], "another name");
    assert_eq!(lacks(|record| *record = Value::Null), ["RECORD"], "it is written no more");
}

/// The words of a type, each of which this lists: another variant does not compile here.
macro_rules! words {
    ($type:ident: $($variant:ident),*) => {{
        let all = [$($type::$variant),*];
        all.iter().for_each(|one| match one { $($type::$variant => {})* });
        (stringify!($type).to_owned(), all.map(|one| word(&one)).to_vec())
    }};
}

fn word(one: &impl Serialize) -> String {
    serde_json::to_value(one).unwrap().as_str().unwrap().to_owned()
}

/// A word that old code does not know makes a record unreadable to it. So it is published, and deployed, before
/// any code writes it.
#[test]
fn the_words_of_records_are_those_that_were_published() {
    let words: Vec<(String, Vec<String>)> = vec![
        words!(Phase: Absent, Onboarding, Active, Offboarding, Offboarded, Failed),
        words!(CellPhase: Provisioning, Active, Failed),
        words!(Aim: Onboard, Offboard),
        words!(AuthenticationKind: KeyPair, ClientSecret),
        words!(State: Claimed, Created, Sending, Uploaded, Submitted, Analyzed, AnalysisFailed, Rejected),
        words!(Pipeline: FraudOnly, ClassificationOnly, QualityOnly),
        words!(Admission: Held, Approved),
        words!(ReconciliationMode: Plan, Apply),
        words!(Stage: Production, Testing),
        words!(Cell: Eu1, Us1, Ca1, Ap2, Ap3),
        ("Code".to_owned(), Code::ALL.iter().map(word).collect()),
    ];
    let of = |words: &[String]| words.iter().map(|word| (word.clone(), Value::from(true))).collect();
    hold("words", &words.iter().map(|(name, words)| (name.clone(), of(words))).collect());
}

// --- What is read -----------------------------------------------------------------------------------

/// What today's code reads of an item that lies in its table, by the names of its attributes.
async fn read(table: &str, item: &Value) -> Value {
    let tables = Tables::create().await;
    tables.put(table, item).await;
    let keys = name(item);
    let (kind, id) = keys.split_once('#').unwrap_or((&keys, ""));
    let (id, sort) = id.split_once(' ').unwrap_or((id, ""));
    let (registry, documents) =
        (Registry::new(&tables.aws, "customers"), Documents::new(&tables.aws, "documents"));
    match (kind, sort.split('#').next().unwrap()) {
        ("CUSTOMER", "RECORD") => customer(&registry, id).await,
        ("CUSTOMER", "AUDIT") => {
            let trail = registry.trail(&id.parse().unwrap(), None, 9).await.unwrap();
            serde_json::to_value(&trail.entries[0]).unwrap()
        }
        ("REQUEST", "REQUEST") => {
            let handled = registry.handled(&id.parse().unwrap()).await.unwrap().unwrap();
            json!({
                "customer_id": handled.customer_id, "handled_at": handled.handled_at, "event": handled.event,
                "announced": handled.announced
            })
        }
        ("REQUEST", "ADMISSION") => {
            json!({ "admission": registry.admission(&id.parse().unwrap()).await.unwrap() })
        }
        ("OFFBOARDINGS", "COUNT") => {
            let hour = format!("{}:00:00Z", id.trim_end_matches('Z')).parse().unwrap();
            let counted =
                async |id: &str| registry.count_offboarding(&id.parse().unwrap(), hour, 1).await.unwrap();
            assert!(counted("r-2").await && !counted("r-5").await, "who was counted is known");
            json!({ "requests": ["r-2"] })
        }
        ("DOCUMENT", _) => document(&documents, item).await,
        other => panic!("nobody reads {other:?}"),
    }
}

async fn customer(registry: &Registry, id: &str) -> Value {
    let seen = registry.look(&id.parse().unwrap()).await.unwrap();
    let listed = registry.list(None).await.unwrap().customers.remove(0);
    let mut read = json!({
        "record": seen.customer, "fence": seen.fence, "phase": listed.phase, "spare": listed.spare,
        "listed_as": "CUSTOMER"
    });
    if let Some(lease) = seen.lease {
        read["lease_owner"] = lease.owner.into();
        read["lease_until"] = lease.until.as_millisecond().into();
    }
    read
}

async fn document(documents: &Documents, item: &Value) -> Value {
    let source = serde_json::from_value(plain(item)["record"]["source"].clone()).unwrap();
    let claimed = documents.claim(&source, "reader", second(101), second(161)).await.unwrap();
    let (ended, announced) = match &claimed {
        Claimed::Ended { announced, .. } => (true, *announced),
        Claimed::Busy { until } => {
            assert_eq!(*until, second(160));
            (false, false)
        }
        Claimed::Mine(..) => panic!("nobody's: {item}"),
    };
    let id = shared_core::document::DocumentId::of(&source);
    let standing = documents.standing(&id).await.unwrap().unwrap();
    json!({
        "record": standing.document, "looks": standing.looks, "told": standing.told, "ended": ended,
        "announced": announced
    })
}

/// What an item holds that code reads: not its keys, and not what is only for an index, for DynamoDB or people.
fn for_code(item: &Value) -> Value {
    let mut plain = unfolded(&plain(item));
    let left =
        ["pk", "sk", "claim_owner", "claim_until", "expires_at", "results", "open_customer_id", "opened_at"];
    plain.as_object_mut().unwrap().retain(|name, _| !left.contains(&name.as_str()));
    plain
}

#[tokio::test]
async fn every_record_that_was_published_is_read_whole_and_a_newer_field_is_passed_over() {
    for table in ["customers", "documents"] {
        // What operators did is read by people only.
        for (name, item) in editions(table).into_iter().filter(|(name, _)| !name.starts_with("OPERATIONS")) {
            let read_now = read(table, &item).await;
            covers(&name, &read_now, &for_code(&item));
            assert_eq!(read(table, &with_newer_attributes(&item)).await, read_now, "{name}");
        }
    }
}

#[test]
fn every_secret_that_was_published_is_read_whole_and_a_newer_field_is_passed_over() {
    for (name, value) in editions("secrets") {
        let mut later = with_newer_fields(&value);
        later["version"] = 2.into();
        assert!(Credential::from_secret_value(&later.to_string()).is_ok(), "a higher version is not refused");
        for stored in [value.clone(), with_newer_fields(&value)] {
            let read = Credential::from_secret_value(&stored.to_string()).unwrap().to_secret_value();
            covers(&name, &serde_json::from_str(read.expose_secret()).unwrap(), &value);
        }
    }
}

#[test]
fn every_message_that_was_published_is_read_whole_and_a_newer_field_is_passed_over() {
    let read = |name: &str, value: Value| match name {
        "look" => serde_json::to_value(serde_json::from_value::<Look>(value).unwrap()).unwrap(),
        "origin" => serde_json::to_value(serde_json::from_value::<Origin>(value).unwrap()).unwrap(),
        _ => written::messages()[name].clone(),
    };
    for (name, value) in editions("messages") {
        covers(&name, &read(&name, value.clone()), &value);
        covers(&name, &read(&name, with_newer_fields(&value)), &value);
    }
}

/// A reconciliation that other code has begun is ended by today's, which reports all that the other had found.
#[test]
fn every_reconciliation_that_was_cut_off_is_ended() {
    let unfinished = editions("reports").into_iter().filter(|(key, _)| key == UNFINISHED);
    let mut ended = 0;
    for (_, state) in unfinished {
        for kept in [state.clone(), with_newer_fields(&state)] {
            let lab = written::drifted();
            lab.world().reports.insert(UNFINISHED.to_owned(), kept.to_string().into_bytes());
            for _ in 0..20 {
                assert_eq!(lab.deliver(Work::CleanUp, vec![]).end, End::Done);
            }
            let reports = lab.world().reports.clone();
            assert_eq!(reports[UNFINISHED], b"null", "it is over");
            let key = reports.keys().find(|key| key.starts_with("reconciliations/2")).unwrap();
            let report: Value = serde_json::from_slice(&reports[key]).unwrap();
            let found = report["findings"].as_array().unwrap();
            for before in state["findings"].as_array().unwrap() {
                assert!(found.contains(before), "{before} is not in {report:#}");
            }
            assert_eq!((&report["request_id"], &report["mode"]), (&state["request_id"], &state["mode"]));
            ended += 1;
        }
    }
    assert!(ended >= 2, "none was published");
}

#[test]
fn a_reconciliation_that_has_ended_is_told_again_as_other_code_kept_it() {
    let all = editions("reports");
    let finished: Vec<_> = all.iter().filter(|(key, _)| key.contains("/finished/")).collect();
    assert!(!finished.is_empty(), "none was published");
    for (key, kept) in finished {
        let lab = written::drifted();
        let newer = with_newer_fields(kept).to_string();
        lab.world().reports.insert(key.clone(), newer.into_bytes());
        let delivered = lab.deliver(written::asked(), vec![]);
        let said: Value = serde_json::from_str(&delivered.said.unwrap()).unwrap();
        covers(key, &said, kept);
    }
}

// --- What is lost -----------------------------------------------------------------------------------

/// A customer's record with a change that newer code made, in its table.
async fn changed(change: impl FnOnce(&mut Value)) -> (Tables, Registry) {
    let tables = Tables::create().await;
    let mut items = editions("customers").into_iter().filter(|(name, _)| name == ZENITH);
    let mut item = items.next_back().unwrap().1;
    change(&mut item);
    tables.put("customers", &item).await;
    let registry = Registry::new(&tables.aws, "customers");
    (tables, registry)
}

const ZENITH: &str = "CUSTOMER#zenith RECORD";

/// Beside the record what newer code wrote is kept; in it, it is lost, while its version stays.
#[tokio::test]
async fn a_field_of_newer_code_is_lost_where_older_code_writes_the_record() {
    let (tables, registry) = changed(|item| {
        *item = with_newer_attributes(item);
        item["record"]["M"]["version"]["N"] = "2".into();
    })
    .await;
    let before = tables.items("customers").await[ZENITH].clone();
    let id = "zenith".parse().unwrap();
    let acquired = registry.acquire(&id, "old", second(200), second(260)).await.unwrap();
    let Acquired::Held(mut lease, customer) = acquired else { panic!("busy") };
    let change = Change { what: "test", before: &customer, after: &customer, at: second(201) };
    let cause = Cause { actor: "a".into(), reason: "r".into(), request_id: None, origin: "o".into() };
    registry.save(&mut lease, &change, &cause).await.unwrap();
    let after = tables.items("customers").await[ZENITH].clone();
    let newer = |item: &Value| {
        let record = &item["record"]["M"];
        let has = |map: &Value| map.get("from_newer_code").is_some();
        (has(item), has(record), record["version"]["N"].clone())
    };
    assert_eq!(newer(&before), (true, true, json!("2")));
    assert_eq!(newer(&after), (true, false, json!("2")));
}

/// Nothing of it is guessed: whoever reads it stops there, and the message comes back.
#[tokio::test]
async fn a_word_of_newer_code_makes_the_record_unreadable() {
    let id = "zenith".parse().unwrap();
    let (_tables, registry) = changed(|item| item["record"]["M"]["phase"]["S"] = "ASLEEP".into()).await;
    let refused = registry.customer(&id).await.unwrap_err();
    assert!(matches!(refused, RegistryError::Unreadable { .. }), "{refused}");
    let (_tables, registry) = changed(|item| {
        let cells = &mut item["record"]["M"]["cells"]["M"];
        cells["mars-1"] = cells["eu-1"].clone();
    })
    .await;
    assert!(registry.customer(&id).await.is_err());
}
