//! The vendor, Resistant AI, as a stateful HTTP server: Tenant Management, the token endpoints and
//! the Documents API of every cell, as its public contract describes them.
//!
//! It shares no type with the client, so that a field that both would misname is found. Where the
//! contract is silent there is a choice in [`Settings`]. Faults are set by [`Vendor::add_fault`], and
//! [`Vendor::audit`] says what a run left over.
//!
//! | under the base URL | is |
//! |---|---|
//! | `/tenants-api/v0/tenants…` | Tenant Management |
//! | `/oauth2/<authorization server>/v1/token` | a token endpoint: one for the organization, one for each cell |
//! | `/documents/<cell>/v2/submission…` | Documents |
//! | `/upload/…`, `/download/…` | presigned storage |
//! | `/_simulator/…` | the simulator itself |

mod access;
mod answer;
mod applications;
mod assertion;
mod audit;
mod call;
mod characteristics;
mod clock;
mod control;
mod download;
mod faults;
mod fresh;
mod handle;
mod holds;
mod keys;
mod life;
mod limits;
mod operations;
mod options;
mod organization;
mod outcome;
mod places;
mod presign;
mod results;
mod scene;
mod server;
mod state;
mod submissions;
mod tenants;
mod tokens;
mod upload;
mod vendor;
mod who;

pub use answer::Cut;
pub use audit::Audit;
pub use clock::ClockChange;
pub use faults::{Armed, Effect, Fault, HoldAt};
pub use holds::{Held, Release};
pub use operations::Operation;
pub use options::{Limits, Options, Settings};
pub use outcome::{OutcomeRule, Status};
pub use places::Stage;
pub use server::Simulator;
pub use state::{ApplicationState, CallRecord, State, SubmissionState, TenantState, TokenRequests};
pub use vendor::{Snapshot, Vendor};
