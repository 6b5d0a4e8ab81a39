//! Tenants and tenant applications as the vendor tells of them: what is known is typed, the rest is
//! kept as text or passed over.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use shared_core::ids::{ApplicationId, ClientId, KeyId, TenantId, TenantName};
use shared_core::place::Cell;

use crate::key::PublicKey;
use crate::number::json_integer;

/// A cell as named in an answer; the vendor may open cells that are not known here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "String")]
pub enum CellName {
    /// A cell of the table.
    Known(Cell),
    /// Any other.
    Other(String),
}

impl CellName {
    /// The cell, if it is one of the table.
    pub fn known(&self) -> Option<Cell> {
        match self {
            Self::Known(cell) => Some(*cell),
            Self::Other(_) => None,
        }
    }
}

impl From<String> for CellName {
    fn from(name: String) -> Self {
        name.parse().map_or(Self::Other(name), Self::Known)
    }
}

impl PartialEq<Cell> for CellName {
    fn eq(&self, other: &Cell) -> bool {
        matches!(self, Self::Known(cell) if cell == other)
    }
}

impl fmt::Display for CellName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(cell) => cell.fmt(f),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// What an application may do with documents. The two APIs name it differently, and nothing says that
/// either takes the other's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentsScope {
    /// Read results.
    Read,
    /// Submit documents.
    Write,
}

impl DocumentsScope {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// As tenant management names it.
    pub fn management_name(self) -> &'static str {
        match self {
            Self::Read => "documents.submissions.read",
            Self::Write => "documents.submissions.write",
        }
    }

    /// As the token endpoint names it.
    pub fn token_name(self) -> &'static str {
        match self {
            Self::Read => "submissions.read",
            Self::Write => "submissions.write",
        }
    }
}

/// A tenant, one for each life of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Tenant {
    /// The vendor's id.
    pub id: TenantId,
    /// Its name. Not a [`TenantName`]: tenants made by others may break the vendor's own rule.
    pub name: String,
    /// Where its user interface is.
    #[serde(default)]
    pub cells: Vec<CellName>,
    /// When it was made, in no declared format.
    #[serde(default)]
    pub created: Option<String>,
}

impl Tenant {
    /// Whether it has this name.
    pub fn is_named(&self, name: &TenantName) -> bool {
        self.name == name.as_str()
    }
}

/// A tenant application: one OAuth2 client in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The vendor's id.
    pub id: ApplicationId,
    /// Its OAuth2 client id.
    pub client_id: ClientId,
    /// Its cell.
    pub cell: CellName,
    /// Its scopes, as tenant management names them.
    pub scopes: Vec<String>,
    /// The token URL in the answer's links, for comparing only: calls use the table's.
    pub token_url: Option<String>,
}

/// A new application, with what the vendor shows of it once.
#[derive(Clone, Debug)]
pub struct CreatedApplication {
    /// The application.
    pub application: Application,
    /// The secret: always there for [`NewAuthentication::ClientSecret`], never otherwise.
    pub client_secret: Option<SecretString>,
}

/// How a new application shall authenticate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewAuthentication {
    /// By a key pair of ours; the vendor gets the public half.
    Ec(PublicKey),
    /// By a secret that the vendor makes and shows once.
    ClientSecret,
}

/// How a delete ended. Either way it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Now.
    Deleted,
    /// Before (404).
    AlreadyGone,
}

// ---- the wire ----

#[derive(Serialize)]
pub(crate) struct NewTenant<'a> {
    pub(crate) name: &'a TenantName,
    pub(crate) cells: &'a [Cell],
}

#[derive(Serialize)]
pub(crate) struct NewApplication<'a> {
    cell: Cell,
    scopes: Vec<&'static str>,
    auth_method: AuthMethod<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum AuthMethod<'a> {
    #[serde(rename = "EC")]
    Ec { alg: &'static str, kid: &'a KeyId, x: Box<RawValue>, y: Box<RawValue> },
    #[serde(rename = "CLIENT_SECRET")]
    ClientSecret {},
}

impl<'a> NewApplication<'a> {
    pub(crate) fn new(cell: Cell, scopes: &[DocumentsScope], authentication: &'a NewAuthentication) -> Self {
        let auth_method = match authentication {
            NewAuthentication::Ec(key) => AuthMethod::Ec {
                alg: "ES256",
                kid: key.key_id(),
                x: json_integer(key.x()),
                y: json_integer(key.y()),
            },
            NewAuthentication::ClientSecret => AuthMethod::ClientSecret {},
        };
        Self { cell, scopes: scopes.iter().map(|scope| scope.management_name()).collect(), auth_method }
    }
}

#[derive(Deserialize)]
pub(crate) struct ApplicationAnswer {
    id: ApplicationId,
    client_id: ClientId,
    cell: CellName,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    credentials: Option<CredentialsAnswer>,
    #[serde(default, rename = "_links")]
    links: Value,
}

