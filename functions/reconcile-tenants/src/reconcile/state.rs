//! What is kept of a reconciliation between invocations, and what becomes of it in the end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared_core::customer::{Customer, Phase, Tenant};
use shared_core::event::{ReconciliationFinished, ReportRef};
use shared_core::ids::{CustomerId, Generation, InstallationId, RequestId, TenantId, TenantName};
use shared_core::place::Cell;
use shared_core::request::{ReconciliationMode, ReconciliationRequest};
use vault::Prefix;

use super::findings::{Code, Finding, Outcome, Subject};
use super::reports::Reports;
use super::stop::Stop;

/// Under which key an unfinished reconciliation is kept: there is one at a time. `null` where there is none.
const UNFINISHED: &str = "reconciliations/unfinished.json";

/// The version of the report's layout.
const VERSION: &str = "1";

/// A reconciliation that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) request_id: RequestId,
    pub(crate) mode: ReconciliationMode,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) began_at: Timestamp,
    /// How many invocations have worked on it.
    pub(crate) slices: u32,
    pub(crate) step: Step,
    /// How many tenants the organization's listing held.
    pub(crate) tenants_listed: usize,
    /// Those of them that no record has named so far, by their names, which are unique (vendor: createTenant).
    pub(crate) tenants: BTreeMap<String, TenantId>,
    /// Those of them under the name of a life that has ended: whose, and which.
    pub(crate) left_over: BTreeMap<String, (TenantId, CustomerId, Generation)>,
    /// Secrets under our names that no record has accounted for so far.
    pub(crate) secrets: BTreeSet<String>,
    /// How many customers were looked at.
    pub(crate) customers: u64,
    /// Customers that could not be looked at, and why.
    pub(crate) unseen: BTreeMap<CustomerId, String>,
    /// Whether a record could not even be read: then nobody knows what it accounts for.
    pub(crate) unread: bool,
    /// Customers that others worked on all the while.
    pub(crate) busy: BTreeSet<CustomerId>,
    /// Since when the credential has been in use that has been longest.
    #[serde(default)]
    pub(crate) oldest_credential: Option<Timestamp>,
    pub(crate) findings: Vec<Finding>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Everything is listed.
    List,
    /// The customers are looked at, those after this one.
    Customers {
        /// The last that was looked at.
        after: Option<CustomerId>,
    },
    /// What no customer accounts for is looked at.
    Rest,
}

impl State {
    /// Nothing has been looked at yet.
    pub(crate) fn new(request: &ReconciliationRequest, now: Timestamp) -> Self {
        Self {
            request_id: request.request_id.clone(),
            mode: request.mode,
            actor: request.actor.to_string(),
            reason: request.reason.to_string(),
            began_at: now,
            slices: 0,
            step: Step::List,
            tenants_listed: 0,
            tenants: BTreeMap::new(),
            left_over: BTreeMap::new(),
            secrets: BTreeSet::new(),
            customers: 0,
            unseen: BTreeMap::new(),
            unread: false,
            busy: BTreeSet::new(),
            oldest_credential: None,
            findings: Vec::new(),
        }
    }

    /// The one that is unfinished.
    pub(crate) async fn unfinished(reports: &dyn Reports) -> Result<Option<Self>, Stop> {
        match reports.get(UNFINISHED).await? {
            Some(body) => read(UNFINISHED, &body),
            None => Ok(None),
        }
    }

    /// Keeps it for the next invocation.
    pub(crate) async fn save(&self, reports: &dyn Reports) -> Result<(), Stop> {
        Ok(reports.put(UNFINISHED, written(self)).await?)
    }

    /// Nothing is unfinished any more.
    pub(crate) async fn clear(reports: &dyn Reports) -> Result<(), Stop> {
        Ok(reports.put(UNFINISHED, b"null".to_vec()).await?)
    }

    /// Takes note of how old a customer's credentials are: in each cell, the first recorded application that a label
    /// names.
    pub(crate) fn note_age(&mut self, customer: &Customer) {
        let applications = customer.cells.values().flat_map(|cell| &cell.applications);
        let used = applications.filter(|application| application.unreferenced_since.is_none());
        let oldest = used.map(|application| application.recorded_at).min();
        self.oldest_credential = [self.oldest_credential, oldest].into_iter().flatten().min();
    }

    /// Whether the organization's listing shows a customer's tenant, under its name or, where somebody gave it
    /// another, by its id.
    pub(crate) fn shows(&self, customer: &Customer) -> bool {
        self.listed_as(customer).is_some()
    }

    fn listed_as(&self, customer: &Customer) -> Option<String> {
        let Tenant { name, id, .. } = customer.tenant.as_ref()?;
        if self.tenants.contains_key(name.as_str()) {
            return Some(name.to_string());
        }
        self.tenants.iter().find(|(_, listed)| Some(*listed) == id.as_ref()).map(|(name, _)| name.clone())
    }

