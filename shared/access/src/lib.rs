//! The way to a customer's documents at the vendor: no function has another, so none reaches a cell's
//! Documents API but with the credential of the customer whose document it is.
//!
//! What is read is kept for a while. How long is a promise to those who offboard: they wait for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use resistant::{CredentialError, DataPlane, Vendor};
use shared_core::failure::{Class, Classified};
use shared_core::ids::{CustomerId, Generation, TenantId};
use shared_core::place::Cell;
use vault::{Stage, Vault, VaultError};

/// A cell, in one life of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Whose it is.
    pub customer_id: CustomerId,
    /// In which life.
    pub generation: Generation,
    /// Which cell.
    pub cell: Cell,
}

/// Why a cell's API cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The secret cannot be read.
    #[error("the customer's secret cannot be read")]
    Vault(#[from] VaultError),
    /// What it holds is of no use.
    #[error("the credential cannot be used")]
    Credential(#[from] CredentialError),
    /// It does not hold the credential of that life.
    #[error("the secret holds the credential of another life of the customer")]
    AnotherLife,
}

impl Classified for AccessError {
    fn class(&self) -> Class {
        match self {
            Self::Vault(error) => error.class(),
            Self::Credential(error) => error.class(),
            Self::AnotherLife => Class::Wait { delay: Duration::from_secs(5) },
        }
    }
}

/// A cell's API, and whose it is.
#[derive(Clone)]
pub struct Opened {
    /// The API.
    pub plane: DataPlane,
    /// The tenant of the credential that opens it.
    pub tenant_id: TenantId,
}

/// Customers' credentials, kept for a while.
pub struct Credentials {
    vault: Vault,
    vendor: Vendor,
    keep: Duration,
    kept: Mutex<HashMap<Place, (Timestamp, Opened)>>,
}

impl Credentials {
    /// Those in `vault`, each kept for as long as `keep`.
    pub fn new(vault: Vault, vendor: Vendor, keep: Duration) -> Self {
        Self { vault, vendor, keep, kept: Mutex::default() }
    }

    /// The cell's API, opened with the credential that AWSCURRENT names. Its calls end by `deadline`.
    ///
    /// # Errors
    /// [`AccessError`], which never shows the credential.
    pub async fn open(
        &self,
        place: &Place,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Opened, AccessError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned();
        if let Some((since, opened)) = kept
            && is_fresh(since, now, self.keep)
        {
            return Ok(opened.until(deadline));
        }
        let name = self.vault.prefix().secret_name(&place.customer_id, place.cell);
        let credential = self.vault.read(&name, Stage::Current).await?.credential;
        if credential.generation != place.generation {
            return Err(AccessError::AnotherLife);
        }
        let plane = self.vendor.data_plane(&credential)?;
        let opened = Opened { plane, tenant_id: credential.tenant_id };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(place.clone(), (now, opened.clone()));
        Ok(opened.until(deadline))
    }

    /// Forgets a credential that the vendor refused, so that the next use reads the secret again: it
    /// may have been rotated.
    pub fn forget(&self, place: &Place) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }
}

impl Opened {
    fn until(self, deadline: Instant) -> Self {
        Self { plane: self.plane.with_deadline(deadline), ..self }
    }
}

/// Whether what was read then may still be believed. By the wall clock, for it also runs while a function is
/// frozen; where it was set back, nothing is believed.
pub fn is_fresh(since: Timestamp, now: Timestamp, keep: Duration) -> bool {
    let age = now.duration_since(since);
    !age.is_negative() && SignedDuration::try_from(keep).is_ok_and(|keep| age < keep)
}
