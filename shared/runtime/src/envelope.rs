//! Taking envelopes off: one parser for everything that may arrive.
//!
//! | envelope | how it is known |
//! |---|---|
//! | a batch of a queue | `Records` with `eventSource` `aws:sqs`; each body is one of the others |
//! | a topic, direct to the function | `Records` with `EventSource` `aws:sns` |
//! | a topic, in a queue | `Type` `Notification` and `TopicArn`; raw delivery has no envelope at all |
//! | a bucket | `Records` with `eventSource` `aws:s3`; keys are form-encoded |
//! | a bus | `detail-type` and `detail`; an object's key in it is not encoded |
//! | a rotation | `Step` and `SecretId` |
//! | by hand | any other JSON |
//!
//! Envelopes are AWS's own types, read leniently: AWS adds fields, and emulators leave some out. Only
//! what is needed to do the work must be there. What cannot be read becomes an [`Unreadable`] with
//! the field and the rule, never an error of the whole batch.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::sns::{SnsMessage, SnsRecord};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared_core::event::ReasonCode;
use shared_core::request::{Refusal, Violation};

use crate::message::{Envelope, Message, Origin, Payload, Rotation, RotationStep, Unreadable};

mod form;
mod lenient;
mod queue;
mod storage;

use lenient::{read, said};
use queue::Frame;
pub use queue::{ATTEMPT, FIRST_SEEN, NOT_BEFORE, Nameless, ORIGIN, Record};

/// How many envelopes may lie in one another. A bus behind a topic before a queue is three.
const NESTING: u32 = 5;

/// What an invocation brought.
#[derive(Debug)]
pub enum Delivery {
    /// A batch of a queue: each record is answered for itself.
    Queue(Vec<Record>),
    /// Anything else: one answer for all.
    Direct(Vec<Unit>),
}

/// One unit of work.
#[derive(Debug)]
pub enum Unit {
    /// Work.
    Message(Message),
    /// Something that nobody can read.
    Unreadable(Unreadable),
    /// Something that is none of our business, such as S3's test event.
    Ignored {
        /// What it is.
        what: String,
        /// Where it came from.
        origin: Origin,
    },
}

/// Opens what an invocation brought.
///
/// # Errors
/// [`Nameless`], where a queue's record has no id to answer with.
pub fn open(payload: &Value, now: Timestamp) -> Result<Delivery, Nameless> {
    if let Some(records) = queue::records_of(payload) {
        let records: Result<Vec<Record>, Nameless> =
            records.iter().map(|record| queue::open(record, now)).collect();
        return records.map(Delivery::Queue);
    }
    let opener = Opener { frame: Frame::direct(now) };
    Ok(Delivery::Direct(opener.value(payload, None, Origin::default(), NESTING)))
}

/// Opens one text or value, whatever it is wrapped in.
struct Opener {
    frame: Frame,
}

