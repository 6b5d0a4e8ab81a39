//! What can become of a call, by what the caller does next.

use std::sync::Arc;
use std::time::Duration;

use shared_core::failure::{Class, Classified};

use crate::address::UnsafeAddress;

/// A cause below this crate. It never shows a URL: an upload URL is a secret.
pub(crate) type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// The vendor promises no `Retry-After`; callers add backoff and jitter to this.
const THROTTLED_DELAY: Duration = Duration::from_secs(5);

/// An outage passes by itself. It is waited for, so that it does not use up the receive counts of all that
/// comes while it lasts.
const OUTAGE_DELAY: Duration = Duration::from_secs(15);

/// A 403 can be a missing scope, an unknown path or a block; none of them heals in seconds.
const FORBIDDEN_DELAY: Duration = Duration::from_secs(60);

/// Why a call did not succeed. `message` is the vendor's own text, at most 512 characters, without
/// anything that has the shape of a token.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// The request never left: it surely had no effect.
    #[error("{operation}: the request was not sent: {problem}")]
    NotSent {
        /// Which call.
        operation: &'static str,
        /// What stood in the way.
        problem: &'static str,
        /// The transport's error, where there is one.
        #[source]
        source: Option<Cause>,
    },
    /// The host of an upload URL has an address that no document may be sent to. No connection was
    /// made, so it surely had no effect.
    #[error("{operation}: the host of the URL is refused")]
    UnsafeAddress {
        /// Which call.
        operation: &'static str,
        /// The address.
        #[source]
        source: UnsafeAddress,
    },
    /// The request left and no usable answer came (time-out, broken or unreadable answer, 5xx): it may
    /// have had its effect.
    #[error("{operation}: the outcome is unknown: {problem}")]
    Unclear {
        /// Which call.
        operation: &'static str,
        /// What was seen.
        problem: String,
        /// The transport's or the parser's error, where there is one.
        #[source]
        source: Option<Cause>,
    },
    /// 429. No effect, except that on a create the vendor may mean a full quota.
    #[error("{operation}: the vendor asks for fewer requests (429){}", said(message))]
    Throttled {
        /// Which call.
        operation: &'static str,
        /// The vendor's words.
        message: String,
    },
    /// 401, twice: also with a token that was new.
    #[error("{operation}: not authorized, also with a new token (401){}", said(message))]
    Unauthorized {
        /// Which call.
        operation: &'static str,
        /// The vendor's words.
        message: String,
    },
    /// 403. It does not prove a missing scope: the vendor answers it for unknown paths too.
    #[error("{operation}: forbidden (403){}", said(message))]
    Forbidden {
        /// Which call.
        operation: &'static str,
        /// The vendor's words.
        message: String,
    },
    /// 404 where it is not one of the operation's own outcomes.
    #[error("{operation}: not found (404){}", said(message))]
    NotFound {
        /// Which call.
        operation: &'static str,
        /// The vendor's words.
        message: String,
    },
    /// 409 where it is not one of the operation's own outcomes.
    #[error("{operation}: conflict (409){}", said(message))]
    Conflict {
        /// Which call.
        operation: &'static str,
        /// The vendor's words.
        message: String,
    },
    /// Any other 4xx. Which rule was broken is not told by the code: decide from a fresh listing.
    #[error("{operation}: refused ({status}){}", said(message))]
    Refused {
        /// Which call.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// The vendor's words.
        message: String,
    },
    /// No token, so the call was not made.
    #[error("{operation}: no access token could be obtained")]
    Token {
        /// Which call.
        operation: &'static str,
        /// Why.
        #[source]
        source: TokenError,
    },
}

