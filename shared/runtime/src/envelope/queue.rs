//! Records of a queue (AWS: Lambda Developer Guide, "Using Lambda with Amazon SQS").

use aws_lambda_events::sqs::SqsMessage;
use jiff::Timestamp;
use serde_json::Value;

use super::lenient::{read, said};
use super::{NESTING, Opener, Unit, text_of};
use crate::message::{Envelope, Origin};

/// The message attribute that keeps when a deferred message was first seen.
pub const FIRST_SEEN: &str = "first_seen";
/// The message attribute that counts a deferred message's attempts.
pub const ATTEMPT: &str = "attempt";
/// The message attribute that says before when a deferred message is only passed on.
pub const NOT_BEFORE: &str = "not_before";
/// The message attribute that keeps where a deferred message came from: its new envelope names us.
pub const ORIGIN: &str = "origin";

/// One record of a batch.
#[derive(Debug)]
pub struct Record {
    /// The id that the answer names it by.
    pub message_id: String,
    /// What it holds: one unit, or as many as its bucket notification has records.
    pub units: Vec<Unit>,
}

/// A record that the answer cannot name, so the whole batch must be delivered again.
#[derive(Debug, thiserror::Error)]
#[error("a record of the queue has no messageId")]
pub struct Nameless;

/// What a queue says about a message, besides what is in it.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) first_seen: Timestamp,
    pub(super) attempt: u32,
    pub(super) receive_count: u32,
    pub(super) group: Option<String>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) origin: Option<Origin>,
}

impl Frame {
    pub(super) fn direct(now: Timestamp) -> Self {
        Self { first_seen: now, attempt: 1, receive_count: 1, group: None, not_before: None, origin: None }
    }

    fn of(message: &SqsMessage, now: Timestamp) -> Self {
        let system = |name: &str| message.attributes.get(name).map(String::as_str);
        let ours = |name: &str| message.message_attributes.get(name)?.string_value.as_deref();
        let time = |name: &str| ours(name).and_then(|text| text.parse::<Timestamp>().ok());
        let sent =
            system("SentTimestamp").and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok());
        let count = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(1);
        Self {
            first_seen: time(FIRST_SEEN).or(sent).unwrap_or(now),
            attempt: count(ours(ATTEMPT)),
            receive_count: count(system("ApproximateReceiveCount")),
            group: said(system("MessageGroupId").map(str::to_owned)),
            not_before: time(NOT_BEFORE),
            origin: ours(ORIGIN).and_then(|text| serde_json::from_str(text).ok()),
        }
    }
}

/// The records, if this is a batch of a queue.
pub(super) fn records_of(payload: &Value) -> Option<&Vec<Value>> {
    let records = payload.get("Records")?.as_array()?;
    let from_queue = |record: &Value| text_of(record, "eventSource") == Some("aws:sqs");
    (!records.is_empty() && records.iter().all(from_queue)).then_some(records)
}

/// Opens one record.
pub(super) fn open(record: &Value, now: Timestamp) -> Result<Record, Nameless> {
    let mut message: SqsMessage = read(record);
    let message_id = said(message.message_id.take()).ok_or(Nameless)?;
    let origin = Origin {
        path: vec![Envelope::Sqs],
        account: None,
        source: said(message.attributes.get("SenderId").cloned()),
        id: Some(message_id.clone()),
    };
    let opener = Opener { frame: Frame::of(&message, now) };
    let body = message.body.unwrap_or_default();
    Ok(Record { message_id, units: opener.text(&body, origin, NESTING) })
}
