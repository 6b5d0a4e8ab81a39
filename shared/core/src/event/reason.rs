//! Reasons, for machines.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why something was refused or failed: stable text for rules, alarms and runbooks.
        ///
        /// Readers must expect codes that they do not know, and so does this type.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum ReasonCode {
            $($(#[$doc])* $name,)*
            /// A code of another version.
            Other(String),
        }

        impl ReasonCode {
            /// Every code that this version writes.
            pub const KNOWN: &[Self] = &[$(Self::$name),*];

            /// The code as it stands in events.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for ReasonCode {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$name,)*
                    _ => Self::Other(text),
                }
            }
        }
    };
}

reason_codes! {
    /// The text is not JSON.
    NotJson = "NOT_JSON",
    /// It is JSON, but no event that this function takes.
    NotAnEvent = "NOT_AN_EVENT",
    /// `type` names another event.
    WrongType = "WRONG_TYPE",
    /// `version` is not one that is read here.
    WrongVersion = "WRONG_VERSION",
    /// A required field is not there.
    MissingField = "MISSING_FIELD",
    /// A field's value breaks its rule.
    InvalidField = "INVALID_FIELD",
    /// The cell exists, but this deployment does not serve it.
    CellNotAllowed = "CELL_NOT_ALLOWED",
    /// A later request for the same customer has been applied already.
    Superseded = "SUPERSEDED",
    /// The request's id was used before, for something else.
    RequestIdReused = "REQUEST_ID_REUSED",
    /// No such customer is recorded.
    UnknownCustomer = "UNKNOWN_CUSTOMER",
    /// The customer is leaving or has left.
    CustomerOffboarding = "CUSTOMER_OFFBOARDING",
    /// The customer's onboarding failed.
    CustomerFailed = "CUSTOMER_FAILED",
    /// The vendor's tenant quota is used up.
    QuotaFull = "QUOTA_FULL",
    /// The vendor refuses our organization's credential.
    ControlPlaneForbidden = "CONTROL_PLANE_FORBIDDEN",
    /// The vendor refuses what we ask for, and would again.
    VendorRefused = "VENDOR_REFUSED",
    /// The customer's tenant was deleted at the vendor by somebody else.
    TenantGone = "TENANT_GONE",
    /// No wanted cell could be made to work.
    NoCellWorks = "NO_CELL_WORKS",
    /// More than one unrecorded application could be the lost one.
    AmbiguousApplication = "AMBIGUOUS_APPLICATION",
    /// It waited longer than its class may wait.
    TooOld = "TOO_OLD",
    /// The key cannot be decoded to UTF-8.
    KeyNotUtf8 = "KEY_NOT_UTF8",
    /// The key does not begin with a customer.
    KeyNamesNoCustomer = "KEY_NAMES_NO_CUSTOMER",
    /// The object lies in another bucket than the configured one.
    WrongBucket = "WRONG_BUCKET",
    /// The customer has several cells and the key names none.
    AmbiguousCell = "AMBIGUOUS_CELL",
    /// The customer has no working application in that cell.
    NoApplicationInCell = "NO_APPLICATION_IN_CELL",
    /// The object has no bytes.
    EmptyObject = "EMPTY_OBJECT",
    /// The object is larger than can be uploaded at once.
    ObjectTooLarge = "OBJECT_TOO_LARGE",
    /// The object is gone since its event.
    ObjectGone = "OBJECT_GONE",
    /// The object lies in an archive and cannot be read at once.
    ObjectArchived = "OBJECT_ARCHIVED",
    /// The object's metadata or tags ask for what there is not.
    InvalidMetadata = "INVALID_METADATA",
    /// The vendor's analysis failed.
    AnalysisFailed = "ANALYSIS_FAILED",
    /// The vendor cannot analyse such a document.
    DocumentInvalid = "DOCUMENT_INVALID",
    /// The vendor did not analyse the document.
    AnalysisSkipped = "ANALYSIS_SKIPPED",
    /// The vendor had no result when an analysis must have ended.
    NoResult = "NO_RESULT",
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ReasonCode> for String {
    fn from(code: ReasonCode) -> Self {
        code.as_str().to_owned()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ReasonCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ReasonCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // A pattern and examples, not an enum: a new code must not break a reader's validation.
        schemars::json_schema!({
            "description": "Why, for machines. Readers must expect codes that are not among the examples.",
            "type": "string",
            "pattern": "^[A-Z][A-Z0-9_]*$",
            "examples": Self::KNOWN,
        })
    }
}
