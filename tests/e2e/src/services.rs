//! Small stand-ins for KMS, SQS and EventBridge, by the operations that the functions use.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A message that a function put into a queue.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Which queue.
    pub queue_url: String,
    /// Its body.
    pub body: String,
    /// How long it is invisible at first.
    pub delay_seconds: u64,
    /// Its message group.
    pub group: Option<String>,
    /// Its attributes, by name.
    pub attributes: BTreeMap<String, String>,
}

/// What the services were told.
#[derive(Debug, Default)]
struct Kept {
    events: Vec<Value>,
    traces: Vec<Option<String>>,
    sent: Vec<Sent>,
    sealed: Vec<(String, Value)>,
    waiting: u64,
    signing: BTreeMap<String, KeyPair>,
    /// What every queue is described by.
    queue: Value,
}

/// The three services, on one address.
#[derive(Debug)]
pub struct Services {
    kept: Arc<Mutex<Kept>>,
    url: String,
    _server: JoinSet<()>,
}

impl Services {
    /// Starts them on a free port.
    ///
    /// # Errors
    /// Where there is no port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let kept = Arc::new(Mutex::new(Kept { queue: queue(), ..Kept::default() }));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&kept));
        let mut server = JoinSet::new();
        server.spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { kept, url, _server: server })
    }

    /// Where they are.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The X-Ray trace of each event announced so far.
    pub fn traces(&self) -> Vec<Option<String>> {
        self.kept.lock().expect("no panic under the lock").traces.clone()
    }

    /// The events announced so far, by their details.
    pub fn events(&self) -> Vec<Value> {
        self.kept.lock().expect("no panic under the lock").events.clone()
    }

    /// Gives KMS a signing key: an RSA key as PEM (PKCS#8), under an id.
    ///
    /// # Errors
    /// Where it is no such key.
    pub fn hold_key(&self, key_id: &str, pem: &str) -> Result<()> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).context("no PEM")?;
        let key = KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok().context("no RSA key")?;
        self.kept.lock().expect("no panic under the lock").signing.insert(key_id.to_owned(), key);
        Ok(())
    }

    /// Has so many messages wait in every queue.
    pub fn let_wait(&self, messages: u64) {
        self.kept.lock().expect("no panic under the lock").waiting = messages;
    }

    /// Changes an attribute of every queue, or removes it; answers what it was.
    pub fn set_queue_attribute(&self, name: &str, value: Option<&str>) -> Option<String> {
        let mut kept = self.kept.lock().expect("no panic under the lock");
        let attributes = kept.queue.as_object_mut()?;
        let before = match value {
            Some(value) => attributes.insert(name.to_owned(), value.into()),
            None => attributes.remove(name),
        };
        before?.as_str().map(str::to_owned)
    }

    /// Takes the messages that were sent into a queue since the last call.
    pub fn take_sent(&self, queue_url: &str) -> Vec<Sent> {
        let mut kept = self.kept.lock().expect("no panic under the lock");
        let (taken, left) =
            std::mem::take(&mut kept.sent).into_iter().partition(|sent| sent.queue_url == queue_url);
        kept.sent = left;
        taken
    }
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, body: String) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let Ok(input) = serde_json::from_str::<Value>(&body) else {
        return refuse("SerializationException", "not JSON");
    };
    let mut kept = kept.lock().expect("no panic under the lock");
    match operation {
        "PutEvents" => put_events(&mut kept, &input),
        "SendMessage" => send_message(&mut kept, &input),
        "GetQueueAttributes" => queue_attributes(&kept, &input),
        "Encrypt" => encrypt(&mut kept, &input),
        "Decrypt" => decrypt(&kept, &input),
        "Sign" => sign(&kept, &input),
        _ => refuse("UnknownOperationException", operation),
    }
}

