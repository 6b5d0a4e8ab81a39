//! What a rotation is, and what is remembered of it.

use std::fmt;

/// A step of the rotation function, "createSecret, setSecret, testSecret, finishSecret"
/// (User Guide, rotate-secrets_lambda-functions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes the new version.
    CreateSecret,
    /// Makes the credential known to the service.
    SetSecret,
    /// Uses it.
    TestSecret,
    /// Moves AWSCURRENT.
    FinishSecret,
}

impl Step {
    /// The order in which Secrets Manager calls them.
    pub const ALL: [Self; 4] = [Self::CreateSecret, Self::SetSecret, Self::TestSecret, Self::FinishSecret];

    /// The name in the function's event.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateSecret => "createSecret",
            Self::SetSecret => "setSecret",
            Self::TestSecret => "testSecret",
            Self::FinishSecret => "finishSecret",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a rotation ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// RotateSecret.
    Requested,
    /// RotateSecret with `RotateImmediately` false: only testSecret, on a version that goes again.
    Preflight,
    /// Its time had come.
    Scheduled,
    /// "If any rotation step fails, Secrets Manager retries the entire rotation process multiple
    /// times" (User Guide, rotate-secrets_lambda).
    Retried,
}

impl Cause {
    pub(super) fn steps(self) -> &'static [Step] {
        match self {
            Self::Preflight => &[Step::TestSecret],
            Self::Requested | Self::Scheduled | Self::Retried => &Step::ALL,
        }
    }
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every step succeeded and AWSPENDING is in one of its two legal places: with AWSCURRENT, or
    /// nowhere (API_RotateSecret).
    Succeeded,
    /// A step returned an error, or the function could not be called.
    Failed,
    /// Every step succeeded, and AWSPENDING is on a version that is not current: "any later
    /// invocation of RotateSecret assumes that a previous rotation request is still in progress"
    /// (API_RotateSecret).
    Unfinished,
    /// CancelRotateSecret came in between.
    Cancelled,
}

/// One step's outcome: nothing, or the function's error as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutcome {
    /// Which step.
    pub step: Step,
    /// The error, as the function or the way to it gave it.
    pub error: Option<String>,
}

/// One rotation, running or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The secret's name.
    pub name: String,
    /// The version's id and the `ClientRequestToken` of the function's events.
    pub token: String,
    /// Why it ran.
    pub cause: Cause,
    /// The steps that have been called, in order.
    pub steps: Vec<StepOutcome>,
    /// None while it runs.
    pub end: Option<End>,
}
