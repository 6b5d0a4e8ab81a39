//! One table of the vendor's URLs by stage and cell. Nothing else in the project holds a vendor URL.

use jiff::Timestamp;
use shared_core::credential::{Authentication, Credential};
use shared_core::ids::{ApplicationId, ClientId, Generation, TenantId};
use shared_core::place::{Cell, Stage};
use url::{Host, Url};

use crate::address::Reach;
use crate::tenant::DocumentsScope;

/// The host of every authorization server, of both planes and stages.
const TOKEN_HOST: &str = "eu.id.resistant.ai";

/// The authorization server of the one organization token URL that the vendor publishes. Which stage
/// it serves is not said, so it is accepted for both; the simulator uses its id too.
const ORGANIZATION_SERVER: &str = "aus17c172cLOCWEyk417";

/// A value that does not belong to the rest of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{value}` {problem}; {remedy}")]
pub struct MixedConfiguration {
    /// Which value.
    pub what: &'static str,
    /// The value. Never a secret: only stages, cells and URLs are compared here.
    pub value: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// The vendor's endpoints in one stage.
#[derive(Clone, Debug)]
pub struct Endpoints {
    stage: Stage,
    local: Option<Url>,
}

/// The control plane's endpoints. A value of this type has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationEndpoints {
    api_base: String,
    token_url: String,
}

/// One cell's Documents endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellEndpoints {
    stage: Stage,
    cell: Cell,
    api_base: String,
    token_url: String,
    local: bool,
}

/// The authorization server of a cell's Documents API (vendor: getting-started/getting-access-token).
fn documents_server(stage: Stage, cell: Cell) -> &'static str {
    match (stage, cell) {
        (Stage::Testing, _) => "aus17c52xbW6c0yA9417",
        (Stage::Production, Cell::Eu1) => "aus2un1hkrKhPjir4417",
        (Stage::Production, Cell::Us1) => "aus3tzuy12e5blAJi417",
        (Stage::Production, Cell::Ca1) => "ausd6inbxjwgeJfq4417",
        (Stage::Production, Cell::Ap2) => "aus827qzu1l953dI4417",
        (Stage::Production, Cell::Ap3) => "ausp40dse1Q0rzDq6417",
    }
}

/// The Documents API of a cell; `eu-1` has no prefix.
fn documents_base(stage: Stage, cell: Cell) -> String {
    match (stage, cell) {
        (Stage::Testing, _) => "https://api.documents.testing.resistant.ai".to_owned(),
        (Stage::Production, Cell::Eu1) => "https://api.documents.resistant.ai".to_owned(),
        (Stage::Production, cell) => format!("https://api.{cell}.documents.resistant.ai"),
    }
}

/// Tenant Management, one host for all cells.
fn tenants_base(stage: Stage) -> &'static str {
    match stage {
        Stage::Production => "https://api.tenants.resistant.ai/v0",
        Stage::Testing => "https://api.tenants.testing.resistant.ai/v0",
    }
}

fn token_url(origin: &str, server: &str) -> String {
    format!("{origin}/oauth2/{server}/v1/token")
}

impl Endpoints {
    /// The vendor's published endpoints.
    pub fn new(stage: Stage) -> Self {
        Self { stage, local: None }
    }

