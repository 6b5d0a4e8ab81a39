//! A newcomer's question: why does this not work?

use serde_json::Value;

use super::fields::Fields;
use super::{AuditText, Refusal};
use crate::ids::{CustomerId, RequestId};

/// The deployment is to be looked over. Nothing is changed by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorRequest {
    /// The operator's id of it, for the log.
    pub request_id: RequestId,
    /// Whose credentials to try; those of a few active customers where it is not said.
    pub customer_id: Option<CustomerId>,
    /// Who asks.
    pub actor: AuditText,
    /// Why: customers' credentials are read and used.
    pub reason: AuditText,
}

impl DoctorRequest {
    /// The request's `type`.
    pub const TYPE: &str = "DoctorRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        // Every field is read before the first `?`, so that all that is wrong is told at once.
        let request_id = fields.id("request_id");
        let customer_id = fields.id_if_any("customer_id");
        let actor = fields.audit_text("actor");
        let reason = fields.audit_text("reason");
        fields.finish(|| {
            Some(Self { request_id: request_id?, customer_id: customer_id?, actor: actor?, reason: reason? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_customer_may_be_left_out() {
        let mut said = json!({
            "type": "DoctorRequested", "version": "1", "request_id": "r-1", "actor": "jane", "reason": "new here"
        });
        assert_eq!(DoctorRequest::parse(&said).unwrap().customer_id, None);
        said["customer_id"] = json!("acme");
        assert_eq!(DoctorRequest::parse(&said).unwrap().customer_id, Some("acme".parse().unwrap()));
    }

    #[test]
    fn nobody_looks_without_a_name_and_a_reason() {
        let said =
            json!({ "type": "DoctorRequested", "version": "1", "request_id": "r-1", "customer_id": "a/b" });
        let refusal = DoctorRequest::parse(&said).unwrap_err();
        let wrong: Vec<&str> = refusal.violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(wrong, ["customer_id", "actor", "reason"]);
    }
}
