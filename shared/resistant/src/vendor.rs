//! What is made once for each process: the HTTP clients, the table, the kept tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::dns::Resolve;
use secrecy::ExposeSecret as _;
use shared_core::credential::{Authentication, Credential};
use shared_core::failure::{Class, Classified};
use shared_core::ids::digest;

use crate::api::Api;
use crate::clock::Clock;
use crate::control::ControlPlane;
use crate::data::DataPlane;
use crate::endpoints::{Endpoints, MixedConfiguration, OrganizationEndpoints};
use crate::error::CallError;
use crate::jws::Signer;
use crate::kept::{Cache, Entry, Tokens};
use crate::key::{ApplicationKey, KeyError};
use crate::organization::OrganizationCredential;
use crate::presence::Presence;
use crate::requester::{CredentialSource, Requester};
use crate::resolver::SystemLookup;
use crate::token::{Client, Data, Proof};
use crate::transport::{Exchange, Http, NoClient};

/// What the control plane's four operations on each of tenants and applications need.
const ORGANIZATION_SCOPES: &str =
    "tenants.read tenants.write tenants.applications.read tenants.applications.write";

/// The vendor, as one process sees it. Clones share connections and tokens.
#[derive(Clone)]
pub struct Vendor {
    http: Http,
    endpoints: Endpoints,
    clock: Clock,
    tokens: Arc<Cache<Data>>,
}

/// A customer's credential that cannot be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// It belongs to another stage or cell.
    #[error("the credential belongs elsewhere")]
    Mixed(#[from] MixedConfiguration),
    /// Its key cannot be read.
    #[error("the credential's key cannot be used")]
    Key(#[from] KeyError),
}

impl Classified for CredentialError {
    fn class(&self) -> Class {
        match self {
            // Calling would send one customer's documents to another place.
            Self::Mixed(_) => Class::Bug,
            Self::Key(error) => error.class(),
        }
    }
}

impl Vendor {
    /// Builds the HTTP clients.
    ///
    /// # Errors
    /// The TLS stack or its roots are missing.
    pub fn new(endpoints: Endpoints) -> Result<Self, NoClient> {
        Self::with_lookup(endpoints, Arc::new(SystemLookup))
    }

    /// [`new`](Self::new), with another way to look up the hosts that documents go to. The guard stays.
    pub(crate) fn with_lookup(endpoints: Endpoints, lookup: Arc<dyn Resolve>) -> Result<Self, NoClient> {
        let http = Http::new(endpoints.reach(), lookup)?;
        Ok(Self { http, endpoints, clock: Clock::system(), tokens: Arc::default() })
    }

    /// Reaches the vendor in another way than over the network.
    pub fn over(self, exchange: impl Exchange + 'static) -> Self {
        Self { http: self.http.over(Arc::new(exchange)), ..self }
    }

    /// Sets the longest time for one call, uploads excepted; 10 s otherwise.
    pub fn with_timeout(self, longest: Duration) -> Self {
        Self { http: self.http.with_timeout(longest), ..self }
    }

    /// Sets the wall clock. Tokens that were kept by another are forgotten.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, tokens: Arc::default(), ..self }
    }

    /// The same vendor, whose calls all end by `deadline`.
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { http: self.http.with_deadline(deadline), ..self.clone() }
    }

    /// The table.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Whether anything answers at one of the table's URLs. No token is asked for and none is shown, so any
    /// status is an answer.
    ///
    /// # Errors
    /// No answer came.
    pub async fn presence(&self, url: &str) -> Result<Presence, CallError> {
        Presence::at(&self.http, url).await
    }

    /// Tenant management in the name of the organization. Its token is kept in what is returned and in
    /// the clones of that.
    pub fn control_plane(
        &self,
        endpoints: &OrganizationEndpoints,
        credential: &OrganizationCredential,
    ) -> ControlPlane {
        self.control_plane_as(endpoints, Requester::fixed(organization(endpoints, credential)))
    }

    /// [`control_plane`](Self::control_plane), with a credential that is read from `source` again before
    /// a token is asked for, at most once a minute, so that a changed key is used without a new start.
    /// `credential` is what was read from it just now.
    pub fn control_plane_of(
        &self,
        endpoints: &OrganizationEndpoints,
        credential: &OrganizationCredential,
        source: impl CredentialSource + 'static,
    ) -> ControlPlane {
        let client = organization(endpoints, credential);
        self.control_plane_as(endpoints, Requester::renewed(client, credential, source, &self.clock))
    }

    fn control_plane_as(&self, endpoints: &OrganizationEndpoints, requester: Requester) -> ControlPlane {
        let tokens = Tokens::new(requester, Arc::new(Entry::default()), self.clock.clone());
        ControlPlane::new(Api::new(self.http.clone(), endpoints.api_base(), tokens))
    }

    /// Documents in the name of one customer, in the cell of the credential. Its token is kept for as
    /// long as this vendor lives, whoever asks with the same credential.
    ///
    /// # Errors
    /// The credential does not belong to this stage's table, or its key cannot be read.
    pub fn data_plane(&self, credential: &Credential) -> Result<DataPlane, CredentialError> {
        let endpoints = self.endpoints.check(credential)?;
        let client = Client {
            client_id: credential.client_id.clone(),
            proof: proof(&credential.authentication)?,
            token_url: endpoints.token_url().to_owned(),
            scope: credential.scopes.join(" "),
        };
        let entry = self.tokens.entry(identity(credential));
        let tokens = Tokens::new(Requester::fixed(client), entry, self.clock.clone());
        let api = Api::new(self.http.to_cell(endpoints.cell()), endpoints.api_base(), tokens);
        Ok(DataPlane::new(api, endpoints))
    }
}

fn organization(endpoints: &OrganizationEndpoints, credential: &OrganizationCredential) -> Client {
    Client {
        client_id: credential.client_id().clone(),
        proof: credential.proof(),
        token_url: endpoints.token_url().to_owned(),
        scope: ORGANIZATION_SCOPES.to_owned(),
    }
}

fn proof(authentication: &Authentication) -> Result<Proof, KeyError> {
    Ok(match authentication {
        Authentication::KeyPair { key_id, private_key } => {
            let key = ApplicationKey::from_pem(private_key)?;
            Proof::Assertion { signer: Arc::new(Signer::Ec(key.into_pair())), key_id: Some(key_id.clone()) }
        }
        Authentication::ClientSecret { client_secret } => Proof::Secret(client_secret.clone()),
    })
}

/// Everything that a token request presents, so that two credentials never share a token.
fn identity(credential: &Credential) -> [u8; 32] {
    let (kind, key_id, secret) = match &credential.authentication {
        Authentication::KeyPair { key_id, private_key } => ("key", key_id.as_str(), private_key),
        Authentication::ClientSecret { client_secret } => ("secret", "", client_secret),
    };
    let (client, scopes) = (credential.client_id.as_str(), credential.scopes.join(" "));
    digest(&[&credential.token_url, client, &scopes, kind, key_id, secret.expose_secret()])
}
