//! A simulator and the clients that talk to it.

use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use simulator::{Limits, Options, Settings, Simulator};

pub(crate) const ORGANIZATION_SERVER: &str = "aus17c172cLOCWEyk417";
pub(crate) const EU_SERVER: &str = "aus2un1hkrKhPjir4417";
pub(crate) const US_SERVER: &str = "aus3tzuy12e5blAJi417";
pub(crate) const ALL_SCOPES: &str =
    "tenants.read tenants.write tenants.applications.read tenants.applications.write";
pub(crate) const DOCUMENT_SCOPES: &str = "submissions.read submissions.write";

/// A simulator and what one needs to talk to it as the organization.
pub(crate) struct House {
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
    token: String,
}

/// What a client keeps of an application.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) tenant: String,
    pub(crate) application: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

impl House {
    /// No rate limits, and results at once.
    pub(crate) async fn open() -> Self {
        let limits = Limits { enabled: false, ..Limits::default() };
        Self::with(Settings { limits, result_delay_ms: 0, ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let options = Options { settings, ..Options::default() };
        let simulator = Simulator::start(options).await.expect("a simulator");
        let mut house = Self { simulator, http: reqwest::Client::new(), token: String::new() };
        house.token = house.organization_token(ALL_SCOPES).await;
        house
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.base_url())
    }

    pub(crate) fn token_url(&self, server: &str) -> String {
        self.url(&format!("/oauth2/{server}/v1/token"))
    }

    pub(crate) async fn organization_token(&self, scope: &str) -> String {
        let form = assertion_form(&self.organization_assertion(json!({})), scope);
        let answer = self.ask_token(ORGANIZATION_SERVER, &form).await;
        assert_eq!(answer.status(), 200);
        text(&body(answer).await["access_token"])
    }

    /// An assertion of the organization, with some claims changed.
    pub(crate) fn organization_assertion(&self, changes: Value) -> String {
        let id = self.simulator.organization_client_id();
        let claims = claims(id, &self.token_url(ORGANIZATION_SERVER), changes);
        let pem = self.simulator.organization_private_key_pem();
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("the organization's key");
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).expect("an assertion")
    }

    pub(crate) async fn ask_token(&self, server: &str, form: &[(String, String)]) -> Response {
        self.http.post(self.token_url(server)).form(form).send().await.expect("an answer")
    }

