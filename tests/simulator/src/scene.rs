//! What one call sees and changes, and everything the vendor remembers.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use crate::answer::Answer;
use crate::applications::Application;
use crate::call::Call;
use crate::limits::Bucket;
use crate::operations::Operation;
use crate::options::Settings;
use crate::organization::Organization;
use crate::places::{Audience, Stage};
use crate::state::{CallRecord, TokenRequests};
use crate::submissions::Submission;
use crate::tenants::Tenant;
use crate::tokens::Token;
use crate::{access, applications, characteristics, download, results, submissions, tenants, tokens, upload};

/// Everything the vendor remembers. What is deleted stays, marked, for listings that lag and for
/// the audit.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) applications: Vec<Application>,
    pub(crate) submissions: Vec<Submission>,
    pub(crate) tokens: HashMap<String, Token>,
    /// Client and `jti` of every assertion that was taken.
    pub(crate) assertions: HashSet<(String, String)>,
    pub(crate) buckets: HashMap<(String, bool), Bucket>,
    pub(crate) token_requests: BTreeMap<(String, String), TokenRequests>,
    pub(crate) calls: Vec<CallRecord>,
    /// Calls whose answer is gone and whose effect has not come yet, with the time it comes.
    pub(crate) under_way: Vec<(Timestamp, Call)>,
}

/// The vendor at one moment.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) settings: &'a Settings,
    pub(crate) organization: &'a Organization,
    pub(crate) signing_key: &'a aws_lc_rs::hmac::Key,
    pub(crate) stage: Stage,
    pub(crate) base_url: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) assertion_now: Timestamp,
}

impl Scene<'_> {
    /// A live application that may use the authorization server of `audience`, and already may.
    pub(crate) fn client(&self, id: &str, audience: Audience) -> Option<&Application> {
        self.world.applications.iter().find(|application| {
            application.client_id == id
                && Audience::Cell(application.cell) == audience
                && application.life.exists()
                && application.accepted_from <= self.now
        })
    }

    /// What a call must pass before it does anything.
    pub(crate) fn admit(&mut self, call: &Call) -> Result<(), Answer> {
        access::authorize(self, call)?;
        crate::limits::take(self, call)?;
        access::content_type(call)
    }

    /// Does what the call asks for.
    pub(crate) fn act(&mut self, call: &Call) -> Answer {
        let done = match call.target.operation {
            Operation::CreateTenant => tenants::create(self, call),
            Operation::GetTenants => tenants::list(self, call),
            Operation::GetTenant => tenants::get(self, call),
            Operation::DeleteTenant => tenants::delete(self, call),
            Operation::CreateTenantApplication => applications::create(self, call),
            Operation::GetTenantApplications => applications::list(self, call),
            Operation::GetTenantApplication => applications::get(self, call),
            Operation::DeleteTenantApplication => applications::delete(self, call),
            Operation::CreateSubmission => submissions::create(self, call),
            Operation::DeleteSubmission => submissions::delete(self, call),
            Operation::PutSubmissionCharacteristics => characteristics::put(self, call),
            Operation::GetFraud
            | Operation::GetContent
            | Operation::GetQuality
            | Operation::GetDecision
            | Operation::GetClassification
            | Operation::GetReport => results::get(self, call),
            Operation::Token => tokens::issue(self, call),
            Operation::Upload => upload::store(self, call),
            Operation::Download => download::get(self, call),
        };
        done.unwrap_or_else(|refusal| refusal)
    }

    /// Lets the late effects happen whose time has come, in their order.
    pub(crate) fn land(&mut self) {
        let now = self.now;
        let (mut due, later) = std::mem::take(&mut self.world.under_way)
            .into_iter()
            .partition::<Vec<_>, _>(|(at, _)| *at <= now);
        self.world.under_way = later;
        due.sort_by_key(|(at, _)| *at);
        for (at, call) in due {
            self.now = at;
            let answer = self.act(&call);
            let record = CallRecord::new(self.world.calls.len(), at, &call).landed(answer.status);
            self.world.calls.push(record);
        }
        self.now = now;
    }
}
