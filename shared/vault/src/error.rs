//! What can go wrong with the vault, as outcomes a caller acts on.

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use shared_core::credential::UnreadableCredential;
use shared_core::failure::{Class, Classified};

/// A failed vault call. Never holds a secret's value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no such secret, or no such version of it.
    #[error("the secret `{0}`, or the version asked for, does not exist")]
    Missing(String),
    /// The secret waits for its deletion.
    #[error("the secret `{0}` is scheduled for deletion")]
    ScheduledForDeletion(String),
    /// The same version exists with another value, or the label moved meanwhile.
    #[error("Secrets Manager {operation} was refused for `{name}`: {message}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The secret.
        name: String,
        /// As Secrets Manager said it.
        message: String,
    },
    /// AWS did not do it, or its answer was lost.
    #[error("{operation} failed for `{name}`")]
    Call {
        /// The operation.
        operation: &'static str,
        /// The secret or key.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A secret's value that is no credential.
    #[error("the secret `{name}` is unreadable")]
    Unreadable {
        /// The secret.
        name: String,
        /// Why, without the value.
        #[source]
        source: UnreadableCredential,
    },
    /// A sealed value that KMS opened, but that is not what was sealed.
    #[error("a sealed value of `{0}` does not hold what was sealed")]
    BrokenSeal(String),
}

impl Classified for VaultError {
    fn class(&self) -> Class {
        match self {
            Self::Missing(_) | Self::ScheduledForDeletion(_) | Self::Refused { .. } | Self::Call { .. } => {
                Class::Retry
            }
            Self::Unreadable { .. } | Self::BrokenSeal(_) => Class::Bug,
        }
    }
}

impl VaultError {
    /// What one of Secrets Manager's error codes means; `None` for those that mean only that it failed.
    ///
    /// Secrets Manager says `InvalidRequestException` both for a secret that waits for its deletion
    /// and for other refusals; only its message tells them apart.
    pub fn of_code(operation: &'static str, name: &str, code: &str, message: &str) -> Option<Self> {
        // A message may quote the name, in which a customer may have any word.
        let (said, name) = (message.replace(name, ""), name.to_owned());
        match code {
            "ResourceNotFoundException" => Some(Self::Missing(name)),
            "InvalidRequestException" if said.contains("deletion") || said.contains("deleted") => {
                Some(Self::ScheduledForDeletion(name))
            }
            "InvalidRequestException" | "InvalidParameterException" | "ResourceExistsException" => {
                Some(Self::Refused { operation, name, message: message.to_owned() })
            }
            _ => None,
        }
    }

    /// A closure for `map_err`.
    pub(crate) fn secrets<E, R>(operation: &'static str, name: &str) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        let name = name.to_owned();
        move |source| {
            let (code, message) = (source.code().unwrap_or_default(), source.message().unwrap_or_default());
            Self::of_code(operation, &name, code, message).unwrap_or_else(|| Self::Call {
                operation,
                name,
                source: source.into(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_refusal_quotes_says_nothing_of_a_deletion() {
        let name = "resistant/deleted-files/eu-1/credential";
        let of =
            |message: &str| VaultError::of_code("DeleteSecret", name, "InvalidRequestException", message);
        let replicated = format!("You can't delete secret {name} that still has replica regions eu-west-1.");
        assert!(matches!(of(&replicated), Some(VaultError::Refused { .. })));
        let scheduled =
            "You can't perform this operation on the secret because it was already scheduled for deletion.";
        assert!(matches!(of(scheduled), Some(VaultError::ScheduledForDeletion(_))));
    }
}
