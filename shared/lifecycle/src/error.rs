//! What can stop a flow.

use std::time::Duration;

use registry::RegistryError;
use resistant::{CallError, TokenError};
use shared_core::customer::{Failure, IllegalTransition};
use shared_core::event::ReasonCode;
use shared_core::failure::{Class, Classified, LONGEST_WAIT};
use shared_core::request::Refusal;
use vault::VaultError;

/// How soon work on a customer that is paused looks again: people pause for minutes at least.
const PAUSED: Duration = Duration::from_secs(60);

/// Why a flow did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// It is too early for the next step.
    #[error("{reason}")]
    NotYet {
        /// The least time until the next attempt.
        delay: Duration,
        /// What is waited for.
        reason: String,
    },
    /// An operator has stopped all work on the customer.
    #[error("the customer is paused by {actor}: {reason}")]
    Paused {
        /// Who, as claimed.
        actor: String,
        /// Why, as claimed.
        reason: String,
    },
    /// The request cannot be carried out as it stands.
    #[error("the request is refused: {0}")]
    Refused(Refusal),
    /// It cannot be done, now or later.
    #[error("{}", .0.explanation)]
    Hopeless(Failure),
    /// The registry failed.
    #[error("the registry failed")]
    Registry(#[from] RegistryError),
    /// The vault failed.
    #[error("the vault failed")]
    Vault(#[from] VaultError),
    /// The vendor did not do it.
    #[error("the vendor's API failed")]
    Vendor(#[from] CallError),
    /// The vendor gave no token.
    #[error("the vendor's token endpoint failed")]
    Token(#[from] TokenError),
    /// A credential of ours does not fit this deployment, or its key is unreadable.
    #[error("the credential cannot be used")]
    #[cfg(feature = "provide")]
    Credential(#[from] resistant::CredentialError),
    /// A key could not be made or read.
    #[error("the key cannot be used")]
    #[cfg(feature = "provide")]
    Key(#[from] resistant::KeyError),
    /// The protocol does not allow what was tried.
    #[error("the protocol was broken")]
    Illegal(#[from] IllegalTransition),
    /// The rotation contract was broken from outside.
    #[error("{0}")]
    Contract(String),
}

impl Classified for FlowError {
    fn class(&self) -> Class {
        match self {
            Self::NotYet { delay, .. } => Class::Wait { delay: *delay },
            Self::Paused { .. } => Class::Wait { delay: PAUSED },
            Self::Refused(_) => Class::Rejected,
            Self::Hopeless(_) => Class::Final,
            Self::Registry(error) => error.class(),
            Self::Vault(error) => error.class(),
            Self::Vendor(error) => error.class(),
            Self::Token(error) => error.class(),
            #[cfg(feature = "provide")]
            Self::Credential(error) => error.class(),
            #[cfg(feature = "provide")]
            Self::Key(_) => Class::Bug,
            Self::Illegal(error) => error.class(),
            Self::Contract(_) => Class::Retry,
        }
    }
}

impl FlowError {
    /// Whether a request of this age, after so many attempts, has waited too long for this to pass.
    pub fn is_too_old(&self, age: Duration, attempt: u32) -> bool {
        self.class().has_waited_too_long(age, attempt, self.greatest_age())
    }

    /// A 403 of the control plane is a missing scope or a block, which somebody must lift; everything
    /// else that waits passes by itself, or never.
    fn greatest_age(&self) -> Duration {
        match self {
            Self::Vendor(CallError::Forbidden { .. }) => Duration::from_secs(60 * 60),
            _ => LONGEST_WAIT,
        }
    }

    /// Why a request ends that has waited too long for this to pass.
    pub fn too_old(&self) -> Failure {
        let hours = self.greatest_age().as_secs() / 3600;
        match self {
            Self::Vendor(CallError::Forbidden { .. }) => Failure::new(
                ReasonCode::ControlPlaneForbidden,
                format!(
                    "the vendor's control plane has refused us for {hours} h ({self}): check the organization's scopes, then send a new request"
                ),
            ),
            _ => Failure::new(
                ReasonCode::TooOld,
                format!(
                    "it could not be finished in {hours} h, at last because {self}: send a new request once that has passed"
                ),
            ),
        }
    }

    pub(crate) fn not_yet(delay: Duration, reason: impl Into<String>) -> Self {
        Self::NotYet { delay, reason: reason.into() }
    }
}
