//! `private_key_jwt`: what a client's signed assertion must satisfy.

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// How far ahead an assertion may expire.
const LONGEST: f64 = 3600.0;

/// How far a client's clock may be ahead.
const SKEW: f64 = 300.0;

/// A client as the authorization server knows it.
pub(crate) struct Client<'a> {
    pub(crate) id: &'a str,
    /// The `kid` registered with the key, if any. An assertion need not name one.
    pub(crate) kid: Option<&'a str>,
    pub(crate) algorithm: Algorithm,
    pub(crate) key: &'a DecodingKey,
}

#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) exp: f64,
    iat: Option<f64>,
    pub(crate) jti: Option<String>,
}

/// Who an assertion says it is from. Nothing about it is checked yet.
pub(crate) fn claimed_client(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode::<Issuer>(assertion).ok().map(|data| data.claims.iss)
}

/// Checks signature, audience, issuer, subject and times. The error says which.
pub(crate) fn verify(
    assertion: &str,
    client: &Client<'_>,
    audience: &str,
    now: Timestamp,
) -> Result<Claims, String> {
    let header = jsonwebtoken::decode_header(assertion).map_err(|error| format!("no JWT: {error}"))?;
    if header.kid.is_some() && client.kid.is_some() && header.kid.as_deref() != client.kid {
        return Err("the key id is not registered for this client".to_owned());
    }
    let data =
        jsonwebtoken::decode::<Claims>(assertion, client.key, &rules(client, audience)).map_err(reason)?;
    times(&data.claims, now)?;
    Ok(data.claims)
}

fn rules(client: &Client<'_>, audience: &str) -> Validation {
    let mut rules = Validation::new(client.algorithm);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    rules.set_audience(&[audience]);
    rules.set_issuer(&[client.id]);
    rules.sub = Some(client.id.to_owned());
    rules.validate_exp = false; // by our own clock, below
    rules
}

fn reason(error: jsonwebtoken::errors::Error) -> String {
    match error.kind() {
        ErrorKind::InvalidSignature => "the signature does not match".to_owned(),
        ErrorKind::InvalidAudience => "aud is not this token endpoint".to_owned(),
        ErrorKind::InvalidIssuer | ErrorKind::InvalidSubject => {
            "iss and sub must be the client id".to_owned()
        }
        _ => format!("the assertion is refused: {error}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
fn times(claims: &Claims, now: Timestamp) -> Result<(), String> {
    let now = now.as_second() as f64;
    if claims.exp <= now {
        return Err("exp is past".to_owned());
    }
    if claims.exp > now + LONGEST {
        return Err("exp is more than 60 minutes ahead".to_owned());
    }
    match claims.iat {
        None => Err("iat is missing".to_owned()),
        Some(iat) if iat > now + SKEW => Err("iat lies in the future".to_owned()),
        Some(_) => Ok(()),
    }
}
