//! What an operator asks of the registry, by invoking a function: to look, to pause, to ask again.

use serde_json::Value;

use super::fields::Fields;
use super::{AuditText, Cells, Refusal};
use crate::credential::AuthenticationKind;
use crate::ids::{CustomerId, RequestId, TenantId};

/// Who asks, and why: what every request of an operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The operator's unique id.
    pub request_id: RequestId,
    /// Who asks.
    pub actor: AuditText,
    /// Why.
    pub reason: AuditText,
}

impl Asked {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        // Every field is read before the first `?`, so that all that is wrong is told at once.
        let request_id = fields.id("request_id");
        let actor = fields.audit_text("actor");
        let reason = fields.audit_text("reason");
        Some(Self { request_id: request_id?, actor: actor?, reason: reason? })
    }
}

/// The customers are to be listed, a page at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// By whom.
    pub asked: Asked,
    /// Those that come after this one, in the order of their ids; from the first where it is not said.
    pub after: Option<CustomerId>,
}

impl ListRequest {
    /// The request's `type`.
    pub const TYPE: &str = "CustomersListRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let after = fields.id_if_any("after");
        fields.finish(|| Some(Self { asked: asked?, after: after? }))
    }
}

/// One customer is to be shown, with a page of its audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowRequest {
    /// By whom.
    pub asked: Asked,
    /// Which one.
    pub customer_id: CustomerId,
    /// The trail's entries before this one; from the newest where it is not said.
    pub before: Option<String>,
}

impl ShowRequest {
    /// The request's `type`.
    pub const TYPE: &str = "CustomerShowRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let customer_id = fields.id("customer_id");
        let before = fields.entry_if_any("before");
        fields.finish(|| Some(Self { asked: asked?, customer_id: customer_id?, before: before? }))
    }
}

/// Work on one customer is to stop, or to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseRequest {
    /// By whom.
    pub asked: Asked,
    /// Which one.
    pub customer_id: CustomerId,
    /// Whether it is to stand still.
    pub paused: bool,
}

impl PauseRequest {
    /// The request's `type`.
    pub const TYPE: &str = "CustomerPauseRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let customer_id = fields.id("customer_id");
        let paused = fields.required_flag("paused");
        fields.finish(|| Some(Self { asked: asked?, customer_id: customer_id?, paused: paused? }))
    }
}

/// An onboarding or an offboarding that failed is to be asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRequest {
    /// By whom. Its request id is that of the new request.
    pub asked: Asked,
    /// The request that failed.
    pub failed_request_id: RequestId,
}

impl RetryRequest {
    /// The request's `type`.
    pub const TYPE: &str = "RequestRetryRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let failed_request_id = fields.id("failed_request_id");
        fields.finish(|| Some(Self { asked: asked?, failed_request_id: failed_request_id? }))
    }
}

/// An offboarding that is one of too many in an hour is approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveRequest {
    /// By whom.
    pub asked: Asked,
    /// The offboarding's request.
    pub offboarding_request_id: RequestId,
}

impl ApproveRequest {
    /// The request's `type`.
    pub const TYPE: &str = "OffboardingApproveRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let offboarding_request_id = fields.id("offboarding_request_id");
        fields.finish(|| Some(Self { asked: asked?, offboarding_request_id: offboarding_request_id? }))
    }
}

/// A tenant that exists already is to become a customer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRequest {
    /// By whom. Its request id is that of the onboarding that follows.
    pub asked: Asked,
    /// Whose it is to be.
    pub customer_id: CustomerId,
    /// The vendor's id of it.
    pub tenant_id: TenantId,
    /// The cells in which the customer is wanted; `["eu-1"]` where it is not said.
    pub cells: Cells,
    /// How the customer's applications authenticate; `KEY_PAIR` where it is not said.
    pub authentication: AuthenticationKind,
}

impl ImportRequest {
    /// The request's `type`.
    pub const TYPE: &str = "TenantImportRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let (customer_id, tenant_id) = (fields.id("customer_id"), fields.id("tenant_id"));
        let (cells, authentication) = (fields.cells(), fields.authentication());
        fields.finish(|| {
            let (asked, customer_id, tenant_id) = (asked?, customer_id?, tenant_id?);
            Some(Self { asked, customer_id, tenant_id, cells: cells?, authentication: authentication? })
        })
    }
}