impl CallError {
    /// Whether this answer to a create may stand for a full quota. The vendor does not say which code
    /// it uses, and declares 429 among others; only the listing decides (vendor: createTenant).
    pub fn may_mean_a_full_quota(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Forbidden { .. }
            | Self::Conflict { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. } => true,
            Self::NotSent { .. }
            | Self::UnsafeAddress { .. }
            | Self::Unclear { .. }
            | Self::Unauthorized { .. }
            | Self::Token { .. } => false,
        }
    }

    /// The same outcome without the vendor's words.
    #[must_use]
    pub(crate) fn without_words(mut self) -> Self {
        match &mut self {
            Self::Throttled { message, .. }
            | Self::Unauthorized { message, .. }
            | Self::Forbidden { message, .. }
            | Self::NotFound { message, .. }
            | Self::Conflict { message, .. }
            | Self::Refused { message, .. } => message.clear(),
            Self::NotSent { .. } | Self::UnsafeAddress { .. } | Self::Unclear { .. } | Self::Token { .. } => {
            }
        }
        self
    }

    /// Which call it was, in the vendor's name for the operation.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::NotSent { operation, .. }
            | Self::UnsafeAddress { operation, .. }
            | Self::Unclear { operation, .. }
            | Self::Throttled { operation, .. }
            | Self::Unauthorized { operation, .. }
            | Self::Forbidden { operation, .. }
            | Self::NotFound { operation, .. }
            | Self::Conflict { operation, .. }
            | Self::Refused { operation, .. }
            | Self::Token { operation, .. } => operation,
        }
    }

    /// Whether the vendor may have done what was asked. After `true` on a create: list before
    /// anything else.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Unclear { .. } => true,
            Self::NotSent { .. }
            | Self::UnsafeAddress { .. }
            | Self::Throttled { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Token { .. } => false,
        }
    }
}

impl Classified for CallError {
    fn class(&self) -> Class {
        match self {
            Self::Throttled { .. } => Class::Wait { delay: THROTTLED_DELAY },
            Self::Forbidden { .. } => Class::Wait { delay: FORBIDDEN_DELAY },
            Self::NotSent { .. } | Self::Unclear { .. } => Class::Wait { delay: OUTAGE_DELAY },
            // A listing or an authorization server may be late after a create: 401 and 404 can heal.
            Self::Unauthorized { .. } | Self::NotFound { .. } | Self::Conflict { .. } => Class::Retry,
            // A name may be answered rightly next time. It is no outage, so it is not waited for without end.
            Self::UnsafeAddress { .. } => Class::Retry,
            Self::Refused { .. } => Class::Final,
            Self::Token { source, .. } => source.class(),
        }
    }
}

/// Why there is no token. Asking for one changes nothing at the vendor, so it may be repeated.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// `invalid_client`, or a plain 401: the key or secret is not (yet, or no longer) this client's.
    #[error("the token endpoint does not accept this client{}", said(message))]
    InvalidClient {
        /// The authorization server's words.
        message: String,
    },
    /// Any other 4xx, for example `invalid_scope`.
    #[error("the token endpoint refused the request ({status}){}", said(message))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The authorization server's words.
        message: String,
    },
    /// 429. All cells and both planes probably share one limit.
    #[error("the token endpoint asks for fewer requests (429)")]
    Throttled,
    /// The request never left.
    #[error("the token request was not sent: {problem}")]
    NotSent {
        /// What stood in the way.
        problem: &'static str,
        /// The transport's error, where there is one.
        #[source]
        source: Option<Cause>,
    },
    /// No usable answer.
    #[error("the token endpoint gave no usable answer: {problem}")]
    Unclear {
        /// What was seen.
        problem: String,
        /// The transport's or the parser's error, where there is one.
        #[source]
        source: Option<Cause>,
    },
    /// The assertion could not be signed with the key at hand.
    #[error("the assertion could not be signed")]
    Unsigned,
    /// The service that holds the key did not sign.
    #[error("the assertion was not signed where its key lies")]
    Signing {
        /// That service's error.
        #[source]
        source: Cause,
    },
}

