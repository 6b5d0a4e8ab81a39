//! What a reconciliation can find. The table of codes stands here once; `infra/README.md` is held to it.

use std::fmt;

use serde::{Deserialize, Serialize};
use shared_core::ids::{ApplicationId, CustomerId, TenantId};
use shared_core::place::Cell;

macro_rules! codes {
    ($($name:ident = $text:literal, $remedy:ident, $means:literal;)*) => {
        /// What was found: stable text for rules, alarms and runbooks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(
                #[doc = $means]
                #[serde(rename = $text)]
                $name,
            )*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as it stands in reports and events.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What it means.
            pub const fn means(self) -> &'static str {
                match self {
                    $(Self::$name => $means,)*
                }
            }

            /// What is done about it.
            pub const fn remedy(self) -> Remedy {
                match self {
                    $(Self::$name => Remedy::$remedy,)*
                }
            }
        }
    };
}

/// What is done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Mode `apply` repairs it.
    Repaired,
    /// It names the command that an operator may run, who knows more than is recorded here.
    Command,
    /// It is told, and nothing here can or may change it.
    Told,
}

impl Remedy {
    /// In the words of the table.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Repaired => "repaired by `apply`",
            Self::Command => "names a command",
            Self::Told => "told",
        }
    }
}

codes! {
    OrphanTenant = "ORPHAN_TENANT", Command, "A tenant of the organization whose name follows from no recorded customer.";
    TenantLeftOver = "TENANT_LEFT_OVER", Told, "A tenant under a name of ours, of a customer's life that has ended.";
    UnknownApplication = "UNKNOWN_APPLICATION", Told, "An application in a tenant of ours that is not recorded.";
    RecordBehind = "RECORD_BEHIND", Command, "A secret whose credential works and is not recorded, as after a table was restored to an earlier time.";
    TenantDeletedUpstream = "TENANT_DELETED_UPSTREAM", Command, "A recorded tenant that the vendor does not have.";
    ApplicationDeletedUpstream = "APPLICATION_DELETED_UPSTREAM", Command, "A recorded application that its tenant does not have.";
    SecretMissing = "SECRET_MISSING", Command, "A working cell without a secret that can be read.";
    SecretUnreadable = "SECRET_UNREADABLE", Command, "A secret whose AWSCURRENT is no credential that can be used here.";
    CredentialRefused = "CREDENTIAL_REFUSED", Command, "The vendor gives no token for AWSCURRENT.";
    RetirementDue = "RETIREMENT_DUE", Repaired, "An application that no label names, and whose overlap has passed.";
    PendingTooOld = "PENDING_TOO_OLD", Command, "A rotation that has not ended for more than a day.";
    RotationOff = "ROTATION_OFF", Repaired, "The secret of a working cell that is not rotated.";
    RotationOverdue = "ROTATION_OVERDUE", Command, "A rotation that should have ended more than a day ago.";
    CustomerStuck = "CUSTOMER_STUCK", Command, "A customer that has been on its way in or out for more than a day, or whose onboarding was given up.";
    LeaseAbandoned = "LEASE_ABANDONED", Told, "A lease that ended more than an hour ago and was neither given back nor taken over.";
    SecretWithoutCustomer = "SECRET_WITHOUT_CUSTOMER", Command, "A secret under a name of ours without a customer that has it.";
    QuotaHeadroom = "QUOTA_HEADROOM", Told, "Fewer than a fifth of the tenants that the vendor grants are left.";
    DocumentStuck = "DOCUMENT_STUCK", Command, "Documents of a customer that have waited for more than a day, for their submission or for their verdict.";
    DeadLettersWaiting = "DEAD_LETTERS_WAITING", Command, "Messages in a dead-letter queue.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finding is about: as much as applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Cell>,
    /// The vendor's id of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The vendor's id of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<ApplicationId>,
    /// The secret's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// The queue's URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_url: Option<String>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// About what.
    pub subject: Subject,
    /// What it means, with the facts that were seen.
    pub explanation: String,
    /// What will be done, or the command to run.
    pub action: String,
    /// Whether it can be repaired without harm: mode `apply` does.
    pub safe: bool,
    /// What became of the repair, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What became of a repair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was made.
    Repaired,
    /// It was not; the next reconciliation tries again.
    NotRepaired {
        /// Why.
        why: String,
    },
}

impl Finding {
    /// A finding. Whether it is safe follows from its code.
    pub fn new(
        code: Code,
        subject: Subject,
        explanation: impl Into<String>,
        action: impl Into<String>,
    ) -> Self {
        Self {
            code,
            subject,
            explanation: explanation.into(),
            action: action.into(),
            safe: code.remedy() == Remedy::Repaired,
            outcome: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_its_table_says() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            let legal = code.as_str().bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            assert!(legal && code.means().ends_with('.'), "{code}");
        }
    }
}
