//! The way to the vendor's control plane.

use std::str::FromStr as _;

use resistant::{
    ControlPlane, Endpoints, NoClient, OrganizationCredential, OrganizationEndpoints, UnreadableOrganization,
    Vendor,
};
use secrecy::ExposeSecret as _;
use shared_core::place::Stage;
use shared_core::settings::{Reading, text};
use vault::{Vault, VaultError};

/// The organization at the vendor: where its API is, and where its credential lies.
#[derive(Clone, Debug)]
pub struct Organization {
    /// The stage's endpoints.
    pub endpoints: Endpoints,
    /// The control plane's, whose token URL was checked against them.
    pub control: OrganizationEndpoints,
    /// The secret with the organization's client id and private key.
    pub secret_id: String,
}

/// Why there is no way to the control plane.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No HTTP client can be built.
    #[error("no HTTP client")]
    Client(#[from] NoClient),
    /// The organization's secret cannot be read.
    #[error("the organization's secret cannot be read")]
    Vault(#[from] VaultError),
    /// The organization's secret holds no credential.
    #[error("the organization's secret holds no credential")]
    Credential(#[from] UnreadableOrganization),
}

impl Organization {
    /// Reads `STAGE`, `RESISTANT_LOCAL_URL`, `ORGANIZATION_TOKEN_URL` and `ORGANIZATION_SECRET_ID`.
    /// `None` where one of them cannot be used, which the reading keeps.
    pub fn read(reading: &mut Reading<'_>) -> Option<Self> {
        let stage = reading.required("STAGE", Stage::from_str);
        let local = stage.and_then(|stage| {
            reading.maybe("RESISTANT_LOCAL_URL", |base| {
                Endpoints::local(stage, base).map_err(|error| error.to_string())
            })
        });
        let endpoints = stage.zip(local).map(|(stage, local)| local.unwrap_or(Endpoints::new(stage)));
        let control = reading.required("ORGANIZATION_TOKEN_URL", |url| {
            let checked = endpoints.as_ref().map(|endpoints| endpoints.organization(url));
            checked.transpose().map_err(|error| error.to_string())
        });
        let secret_id = reading.required("ORGANIZATION_SECRET_ID", text);
        Some(Self { endpoints: endpoints?, control: control??, secret_id: secret_id? })
    }

    /// Reads the organization's credential and opens the control plane with it.
    ///
    /// # Errors
    /// [`ConnectError`], which never shows the key.
    pub async fn connect(&self, vault: &Vault) -> Result<(Vendor, ControlPlane), ConnectError> {
        let vendor = Vendor::new(self.endpoints.clone())?;
        let secret = vault.text(&self.secret_id).await?;
        let credential = OrganizationCredential::from_secret_value(secret.expose_secret())?;
        let control = vendor.control_plane(&self.control, &credential);
        Ok((vendor, control))
    }
}