    /// Every endpoint at one loopback address: for local runs, all at once or not at all.
    ///
    /// # Errors
    /// Anything but the origin of a loopback address.
    pub fn local(stage: Stage, base: &str) -> Result<Self, MixedConfiguration> {
        let wrong = |problem: &str| MixedConfiguration {
            what: "local vendor URL",
            value: base.to_owned(),
            problem: problem.to_owned(),
            remedy: "give `http://127.0.0.1:PORT`, or leave it out to use the vendor's own endpoints"
                .to_owned(),
        };
        let url = Url::parse(base).map_err(|_| wrong("is not a URL"))?;
        if !is_loopback(&url) {
            return Err(wrong("is not a loopback address"));
        }
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !bare || !anonymous || !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is more than a scheme, a host and a port"));
        }
        Ok(Self { stage, local: Some(url) })
    }

    /// The stage.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The Documents endpoints of `cell`.
    ///
    /// # Errors
    /// The stage does not have that cell.
    pub fn cell(&self, cell: Cell) -> Result<CellEndpoints, MixedConfiguration> {
        if !self.stage.has(cell) {
            return Err(MixedConfiguration {
                what: "cell",
                value: cell.to_string(),
                problem: format!("does not exist in the {} stage", self.stage),
                remedy: "use `eu-1`, or the production stage".to_owned(),
            });
        }
        let server = documents_server(self.stage, cell);
        let (api_base, token_url) = match self.local_origin() {
            Some(origin) => (format!("{origin}/documents/{cell}"), token_url(&origin, server)),
            None => (documents_base(self.stage, cell), token_url(&format!("https://{TOKEN_HOST}"), server)),
        };
        Ok(CellEndpoints { stage: self.stage, cell, api_base, token_url, local: self.local.is_some() })
    }

    /// The control plane's endpoints. Its token URL is configuration, because the vendor publishes one
    /// and does not say which stage it serves; a local run replaces it like every other URL.
    ///
    /// # Errors
    /// A token URL that cannot be the organization's.
    pub fn organization(
        &self,
        organization_token_url: &str,
    ) -> Result<OrganizationEndpoints, MixedConfiguration> {
        if let Some(origin) = self.local_origin() {
            return Ok(OrganizationEndpoints {
                api_base: format!("{origin}/tenants-api/v0"),
                token_url: token_url(&origin, ORGANIZATION_SERVER),
            });
        }
        check_organization_token_url(organization_token_url)?;
        Ok(OrganizationEndpoints {
            api_base: tenants_base(self.stage).to_owned(),
            token_url: organization_token_url.to_owned(),
        })
    }

    /// The endpoints of a credential's cell, if every URL in the credential is that of the table.
    ///
    /// # Errors
    /// The first value of the credential that is not.
    pub fn check(&self, credential: &Credential) -> Result<CellEndpoints, MixedConfiguration> {
        let wrong = |what, value: &str, expected: &str| MixedConfiguration {
            what,
            value: value.to_owned(),
            problem: format!("is not that of cell {} in the {} stage", credential.cell, self.stage),
            remedy: format!("`{expected}` is; store the credential of an application made there"),
        };
        if credential.stage != self.stage {
            let (value, expected) = (credential.stage.to_string(), self.stage.to_string());
            return Err(wrong("the credential's stage", &value, &expected));
        }
        let endpoints = self.cell(credential.cell)?;
        if credential.token_url != endpoints.token_url {
            return Err(wrong("the credential's token_url", &credential.token_url, &endpoints.token_url));
        }
        if credential.api_base != endpoints.api_base {
            return Err(wrong("the credential's api_base", &credential.api_base, &endpoints.api_base));
        }
        Ok(endpoints)
    }

    /// How far documents may go.
    pub(crate) fn reach(&self) -> Reach {
        if self.local.is_some() { Reach::Loopback } else { Reach::Public }
    }

    fn local_origin(&self) -> Option<String> {
        self.local.as_ref().map(|url| url.origin().ascii_serialization())
    }
}

impl OrganizationEndpoints {
    /// Tenant Management's base URL, version included.
    pub fn api_base(&self) -> &str {
        &self.api_base
    }

    /// Where the organization's tokens are asked for.
    pub fn token_url(&self) -> &str {
        &self.token_url
    }
}

impl CellEndpoints {
    /// The stage.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// The Documents API's base URL, without a version.
    pub fn api_base(&self) -> &str {
        &self.api_base
    }

    /// Where the cell's tokens are asked for. A token URL in a vendor's answer is never used: it could
    /// only be equal to this one or wrong.
    pub fn token_url(&self) -> &str {
        &self.token_url
    }

    /// Whether these are a local run's.
    pub(crate) fn is_local(&self) -> bool {
        self.local
    }

    /// The complete credential of an application in this cell.
    pub fn credential(
        &self,
        tenant_id: TenantId,
        application_id: ApplicationId,
        client_id: ClientId,
        authentication: Authentication,
        generation: Generation,
        created_at: Timestamp,
    ) -> Credential {
        Credential {
            stage: self.stage,
            cell: self.cell,
            tenant_id,
            application_id,
            client_id,
            authentication,
            token_url: self.token_url.clone(),
            api_base: self.api_base.clone(),
            scopes: DocumentsScope::ALL.iter().map(|scope| scope.token_name().to_owned()).collect(),
            generation,
            created_at,
        }
    }
}

/// Whether a URL's host is this machine by its very form.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // The HTTP client pins this one name to 127.0.0.1.
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn check_organization_token_url(text: &str) -> Result<(), MixedConfiguration> {
    let wrong = |problem: String| MixedConfiguration {
        what: "organization token URL",
        value: text.to_owned(),
        problem,
        remedy: format!(
            "give the Tenant Management token URL that the vendor named for this stage, such as `{}`",
            token_url(&format!("https://{TOKEN_HOST}"), ORGANIZATION_SERVER)
        ),
    };
    let url = Url::parse(text).map_err(|_| wrong("is not a URL".to_owned()))?;
    if url.scheme() != "https" || url.host_str() != Some(TOKEN_HOST) || url.port().is_some() {
        return Err(wrong(format!("is not on https://{TOKEN_HOST}")));
    }
    let server = text
        .strip_prefix(&format!("https://{TOKEN_HOST}/oauth2/"))
        .and_then(|rest| rest.strip_suffix("/v1/token"))
        .filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        .ok_or_else(|| {
            wrong("does not have the form `/oauth2/<authorization server>/v1/token`".to_owned())
        })?;
    for stage in [Stage::Production, Stage::Testing] {
        let owner =
            Cell::ALL.into_iter().find(|cell| stage.has(*cell) && documents_server(stage, *cell) == server);
        if let Some(cell) = owner {
            return Err(wrong(format!("belongs to the Documents API of cell {cell} in the {stage} stage")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