/// A customer's record that knows less than the customer's secrets is to be brought up to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreRequest {
    /// By whom.
    pub asked: Asked,
    /// Which one.
    pub customer_id: CustomerId,
}

impl RestoreRequest {
    /// The request's `type`.
    pub const TYPE: &str = "CustomerRestoreRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let customer_id = fields.id("customer_id");
        fields.finish(|| Some(Self { asked: asked?, customer_id: customer_id? }))
    }
}

/// What an operator is about to do by other means is to be written into the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteRequest {
    /// By whom.
    pub asked: Asked,
    /// What it is.
    pub what: AuditText,
}

impl NoteRequest {
    /// The request's `type`.
    pub const TYPE: &str = "OperationNoteRequested";

    /// Reads the request.
    ///
    /// # Errors
    /// [`Refusal`], with every field that breaks a rule.
    pub fn parse(request: &Value) -> Result<Self, Refusal> {
        let mut fields = Fields::of(request, Self::TYPE)?;
        let asked = Asked::read(&mut fields);
        let what = fields.audit_text("what");
        fields.finish(|| Some(Self { asked: asked?, what: what? }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(kind: &str, more: &Value) -> Value {
        let mut said = json!({
            "type": kind, "version": "1", "request_id": "o-1", "actor": "jane", "reason": "a look"
        });
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        said
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let list = ListRequest::parse(&said(ListRequest::TYPE, &json!({}))).unwrap();
        assert_eq!((list.after, list.asked.actor.as_str()), (None, "jane"));
        let show = ShowRequest::parse(&said(ShowRequest::TYPE, &json!({"customer_id": "acme"}))).unwrap();
        assert_eq!((show.before, show.customer_id.as_str()), (None, "acme"));
        let next = json!({"customer_id": "acme", "before": "00000000000000000007#000002"});
        assert!(ShowRequest::parse(&said(ShowRequest::TYPE, &next)).unwrap().before.is_some());
    }

    #[test]
    fn nothing_is_done_without_who_and_why() {
        type Parse = fn(&Value) -> Result<(), Refusal>;
        let kinds: [(&str, Parse); 7] = [
            (ListRequest::TYPE, |said| ListRequest::parse(said).map(drop)),
            (ShowRequest::TYPE, |said| ShowRequest::parse(said).map(drop)),
            (PauseRequest::TYPE, |said| PauseRequest::parse(said).map(drop)),
            (RetryRequest::TYPE, |said| RetryRequest::parse(said).map(drop)),
            (ImportRequest::TYPE, |said| ImportRequest::parse(said).map(drop)),
            (RestoreRequest::TYPE, |said| RestoreRequest::parse(said).map(drop)),
            (NoteRequest::TYPE, |said| NoteRequest::parse(said).map(drop)),
        ];
        let rest = json!({
            "customer_id": "acme", "paused": true, "failed_request_id": "r-1", "what": "w", "tenant_id": "t-1"
        });
        for (kind, parse) in kinds {
            parse(&said(kind, &rest)).unwrap();
            for field in ["request_id", "actor", "reason"] {
                let mut without = said(kind, &rest);
                without.as_object_mut().unwrap().remove(field);
                let refusal = parse(&without).unwrap_err();
                assert_eq!(refusal.violations.len(), 1, "{kind} without {field}");
                assert_eq!(refusal.violations[0].field, field);
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let bad = said(PauseRequest::TYPE, &json!({"customer_id": "a/b", "reason": " "}));
        let refusal = PauseRequest::parse(&bad).unwrap_err();
        let wrong: Vec<&str> = refusal.violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(wrong, ["reason", "customer_id", "paused"]);
        let bad = said(ShowRequest::TYPE, &json!({"customer_id": "acme", "before": "RECORD"}));
        assert_eq!(ShowRequest::parse(&bad).unwrap_err().violations[0].field, "before");
    }
}
