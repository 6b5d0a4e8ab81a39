//! The token endpoints: one for Tenant Management, one for each cell.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::answer::Answer;
use crate::assertion::{self, Client};
use crate::call::Call;
use crate::organization;
use crate::places::Audience;
use crate::scene::Scene;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An access token that was given out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) audience: Audience,
    pub(crate) scopes: Vec<String>,
    /// Tenant and application, where it is not the organization's.
    pub(crate) owner: Option<(String, String)>,
    pub(crate) expires: Timestamp,
}

/// An authenticated client and what it may ask for.
struct Grant {
    owner: Option<(String, String)>,
    scopes: Vec<String>,
}

pub(crate) fn issue(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let audience = scene.stage.audience(&call.target.server).ok_or_else(|| {
        Answer::json(
            404,
            &json!({ "errorCode": "E0000007", "errorSummary": "Not found: authorization server" }),
        )
    })?;
    let form = Form::read(call)?;
    if form.one("grant_type")? != Some("client_credentials") {
        return Err(Answer::oauth(400, "unsupported_grant_type", "only client_credentials is supported"));
    }
    let grant = authenticate(scene, call, &form, audience)?;
    let scopes = choose(&grant, form.scope()?, scene.settings.prefixed_scopes)?;
    Ok(give(scene, Token { audience, scopes, owner: grant.owner, expires: scene.now }))
}

fn give(scene: &mut Scene<'_>, mut token: Token) -> Answer {
    let seconds = scene.settings.token_seconds;
    token.expires = scene.now + SignedDuration::from_secs(i64::from(seconds));
    let text = crate::fresh::token(64);
    let body = json!({
        "token_type": "Bearer",
        "expires_in": seconds,
        "access_token": text,
        "scope": token.scopes.join(" "),
    });
    scene.world.tokens.insert(text, token);
    Answer::json(200, &body).with("cache-control", "no-store")
}

fn choose(grant: &Grant, asked: Option<&str>, prefixed: bool) -> Result<Vec<String>, Answer> {
    let refuse = |scope: &str| Answer::oauth(400, "invalid_scope", format!("{scope:?} is not granted"));
    let asked: Vec<&str> = asked.unwrap_or_default().split_whitespace().collect();
    if asked.is_empty() {
        return Err(Answer::oauth(400, "invalid_scope", "a scope is required"));
    }
    let bare = |scope: &str| match scope.strip_prefix("documents.") {
        Some(bare) if prefixed => bare.to_owned(),
        _ => scope.to_owned(),
    };
    let scopes: Vec<String> = asked.into_iter().map(bare).collect();
    match scopes.iter().find(|scope| !grant.scopes.contains(scope)) {
        Some(scope) => Err(refuse(scope)),
        None => Ok(scopes),
    }
}

fn invalid_client(description: impl Into<String>) -> Answer {
    Answer::oauth(401, "invalid_client", description)
}

fn authenticate(
    scene: &mut Scene<'_>,
    call: &Call,
    form: &Form,
    audience: Audience,
) -> Result<Grant, Answer> {
    match (basic(call), form.one("client_assertion")?) {
        (Some(_), Some(_)) => Err(Answer::oauth(400, "invalid_request", "two ways to authenticate")),
        (Some((id, secret)), None) => by_secret(scene, &id, &secret, audience),
        (None, Some(assertion)) => {
            if form.one("client_assertion_type")? != Some(ASSERTION_TYPE) {
                return Err(Answer::oauth(400, "invalid_request", "client_assertion_type is not known"));
            }
            by_assertion(scene, call, assertion, audience)
        }
        (None, None) => Err(invalid_client("no client authentication")),
    }
}

fn by_secret(scene: &Scene<'_>, id: &str, secret: &str, audience: Audience) -> Result<Grant, Answer> {
    let application =
        scene.client(id, audience).ok_or_else(|| invalid_client("the client is not known here"))?;
    if !application.has_secret(secret) {
        return Err(invalid_client("the client secret is wrong"));
    }
    Ok(application.grant())
}

