//! What S3 says, by its own notifications and through EventBridge.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::s3::{S3Entity, S3EventRecord};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_core::event::ReasonCode;
use shared_core::request::{Refusal, Violation};

use super::lenient::{read, said};
use super::{Opener, Unit, form, inside};
use crate::message::{Envelope, ObjectCreated, Origin, Payload, Unreadable};

/// One record of a bucket's notification. Its key is form-encoded
/// (AWS: Amazon S3 User Guide, "Event message structure"), and nobody fills the type's `url_decoded_key`.
pub(super) fn notified(opener: &Opener, mut record: S3EventRecord, written: String, origin: Origin) -> Unit {
    let S3Entity { bucket, object, .. } = record.s3;
    let mut origin = inside(origin, Envelope::S3);
    origin.source = said(bucket.arn).or_else(|| said(bucket.name.clone()));
    origin.id = said(record.response_elements.remove("x-amz-request-id"));
    if let Some(name) = said(record.event_name)
        && !name.trim_start_matches("s3:").starts_with("ObjectCreated:")
    {
        return Unit::Ignored { what: format!("S3 {name}"), origin };
    }
    let encoded = object.key.unwrap_or_default();
    let (key, broken) = match form::decode(&encoded) {
        Ok(key) => (key, None),
        Err(rule) => (encoded, Some(rule)),
    };
    let created = ObjectCreated {
        bucket: bucket.name.unwrap_or_default(),
        key,
        version_id: said(object.version_id),
        size_bytes: object.size.and_then(|size| u64::try_from(size).ok()),
        e_tag: said(object.e_tag),
        sequencer: said(object.sequencer),
        happened_at: time(record.event_time.timestamp_millis()),
    };
    match broken {
        Some(rule) => undecodable(&created, rule, written, origin),
        None => named(opener, created, written, origin),
    }
}

/// An event of S3 on a bus. Its key is as it is
/// (AWS: Amazon S3 User Guide, "EventBridge event message structure").
pub(super) fn announced(opener: &Opener, event: &EventBridgeEvent, written: String, origin: Origin) -> Unit {
    if event.detail_type != "Object Created" {
        return Unit::Ignored { what: format!("S3 {}", event.detail_type), origin };
    }
    let Detail { bucket, object } = read(&event.detail);
    let created = ObjectCreated {
        bucket: bucket.name,
        key: object.key,
        version_id: said(object.version_id),
        size_bytes: object.size,
        e_tag: said(object.etag),
        sequencer: said(object.sequencer),
        happened_at: event.time.and_then(|at| time(at.timestamp_millis())),
    };
    named(opener, created, written, origin)
}

/// What AWS's events crate has no type for.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Bucket {
    name: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
struct Object {
    key: String,
    version_id: Option<String>,
    size: Option<u64>,
    etag: Option<String>,
    sequencer: Option<String>,
}

/// A time that was said: where none was, AWS's types have 1970.
fn time(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok().filter(|time| *time != Timestamp::UNIX_EPOCH)
}

fn named(opener: &Opener, object: ObjectCreated, written: String, origin: Origin) -> Unit {
    if object.bucket.is_empty() || object.key.is_empty() {
        let violation = Violation::missing("object.key", "an event of S3 names its bucket and its key");
        return opener.unreadable(Refusal::new(ReasonCode::MissingField, violation), &written, origin);
    }
    opener.message(Payload::Object(object), written, origin)
}

/// A key that is not UTF-8 once decoded: it still names an object, if not one that can be read.
fn undecodable(object: &ObjectCreated, rule: &str, written: String, origin: Origin) -> Unit {
    let violation = Violation::of_text("object.key", &object.key, rule);
    let refusal = Refusal::new(ReasonCode::KeyNotUtf8, violation);
    Unit::Unreadable(Unreadable { refusal, object: Some(object.document()), text: written, origin })
}