/// A queue as the template makes it, for the function with the longest time limit.
fn queue() -> Value {
    let redrive =
        json!({ "deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 5 });
    json!({ "VisibilityTimeout": "1800", "RedrivePolicy": redrive.to_string() })
}

fn put_events(kept: &mut Kept, input: &Value) -> Response {
    let entries = input["Entries"].as_array().cloned().unwrap_or_default();
    for entry in &entries {
        let detail = entry["Detail"].as_str().and_then(|detail| serde_json::from_str(detail).ok());
        let Some(detail) = detail else { return refuse("ValidationException", "Detail is not JSON") };
        kept.events.push(detail);
        kept.traces.push(entry["TraceHeader"].as_str().map(str::to_owned));
    }
    let ids: Vec<Value> = entries.iter().map(|_| json!({ "EventId": "e" })).collect();
    ok(&json!({ "FailedEntryCount": 0, "Entries": ids }))
}

fn send_message(kept: &mut Kept, input: &Value) -> Response {
    let attributes = input["MessageAttributes"].as_object().cloned().unwrap_or_default();
    let value = |attribute: &Value| attribute["StringValue"].as_str().unwrap_or_default().to_owned();
    kept.sent.push(Sent {
        queue_url: input["QueueUrl"].as_str().unwrap_or_default().to_owned(),
        body: input["MessageBody"].as_str().unwrap_or_default().to_owned(),
        delay_seconds: input["DelaySeconds"].as_u64().unwrap_or_default(),
        group: input["MessageGroupId"].as_str().map(str::to_owned),
        attributes: attributes.iter().map(|(name, attribute)| (name.clone(), value(attribute))).collect(),
    });
    ok(&json!({ "MessageId": format!("m-{}", kept.sent.len()) }))
}

/// Those that are asked for, all of them as texts (SQS API Reference: `GetQueueAttributes`).
fn queue_attributes(kept: &Kept, input: &Value) -> Response {
    let counted = json!({ "ApproximateNumberOfMessages": kept.waiting.to_string() });
    let counts = input["AttributeNames"] == json!(["ApproximateNumberOfMessages"]);
    ok(&json!({ "Attributes": if counts { &counted } else { &kept.queue } }))
}

/// The ciphertext is a number: what it stands for never leaves this process.
fn encrypt(kept: &mut Kept, input: &Value) -> Response {
    let plain = input["Plaintext"].as_str().unwrap_or_default().to_owned();
    kept.sealed.push((plain, input["EncryptionContext"].clone()));
    let blob = STANDARD.encode(format!("sealed-{}", kept.sealed.len() - 1));
    ok(&json!({ "CiphertextBlob": blob, "KeyId": input["KeyId"] }))
}

fn decrypt(kept: &Kept, input: &Value) -> Response {
    let blob = input["CiphertextBlob"].as_str().and_then(|blob| STANDARD.decode(blob).ok());
    let number =
        blob.and_then(|blob| String::from_utf8(blob).ok()?.strip_prefix("sealed-")?.parse::<usize>().ok());
    match number.and_then(|number| kept.sealed.get(number)) {
        Some((plain, context)) if *context == input["EncryptionContext"] => {
            ok(&json!({ "Plaintext": plain, "KeyId": input["KeyId"] }))
        }
        _ => refuse("InvalidCiphertextException", "another context, or not sealed here"),
    }
}

/// With an RSA key of usage SIGN_VERIFY (KMS API Reference: `Sign`).
fn sign(kept: &Kept, input: &Value) -> Response {
    let Some(key) = input["KeyId"].as_str().and_then(|id| kept.signing.get(id)) else {
        return refuse("NotFoundException", "no such key");
    };
    let asked = (input["MessageType"].as_str(), input["SigningAlgorithm"].as_str());
    if asked != (Some("RAW"), Some("RSASSA_PKCS1_V1_5_SHA_256")) {
        return refuse("ValidationException", "only this is known here");
    }
    let message = input["Message"].as_str().and_then(|message| STANDARD.decode(message).ok());
    let Some(message) = message.filter(|message| (1..=4096).contains(&message.len())) else {
        return refuse("ValidationException", "Message is to have 1 to 4096 bytes");
    };
    let mut signature = vec![0; key.public_modulus_len()];
    match key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature) {
        Ok(()) => ok(&json!({
            "KeyId": input["KeyId"], "Signature": STANDARD.encode(signature),
            "SigningAlgorithm": input["SigningAlgorithm"]
        })),
        Err(_) => refuse("KMSInternalException", "not signed"),
    }
}

fn ok(body: &Value) -> Response {
    ([("content-type", "application/x-amz-json-1.1")], body.to_string()).into_response()
}

fn refuse(code: &str, message: &str) -> Response {
    let body = json!({ "__type": code, "message": message }).to_string();
    (StatusCode::BAD_REQUEST, [("content-type", "application/x-amz-json-1.1")], body).into_response()
}
