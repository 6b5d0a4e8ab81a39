//! Customers' credentials, kept for a while. A data plane cannot be had without one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use resistant::{DataPlane, Vendor};
use shared_core::ids::CustomerId;
use shared_core::place::Cell;
use vault::{Stage, Vault};

use crate::submit::Stop;

pub(crate) struct Credentials {
    vault: Vault,
    vendor: Vendor,
    keep: Duration,
    kept: Mutex<HashMap<(CustomerId, Cell), (Instant, DataPlane)>>,
}

impl Credentials {
    pub(crate) fn new(vault: Vault, vendor: Vendor, keep: Duration) -> Self {
        Self { vault, vendor, keep, kept: Mutex::default() }
    }

    /// The cell's API, opened with the credential that AWSCURRENT names.
    pub(crate) async fn data_plane(
        &self,
        customer_id: &CustomerId,
        cell: Cell,
        deadline: Instant,
    ) -> Result<DataPlane, Stop> {
        let key = (customer_id.clone(), cell);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some((since, plane)) = kept
            && since.elapsed() < self.keep
        {
            return Ok(plane.with_deadline(deadline));
        }
        let name = self.vault.prefix().secret_name(customer_id, cell);
        let stored = self.vault.read(&name, Stage::Current).await?;
        let plane = self.vendor.data_plane(&stored.credential)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(key, (Instant::now(), plane.clone()));
        Ok(plane.with_deadline(deadline))
    }

    /// Forgets a credential that the vendor refused, so that the next use reads the secret again: it
    /// may have been rotated.
    pub(crate) fn forget(&self, customer_id: &CustomerId, cell: Cell) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&(customer_id.clone(), cell));
    }
}
