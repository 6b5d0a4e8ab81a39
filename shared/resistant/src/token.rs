//! Access tokens and how they are asked for.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use shared_core::ids::{ClientId, KeyId};

use crate::clock::Clock;
use crate::error::TokenError;
use crate::jws::{self, Signer};
use crate::transport::Http;

const OPERATION: &str = "token";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Used where an answer lacks `expires_in`, which the vendor promises.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// A token that outlives a function is of no use, and a nonsensical number must not overflow.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The control plane, as a mark on its tokens.
pub enum Control {}

/// The data plane, as a mark on its tokens.
pub enum Data {}

/// An access token of one plane. It never leaves this crate; it neither converts to another plane's nor
/// shows itself, and its one way out is the `Authorization` header of a call to its own plane.
///
/// ```compile_fail,E0308
/// fn mix(token: resistant::ControlToken) -> resistant::DataToken { token }
/// ```
/// ```compile_fail,E0277
/// fn convert(token: resistant::ControlToken) -> resistant::DataToken { token.into() }
/// ```
/// ```compile_fail,E0277
/// fn show(token: &resistant::DataToken) { println!("{token:?}") }
/// ```
/// ```compile_fail,E0277
/// fn print(token: &resistant::ControlToken) { println!("{token}") }
/// ```
pub struct Token<P> {
    secret: SecretString,
    plane: PhantomData<fn() -> P>,
}

/// A token of the organization.
pub type ControlToken = Token<Control>;

/// A token of one tenant's application.
pub type DataToken = Token<Data>;

impl<P> Token<P> {
    pub(crate) fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.secret.expose_secret())
    }
}

/// Who asks for tokens, and how it proves itself.
pub(crate) struct Client {
    pub(crate) client_id: ClientId,
    pub(crate) proof: Proof,
    pub(crate) token_url: String,
    /// Separated by spaces.
    pub(crate) scope: String,
}

/// What is presented at the token endpoint.
pub(crate) enum Proof {
    /// `private_key_jwt`.
    Assertion {
        /// Shared by the clones of a credential.
        signer: Arc<Signer>,
        /// The header's `kid`.
        key_id: Option<KeyId>,
    },
    /// HTTP Basic.
    Secret(SecretString),
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// A new token and how long it lives.
pub(crate) struct Grant<P> {
    pub(crate) token: Token<P>,
    pub(crate) lifetime: Duration,
}

impl Client {
    /// One token request, which is never repeated: an assertion is used once.
    pub(crate) async fn request<P>(&self, http: &Http, clock: &Clock) -> Result<Grant<P>, TokenError> {
        let request = self.authenticated(http, clock).await?;
        let answer = http.send(OPERATION, request).await?.ok(OPERATION)?;
        let granted: Granted = answer.json(OPERATION)?;
        let lifetime = granted.expires_in.map_or(DEFAULT_LIFETIME, Duration::from_secs).min(LONGEST_LIFETIME);
        Ok(Grant { token: Token { secret: granted.access_token.into(), plane: PhantomData }, lifetime })
    }

    async fn authenticated(&self, http: &Http, clock: &Clock) -> Result<RequestBuilder, TokenError> {
        let request = http.client().post(&self.token_url);
        let grant = [("grant_type", "client_credentials"), ("scope", &self.scope)];
        match &self.proof {
            Proof::Assertion { signer, key_id } => {
                let signing =
                    jws::assertion(signer, key_id.as_ref(), &self.client_id, &self.token_url, clock.now());
                // A key in another service must not take the time of the call that waits for the token.
                let assertion = tokio::time::timeout(http.time_left(), signing).await.map_err(|_| {
                    let problem = "the assertion was not signed in time";
                    TokenError::NotSent { problem, source: None }
                })??;
                let proof = [
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", assertion.expose_secret()),
                ];
                Ok(request.form(&[grant, proof].concat()))
            }
            // Without the form encoding of RFC 6749, 2.3.1, as the vendor's own client does it.
            Proof::Secret(secret) => {
                Ok(request.basic_auth(self.client_id.as_str(), Some(secret.expose_secret())).form(&grant))
            }
        }
    }
}
