//! What the service answers when it refuses.

use serde_json::{Value, json};

/// A refusal: the exception's name and AWS's own sentence where AWS publishes or shows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A parameter's name or value is wrong in itself.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// "A parameter value is not valid for the current state of the resource" (every API page).
    pub(super) fn state(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    /// A length or range that the service's model excludes.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// "A resource with the ID you requested already exists."
    pub(super) fn exists(message: impl Into<String>) -> Self {
        Self::new("ResourceExistsException", message)
    }

    /// "The request failed because it would exceed one of the Secrets Manager quotas."
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new("LimitExceededException", message)
    }

    /// "The NextToken value is invalid."
    pub(super) fn next_token() -> Self {
        Self::new("InvalidNextTokenException", "The NextToken value is invalid.")
    }

    /// An operation that this server does not have.
    pub(super) fn unknown_operation(operation: &str) -> Self {
        Self::new("UnknownOperationException", format!("{operation} is not implemented here"))
    }

    /// A body that is not the operation's. The parser's message may quote a value, so it is not passed on.
    pub(super) fn serialization() -> Self {
        Self::new("SerializationException", "the request body is not what the operation takes")
    }

    /// No such secret.
    pub(super) fn no_secret() -> Self {
        Self::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    }

    /// The secret is there, the value asked for is not. `what` is `staging label` or `VersionId`.
    pub(super) fn no_value(what: &str, which: &str) -> Self {
        Self::new(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {what}: {which}"),
        )
    }

    /// The secret is scheduled for deletion.
    pub(super) fn marked_for_deletion() -> Self {
        Self::state("You can't perform this operation on the secret because it was marked for deletion.")
    }

    /// The body of the answer, in the AWS JSON 1.1 protocol.
    pub(super) fn body(&self) -> Value {
        json!({ "__type": self.code, "Message": self.message })
    }
}