impl Classified for TokenError {
    fn class(&self) -> Class {
        match self {
            Self::Throttled => Class::Wait { delay: THROTTLED_DELAY },
            Self::NotSent { .. } | Self::Unclear { .. } => Class::Wait { delay: OUTAGE_DELAY },
            // A fresh application may be accepted late, and scopes are set with it.
            Self::InvalidClient { .. } | Self::Refused { .. } => Class::Retry,
            // Throttled, failed, or not allowed: as with every other call to AWS.
            Self::Signing { .. } => Class::Retry,
            Self::Unsigned => Class::Bug,
        }
    }
}

impl From<CallError> for TokenError {
    /// A token request is a call like any other until its outcome is read.
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent { problem, source, .. } => Self::NotSent { problem, source },
            CallError::UnsafeAddress { source, .. } => {
                Self::NotSent { problem: "the host is refused", source: Some(Arc::new(source)) }
            }
            CallError::Unclear { problem, source, .. } => Self::Unclear { problem, source },
            CallError::Throttled { .. } => Self::Throttled,
            CallError::Unauthorized { message, .. } => Self::InvalidClient { message },
            CallError::Forbidden { message, .. } => Self::Refused { status: 403, message },
            CallError::NotFound { message, .. } => Self::Refused { status: 404, message },
            CallError::Conflict { message, .. } => Self::Refused { status: 409, message },
            // RFC 6749, 5.2: `invalid_client` may come with 400 or 401.
            CallError::Refused { message, .. } if message.starts_with("invalid_client") => {
                Self::InvalidClient { message }
            }
            CallError::Refused { status, message, .. } => Self::Refused { status, message },
            CallError::Token { source, .. } => source,
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unclear() -> CallError {
        CallError::Unclear { operation: "createTenant", problem: "503".to_owned(), source: None }
    }

    fn unsafe_address() -> UnsafeAddress {
        UnsafeAddress { name: "host".to_owned(), address: [127, 0, 0, 1].into(), range: "loopback" }
    }

    #[test]
    fn only_an_unclear_call_may_have_happened() {
        let operation = "createTenant";
        let message = String::new();
        assert!(unclear().may_have_happened());
        for error in [
            CallError::NotSent { operation, problem: "", source: None },
            CallError::UnsafeAddress { operation, source: unsafe_address() },
            CallError::Throttled { operation, message: message.clone() },
            CallError::Refused { operation, status: 400, message: message.clone() },
            CallError::Token { operation, source: TokenError::Unclear { problem: message, source: None } },
        ] {
            assert!(!error.may_have_happened(), "{error}");
        }
    }

    #[test]
    fn display_names_the_operation_and_says_its_own_layer_only() {
        let source = TokenError::InvalidClient { message: "invalid_client".to_owned() };
        let error = CallError::Token { operation: "createSubmission", source };
        assert_eq!(error.to_string(), "createSubmission: no access token could be obtained");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("does not accept"));
    }

    #[test]
    fn classes_follow_the_outcome() {
        assert!(matches!(unclear().class(), Class::Wait { .. }));
        let token = CallError::Token { operation: "x", source: TokenError::Throttled };
        assert!(matches!(token.class(), Class::Wait { .. }));
        let refused = CallError::Refused { operation: "x", status: 400, message: String::new() };
        assert_eq!(refused.class(), Class::Final);
        // Left to a bounded number of receipts: an outage is waited for, a wrong address is not.
        let unsafe_address = CallError::UnsafeAddress { operation: "x", source: unsafe_address() };
        assert_eq!(unsafe_address.class(), Class::Retry);
    }

    #[test]
    fn invalid_client_is_told_by_its_name_whatever_the_status() {
        let refused = |message: &str| -> TokenError {
            CallError::Refused { operation: "token", status: 400, message: message.to_owned() }.into()
        };
        assert!(matches!(refused("invalid_client: no such key"), TokenError::InvalidClient { .. }));
        assert!(matches!(refused("invalid_scope: x"), TokenError::Refused { status: 400, .. }));
    }
}
