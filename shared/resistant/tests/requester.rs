//! The organization's credential is read again: when, how often, and what becomes of a failed read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod stub;

use std::error::Error;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use resistant::{
    CallError, Clock, ControlPlane, CredentialSource, OrganizationCredential, RemoteKey, TokenError, Vendor,
};
use serde_json::{Value, json};
use shared_core::failure::{Class, Classified as _};
use stub::{Reply, Seen, Stub, token};

/// The organization's secret: the client that it names, or none while it cannot be read.
#[derive(Clone, Default)]
struct Secret(Arc<(Mutex<Option<&'static str>>, AtomicUsize)>);

impl Secret {
    fn set(&self, client: Option<&'static str>) {
        *self.0.0.lock().unwrap() = client;
    }

    /// How often it was read again.
    fn reads(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl CredentialSource for Secret {
    async fn read(&self) -> Result<OrganizationCredential, Box<dyn Error + Send + Sync>> {
        self.0.1.fetch_add(1, Ordering::SeqCst);
        let client = *self.0.0.lock().unwrap();
        Ok(credential(client.ok_or("the secret cannot be read")?))
    }
}

fn credential(client: &str) -> OrganizationCredential {
    let key = include_str!("../testdata/organization-key.pkcs8.pem");
    let value = json!({"client_id": client, "private_key": key});
    OrganizationCredential::from_secret_value(&value.to_string()).unwrap()
}

/// Who asks for a token, as its assertion says.
fn client(request: &Seen) -> String {
    let assertion = request.form("client_assertion").unwrap();
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["iss"].as_str().unwrap().to_owned()
}

/// The control plane of a stub, for a client `first` whose secret was read just now.
struct House {
    stub: Stub,
    secret: Secret,
    clock: Arc<AtomicI64>,
    control: ControlPlane,
}

impl House {
    /// Calls are answered 404 where their token is good; `answer` sees the rest.
    async fn new(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let (stub, secret) = (Stub::start(answer).await, Secret::default());
        secret.set(Some("first"));
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        let seconds = Arc::clone(&clock);
        let vendor = stub
            .vendor()
            .with_clock(Clock::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap()));
        let endpoints = vendor.endpoints().organization("overridden").unwrap();
        let control = vendor.control_plane_of(&endpoints, &credential("first"), secret.clone());
        Self { stub, secret, clock, control }
    }

    /// Lets so many seconds pass, then makes a call.
    async fn call_after(&self, seconds: i64) -> Result<(), CallError> {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
        self.control.tenant(&"t".parse().unwrap()).await.map(drop)
    }

    fn clients(&self) -> Vec<String> {
        self.stub.token_requests().iter().map(client).collect()
    }
}

fn granting(request: &Seen, before: usize) -> Reply {
    if request.is_token_request() { token(before) } else { Reply::Json(404, json!({})) }
}

fn invalid_client() -> Reply {
    Reply::Json(401, json!({"error": "invalid_client", "error_description": "No such key."}))
}

fn refused(outcome: Result<(), CallError>) -> bool {
    matches!(outcome, Err(CallError::Token { source: TokenError::InvalidClient { .. }, .. }))
}

#[tokio::test]
async fn a_changed_credential_is_used_for_the_next_token_and_costs_one_read() {
    let house = House::new(granting).await;
    house.call_after(0).await.unwrap();
    assert_eq!(
        (house.clients(), house.secret.reads()),
        (vec!["first".to_owned()], 0),
        "it was read just now"
    );
    house.secret.set(Some("second"));
    house.call_after(700).await.unwrap();
    assert_eq!((house.clients().len(), house.secret.reads()), (1, 0), "the token is good for 1,000 s");
    house.call_after(200).await.unwrap();
    assert_eq!((house.clients(), house.secret.reads()), (vec!["first".to_owned(), "second".to_owned()], 1));
}

#[tokio::test]
async fn a_client_that_is_refused_costs_one_read_a_minute_and_heals() {
    let house = House::new(|request, before| match request.is_token_request() {
        true if client(request) == "first" => invalid_client(),
        _ => granting(request, before),
    })
    .await;
    for (seconds, reads) in [(0, 0), (1, 0), (58, 0), (1, 1), (0, 1), (30, 1), (29, 1), (1, 2)] {
        assert!(refused(house.call_after(seconds).await));
        assert_eq!(house.secret.reads(), reads, "after {seconds} s more");
    }
    house.secret.set(Some("second"));
    assert!(refused(house.call_after(59).await), "it was read less than a minute ago");
    house.call_after(1).await.unwrap();
    assert_eq!(house.secret.reads(), 3);
}

#[tokio::test]
async fn a_token_that_is_refused_before_its_end_is_replaced_by_the_changed_clients() {
    // The first client is taken away at the vendor, with what it was given: its token is the first.
    let house = House::new(|request, before| match request {
        request if request.is_token_request() && before > 0 && client(request) == "first" => invalid_client(),
        request if request.is_token_request() => token(before),
        request if request.header("authorization") == Some("Bearer token-0") && before > 0 => {
            Reply::Json(401, json!({}))
        }
        _ => Reply::Json(404, json!({})),
    })
    .await;
    house.call_after(0).await.unwrap();
    house.secret.set(Some("second"));
    house.call_after(60).await.unwrap();
    assert_eq!((house.clients(), house.secret.reads()), (vec!["first".to_owned(), "second".to_owned()], 1));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_again_leaves_the_last_credential() {
    let house = House::new(granting).await;
    house.call_after(0).await.unwrap();
    house.secret.set(None);
    house.call_after(900).await.unwrap();
    assert_eq!((house.clients(), house.secret.reads()), (vec!["first".to_owned(), "first".to_owned()], 1));
    house.secret.set(Some("second"));
    house.call_after(900).await.unwrap();
    assert_eq!((house.clients().pop().unwrap().as_str(), house.secret.reads()), ("second", 2));
}

/// A key in another service that is not there.
enum Elsewhere {
    Refusing,
    Hanging,
}

#[async_trait]
impl RemoteKey for Elsewhere {
    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        match self {
            Self::Refusing => Err("Sign failed for `alias/organization`".into()),
            Self::Hanging => std::future::pending().await,
        }
    }
}

async fn token_error(vendor: &Vendor, key: Elsewhere) -> TokenError {
    let value = json!({"client_id": "organization", "kms_key_id": "alias/organization"}).to_string();
    let credential = OrganizationCredential::from_secret_value_with(&value, |_| Arc::new(key)).unwrap();
    let endpoints = vendor.endpoints().organization("overridden").unwrap();
    vendor.control_plane(&endpoints, &credential).warm().await.unwrap_err()
}

#[tokio::test]
async fn a_signature_that_is_refused_or_late_is_told_and_may_be_tried_again() {
    let stub = Stub::start(granting).await;
    let refused = token_error(&stub.vendor(), Elsewhere::Refusing).await;
    assert_eq!(refused.class(), Class::Retry);
    assert!(refused.source().unwrap().to_string().contains("Sign failed for `alias/organization`"));
    let late = token_error(&stub.vendor().with_timeout(Duration::from_millis(50)), Elsewhere::Hanging).await;
    assert!(matches!(late, TokenError::NotSent { .. }), "{late:?}");
    assert!(stub.token_requests().is_empty());
}
