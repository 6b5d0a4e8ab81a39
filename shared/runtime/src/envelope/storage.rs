//! What S3 says, by its own notifications and through EventBridge.

use jiff::Timestamp;
use serde_json::Value;
use shared_core::event::{DocumentRef, ReasonCode};
use shared_core::request::{Refusal, Violation};

use super::{Opener, Unit, form, inside, text_of};
use crate::message::{Envelope, ObjectCreated, Origin, Payload, Unreadable};

/// One record of a bucket's notification. Its key is form-encoded
/// (AWS: Amazon S3 User Guide, "Event message structure").
pub(super) fn notified(opener: &Opener, record: &Value, written: String, origin: Origin) -> Unit {
    let s3 = record.get("s3").unwrap_or(&Value::Null);
    let (bucket, object) =
        (s3.get("bucket").unwrap_or(&Value::Null), s3.get("object").unwrap_or(&Value::Null));
    let mut origin = inside(origin, Envelope::S3);
    origin.source = text_of(bucket, "arn").or_else(|| text_of(bucket, "name")).map(str::to_owned);
    origin.id =
        record.get("responseElements").and_then(|ids| text_of(ids, "x-amz-request-id")).map(str::to_owned);
    if let Some(name) = text_of(record, "eventName")
        && !name.trim_start_matches("s3:").starts_with("ObjectCreated:")
    {
        return Unit::Ignored { what: format!("S3 {name}"), origin };
    }
    let found =
        Found { bucket, object, version: "versionId", e_tag: "eTag", time: text_of(record, "eventTime") };
    let decoded = found.key().map(|key| form::decode(key).map_err(|rule| (key, rule)));
    let key = match decoded {
        Some(Ok(key)) => Some(key),
        Some(Err((key, rule))) => return undecodable(found, key, rule, written, origin),
        None => None,
    };
    created(opener, found, key, written, origin)
}

/// An event of S3 on a bus. Its key is as it is
/// (AWS: Amazon S3 User Guide, "EventBridge event message structure").
pub(super) fn announced(opener: &Opener, event: &Value, written: String, origin: Origin) -> Unit {
    let detail_type = text_of(event, "detail-type").unwrap_or_default();
    if detail_type != "Object Created" {
        return Unit::Ignored { what: format!("S3 {detail_type}"), origin };
    }
    let detail = &event["detail"];
    let found = Found {
        bucket: detail.get("bucket").unwrap_or(&Value::Null),
        object: detail.get("object").unwrap_or(&Value::Null),
        version: "version-id",
        e_tag: "etag",
        time: text_of(event, "time"),
    };
    let key = found.key().map(str::to_owned);
    created(opener, found, key, written, origin)
}

/// The two spellings of the same thing.
struct Found<'a> {
    bucket: &'a Value,
    object: &'a Value,
    version: &'static str,
    e_tag: &'static str,
    time: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn key(&self) -> Option<&'a str> {
        text_of(self.object, "key")
    }

    fn of_object(&self, field: &str) -> Option<String> {
        text_of(self.object, field).map(str::to_owned)
    }
}

fn created(opener: &Opener, found: Found<'_>, key: Option<String>, written: String, origin: Origin) -> Unit {
    let bucket = text_of(found.bucket, "name").map(str::to_owned);
    let (Some(bucket), Some(key)) = (bucket, key) else {
        let violation = Violation::missing("object.key", "an event of S3 names its bucket and its key");
        return opener.unreadable(Refusal::new(ReasonCode::MissingField, violation), &written, origin);
    };
    let object = ObjectCreated {
        bucket,
        key,
        version_id: found.of_object(found.version),
        size_bytes: found.object.get("size").and_then(Value::as_u64),
        e_tag: found.of_object(found.e_tag),
        sequencer: found.of_object("sequencer"),
        happened_at: found.time.and_then(|time| time.parse::<Timestamp>().ok()),
    };
    opener.message(Payload::Object(object), written, origin)
}

/// A key that is not UTF-8 once decoded: it still names an object, if not one that can be read.
fn undecodable(found: Found<'_>, key: &str, rule: &str, written: String, origin: Origin) -> Unit {
    let object = DocumentRef {
        bucket: text_of(found.bucket, "name").unwrap_or_default().to_owned(),
        key: key.to_owned(),
        version_id: found.of_object(found.version),
    };
    let refusal = Refusal::new(ReasonCode::KeyNotUtf8, Violation::of_text("object.key", key, rule));
    Unit::Unreadable(Unreadable { refusal, object: Some(object), text: written, origin })
}