impl Opener {
    fn text(&self, text: &str, origin: Origin, depth: u32) -> Vec<Unit> {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => self.value(&value, Some(text), origin, depth),
            Err(error) => {
                // serde_json's own message may quote the text: only the position is kept.
                let rule =
                    format!("JSON; it ends to be so at line {}, column {}", error.line(), error.column());
                let refusal = Refusal::new(ReasonCode::NotJson, Violation::of_text("body", text, &rule));
                vec![self.unreadable(refusal, text, origin)]
            }
        }
    }

    /// `text` is how the value was written, where it was a text of its own.
    fn value(&self, value: &Value, text: Option<&str>, origin: Origin, depth: u32) -> Vec<Unit> {
        let written = || text.map_or_else(|| value.to_string(), str::to_owned);
        if depth == 0 {
            let violation = Violation::missing("event", "it lies in more envelopes than are opened");
            return vec![self.unreadable(
                Refusal::new(ReasonCode::NotAnEvent, violation),
                &written(),
                origin,
            )];
        }
        if let Some(records) = value.get("Records").and_then(Value::as_array) {
            return self.records(records, text, origin, depth);
        }
        if text_of(value, "Type") == Some("Notification") && value.get("TopicArn").is_some() {
            return self.notification(read(value), &written(), origin, depth);
        }
        if value.get("detail-type").is_some() && value.get("detail").is_some() {
            return vec![self.bus_event(read(value), written(), origin)];
        }
        if value.get("Step").is_some() && value.get("SecretId").is_some() {
            return vec![self.rotation(value, written(), origin)];
        }
        if text_of(value, "Event") == Some("s3:TestEvent") {
            return vec![Unit::Ignored {
                what: "s3:TestEvent".to_owned(),
                origin: inside(origin, Envelope::S3),
            }];
        }
        vec![self.message(Payload::Event(value.clone()), written(), origin)]
    }

    /// Records of a bucket or of a topic.
    fn records(&self, records: &[Value], text: Option<&str>, origin: Origin, depth: u32) -> Vec<Unit> {
        let open_one = |record: &Value| {
            // Alone, each record is a text that is this message and no other: a deferral of one of
            // several must not repeat the others.
            let alone = || json!({ "Records": [record] }).to_string();
            let written = if records.len() == 1 { text.map_or_else(alone, str::to_owned) } else { alone() };
            let source = text_of(record, "eventSource").or_else(|| text_of(record, "EventSource"));
            match source {
                Some("aws:s3") => vec![storage::notified(self, read(record), written, origin.clone())],
                Some("aws:sns") => {
                    self.notification(read::<SnsRecord>(record).sns, &written, origin.clone(), depth)
                }
                other => {
                    let rule = "`aws:sqs`, `aws:sns` or `aws:s3`";
                    let violation = match other {
                        Some(source) => Violation::of_text("Records[0].eventSource", source, rule),
                        None => Violation::missing("Records[0].eventSource", rule),
                    };
                    vec![self.unreadable(
                        Refusal::new(ReasonCode::NotAnEvent, violation),
                        &written,
                        origin.clone(),
                    )]
                }
            }
        };
        if records.is_empty() {
            let violation = Violation::new("Records", &json!([]), "at least one record");
            return vec![self.unreadable(
                Refusal::new(ReasonCode::NotAnEvent, violation),
                r#"{"Records":[]}"#,
                origin,
            )];
        }
        records.iter().flat_map(open_one).collect()
    }

    fn notification(&self, told: SnsMessage, written: &str, origin: Origin, depth: u32) -> Vec<Unit> {
        let mut origin = inside(origin, Envelope::Sns);
        origin.account = told.topic_arn.split(':').nth(4).map(str::to_owned);
        origin.source = said(Some(told.topic_arn));
        origin.id = said(Some(told.message_id));
        if told.message.is_empty() {
            let violation =
                Violation::missing("Message", "a topic's notification carries its event as a text");
            return vec![self.unreadable(Refusal::new(ReasonCode::NotAnEvent, violation), written, origin)];
        }
        self.text(&told.message, origin, depth - 1)
    }

    fn bus_event(&self, event: EventBridgeEvent, written: String, origin: Origin) -> Unit {
        let mut origin = inside(origin, Envelope::EventBridge);
        origin.account = said(event.account.clone());
        origin.source = said(Some(event.source.clone()));
        origin.id = said(event.id.clone());
        if event.source == "aws.s3" {
            return storage::announced(self, &event, written, origin);
        }
        self.message(Payload::Event(event.detail), written, origin)
    }

    fn rotation(&self, event: &Value, written: String, origin: Origin) -> Unit {
        let mut origin = inside(origin, Envelope::SecretsManager);
        let text = |field: &str| text_of(event, field).map(str::to_owned);
        origin.source = text("SecretId");
        origin.id = text("ClientRequestToken");
        let rule = "`createSecret`, `setSecret`, `testSecret` or `finishSecret`";
        let Some(step) = text_of(event, "Step").and_then(RotationStep::read) else {
            let violation = Violation::new("Step", &event["Step"], rule);
            return self.unreadable(Refusal::new(ReasonCode::InvalidField, violation), &written, origin);
        };
        let (Some(secret_id), Some(client_request_token)) = (text("SecretId"), text("ClientRequestToken"))
        else {
            let violation =
                Violation::missing("ClientRequestToken", "a rotation names its secret and its version");
            return self.unreadable(Refusal::new(ReasonCode::MissingField, violation), &written, origin);
        };
        let rotation_token = text("RotationToken").map(Into::into);
        let rotation = Rotation { step, secret_id, client_request_token, rotation_token };
        self.message(Payload::Rotation(rotation), written, origin)
    }

    fn message(&self, payload: Payload, text: String, origin: Origin) -> Unit {
        let Frame { first_seen, attempt, receive_count, group, not_before, origin: kept } =
            self.frame.clone();
        let origin = kept.unwrap_or(origin);
        Unit::Message(Message {
            payload,
            origin,
            first_seen,
            attempt,
            receive_count,
            text,
            group,
            not_before,
        })
    }

    fn unreadable(&self, refusal: Refusal, text: &str, origin: Origin) -> Unit {
        Unit::Unreadable(Unreadable { refusal, object: None, text: text.to_owned(), origin })
    }
}

/// One envelope more.
fn inside(mut origin: Origin, envelope: Envelope) -> Origin {
    origin.path.push(envelope);
    origin
}

/// A field's text. Empty counts as absent.
fn text_of<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
