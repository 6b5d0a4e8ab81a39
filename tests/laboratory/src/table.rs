//! The customers table in memory: leases, fences, ended requests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use registry::{Acquired, Change, Handled, Holder, Lease, Listed, Page, RegistryError, Seen};
use shared_core::customer::Customer;
use shared_core::ids::{CustomerId, RequestId};

/// The table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<CustomerId, Row>,
    handled: BTreeMap<RequestId, Handled>,
}

/// A customer's row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The record.
    pub customer: Customer,
    /// Until when somebody holds the lease, and who.
    pub lease: Option<(String, Timestamp)>,
    /// The number of the last lease.
    pub fence: u64,
}

impl Table {
    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// One customer's row.
    pub fn row(&self, id: &CustomerId) -> Option<&Row> {
        self.rows.get(id)
    }

    /// Every request that has ended.
    pub fn requests(&self) -> impl Iterator<Item = &Handled> {
        self.handled.values()
    }

    pub(crate) fn list(&self, after: Option<&CustomerId>) -> Page {
        let after = |row: &&Row| after.is_none_or(|after| row.customer.customer_id > *after);
        Page {
            customers: self.rows().filter(after).map(|row| Listed::of(&row.customer)).collect(),
            more: false,
        }
    }

    pub(crate) fn customer(&self, id: &CustomerId) -> Customer {
        self.rows.get(id).map_or_else(|| Customer::absent(id.clone()), |row| row.customer.clone())
    }

    pub(crate) fn look(&self, id: &CustomerId) -> Seen {
        let row = self.rows.get(id);
        let holder = |(owner, until): &(String, Timestamp)| Holder { owner: owner.clone(), until: *until };
        Seen {
            customer: self.customer(id),
            fence: row.map(|row| row.fence).unwrap_or_default(),
            lease: row.and_then(|row| row.lease.as_ref().map(holder)),
        }
    }

    pub(crate) fn acquire(
        &mut self,
        id: &CustomerId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Acquired {
        let new = || Row { customer: Customer::absent(id.clone()), lease: None, fence: 0 };
        let row = self.rows.entry(id.clone()).or_insert_with(new);
        match &row.lease {
            Some((holder, end)) if holder != owner && *end >= now => Acquired::Busy { until: *end },
            _ => {
                row.lease = Some((owner.to_owned(), until));
                row.fence += 1;
                Acquired::Held(Lease::granted(id.clone(), owner, row.fence), Box::new(row.customer.clone()))
            }
        }
    }

    pub(crate) fn save(&mut self, lease: &Lease, change: &Change<'_>) -> Result<(), RegistryError> {
        let row = self.held(lease)?;
        row.customer = change.after.clone();
        Ok(())
    }

    pub(crate) fn finish(
        &mut self,
        lease: &Lease,
        change: &Change<'_>,
        handled: &Handled,
    ) -> Result<(), RegistryError> {
        if self.handled.contains_key(&handled.request_id) {
            return Err(RegistryError::LeaseLost(lease.customer_id().clone()));
        }
        self.save(lease, change)?;
        self.release(lease)?;
        self.handled.insert(handled.request_id.clone(), handled.clone());
        Ok(())
    }

    pub(crate) fn release(&mut self, lease: &Lease) -> Result<(), RegistryError> {
        self.held(lease)?.lease = None;
        Ok(())
    }

    pub(crate) fn handled(&self, id: &RequestId) -> Option<Handled> {
        self.handled.get(id).cloned()
    }

    pub(crate) fn record_handled(&mut self, handled: Handled) -> Handled {
        self.handled.entry(handled.request_id.clone()).or_insert(handled).clone()
    }

    pub(crate) fn mark_announced(&mut self, id: &RequestId) -> bool {
        self.handled.get_mut(id).map(|handled| handled.announced = true).is_some()
    }

    /// The row, if the lease on it still is this one.
    fn held(&mut self, lease: &Lease) -> Result<&mut Row, RegistryError> {
        let lost = || RegistryError::LeaseLost(lease.customer_id().clone());
        let row = self.rows.get_mut(lease.customer_id()).ok_or_else(lost)?;
        let ours =
            row.fence == lease.fence() && row.lease.as_ref().is_some_and(|(owner, _)| owner == lease.owner());
        if ours { Ok(row) } else { Err(lost()) }
    }
}
