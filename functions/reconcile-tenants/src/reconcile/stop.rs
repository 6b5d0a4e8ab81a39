//! What stops a reconciliation for now.

use registry::RegistryError;
use resistant::{CallError, TokenError};
use runtime::BoxError;
use runtime::bus::AnnounceError;
use shared_core::failure::{Class, Classified};
use vault::VaultError;

use super::reports::ReportsError;

/// Why a slice ended before the reconciliation did.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// It goes on in the next invocation.
    #[error("too little of the invocation's time is left")]
    Time,
    /// The vendor failed.
    #[error("the vendor's API failed")]
    Vendor(#[from] CallError),
    /// The vendor's token endpoint said neither yes nor no.
    #[error("the vendor's token endpoint failed")]
    Token(#[from] TokenError),
    /// The registry failed.
    #[error("the registry failed")]
    Registry(#[from] RegistryError),
    /// The vault failed.
    #[error("the vault failed")]
    Vault(#[from] VaultError),
    /// The reports' bucket failed.
    #[error("the bucket of reports failed")]
    Reports(#[from] ReportsError),
    /// The end could not be announced.
    #[error("the event was not announced")]
    Announce(#[from] AnnounceError),
    /// A queue did not tell how much waits in it.
    #[error("`{queue_url}` does not tell how much waits in it")]
    Queue {
        /// Which.
        queue_url: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// What an earlier invocation left cannot be read by this code.
    #[error("`{key}` cannot be read")]
    Unreadable {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

impl Stop {
    /// Whether the next invocation simply goes on: the time was up, or the vendor asked for fewer calls.
    pub(crate) fn is_a_pause(&self) -> bool {
        match self {
            Self::Time => true,
            Self::Vendor(error) => match error {
                CallError::Throttled { .. } => true,
                CallError::Token { source, .. } => matches!(source, TokenError::Throttled),
                _ => false,
            },
            Self::Token(error) => matches!(error, TokenError::Throttled),
            Self::Registry(_)
            | Self::Vault(_)
            | Self::Reports(_)
            | Self::Announce(_)
            | Self::Queue { .. }
            | Self::Unreadable { .. } => false,
        }
    }
}

impl Classified for Stop {
    fn class(&self) -> Class {
        match self {
            // Nothing of it is a request's fault or its end: what is saved is gone on with by the next call.
            Self::Time
            | Self::Vendor(_)
            | Self::Token(_)
            | Self::Registry(_)
            | Self::Vault(_)
            | Self::Reports(_)
            | Self::Announce(_)
            | Self::Queue { .. } => Class::Retry,
            Self::Unreadable { .. } => Class::Bug,
        }
    }
}