#[derive(Deserialize)]
struct CredentialsAnswer {
    #[serde(default)]
    client_secret: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ApplicationList {
    pub(crate) items: Vec<ApplicationAnswer>,
}

impl From<ApplicationAnswer> for CreatedApplication {
    fn from(answer: ApplicationAnswer) -> Self {
        let client_secret =
            answer.credentials.and_then(|credentials| credentials.client_secret).map(Into::into);
        let application = Application {
            id: answer.id,
            client_id: answer.client_id,
            cell: answer.cell,
            scopes: answer.scopes,
            token_url: link(&answer.links, "token_url").map(str::to_owned),
        };
        Self { application, client_secret }
    }
}

impl From<ApplicationAnswer> for Application {
    fn from(answer: ApplicationAnswer) -> Self {
        CreatedApplication::from(answer).application
    }
}

/// A link by its name: a string or `{href}`, in an object, or `{rel, href}` in an array. The vendor
/// declares one form and shows another.
pub(crate) fn link<'a>(links: &'a Value, name: &str) -> Option<&'a str> {
    let target = match links {
        Value::Array(list) => list.iter().find(|entry| entry["rel"] == name)?,
        links => links.get(name)?,
    };
    match target {
        Value::Array(list) => list.first().and_then(href),
        target => href(target),
    }
}

fn href(target: &Value) -> Option<&str> {
    target.as_str().or_else(|| target.get("href")?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::key::ApplicationKey;

    #[test]
    fn key_numbers_are_integers_digit_for_digit() {
        // Its x has 74 digits, for it begins with a zero byte.
        let pem = include_str!("../testdata/application-key.pem").to_owned().into();
        let key = ApplicationKey::from_pem(&pem).unwrap().public();
        let authentication = NewAuthentication::Ec(key.clone());
        let body =
            serde_json::to_string(&NewApplication::new(Cell::Us1, &DocumentsScope::ALL, &authentication))
                .unwrap();
        let expected = format!(
            concat!(
                r#"{{"cell":"us-1","scopes":["documents.submissions.read","documents.submissions.write"],"#,
                r#""auth_method":{{"type":"EC","alg":"ES256","kid":"{}","x":{},"y":{}}}}}"#
            ),
            key.key_id(),
            key.x(),
            key.y()
        );
        assert_eq!(body, expected);
    }

    #[test]
    fn a_secret_is_asked_for_by_its_type_alone() {
        let body = NewApplication::new(Cell::Eu1, &[DocumentsScope::Write], &NewAuthentication::ClientSecret);
        let expected = json!({
            "cell": "eu-1", "scopes": ["documents.submissions.write"], "auth_method": {"type": "CLIENT_SECRET"}
        });
        assert_eq!(serde_json::to_value(body).unwrap(), expected);
    }

    #[test]
    fn unknown_fields_cells_and_link_forms_do_not_break_reading() {
        let links = [
            json!({"documents-ui": [{"href": "x", "rel": "eu-1"}]}),
            json!({"documents-ui": {"href": "x"}}),
            json!([]),
            json!(null),
        ];
        for links in links {
            let tenant: Tenant = serde_json::from_value(json!({
                "id": "t", "name": "tenant_name", "cells": ["eu-1", "zz-9"], "created": "c", "new": {}, "_links": links
            }))
            .unwrap();
            assert_eq!(tenant.cells, [CellName::Known(Cell::Eu1), CellName::Other("zz-9".to_owned())]);
        }
        let answer: ApplicationAnswer = serde_json::from_value(json!({
            "id": "a", "client_id": "c", "cell": "zz-9", "scopes": ["new.scope"], "auth_server": "x",
            "credentials": {"type": "NEW", "secret_of_another_kind": 1}
        }))
        .unwrap();
        let created = CreatedApplication::from(answer);
        assert!(created.client_secret.is_none());
        assert_eq!(created.application.cell.to_string(), "zz-9");
        assert!(created.application.cell != Cell::Eu1);
    }

    #[test]
    fn links_are_found_in_every_form() {
        for links in [
            json!({"next": {"href": "/x"}}),
            json!({"next": "/x"}),
            json!({"next": [{"href": "/x"}]}),
            json!([{"rel": "self", "href": "/y"}, {"rel": "next", "href": "/x"}]),
        ] {
            assert_eq!(link(&links, "next"), Some("/x"), "{links}");
        }
        assert_eq!(link(&json!({"next": null}), "next"), None);
        assert_eq!(link(&json!({"next": {}}), "next"), None);
    }

    #[test]
    fn a_new_secret_is_not_shown() {
        let answer: ApplicationAnswer = serde_json::from_value(json!({
            "id": "a", "client_id": "c", "cell": "eu-1", "scopes": [],
            "credentials": {"type": "CLIENT_SECRET", "client_secret": "very-private"},
            "_links": {"token_url": "https://elsewhere"}
        }))
        .unwrap();
        let created = CreatedApplication::from(answer);
        assert!(created.client_secret.is_some());
        assert_eq!(created.application.token_url.as_deref(), Some("https://elsewhere"));
        assert!(!format!("{created:?}").contains("very-private"));
    }
}
