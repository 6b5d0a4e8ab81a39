//! Customer records, kept for a while: a burst of documents reads its customer once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use access::is_fresh;
use jiff::Timestamp;
use registry::{Registry, RegistryError};
use shared_core::customer::Customer;
use shared_core::ids::CustomerId;

/// How long "still onboarding" or "never heard of" is believed: the next document should not wait
/// for it longer than it must.
const UNSETTLED: Duration = Duration::from_secs(1);

pub(crate) struct Customers {
    registry: Registry,
    keep: Duration,
    kept: Mutex<HashMap<CustomerId, (Timestamp, Customer)>>,
}

impl Customers {
    pub(crate) fn new(registry: Registry, keep: Duration) -> Self {
        Self { registry, keep, kept: Mutex::default() }
    }

    /// The customer's record, at most as old as the cache allows.
    pub(crate) async fn get(&self, id: &CustomerId, now: Timestamp) -> Result<Customer, RegistryError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some((since, customer)) = kept
            && is_fresh(since, now, self.lifetime(&customer))
        {
            return Ok(customer);
        }
        self.read(id, now).await
    }

    /// The customer's record as it is now: a refusal is for good, so it must not rest on an old one.
    pub(crate) async fn read(&self, id: &CustomerId, now: Timestamp) -> Result<Customer, RegistryError> {
        let customer = self.registry.customer(id).await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(id.clone(), (now, customer.clone()));
        Ok(customer)
    }

    fn lifetime(&self, customer: &Customer) -> Duration {
        match customer.phase {
            shared_core::customer::Phase::Active => self.keep,
            _ => self.keep.min(UNSETTLED),
        }
    }
}
