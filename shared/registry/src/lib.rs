//! Customers, documents, leases, requests and the audit trail, in DynamoDB.
//!
//! Two tables. Every write to a customer's record asks for a [`Lease`], carries its fence as a
//! condition, and puts an audit entry into the same transaction.
//!
//! ## Layout of the customers table (layout 1; keys `pk` and `sk`, both text)
//! | `pk` | `sk` | attributes |
//! |---|---|---|
//! | `CUSTOMER#<id>` | `RECORD` | `record` (map: [`shared_core::customer::Customer`]), `fence` (number), `lease_owner`, `lease_until` (ms since 1970), and for the index `customers`: `listed_as` (`CUSTOMER`), `phase`, `spare` (applications beyond one for each cell) |
//! | `CUSTOMER#<id>` | `AUDIT#<fence>#<n>` | `at`, `what`, `actor`, `reason`, `request_id`, `origin`, `before`, `after` (JSON, sealed keys left out) |
//! | `OPERATIONS` | `<time>#<request id>` | `at`, `what`, `actor`, `reason`, `request_id`, `origin`: what operators did that is no change of one customer |
//! | `REQUEST#<id>` | `REQUEST` | `customer_id`, `handled_at`, `event` (JSON: how it ended), `announced` |
//! | `REQUEST#<id>` | `ADMISSION` | `admission`: an offboarding of too many in an hour is `HELD`, or `APPROVED` by an operator |
//! | `OFFBOARDINGS#<hour>` | `COUNT` | `requests` (set): the offboardings that were begun in that hour (`2026-01-31T09Z`) |
//!
//! ## Layout of the documents table (layout 1; key `pk`)
//! | `pk` | attributes |
//! |---|---|
//! | `DOCUMENT#<sha256>` | `record` (map: [`shared_core::document::Document`]), `claim_owner`, `claim_until` (ms), `ended` and `announced` (the submission), `looks` (number), `results` (JSON: small results, whole) and `told` (the analysis), `expires_at` (s, TTL), and until it is settled `open_customer_id` and `opened_at` (index `open-documents`) |

mod audit;
mod customers;
mod documents;
mod dynamodb;
mod error;
mod item;
mod requests;
mod table;

use std::ops::Deref;
use std::sync::Arc;

use aws_config::SdkConfig;

pub use audit::{Entry, Operation, Trail};
pub use customers::{Acquired, Admission, Cause, Change, Customers, Holder, Lease, Listed, Page, Seen};
pub use documents::{Claim, Claimed, DocumentTable, DynamoDbDocuments, Looked, Open, Settled, Standing};
pub use dynamodb::DynamoDb;
pub use error::RegistryError;
pub use requests::Handled;
pub use table::{CUSTOMERS_INDEX, OPEN_DOCUMENTS_INDEX, Table};

/// The registry of customers: records, leases, requests, audit trail. Clones share it.
#[derive(Clone, Debug)]
pub struct Registry(Arc<dyn Customers>);

impl Registry {
    /// The registry in the DynamoDB table of this name or ARN; an ARN says its region too.
    pub fn new(aws: &SdkConfig, table: impl Into<String>) -> Self {
        Self::over(DynamoDb::new(aws, table))
    }

    /// A registry in any other store.
    pub fn over(customers: impl Customers + 'static) -> Self {
        Self(Arc::new(customers))
    }
}

impl Deref for Registry {
    type Target = dyn Customers;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// The documents table. Clones share it.
#[derive(Clone, Debug)]
pub struct Documents(Arc<dyn DocumentTable>);

impl Documents {
    /// The documents in the DynamoDB table of this name or ARN; an ARN says its region too.
    pub fn new(aws: &SdkConfig, table: impl Into<String>) -> Self {
        Self::over(DynamoDbDocuments::new(aws, table))
    }

    /// Documents in any other store.
    pub fn over(documents: impl DocumentTable + 'static) -> Self {
        Self(Arc::new(documents))
    }
}

impl Deref for Documents {
    type Target = dyn DocumentTable;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
