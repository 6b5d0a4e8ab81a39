//! The way to the vendor's control plane.

use std::error::Error;
use std::str::FromStr as _;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use registry::Registry;
use resistant::{
    Clock, ControlPlane, CredentialSource, Endpoints, NoClient, OrganizationCredential,
    OrganizationEndpoints, RemoteKey, UnreadableOrganization, Vendor,
};
use secrecy::ExposeSecret as _;
use shared_core::place::Stage;
use shared_core::settings::{Reading, text};
use vault::{Prefix, SigningKeys, Vault, VaultError};

use crate::{Remover, Rules};

/// The organization at the vendor: where its API is, and where its credential lies.
#[derive(Clone, Debug)]
pub struct Organization {
    /// The stage's endpoints.
    pub endpoints: Endpoints,
    /// The control plane's, whose token URL was checked against them.
    pub control: OrganizationEndpoints,
    /// The secret with the organization's client id and its private key, or the name of that in KMS.
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

/// What every function of the control plane is told of the deployment that it belongs to.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// `STAGE`, `ORGANIZATION_TOKEN_URL`, `ORGANIZATION_SECRET_ID`, and `RESISTANT_LOCAL_URL` in local runs.
    pub organization: Organization,
    /// `EVENT_BUS_NAME`
    pub bus_name: String,
    /// `CUSTOMERS_TABLE`
    pub customers_table: String,
    /// `SECRET_PREFIX`
    pub secret_prefix: Prefix,
}

impl Deployment {
    /// Reads them. `None` where one of them cannot be used, which the reading keeps.
    pub fn read(reading: &mut Reading<'_>) -> Option<Self> {
        // Every variable is read before the first `?`, so that all that is wrong is told at once.
        let organization = Organization::read(reading);
        let bus_name = reading.required("EVENT_BUS_NAME", text);
        let customers_table = reading.required("CUSTOMERS_TABLE", text);
        let secret_prefix = reading.required("SECRET_PREFIX", Prefix::from_str);
        Some(Self {
            organization: organization?,
            bus_name: bus_name?,
            customers_table: customers_table?,
            secret_prefix: secret_prefix?,
        })
    }

    /// Connects to AWS and to the vendor's control plane.
    ///
    /// # Errors
    /// Where the organization's credential cannot be had.
    pub async fn connect(&self, aws: &SdkConfig, rules: &Rules) -> Result<(Vendor, Remover), ConnectError> {
        let registry = Registry::new(aws, &self.customers_table);
        let vault = Vault::new(aws, self.secret_prefix.clone());
        let (vendor, control) = self.organization.connect(&vault, &SigningKeys::new(aws)).await?;
        Ok((vendor, Remover::new(registry, vault, control, Clock::system(), rules.clone())))
    }
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
    pub async fn connect(
        &self,
        vault: &Vault,
        keys: &SigningKeys,
    ) -> Result<(Vendor, ControlPlane), ConnectError> {
        let vendor = Vendor::new(self.endpoints.clone())?;
        let control = self.control_plane(&vendor, vault, keys).await?;
        Ok((vendor, control))
    }

    /// The control plane of a vendor that is set up already. The credential is read again before a token
    /// is asked for, at most once a minute: a changed key needs no new deployment.
    ///
    /// # Errors
    /// [`ConnectError`], which never shows the key.
    pub async fn control_plane(
        &self,
        vendor: &Vendor,
        vault: &Vault,
        keys: &SigningKeys,
    ) -> Result<ControlPlane, ConnectError> {
        let secret = Secret { vault: vault.clone(), id: self.secret_id.clone(), keys: keys.clone() };
        let credential = secret.credential().await?;
        Ok(vendor.control_plane_of(&self.control, &credential, secret))
    }

    /// The organization's credential as its secret has it now.
    ///
    /// # Errors
    /// [`ConnectError`], which never shows the key.
    pub async fn credential(
        secret_id: &str,
        vault: &Vault,
        keys: &SigningKeys,
    ) -> Result<OrganizationCredential, ConnectError> {
        Secret { vault: vault.clone(), id: secret_id.to_owned(), keys: keys.clone() }.credential().await
    }
}

/// The organization's secret, and what signs if it only names the key.
struct Secret {
    vault: Vault,
    id: String,
    keys: SigningKeys,
}

impl Secret {
    async fn credential(&self) -> Result<OrganizationCredential, ConnectError> {
        let value = self.vault.text(&self.id).await?;
        Ok(OrganizationCredential::from_secret_value_with(value.expose_secret(), |id| {
            Arc::new(KmsKey { keys: self.keys.clone(), id })
        })?)
    }
}

#[async_trait]
impl CredentialSource for Secret {
    async fn read(&self) -> Result<OrganizationCredential, Box<dyn Error + Send + Sync>> {
        Ok(self.credential().await?)
    }
}

/// The organization's key where it is held by KMS.
struct KmsKey {
    keys: SigningKeys,
    id: String,
}

#[async_trait]
impl RemoteKey for KmsKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(self.keys.sign(&self.id, message).await?)
    }
}
