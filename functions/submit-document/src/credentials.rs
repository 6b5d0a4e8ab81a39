//! Customers' credentials, kept for a while. A data plane cannot be had without one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use resistant::{DataPlane, Vendor};
use runtime::Invocation;
use shared_core::ids::{CustomerId, Generation};
use shared_core::place::Cell;
use vault::{Stage, Vault};

use crate::customers::is_fresh;
use crate::submit::Stop;

/// Where a document goes: a cell, in one life of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) customer_id: CustomerId,
    pub(crate) generation: Generation,
    pub(crate) cell: Cell,
}

pub(crate) struct Credentials {
    vault: Vault,
    vendor: Vendor,
    keep: Duration,
    kept: Mutex<HashMap<Place, (Timestamp, DataPlane)>>,
}

impl Credentials {
    pub(crate) fn new(vault: Vault, vendor: Vendor, keep: Duration) -> Self {
        Self { vault, vendor, keep, kept: Mutex::default() }
    }

    /// The cell's API, opened with the credential that AWSCURRENT names.
    pub(crate) async fn data_plane(&self, place: &Place, invocation: &Invocation) -> Result<DataPlane, Stop> {
        let (now, deadline) = (invocation.now(), invocation.deadline.instant());
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned();
        if let Some((since, plane)) = kept
            && is_fresh(since, now, self.keep)
        {
            return Ok(plane.with_deadline(deadline));
        }
        let name = self.vault.prefix().secret_name(&place.customer_id, place.cell);
        let stored = self.vault.read(&name, Stage::Current).await?;
        if stored.credential.generation != place.generation {
            return Err(Stop::NotYet {
                delay: Duration::from_secs(5),
                reason: "the secret still holds the credential of an earlier life of the customer",
            });
        }
        let plane = self.vendor.data_plane(&stored.credential)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(place.clone(), (now, plane.clone()));
        Ok(plane.with_deadline(deadline))
    }

    /// Forgets a credential that the vendor refused, so that the next use reads the secret again: it
    /// may have been rotated.
    pub(crate) fn forget(&self, place: &Place) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }
}
