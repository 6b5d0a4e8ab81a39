//! A table as DynamoDB describes it.

use std::collections::BTreeMap;

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TableDescription;
use shared_core::arn;

use crate::RegistryError;

/// The index of the customers table.
pub const CUSTOMERS_INDEX: &str = "customers";

/// The index of the documents table.
pub const OPEN_DOCUMENTS_INDEX: &str = "open-documents";

/// The client for a table, given by name or ARN. DynamoDB takes both as a table's name (Developer Guide, "DynamoDB
/// API operations supported by resource-based policies"), but a region knows its own tables only.
pub(crate) fn client(aws: &SdkConfig, table: &str) -> Client {
    match arn::region(table) {
        Some(region) => Client::new(&aws.to_builder().region(Region::new(region.to_owned())).build()),
        None => Client::new(aws),
    }
}

/// A table's state. Statuses are DynamoDB's words; what works is `ACTIVE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The table's status.
    pub status: String,
    /// Its indexes, each with its status where DynamoDB tells one.
    pub indexes: BTreeMap<String, Option<String>>,
}

impl Table {
    /// Describes the table of this name or ARN; `None` where there is none.
    ///
    /// # Errors
    /// [`RegistryError::Call`] where DynamoDB does not say.
    pub async fn describe(aws: &SdkConfig, table: &str) -> Result<Option<Self>, RegistryError> {
        match client(aws, table).describe_table().table_name(table).send().await {
            Ok(output) => Ok(output.table.map(Self::of)),
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
            {
                Ok(None)
            }
            Err(error) => Err(RegistryError::call("DescribeTable")(error)),
        }
    }

    fn of(table: TableDescription) -> Self {
        let indexes = table.global_secondary_indexes().iter().map(|index| {
            let name = index.index_name().unwrap_or_default().to_owned();
            (name, index.index_status().map(|status| status.as_str().to_owned()))
        });
        let status = table.table_status().map_or("without a status", |status| status.as_str());
        Self { status: status.to_owned(), indexes: indexes.collect() }
    }
}
