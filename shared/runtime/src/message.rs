//! One unit of work, out of whatever envelope it came in.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_core::document::{DocumentId, Source};
use shared_core::elapsed;
use shared_core::event::DocumentRef;
use shared_core::request::Refusal;

/// The most characters of an id in a line: as many as a request's may have.
const LONGEST_ID: usize = 128;

/// What a function is asked to do, once.
pub struct Message {
    /// What it says.
    pub payload: Payload,
    /// Where it came from.
    pub origin: Origin,
    /// When it was first seen, however often it was deferred since.
    pub first_seen: Timestamp,
    /// 1 for the first, one more for each deferral.
    pub attempt: u32,
    /// How often the queue has delivered this message; 1 where there is no queue.
    pub receive_count: u32,
    pub(crate) text: String,
    pub(crate) group: Option<String>,
    pub(crate) not_before: Option<Timestamp>,
}

impl Message {
    /// What was received, as a text of its own: sent to the queue again, it is this message.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How long ago it was first seen.
    pub fn age(&self, now: Timestamp) -> std::time::Duration {
        elapsed(self.first_seen, now)
    }

    /// What it is, for the log.
    pub fn kind(&self) -> &str {
        self.payload.kind()
    }

    /// What names the work in every line about it, in calls to the vendor that take a name, and in the events that
    /// tell of it: a request's id, a document's, or a rotation's token. As the message says, which nobody has checked
    /// yet: cut where it is longer than any of these may be.
    pub fn correlation_id(&self) -> Option<String> {
        let id = match &self.payload {
            Payload::Event(event) => {
                let named = ["request_id", "document_id"].into_iter().find_map(|name| event.get(name));
                // The vendor's notification of a result.
                named.or_else(|| event.pointer("/payload/query_id"))?.as_str()?.to_owned()
            }
            Payload::Object(object) => DocumentId::of(&object.source()).as_str().to_owned(),
            Payload::Rotation(rotation) => rotation.client_request_token.clone(),
        };
        Some(id.chars().take(LONGEST_ID).collect())
    }

    /// The same message for a deferral, once the handler has taken the payload.
    pub(crate) fn without_payload(&self) -> Self {
        Self {
            payload: Payload::Event(Value::Null),
            origin: self.origin.clone(),
            text: self.text.clone(),
            group: self.group.clone(),
            ..*self
        }
    }
}

/// Without the payload: a message may hold anything.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind())
            .field("origin", &self.origin)
            .field("first_seen", &self.first_seen)
            .field("attempt", &self.attempt)
            .field("receive_count", &self.receive_count)
            .finish_non_exhaustive()
    }
}

/// What a message says.
#[derive(Clone, Debug)]
pub enum Payload {
    /// A JSON value that should be one of the catalogue's events. Not yet parsed as one.
    Event(Value),
    /// S3 has a new object, or a new version of one.
    Object(ObjectCreated),
    /// Secrets Manager wants one step of a rotation.
    Rotation(Rotation),
}

impl Payload {
    /// What it is, for the log: an event's type as it claims.
    pub fn kind(&self) -> &str {
        match self {
            Self::Event(event) => event.get("type").and_then(Value::as_str).unwrap_or("event"),
            Self::Object(_) => ObjectCreated::KIND,
            Self::Rotation(rotation) => rotation.step.as_str(),
        }
    }
}

/// An object that S3 says was created. Nothing of it has been looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version; absent from an unversioned bucket.
    pub version_id: Option<String>,
    /// The size when the event was made.
    pub size_bytes: Option<u64>,
    /// The entity tag.
    pub e_tag: Option<String>,
    /// Orders the events of one key.
    pub sequencer: Option<String>,
    /// When S3 says it happened.
    pub happened_at: Option<Timestamp>,
}

impl ObjectCreated {
    /// What a message about one is, in the log.
    pub const KIND: &str = "ObjectCreated";

    /// As its document's identity has it.
    pub fn source(&self) -> Source {
        Source {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            version_id: self.version_id.clone(),
            etag: self.e_tag.clone(),
        }
    }

    /// As events name it.
    pub fn document(&self) -> DocumentRef {
        DocumentRef {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            version_id: self.version_id.clone(),
        }
    }
}

/// One step of a rotation, as Secrets Manager invokes it
/// (AWS: Secrets Manager User Guide, "Rotation by Lambda function").
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Which step.
    pub step: RotationStep,
    /// The secret's ARN.
    pub secret_id: String,
    /// The id of the secret version that is being made.
    pub client_request_token: String,
    /// Proves to Secrets Manager that a cross-account caller was asked by it.
    pub rotation_token: Option<SecretString>,
}

/// The four steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationStep {
    /// Make the new version, as AWSPENDING.
    CreateSecret,
    /// Make the service accept it.
    SetSecret,
    /// Try it.
    TestSecret,
    /// Make it AWSCURRENT.
    FinishSecret,
}

impl RotationStep {
    /// As Secrets Manager spells it in the event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
        }
    }

    /// Reads the event's spelling, and the one that AWS's own page about the event uses.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text {
            "createSecret" | "create_secret" => Some(Self::CreateSecret),
            "setSecret" | "set_secret" => Some(Self::SetSecret),
            "testSecret" | "test_secret" => Some(Self::TestSecret),
            "finishSecret" | "finish_secret" => Some(Self::FinishSecret),
            _ => None,
        }
    }
}

/// Where a message came from, as its envelopes say. For the audit trail: it is what was seen, and
/// whoever may write to the queue may have written it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The envelopes, outermost first. Empty for plain JSON by hand.
    pub path: Vec<Envelope>,
    /// The AWS account that the innermost telling envelope names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The event's source, topic, bucket or sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The event's or message's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str("direct");
        }
        for (at, envelope) in self.path.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { ">" }, envelope.as_str())?;
        }
        Ok(())
    }
}

/// What a message was wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// A message of a queue.
    Sqs,
    /// A notification of a topic.
    Sns,
    /// An event of a bus.
    EventBridge,
    /// A notification of a bucket.
    S3,
    /// A rotation step.
    SecretsManager,
}

impl Envelope {
    /// In lower case, as in the audit trail.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Sns => "sns",
            Self::EventBridge => "eventbridge",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
        }
    }
}

/// A message that no function can work on, because it cannot be read.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Why, with the field and the rule.
    pub refusal: Refusal,
    /// The object it names, where it names one; the key as received.
    pub object: Option<DocumentRef>,
    /// What was received.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}