    /// Tenant Management, as the organization.
    pub(crate) fn manage(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(&format!("/tenants-api/v0{path}"))).bearer_auth(&self.token)
    }

    pub(crate) async fn create_tenant(&self, name: &str) -> String {
        let answer = send(self.manage(Method::POST, "/tenants").json(&json!({ "name": name }))).await;
        assert_eq!(answer.status(), 201);
        text(&body(answer).await["id"])
    }

    pub(crate) async fn create_application(&self, tenant: &str, cell: &str, method: Value) -> Response {
        let scopes = ["documents.submissions.read", "documents.submissions.write"];
        let asked = json!({ "cell": cell, "scopes": scopes, "auth_method": method });
        send(self.manage(Method::POST, &format!("/tenants/{tenant}/applications")).json(&asked)).await
    }

    /// A tenant with an application in `eu-1` and a token for it.
    pub(crate) async fn member(&self, name: &str) -> Member {
        let mut member = self.newcomer(name).await;
        let answer = self.secret_token(&member, EU_SERVER, DOCUMENT_SCOPES).await;
        member.token = text(&body(answer).await["access_token"]);
        member
    }

    /// A member without a token.
    pub(crate) async fn newcomer(&self, name: &str) -> Member {
        let tenant = self.create_tenant(name).await;
        let created = self.create_application(&tenant, "eu-1", json!({ "type": "CLIENT_SECRET" })).await;
        assert_eq!(created.status(), 201);
        let created = body(created).await;
        Member {
            tenant,
            application: text(&created["id"]),
            client_id: text(&created["client_id"]),
            secret: text(&created["credentials"]["client_secret"]),
            token: String::new(),
        }
    }

    pub(crate) async fn secret_token(&self, member: &Member, server: &str, scope: &str) -> Response {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let request =
            self.http.post(self.token_url(server)).basic_auth(&member.client_id, Some(&member.secret));
        send(request.form(&form)).await
    }

    /// Documents in `eu-1`, as a member.
    pub(crate) fn documents(&self, member: &Member, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.url(&format!("/documents/eu-1/v2/submission{path}")))
            .bearer_auth(&member.token)
    }

    pub(crate) async fn create_submission(&self, member: &Member, asked: Value) -> Value {
        let answer = send(self.documents(member, Method::POST, "").json(&asked)).await;
        assert_eq!(answer.status(), 200);
        body(answer).await
    }

    pub(crate) async fn upload(&self, url: &str, document: impl Into<reqwest::Body>) -> Response {
        let request = self.http.put(url).header("content-type", "application/octet-stream");
        send(request.body(document)).await
    }

    /// Creates and uploads; returns the submission's id.
    pub(crate) async fn submit(&self, member: &Member, asked: Value, document: &'static [u8]) -> String {
        let created = self.create_submission(member, asked).await;
        assert_eq!(self.upload(&text(&created["upload_url"]), document).await.status(), 200);
        text(&created["submission_id"])
    }

    pub(crate) async fn result(&self, member: &Member, id: &str, what: &str) -> Response {
        send(self.documents(member, Method::GET, &format!("/{id}/{what}"))).await
    }

    /// Waits until a call is held.
    pub(crate) async fn held(&self) {
        soon(self.simulator.wait_for_held(1)).await;
    }

    pub(crate) fn advance(&self, seconds: f64) {
        let change = simulator::ClockChange { advance_seconds: seconds, ..simulator::ClockChange::default() };
        self.simulator.change_clock(&change);
    }

    pub(crate) fn freeze(&self) {
        let change = simulator::ClockChange { frozen: Some(true), ..simulator::ClockChange::default() };
        self.simulator.change_clock(&change);
    }
}

/// Waits, but not for ever: a test that would hang fails.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it never came")
}

pub(crate) async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

pub(crate) async fn body(answer: Response) -> Value {
    answer.json().await.expect("a JSON body")
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub(crate) fn seconds_from_now(seconds: i64) -> i64 {
    jiff::Timestamp::now().as_second() + seconds
}

/// Claims that are right, but for the changes. A change to null removes a claim.
pub(crate) fn claims(client: &str, audience: &str, changes: Value) -> Value {
    let mut claims = json!({
        "iss": client, "sub": client, "aud": audience,
        "iat": seconds_from_now(0), "exp": seconds_from_now(60), "jti": format!("{:032x}", rand::random::<u128>()),
    });
    let fields = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => fields.remove(name),
            _ => fields.insert(name.clone(), value.clone()),
        };
    }
    claims
}

pub(crate) fn assertion_form(assertion: &str, scope: &str) -> Vec<(String, String)> {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", kind),
        ("client_assertion", assertion),
        ("scope", scope),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// An application's key pair.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pub(crate) x: String,
    pub(crate) y: String,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair");
        let point = pair.public_key().as_ref().to_vec();
        Self { pair, x: decimal(&point[1..33]), y: decimal(&point[33..]) }
    }

    /// The auth method as JSON text: the numbers do not fit into a `Value`.
    pub(crate) fn method(&self, kid: &str) -> String {
        format!(r#"{{"type":"EC","alg":"ES256","kid":"{kid}","x":{},"y":{}}}"#, self.x, self.y)
    }

    pub(crate) fn assertion(&self, kid: Option<&str>, claims: &Value) -> String {
        let der = self.pair.to_pkcs8v1().expect("a key");
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(der.as_ref())).expect("an assertion")
    }
}

/// Decimal digits of a big-endian number, by long division.
pub(crate) fn decimal(bytes: &[u8]) -> String {
    let (mut rest, mut digits) = (bytes.to_vec(), Vec::new());
    while rest.iter().any(|byte| *byte != 0) {
        let mut remainder = 0_u32;
        for byte in &mut rest {
            let value = remainder * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 10).expect("a byte");
            remainder = value % 10;
        }
        digits.push(char::from_digit(remainder, 10).expect("a digit"));
    }
    digits.iter().rev().collect()
}
