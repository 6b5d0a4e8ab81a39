//! What can be chosen: once at the start ([`Options`]) and at any time ([`Settings`]).

use serde::{Deserialize, Serialize};

use crate::outcome::OutcomeRule;
use crate::places::Stage;

/// How to start.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The port on loopback; 0 lets the system choose a free one.
    pub port: u16,
    /// The stage to be.
    pub stage: Stage,
    /// The organization's client id; a fixed one if absent.
    pub client_id: Option<String>,
    /// The organization's private RSA key as PEM (PKCS#8 or PKCS#1); generated if absent.
    pub private_key_pem: Option<String>,
    /// The settings that [`crate::Vendor::reset`] returns to.
    pub settings: Settings,
}

/// What the vendor leaves to contract or does not say, each with a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How many tenants the organization may have (vendor default: 20).
    pub quota: usize,
    /// The answer to a create beyond the quota. Undocumented: 429, 400 or 403.
    pub quota_status: u16,
    /// The answer to a taken name. Undocumented.
    pub duplicate_name_status: u16,
    /// The answer to deleting a tenant that has applications. Undocumented.
    pub tenant_in_use_status: u16,
    /// The longest page of tenants, whatever `limit` asks for. Undocumented.
    pub largest_page: usize,
    /// The `expires_in` of every access token.
    pub token_seconds: u32,
    /// Whether token endpoints take `documents.submissions.*` for `submissions.*`. Undocumented.
    pub prefixed_scopes: bool,
    /// Whether an application's cell must be one of its tenant's. Undocumented.
    pub application_cell_must_be_tenants: bool,
    /// Whether deleting an application ends the tokens it was given. Undocumented.
    pub deletion_revokes_tokens: bool,
    /// Whether an RSA key of exactly 2048 bits is taken. The vendor asks for a bigger one.
    pub rsa_2048: bool,
    /// How long a presigned URL lives. Undocumented.
    pub url_seconds: u32,
    /// How long an analysis takes, counted from the last thing it needed.
    pub result_delay_ms: u32,
    /// Whether a second upload to the same URL is taken. Undocumented.
    pub second_upload: bool,
    /// Whether characteristics are taken a second time. Undocumented.
    pub second_characteristics: bool,
    /// The answer to deleting a submission that was never uploaded: 204 or 409. Undocumented.
    pub delete_unuploaded_status: u16,
    /// Whether fraud results are "too large": 400, then a download with `?presign=true`.
    pub presigned_results: bool,
    /// Whether a SKIPPED body leaves out its `status`, as the contract allows.
    pub skipped_without_status: bool,
    /// Whether the tenants are configured for decisions.
    pub decisions: bool,
    /// The rate limits of the Documents API.
    pub limits: Limits,
    /// Rules for results, tried before the built-in one.
    pub outcomes: Vec<OutcomeRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quota: 20,
            quota_status: 429,
            duplicate_name_status: 400,
            tenant_in_use_status: 400,
            largest_page: 100,
            token_seconds: 900,
            prefixed_scopes: false,
            application_cell_must_be_tenants: false,
            deletion_revokes_tokens: false,
            rsa_2048: false,
            url_seconds: 900,
            result_delay_ms: 1000,
            second_upload: true,
            second_characteristics: true,
            delete_unuploaded_status: 204,
            presigned_results: false,
            skipped_without_status: false,
            decisions: true,
            limits: Limits::default(),
            outcomes: Vec::new(),
        }
    }
}

/// Two token buckets for each tenant, the vendor's default tier unless changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Whether they are kept at all.
    pub enabled: bool,
    /// POST submission, for each second.
    pub submissions_per_second: f64,
    /// POST submission, at once.
    pub submissions_burst: f64,
    /// Everything else, for each second.
    pub others_per_second: f64,
    /// Everything else, at once.
    pub others_burst: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            submissions_per_second: 4.0,
            submissions_burst: 6.0,
            others_per_second: 10.0,
            others_burst: 15.0,
        }
    }
}
