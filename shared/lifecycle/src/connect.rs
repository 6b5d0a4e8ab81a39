//! The way to the vendor's control plane.

use resistant::{
    ControlPlane, Endpoints, NoClient, OrganizationCredential, OrganizationEndpoints, UnreadableOrganization,
    Vendor,
};
use secrecy::ExposeSecret as _;
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
