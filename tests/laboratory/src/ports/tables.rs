//! Customers and documents.

use async_trait::async_trait;
use jiff::Timestamp;
use registry::{
    Acquired, Admission, Cause, Change, Claim, Claimed, Customers, DocumentTable, Handled, Lease, Looked,
    Open, Operation, Page, RegistryError, Seen, Settled, Standing, Trail,
};
use shared_core::customer::Customer;
use shared_core::document::{Document, DocumentId, Source};
use shared_core::ids::{CustomerId, RequestId};

use super::{Port, Struck};
use crate::fault::Service;
use crate::world::World;

impl Port {
    async fn table<T>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&mut World) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let struck = |trouble| RegistryError::Call { operation, source: Struck(trouble).into() };
        self.0.pass(Service::DynamoDb, operation, effect).await.map_err(struck)?
    }
}

#[async_trait]
impl Customers for Port {
    async fn customer(&self, id: &CustomerId) -> Result<Customer, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.customer(id))).await
    }

    async fn look(&self, id: &CustomerId) -> Result<Seen, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.look(id))).await
    }

    async fn list(&self, after: Option<&CustomerId>) -> Result<Page, RegistryError> {
        self.table("Query", |world| Ok(world.table.list(after))).await
    }

    async fn acquire(
        &self,
        id: &CustomerId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Acquired, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.table.acquire(id, owner, now, until))).await
    }

    async fn trail(
        &self,
        id: &CustomerId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Trail, RegistryError> {
        self.table("Query", |world| Ok(world.table.trail(id, before, limit))).await
    }

    async fn admission(&self, id: &RequestId) -> Result<Option<Admission>, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.admission(id))).await
    }

    async fn count_offboarding(
        &self,
        id: &RequestId,
        hour: Timestamp,
        most: usize,
    ) -> Result<bool, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.table.count_offboarding(id, hour, most))).await
    }

    async fn hold(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.table("PutItem", |world| {
            world.table.hold(id);
            Ok(())
        })
        .await
    }

    async fn approve(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.table("PutItem", |world| {
            world.table.approve(id);
            Ok(())
        })
        .await
    }

    async fn note_operation(&self, operation: &Operation) -> Result<(), RegistryError> {
        self.table("PutItem", |world| {
            world.table.note_operation(operation);
            Ok(())
        })
        .await
    }

    async fn save(&self, lease: &mut Lease, change: &Change<'_>, cause: &Cause) -> Result<(), RegistryError> {
        self.table("TransactWriteItems", |world| world.table.save(lease, change, cause)).await
    }

    async fn finish(
        &self,
        lease: Lease,
        change: &Change<'_>,
        cause: &Cause,
        handled: &Handled,
    ) -> Result<(), RegistryError> {
        self.table("TransactWriteItems", |world| world.table.finish(&lease, change, cause, handled)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| world.table.release(&lease)).await
    }

    async fn handled(&self, id: &RequestId) -> Result<Option<Handled>, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.handled(id))).await
    }

    async fn record_handled(&self, handled: Handled) -> Result<Handled, RegistryError> {
        self.table("PutItem", |world| Ok(world.table.record_handled(handled))).await
    }

    async fn mark_announced(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.table.mark_announced(id) {
            true => Ok(()),
            false => Err(RegistryError::Call { operation: "UpdateItem", source: "no such request".into() }),
        })
        .await
    }
}

#[async_trait]
impl DocumentTable for Port {
    async fn claim(
        &self,
        source: &Source,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claimed, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.documents.claim(source, owner, now, until))).await
    }

    async fn save(&self, claim: &Claim, document: &Document) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| world.documents.save(claim, document)).await
    }

    async fn release(&self, claim: Claim) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.documents.release(&claim) {
            true => Ok(()),
            false => Err(RegistryError::ClaimLost),
        })
        .await
    }

    async fn mark_announced(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.documents.mark_announced(id) {
            true => Ok(()),
            false => Err(RegistryError::Call { operation: "UpdateItem", source: "no such document".into() }),
        })
        .await
    }

    async fn standing(&self, id: &DocumentId) -> Result<Option<Standing>, RegistryError> {
        self.table("GetItem", |world| Ok(world.documents.standing(id))).await
    }

    async fn look(&self, id: &DocumentId, number: u32) -> Result<Looked, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.documents.look(id, number))).await
    }

    async fn settle(&self, document: &Document, results: Option<&str>) -> Result<Settled, RegistryError> {
        self.table("UpdateItem", |world| world.documents.settle(document, results)).await
    }

    async fn mark_told(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.documents.mark_told(id) {
            true => Ok(()),
            false => Err(RegistryError::Call { operation: "UpdateItem", source: "no such document".into() }),
        })
        .await
    }

    async fn open(&self, customer_id: &CustomerId) -> Result<Open, RegistryError> {
        self.table("Query", |world| Ok(world.documents.open(customer_id))).await
    }
}
