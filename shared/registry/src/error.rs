//! What can go wrong with the registry, as outcomes a caller acts on.

use aws_sdk_dynamodb::error::SdkError;
use shared_core::failure::{Class, Classified};
use shared_core::ids::CustomerId;

/// A failed registry call.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Another invocation has taken the customer over: whatever this one knows may be outdated.
    #[error("the lease on customer `{0}` was taken over")]
    LeaseLost(CustomerId),
    /// Another invocation has taken the document over.
    #[error("the claim on the document was taken over")]
    ClaimLost,
    /// DynamoDB did not do it, or its answer was lost.
    #[error("DynamoDB {operation} failed")]
    Call {
        /// The operation's name.
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item that this code cannot read.
    #[error("the item `{key}` is unreadable")]
    Unreadable {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Classified for RegistryError {
    fn class(&self) -> Class {
        match self {
            Self::LeaseLost(_) | Self::ClaimLost | Self::Call { .. } => Class::Retry,
            Self::Unreadable { .. } => Class::Bug,
        }
    }
}

impl RegistryError {
    /// A closure for `map_err` that names the operation.
    pub(crate) fn call<E, R>(operation: &'static str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        SdkError<E, R>: std::error::Error + Send + Sync + 'static,
    {
        move |source| Self::Call { operation, source: source.into() }
    }

    pub(crate) fn unreadable(key: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreadable { key: key.to_owned(), source: source.into() }
    }
}
