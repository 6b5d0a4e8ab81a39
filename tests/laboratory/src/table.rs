//! The customers table in memory: leases, fences, ended requests, the audit trail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use registry::{
    Acquired, Admission, Cause, Change, Entry, Handled, Holder, Lease, Listed, Operation, Page,
    RegistryError, Seen, Trail,
};
use shared_core::customer::Customer;
use shared_core::ids::{CustomerId, RequestId};

/// The table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<CustomerId, Row>,
    handled: BTreeMap<RequestId, Handled>,
    operations: BTreeMap<(Timestamp, RequestId), Operation>,
    admissions: BTreeMap<RequestId, Admission>,
    offboardings: BTreeMap<Timestamp, BTreeSet<RequestId>>,
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
    /// Every change, the oldest first.
    trail: Vec<Arc<Changed>>,
}

/// A change as it was made. Its entry is written when somebody reads it: most worlds have no reader.
#[derive(Debug)]
struct Changed {
    fence: u64,
    what: String,
    before: Customer,
    after: Customer,
    at: Timestamp,
    cause: Cause,
}

impl Row {
    /// Every change as the trail shows it, the oldest first.
    fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(self.trail.len());
        let (mut fence, mut n) = (0, 0);
        for Changed { fence: under, what, before, after, at, cause } in self.trail.iter().map(AsRef::as_ref) {
            n = if fence == *under { n + 1 } else { 0 };
            fence = *under;
            entries.push(Entry::of(fence, n, &Change { what, before, after, at: *at }, cause));
        }
        entries
    }
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

    /// What operators did that is no change of one customer.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.values()
    }

    pub(crate) fn admission(&self, id: &RequestId) -> Option<Admission> {
        self.admissions.get(id).copied()
    }

    pub(crate) fn count_offboarding(&mut self, id: &RequestId, hour: Timestamp, most: usize) -> bool {
        let counted = self.offboardings.entry(hour).or_default();
        let admitted = counted.contains(id) || counted.len() < most;
        if admitted {
            counted.insert(id.clone());
        }
        admitted
    }

    pub(crate) fn hold(&mut self, id: &RequestId) {
        self.admissions.entry(id.clone()).or_insert(Admission::Held);
    }

    pub(crate) fn approve(&mut self, id: &RequestId) {
        self.admissions.insert(id.clone(), Admission::Approved);
    }

    pub(crate) fn note_operation(&mut self, operation: &Operation) {
        let key = (operation.at, operation.request_id.clone());
        self.operations.insert(key, operation.clone());
    }

    pub(crate) fn trail(&self, id: &CustomerId, before: Option<&str>, limit: usize) -> Trail {
        let mut entries = self.rows.get(id).map(Row::entries).unwrap_or_default();
        entries.retain(|entry| before.is_none_or(|before| entry.key.as_str() < before));
        entries.reverse();
        Trail::page(entries, limit, false)
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
        let new = || Row { customer: Customer::absent(id.clone()), lease: None, fence: 0, trail: Vec::new() };
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

    pub(crate) fn save(
        &mut self,
        lease: &Lease,
        change: &Change<'_>,
        cause: &Cause,
    ) -> Result<(), RegistryError> {
        let row = self.held(lease)?;
        row.customer = change.after.clone();
        row.trail.push(Arc::new(Changed {
            fence: lease.fence(),
            what: change.what.to_owned(),
            before: change.before.clone(),
            after: change.after.clone(),
            at: change.at,
            cause: cause.clone(),
        }));
        Ok(())
    }

    pub(crate) fn finish(
        &mut self,
        lease: &Lease,
        change: &Change<'_>,
        cause: &Cause,
        handled: &Handled,
    ) -> Result<(), RegistryError> {
        if self.handled.contains_key(&handled.request_id) {
            return Err(RegistryError::LeaseLost(lease.customer_id().clone()));
        }
        self.save(lease, change, cause)?;
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
