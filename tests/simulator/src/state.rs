//! Everything the simulator knows, without its secrets.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::operations::Operation;
use crate::outcome::Status;
use crate::scene::Scene;

/// A picture of the vendor at one moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The simulator's time.
    pub now: Timestamp,
    /// Every tenant that ever was, in order of creation.
    pub tenants: Vec<TenantState>,
    /// Every application that ever was, in order of creation.
    pub applications: Vec<ApplicationState>,
    /// Every submission that ever was, in order of creation.
    pub submissions: Vec<SubmissionState>,
    /// Token requests by client and authorization server.
    pub token_requests: Vec<TokenRequests>,
    /// Every call of a vendor operation, in order of its end.
    pub calls: Vec<CallRecord>,
    /// Calls whose answer is gone and whose effect is still to come.
    pub under_way: usize,
}

/// A tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TenantState {
    /// The vendor's id.
    pub id: String,
    /// The unique name.
    pub name: String,
    /// Where its user interface is.
    pub cells: Vec<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was deleted, if it was.
    pub deleted: Option<Timestamp>,
}

/// A tenant application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ApplicationState {
    /// The vendor's id.
    pub id: String,
    /// The tenant's id.
    pub tenant: String,
    /// Its OAuth client id.
    pub client_id: String,
    /// Its cell.
    pub cell: String,
    /// Its scopes, by the names of the management API.
    pub scopes: Vec<String>,
    /// `RSA`, `EC` or `CLIENT_SECRET`.
    pub authentication: String,
    /// The key id, for a key.
    pub kid: Option<String>,
    /// The key's numbers as they arrived: `n`, or `x` and `y`.
    pub key_digits: Vec<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was deleted, if it was.
    pub deleted: Option<Timestamp>,
}

/// A submission.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubmissionState {
    /// The vendor's id.
    pub id: String,
    /// The tenant's id.
    pub tenant: String,
    /// The application whose token created it.
    pub application: String,
    /// The cell it is in.
    pub cell: String,
    /// The caller's own id for it.
    pub query_id: Option<String>,
    /// SHA-256 of the first whole upload, in hexadecimal digits.
    pub sha256: Option<String>,
    /// Bytes of the first whole upload.
    pub size: Option<u64>,
    /// How many whole uploads there were.
    pub uploads: usize,
    /// The analysis that was asked for.
    pub pipeline: String,
    /// Whether the tenant's rules were asked for.
    pub decision: bool,
    /// The characteristics, as they were sent last.
    pub characteristics: Option<Value>,
    /// Whether characteristics were announced and have not come.
    pub awaits_characteristics: bool,
    /// Whether its results are there.
    pub finished: bool,
    /// How its analysis ends, once its bytes are there.
    pub status: Option<Status>,
    /// The fraud score that it gets then.
    pub score: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was deleted, if it was.
    pub deleted: Option<Timestamp>,
}

/// How often a client asked one authorization server for a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequests {
    /// The client id as claimed; empty if none was.
    pub client_id: String,
    /// The id of the authorization server.
    pub server: String,
    /// All requests.
    pub asked: u64,
    /// Those that were answered with a token.
    pub granted: u64,
}

/// One call of a vendor operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallRecord {
    /// Its place in the log, from 0.
    pub number: usize,
    /// When it ended.
    pub at: Timestamp,
    /// The operation; `None` for an unknown path.
    pub operation: Option<Operation>,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The tenant concerned, if the call names one or its token belongs to one.
    pub tenant: Option<String>,
    /// The application concerned, likewise.
    pub application: Option<String>,
    /// The cell concerned, likewise.
    pub cell: Option<String>,
    /// The status that was answered; `None` if the connection was closed instead.
    pub status: Option<u16>,
    /// The status that the operation itself ended with; `None` if it was not run.
    pub effect: Option<u16>,
    /// The fault that hit it.
    pub fault: Option<u64>,
}

impl CallRecord {
    pub(crate) fn new(number: usize, at: Timestamp, call: &Call) -> Self {
        Self {
            operation: Some(call.target.operation),
            tenant: call.who.tenant.clone(),
            application: call.who.application.clone(),
            cell: call.who.cell.clone(),
            ..Self::unknown(number, at, &call.method, &call.path)
        }
    }

    pub(crate) fn unknown(number: usize, at: Timestamp, method: &str, path: &str) -> Self {
        Self {
            number,
            at,
            operation: None,
            method: method.to_owned(),
            path: path.to_owned(),
            tenant: None,
            application: None,
            cell: None,
            status: None,
            effect: None,
            fault: None,
        }
    }

    /// The effect of an earlier call that came late.
    pub(crate) fn landed(mut self, status: u16) -> Self {
        self.effect = Some(status);
        self
    }
}

impl State {
    pub(crate) fn of(scene: &Scene<'_>) -> Self {
        let world = &scene.world;
        Self {
            now: scene.now,
            tenants: world.tenants.iter().map(TenantState::from).collect(),
            applications: world.applications.iter().map(ApplicationState::from).collect(),
            submissions: world.submissions.iter().map(|one| SubmissionState::of(scene, one)).collect(),
            token_requests: world.token_requests.values().cloned().collect(),
            calls: world.calls.clone(),
            under_way: world.under_way.len(),
        }
    }
}

impl From<&crate::tenants::Tenant> for TenantState {
    fn from(tenant: &crate::tenants::Tenant) -> Self {
        Self {
            id: tenant.id.clone(),
            name: tenant.name.clone(),
            cells: tenant.cells.iter().map(ToString::to_string).collect(),
            created: tenant.life.created,
            deleted: tenant.life.deleted,
        }
    }
}

impl From<&crate::applications::Application> for ApplicationState {
    fn from(application: &crate::applications::Application) -> Self {
        Self {
            id: application.id.clone(),
            tenant: application.tenant.clone(),
            client_id: application.client_id.clone(),
            cell: application.cell.to_string(),
            scopes: application.scopes.clone(),
            authentication: application.authentication.kind().to_owned(),
            kid: application.authentication.kid().map(str::to_owned),
            key_digits: application.authentication.digits(),
            created: application.life.created,
            deleted: application.life.deleted,
        }
    }
}

impl SubmissionState {
    fn of(scene: &Scene<'_>, submission: &crate::submissions::Submission) -> Self {
        let first = submission.uploads.first().map(|(_, received)| received);
        Self {
            id: submission.id.clone(),
            tenant: submission.tenant.clone(),
            application: submission.application.clone(),
            cell: submission.cell.to_string(),
            query_id: submission.query_id.clone(),
            sha256: first.map(|received| received.sha256.clone()),
            size: first.map(|received| received.size),
            uploads: submission.uploads.len(),
            pipeline: submission.pipeline.name().to_owned(),
            decision: submission.decision,
            characteristics: submission.characteristics.clone(),
            awaits_characteristics: submission.characteristics_wanted
                && submission.characteristics_at.is_none(),
            finished: submission.finished(scene).is_some(),
            status: submission.outcome(scene).map(|(_, outcome)| outcome.status),
            score: submission.outcome(scene).map(|(_, outcome)| outcome.score),
            created: submission.created,
            deleted: submission.deleted,
        }
    }
}
