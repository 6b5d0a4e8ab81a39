//! What an operator asks of one credential, by invoking a function.

use serde_json::Value;

use super::fields::Fields;
use super::{AuditText, Refusal};
use crate::credential::AuthenticationKind;
use crate::ids::{CustomerId, RequestId};
use crate::place::Cell;

/// A credential is to be rotated now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRequest {
    /// The operator's unique id. A repeat of it begins no second rotation.
    pub request_id: RequestId,
    /// Whose credential.
    pub customer_id: CustomerId,
    /// In which cell.
    pub cell: Cell,
    /// How the new application shall authenticate; as the present one where it is not said.
    pub authentication: Option<AuthenticationKind>,
    /// Whether a rotation that is stuck is taken back, and an application that still retires is deleted at
    /// once: who still holds a token of it, or its credential, is refused and has to read the secret again.
    pub force: bool,
    /// Who asks.
    pub actor: AuditText,
    /// Why.
    pub reason: AuditText,
}

impl RotationRequest {
    /// The request's `type`.
    pub const TYPE: &str = "SecretRotationRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let common = Common::read(&mut fields);
        let authentication = fields.authentication_if_any();
        let force = fields.flag("force");
        fields.finish(|| {
            let Common { request_id, customer_id, cell, actor, reason } = common?;
            let (authentication, force) = (authentication?, force?);
            Some(Self { request_id, customer_id, cell, authentication, force, actor, reason })
        })
    }
}

/// A rotation is to be rolled back: readers are to get the credential again that it replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollBackRequest {
    /// The operator's unique id. A repeat of it is the same request.
    pub request_id: RequestId,
    /// Whose credential.
    pub customer_id: CustomerId,
    /// In which cell.
    pub cell: Cell,
    /// The version of the secret that shall no longer be current. It makes a repeat of the request, after
    /// an answer that was lost, no second roll back to where it came from.
    pub version_id: String,
    /// Who asks.
    pub actor: AuditText,
    /// Why.
    pub reason: AuditText,
}

impl RollBackRequest {
    /// The request's `type`.
    pub const TYPE: &str = "SecretRollBackRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let common = Common::read(&mut fields);
        let version_id = fields.version_id("version_id");
        fields.finish(|| {
            let Common { request_id, customer_id, cell, actor, reason } = common?;
            Some(Self { request_id, customer_id, cell, version_id: version_id?, actor, reason })
        })
    }
}

/// What both say.
struct Common {
    request_id: RequestId,
    customer_id: CustomerId,
    cell: Cell,
    actor: AuditText,
    reason: AuditText,
}

impl Common {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // Every field is read before the first `?`, so that all that is wrong is told at once.
        let request_id = fields.id("request_id");
        let customer_id = fields.id("customer_id");
        let cell = fields.id("cell");
        let actor = fields.audit_text("actor");
        let reason = fields.audit_text("reason");
        Some(Self {
            request_id: request_id?,
            customer_id: customer_id?,
            cell: cell?,
            actor: actor?,
            reason: reason?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_is_read_with_its_defaults() {
        let said = json!({
            "type": "SecretRotationRequested", "version": "1", "request_id": "r-1", "customer_id": "acme",
            "cell": "eu-1", "actor": "ops", "reason": "a key was seen in a log"
        });
        let read = RotationRequest::parse(&said).unwrap();
        assert_eq!((read.authentication, read.force), (None, false));
        let mut said = said;
        (said["force"], said["authentication"]) = (true.into(), "KEY_PAIR".into());
        let read = RotationRequest::parse(&said).unwrap();
        assert_eq!((read.authentication, read.force), (Some(AuthenticationKind::KeyPair), true));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let said = json!({
            "type": "SecretRollBackRequested", "version": "1", "customer_id": "acme", "cell": "mars-1",
            "version_id": "short", "actor": "ops", "reason": " "
        });
        let refusal = RollBackRequest::parse(&said).unwrap_err();
        let wrong: Vec<&str> = refusal.violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(wrong, ["request_id", "cell", "reason", "version_id"]);
        let said = json!({
            "type": "SecretRotationRequested", "version": "1", "request_id": "r-1", "customer_id": "acme",
            "cell": "eu-1", "actor": "ops", "reason": "r", "force": "yes", "authentication": "PASSWORD"
        });
        let refusal = RotationRequest::parse(&said).unwrap_err();
        assert_eq!(refusal.violations.len(), 2, "{}", refusal.explanation());
    }
}