fn by_assertion(
    scene: &mut Scene<'_>,
    call: &Call,
    assertion: &str,
    audience: Audience,
) -> Result<Grant, Answer> {
    let id = assertion::claimed_client(assertion)
        .ok_or_else(|| invalid_client("the assertion names no issuer"))?;
    let grant = match audience {
        Audience::Organization => check_organization(scene, call, &id, assertion)?,
        Audience::Cell(_) => check_application(scene, call, &id, assertion, audience)?,
    };
    Ok(grant)
}

fn check_organization(
    scene: &mut Scene<'_>,
    call: &Call,
    id: &str,
    assertion: &str,
) -> Result<Grant, Answer> {
    let organization = scene.organization;
    if id != organization.client_id {
        return Err(invalid_client("the client is not known here"));
    }
    let algorithm = jsonwebtoken::Algorithm::RS256;
    let client = Client { id, kid: None, algorithm, key: &organization.key };
    check(scene, call, &client, assertion)?;
    Ok(Grant { owner: None, scopes: organization::SCOPES.map(str::to_owned).to_vec() })
}

fn check_application(
    scene: &mut Scene<'_>,
    call: &Call,
    id: &str,
    assertion: &str,
    audience: Audience,
) -> Result<Grant, Answer> {
    let known = scene.client(id, audience).ok_or_else(|| invalid_client("the client is not known here"))?;
    let application = known.clone();
    let (algorithm, key) =
        application.authentication.key().ok_or_else(|| invalid_client("this client has a secret, no key"))?;
    let client = Client { id, kid: application.authentication.kid(), algorithm, key: &key };
    check(scene, call, &client, assertion)?;
    Ok(application.grant())
}

/// Checks the assertion and remembers its `jti`, which is good for one request.
fn check(scene: &mut Scene<'_>, call: &Call, client: &Client<'_>, assertion: &str) -> Result<(), Answer> {
    let audience = format!("{}{}", scene.base_url, call.path);
    let claims =
        assertion::verify(assertion, client, &audience, scene.assertion_now).map_err(invalid_client)?;
    let used = claims.jti.is_some_and(|jti| !scene.world.assertions.insert((client.id.to_owned(), jti)));
    match used {
        true => Err(invalid_client("the jti was used before")),
        false => Ok(()),
    }
}

/// Client id and secret of an HTTP Basic header.
fn basic(call: &Call) -> Option<(String, String)> {
    let text = call.header("authorization")?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The client a token request says it is from, for matching and counting.
pub(crate) fn claimed_client(call: &Call) -> Option<String> {
    let form = Form::read(call).ok()?;
    let assertion = form.one("client_assertion").ok()?;
    assertion.and_then(assertion::claimed_client).or_else(|| basic(call).map(|(id, _)| id))
}

/// A form body.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(call: &Call) -> Result<Self, Answer> {
        if !call.content_type_is("application/x-www-form-urlencoded") {
            return Err(Answer::oauth(400, "invalid_request", "the body must be a form"));
        }
        Ok(Self(url::form_urlencoded::parse(&call.body).into_owned().collect()))
    }

    /// A field that may be there once.
    fn one(&self, name: &str) -> Result<Option<&str>, Answer> {
        let mut found = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            _ => Err(Answer::oauth(400, "invalid_request", format!("{name} is there twice"))),
        }
    }

    /// The scope. The vendor's own client sends it twice, so that must work if both are the same.
    fn scope(&self) -> Result<Option<&str>, Answer> {
        let mut found = self.0.iter().filter(|(key, _)| key == "scope").map(|(_, value)| value.as_str());
        let first = found.next();
        match found.all(|other| Some(other) == first) {
            true => Ok(first),
            false => Err(Answer::oauth(400, "invalid_request", "scope is there twice")),
        }
    }
}

impl crate::applications::Application {
    fn grant(&self) -> Grant {
        let bare = |scope: &String| scope.trim_start_matches("documents.").to_owned();
        Grant {
            owner: Some((self.tenant.clone(), self.id.clone())),
            scopes: self.scopes.iter().map(bare).collect(),
        }
    }
}
