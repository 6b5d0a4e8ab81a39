//! One check and what became of it.

use std::error::Error;

use runtime::telemetry;
use serde::{Serialize, Serializer};
use shared_core::event::redact;

/// What is checked. Stable: tools may ask for one by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The function's variables can be used.
    Configuration,
    /// Stage, organization token URL and cells belong together.
    StageConsistent,
    /// The organization's secret holds a credential.
    OrganizationSecret,
    /// The organization gets a token.
    OrganizationToken,
    /// Its token opens Tenant Management.
    OrganizationScopes,
    /// Our clock agrees with the vendor's.
    ClockSkew,
    /// A cell's endpoints answer.
    CellReachable,
    /// A customer's credential opens its cell.
    CustomerCredential,
    /// What is recorded of tenants is legal, and the vendor lists it.
    TenantNames,
    /// There is room for more tenants.
    Quota,
    /// A function's queue keeps what fails.
    Queues,
    /// The documents bucket keeps versions, and tells of new objects.
    Bucket,
    /// A table and its indexes can be used.
    Tables,
    /// A credential is rotated, by the right function, on the right schedule.
    Rotation,
    /// No call to AWS was denied.
    Permissions,
}

impl Code {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "CONFIGURATION",
            Self::StageConsistent => "STAGE_CONSISTENT",
            Self::OrganizationSecret => "ORGANIZATION_SECRET",
            Self::OrganizationToken => "ORGANIZATION_TOKEN",
            Self::OrganizationScopes => "ORGANIZATION_SCOPES",
            Self::ClockSkew => "CLOCK_SKEW",
            Self::CellReachable => "CELL_REACHABLE",
            Self::CustomerCredential => "CUSTOMER_CREDENTIAL",
            Self::TenantNames => "TENANT_NAMES",
            Self::Quota => "QUOTA",
            Self::Queues => "QUEUES",
            Self::Bucket => "BUCKET",
            Self::Tables => "TABLES",
            Self::Rotation => "ROTATION",
            Self::Permissions => "PERMISSIONS",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How a check ended, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Something does not work, or will not.
    Problem,
    /// It works, and somebody should look.
    Warning,
    /// It could not be checked, for a reason that another check tells or that is none of ours.
    Skipped,
    /// As it should be.
    Ok,
}

impl Outcome {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
            Self::Ok => "ok",
        }
    }
}

/// A check, what was seen, and what to do about it. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked.
    #[serde(rename = "check")]
    pub code: Code,
    /// Of what there are several: which.
    pub subject: Option<String>,
    /// How it ended.
    pub result: Outcome,
    /// What was seen.
    pub seen: String,
    /// A command or a sentence; `None` where there is nothing to do.
    pub next_step: Option<String>,
    /// The permission that was missing.
    #[serde(skip)]
    pub(super) denied: Option<String>,
}

impl Check {
    pub(super) fn ok(code: Code, seen: impl AsRef<str>) -> Self {
        Self::new(code, Outcome::Ok, seen.as_ref(), None)
    }

    pub(super) fn warning(code: Code, seen: impl AsRef<str>, next_step: impl Into<String>) -> Self {
        Self::new(code, Outcome::Warning, seen.as_ref(), Some(next_step.into()))
    }

    pub(super) fn problem(code: Code, seen: impl AsRef<str>, next_step: impl Into<String>) -> Self {
        Self::new(code, Outcome::Problem, seen.as_ref(), Some(next_step.into()))
    }

    pub(super) fn skipped(code: Code, seen: impl AsRef<str>, next_step: impl Into<String>) -> Self {
        Self::new(code, Outcome::Skipped, seen.as_ref(), Some(next_step.into()))
    }

    /// A check that an error ended. A denied call is told by the permission that is missing: the error names
    /// it, or else it is `permission`, which the call needs.
    pub(super) fn failed(code: Code, permission: &str, error: &dyn Error, next_step: &str) -> Self {
        let chain = telemetry::chain(error);
        match denied(&chain, permission) {
            None => Self::problem(code, chain, next_step),
            Some(permission) => Self {
                denied: Some(permission.clone()),
                ..Self::problem(
                    code,
                    format!("the call was denied (AccessDenied): `{permission}` is missing"),
                    format!(
                        "allow `{permission}` to this function's role, as infra/template.yaml does, or take away what denies it: a key's, bucket's, queue's or organization's policy"
                    ),
                )
            },
        }
    }

    /// Names what of several it is about.
    pub(super) fn of(self, subject: impl Into<String>) -> Self {
        Self { subject: Some(subject.into()), ..self }
    }

    fn new(code: Code, result: Outcome, seen: &str, next_step: Option<String>) -> Self {
        Self { code, subject: None, result, seen: redact::by_looks(seen), next_step, denied: None }
    }
}

/// The permission that an error says is missing; `permission` where it says only that one is.
fn denied(chain: &str, permission: &str) -> Option<String> {
    // Secrets Manager's words where the secret may be read and its key not be used.
    if chain.contains("Access to KMS is not allowed") {
        return Some("kms:Decrypt".to_owned());
    }
    if !chain.contains("AccessDenied") {
        return None;
    }
    let named = chain.split_once("not authorized to perform: ").and_then(|(_, rest)| {
        let action: &str = rest.split(|c: char| c != ':' && c != '*' && !c.is_ascii_alphanumeric()).next()?;
        action.contains(':').then_some(action)
    });
    Some(named.unwrap_or(permission).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str);

    fn failed(said: &'static str) -> Check {
        Check::failed(Code::Tables, "dynamodb:DescribeTable", &Said(said), "look there")
    }

    #[test]
    fn a_denied_call_is_told_by_what_is_missing() {
        for (said, missing) in [
            (
                "AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: dynamodb:Query on resource: arn:aws:dynamodb:t",
                "dynamodb:Query",
            ),
            ("unhandled error (AccessDenied): Access Denied", "dynamodb:DescribeTable"),
            ("AccessDeniedException: Access to KMS is not allowed", "kms:Decrypt"),
        ] {
            let check = failed(said);
            assert_eq!(check.denied.as_deref(), Some(missing), "{check:?}");
            assert!(check.seen.contains(missing) && check.result == Outcome::Problem, "{check:?}");
        }
    }

    #[test]
    fn any_other_error_is_told_in_its_own_words() {
        let check = failed("ThrottlingException: slow down");
        assert_eq!((check.denied, check.seen.as_str()), (None, "ThrottlingException: slow down"));
        assert_eq!(check.next_step.as_deref(), Some("look there"));
    }

    #[test]
    fn what_looks_like_a_key_is_not_shown() {
        let check = failed("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----");
        assert!(!check.seen.contains("MIIEvQ"), "{check:?}");
    }
}
