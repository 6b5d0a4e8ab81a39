//! The value of a customer's secret: everything that a reader needs, in one version.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::ids::{ApplicationId, ClientId, Generation, KeyId, TenantId};
use crate::place::{Cell, Stage};

/// How an application authenticates at its token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthenticationKind {
    /// `private_key_jwt` with an ES256 key pair that is made here. What accepts the key is ours.
    KeyPair,
    /// HTTP Basic with a secret that the vendor makes and shows once. Weaker: a lost answer leaves
    /// an application that nobody can prove to be ours.
    ClientSecret,
}

/// What is presented at the token endpoint. Neither `Debug` nor an error shows it.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// A PKCS#8 private key in PEM, and the id under which the vendor knows its public half.
    KeyPair {
        /// The JWS header's `kid`.
        key_id: KeyId,
        /// `-----BEGIN PRIVATE KEY-----` …
        private_key: SecretString,
    },
    /// The vendor's client secret.
    ClientSecret {
        /// As the vendor returned it.
        client_secret: SecretString,
    },
}

impl Authentication {
    /// Which kind it is.
    pub fn kind(&self) -> AuthenticationKind {
        match self {
            Self::KeyPair { .. } => AuthenticationKind::KeyPair,
            Self::ClientSecret { .. } => AuthenticationKind::ClientSecret,
        }
    }
}

/// One application's credential, complete in itself: a reader of one secret version needs nothing
/// else to obtain a token and call the right cell.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The vendor's stage.
    pub stage: Stage,
    /// The cell the application belongs to.
    pub cell: Cell,
    /// The tenant whose documents it may see.
    pub tenant_id: TenantId,
    /// The application.
    pub application_id: ApplicationId,
    /// Its OAuth2 client id.
    pub client_id: ClientId,
    /// Its key or secret.
    pub authentication: Authentication,
    /// Where tokens are asked for.
    pub token_url: String,
    /// The cell's Documents API.
    pub api_base: String,
    /// Scopes as the token endpoint names them.
    pub scopes: Vec<String>,
    /// The customer's life that it belongs to.
    pub generation: Generation,
    /// When the application was made.
    pub created_at: Timestamp,
}

/// A secret's value that cannot be read. Never holds a part of that value.
#[derive(Debug, thiserror::Error)]
#[error("the secret's value is not a credential of layout 1: {problem}")]
pub struct UnreadableCredential {
    problem: String,
}

/// The layout of the secret's JSON value, public and versioned.
#[derive(Serialize, Deserialize)]
struct Layout {
    version: u32,
    stage: Stage,
    cell: Cell,
    tenant_id: TenantId,
    application_id: ApplicationId,
    client_id: ClientId,
    authentication: AuthenticationKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_id: Option<KeyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    token_url: String,
    api_base: String,
    scopes: Vec<String>,
    generation: Generation,
    created_at: Timestamp,
}

impl Credential {
    /// The layout written here; readers refuse none that is higher, they read what they know.
    pub const VERSION: u32 = 1;

    /// The secret's value, in clear: for the vault and nobody else.
    pub fn to_secret_value(&self) -> SecretString {
        let (key_id, private_key, client_secret) = match &self.authentication {
            Authentication::KeyPair { key_id, private_key } => {
                (Some(key_id.clone()), Some(private_key.expose_secret().to_owned()), None)
            }
            Authentication::ClientSecret { client_secret } => {
                (None, None, Some(client_secret.expose_secret().to_owned()))
            }
        };
        let layout = Layout {
            version: Self::VERSION,
            stage: self.stage,
            cell: self.cell,
            tenant_id: self.tenant_id.clone(),
            application_id: self.application_id.clone(),
            client_id: self.client_id.clone(),
            authentication: self.authentication.kind(),
            key_id,
            private_key,
            client_secret,
            token_url: self.token_url.clone(),
            api_base: self.api_base.clone(),
            scopes: self.scopes.clone(),
            generation: self.generation,
            created_at: self.created_at,
        };
        serde_json::to_string(&layout).expect("a struct of strings always serializes").into()
    }

    /// Reads a secret's value. Unknown fields are ignored.
    ///
    /// # Errors
    /// [`UnreadableCredential`] where it is not JSON, lacks a field, or lacks the key or secret that
    /// its `authentication` calls for.
    pub fn from_secret_value(value: &str) -> Result<Self, UnreadableCredential> {
        // serde_json quotes unexpected values in its messages, and those could be the secret: only
        // the position is kept.
        let layout: Layout = serde_json::from_str(value).map_err(|error| UnreadableCredential {
            problem: format!(
                "{:?} error at line {}, column {}",
                error.classify(),
                error.line(),
                error.column()
            ),
        })?;
        let missing = |field: &str| UnreadableCredential { problem: format!("`{field}` is missing") };
        let authentication = match layout.authentication {
            AuthenticationKind::KeyPair => Authentication::KeyPair {
                key_id: layout.key_id.ok_or_else(|| missing("key_id"))?,
                private_key: layout.private_key.ok_or_else(|| missing("private_key"))?.into(),
            },
            AuthenticationKind::ClientSecret => Authentication::ClientSecret {
                client_secret: layout.client_secret.ok_or_else(|| missing("client_secret"))?.into(),
            },
        };
        Ok(Self {
            stage: layout.stage,
            cell: layout.cell,
            tenant_id: layout.tenant_id,
            application_id: layout.application_id,
            client_id: layout.client_id,
            authentication,
            token_url: layout.token_url,
            api_base: layout.api_base,
            scopes: layout.scopes,
            generation: layout.generation,
            created_at: layout.created_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential() -> Credential {
        Credential {
            stage: Stage::Production,
            cell: Cell::Us1,
            tenant_id: "t-1".parse().unwrap(),
            application_id: "a-1".parse().unwrap(),
            client_id: "c-1".parse().unwrap(),
            authentication: Authentication::KeyPair {
                key_id: "k".parse().unwrap(),
                private_key: "very-private".to_owned().into(),
            },
            token_url: "https://eu.id.resistant.ai/x".to_owned(),
            api_base: "https://api.us-1.documents.resistant.ai".to_owned(),
            scopes: vec!["submissions.read".to_owned()],
            generation: Generation::NONE.next(),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_credential_survives_its_secret_value() {
        let value = credential().to_secret_value();
        let back = Credential::from_secret_value(value.expose_secret()).unwrap();
        assert_eq!(back.to_secret_value().expose_secret(), value.expose_secret());
    }

    #[test]
    fn neither_debug_nor_an_error_shows_the_key() {
        assert!(!format!("{:?}", credential()).contains("very-private"));
        let broken = credential().to_secret_value().expose_secret().replace("\"us-1\"", "\"very-private\"");
        let error = Credential::from_secret_value(&broken).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("very-private"), "{error}");
    }

    #[test]
    fn a_key_pair_without_its_key_is_unreadable() {
        let value = credential().to_secret_value().expose_secret().replace("private_key", "privat_key");
        let error = Credential::from_secret_value(&value).unwrap_err().to_string();
        assert!(error.contains("`private_key` is missing"), "{error}");
    }
}
