//! The vendor's HTTP API: tokens, tenant management, documents.
//!
//! The vendor has two planes whose tokens do not mix. [`ControlPlane`] manages tenants and their
//! applications with the organization's key; [`DataPlane`] submits documents with one customer's
//! credential, and cannot be made without one. Both come from one [`Vendor`], which holds the HTTP
//! client, the tokens and the table of [`Endpoints`].
//!
//! Reading is lenient (unknown fields and values never break a call), writing is strict. Nothing is
//! repeated here except once after a 401, which the vendor answers before it does anything. Every
//! other decision belongs to the caller, and [`CallError`] has one variant for each outcome that a
//! caller acts on.
//!
//! | module | holds |
//! |---|---|
//! | `endpoints` | the table of URLs by stage and cell, and what a mixed configuration is |
//! | `vendor` | what is made once for each process |
//! | `transport` | the HTTP clients and their time limits |
//! | `answer` | what the vendor answers, and the one map from status codes to outcomes |
//! | `api` | one authorized call, and the one renewal after a 401 |
//! | `token`, `kept` | token requests; single flight, renewal |
//! | `requester` | whose token it is: the organization's credential is read again |
//! | `error`, `message` | outcomes, and the vendor's words made safe to print |
//! | `jws` | signed assertions |
//! | `key`, `number`, `organization` | an application's key pair and its numbers, the organization's credential |
//! | `control`, `tenant` | tenant management, its answers |
//! | `data`, `submission`, `characteristics`, `analysis` | documents, their requests and answers |
//! | `presence` | whether anything answers at a URL of the table, and what time it is there |
//! | `upload_url`, `address`, `resolver` | where a document may be sent: which URLs, which addresses |
//! | `exact_body` | how it is sent |

mod address;
mod analysis;
mod answer;
mod api;
mod characteristics;
mod clock;
mod control;
mod data;
mod endpoints;
mod error;
mod exact_body;
mod jws;
mod kept;
mod key;
pub mod limits;
mod message;
mod number;
mod organization;
mod presence;
mod requester;
mod resolver;
mod submission;
mod tenant;
mod token;
mod transport;
mod upload_url;
mod vendor;

pub use address::UnsafeAddress;
pub use analysis::{Analysis, AnalysisStatus, ResultKind};
pub use answer::Answer;
pub use characteristics::{
    Characteristics, DocumentCharacteristics, DocumentSide, DocumentType, ShortText, SourceChannel,
};
pub use clock::Clock;
pub use control::{ControlPlane, TenantPages};
pub use data::{DataPlane, Probe};
pub use endpoints::{CellEndpoints, Endpoints, MixedConfiguration, OrganizationEndpoints};
pub use error::{CallError, TokenError};
pub use exact_body::WrongLength;
pub use jws::RemoteKey;
pub use key::{ApplicationKey, KeyError, PublicKey};
pub use organization::{OrganizationCredential, UnreadableOrganization};
pub use presence::Presence;
pub use requester::CredentialSource;
pub use shared_core::document::Pipeline;
pub use submission::{NewSubmission, QueryId, Removal, Submission};
pub use tenant::{
    Application, CellName, CreatedApplication, DocumentsScope, Gone, NewAuthentication, Tenant,
};
pub use token::{Control, ControlToken, Data, DataToken, Token};
pub use transport::{Exchange, NoClient};
pub use upload_url::{UnsafeUploadUrl, UploadUrl};
pub use vendor::{CredentialError, Vendor};