    /// Takes what a customer's record accounts for out of what nobody does. A tenant under the name of a life
    /// that has ended is kept apart: it is ours, and should not be there.
    pub(crate) fn claim(&mut self, customer: &Customer, installation: &InstallationId, prefix: &Prefix) {
        if let Some(name) = self.listed_as(customer) {
            self.tenants.remove(&name);
        }
        let (id, mut life) = (&customer.customer_id, Generation::NONE);
        while life < customer.generation {
            life = life.next();
            let name = TenantName::derive(installation, id, life);
            if let Some(tenant) = self.tenants.remove(name.as_str()) {
                self.left_over.insert(name.to_string(), (tenant, id.clone(), life));
            }
        }
        for cell in customer.cells.keys().filter(|cell| accounts_for(customer, **cell)) {
            self.secrets.remove(prefix.secret_name(id, *cell).as_str());
        }
    }

    /// Takes out what a finding accounts for: a record that lags behind its secrets names neither the tenant nor
    /// all of them.
    pub(crate) fn account_for(&mut self, finding: &Finding, prefix: &Prefix) {
        let Subject { customer_id: Some(id), tenant_id: Some(tenant), .. } = &finding.subject else { return };
        if finding.code != Code::RecordBehind {
            return;
        }
        self.tenants.retain(|_, listed| listed != tenant);
        for cell in Cell::ALL {
            self.secrets.remove(prefix.secret_name(id, cell).as_str());
        }
    }

    /// How often each thing was found.
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.code.to_string()).or_default() += 1;
        }
        counts
    }

    /// Under which key its report lies.
    fn report_key(&self) -> String {
        let date = self.began_at.to_string();
        let (date, _) = date.split_once('T').unwrap_or((&date, ""));
        format!("reconciliations/{date}/{}.json", file(&self.request_id))
    }

    /// What is announced of it.
    pub(crate) fn event(&self, bucket: &str) -> ReconciliationFinished {
        let repaired = self.findings.iter().filter(|finding| finding.outcome == Some(Outcome::Repaired));
        ReconciliationFinished {
            request_id: self.request_id.clone(),
            mode: self.mode,
            customers: self.customers,
            unseen: self.unseen.len() as u64,
            tenants: self.tenants_listed as u64,
            findings: self.counts(),
            repaired: repaired.count() as u64,
            report: ReportRef { bucket: bucket.to_owned(), key: self.report_key() },
        }
    }

    /// Writes its report.
    pub(crate) async fn report(&self, reports: &dyn Reports, now: Timestamp) -> Result<(), Stop> {
        let report = json!({
            "version": VERSION,
            "request_id": self.request_id,
            "mode": self.mode,
            "actor": self.actor,
            "reason": self.reason,
            "began_at": self.began_at,
            "finished_at": now,
            "invocations": self.slices,
            "tenants": self.tenants_listed,
            "customers": self.customers,
            "busy": self.busy,
            "unseen": self.unseen,
            "left_over_looked_for": !self.unread,
            "counts": self.counts(),
            "findings": self.findings,
        });
        Ok(reports.put(&self.report_key(), written(&report)).await?)
    }
}

/// What became of a reconciliation that has ended.
pub(crate) async fn finished(
    reports: &dyn Reports,
    request_id: &RequestId,
) -> Result<Option<ReconciliationFinished>, Stop> {
    let key = finished_key(request_id);
    reports.get(&key).await?.map(|body| read(&key, &body)).transpose()
}

/// Keeps what became of it, for who asks again.
pub(crate) async fn keep_finished(
    reports: &dyn Reports,
    finished: &ReconciliationFinished,
) -> Result<(), Stop> {
    Ok(reports.put(&finished_key(&finished.request_id), written(finished)).await?)
}

fn finished_key(request_id: &RequestId) -> String {
    format!("reconciliations/finished/{}.json", file(request_id))
}

/// A request's id as one segment of a key. No id has a `%`, so two ids stay two.
fn file(request_id: &RequestId) -> String {
    request_id.as_str().replace('/', "%2F")
}

/// Whether a customer's record accounts for a secret in a cell: while it is served, and until it is removed.
pub(crate) fn accounts_for(customer: &Customer, cell: Cell) -> bool {
    (customer.lives() || customer.phase == Phase::Offboarding) && customer.cells.contains_key(&cell)
}

fn read<T: serde::de::DeserializeOwned>(key: &str, body: &[u8]) -> Result<T, Stop> {
    serde_json::from_slice(body).map_err(|source| Stop::Unreadable { key: key.to_owned(), source })
}

fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps of texts and numbers always serialize")
}
