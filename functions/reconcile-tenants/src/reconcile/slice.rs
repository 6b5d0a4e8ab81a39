//! One invocation's share of a reconciliation: as many steps as its time, and the vendor, allow.

use std::time::Duration;

use lifecycle::Remover;
use registry::{Cause, Seen};
use runtime::{Backlog, Invocation, Message};
use shared_core::customer::Customer;
use shared_core::ids::CustomerId;
use shared_core::request::ReconciliationMode;
use vault::SecretName;

use super::facts::{Context, Terms, Unclaimed};
use super::findings::Finding;
use super::join;
use super::look::Look;
use super::repair::Repair;
use super::state::{State, Step, accounts_for};
use super::stop::Stop;

/// What is kept free at the end of an invocation: to save what is unfinished, or to write the report.
const RESERVE: Duration = Duration::from_secs(20);

/// With less time than this left before that, nothing is begun.
const NEEDED: Duration = Duration::from_secs(15);

/// How long the repairs of one customer may take, and no longer is its lease held if they are killed.
const TURN: Duration = Duration::from_secs(60);

/// After so many customers in a row that could not be looked at, it is not they who are ill.
const IN_A_ROW: u32 = 3;

/// How often a customer is looked at on which somebody works meanwhile.
const LOOKS: u32 = 3;

/// One invocation's share.
pub(crate) struct Slice<'a> {
    pub(crate) remover: &'a Remover,
    pub(crate) backlog: &'a dyn Backlog,
    pub(crate) terms: &'a Terms,
    pub(crate) look: Look,
    pub(crate) message: &'a Message,
    pub(crate) invocation: &'a Invocation,
}

/// What a look at a customer came to.
struct Looked {
    record: Customer,
    /// `None` where others worked on it all the while.
    found: Option<Vec<Finding>>,
}

impl Slice<'_> {
    /// When no call to the vendor may go on any more.
    pub(crate) fn calls_end(invocation: &Invocation) -> std::time::Instant {
        let end = invocation.deadline.instant();
        end.checked_sub(RESERVE).unwrap_or(end)
    }

    /// Does what comes next until nothing does.
    ///
    /// # Errors
    /// What stopped it. The state is as far as it came, and the next slice goes on from there.
    pub(crate) async fn run(&mut self, state: &mut State) -> Result<(), Stop> {
        loop {
            match state.step.clone() {
                Step::List => self.list(state).await?,
                Step::Customers { after } => self.customers(state, after).await?,
                Step::Rest => return self.rest(state).await,
            }
        }
    }

    /// How long something may take that begins now.
    fn time(&self) -> Result<Duration, Stop> {
        let left = self.invocation.left().saturating_sub(RESERVE);
        if left >= NEEDED { Ok(left) } else { Err(Stop::Time) }
    }

    /// Tenants first: whose tenant is there then was recorded before, and is met among the customers.
    async fn list(&mut self, state: &mut State) -> Result<(), Stop> {
        let tenants = within(self.time()?, self.look.tenants()).await?;
        let secrets = within(self.time()?, self.look.secrets()).await?;
        state.tenants_listed = tenants.len();
        state.tenants = tenants.into_iter().map(|tenant| (tenant.name, tenant.id)).collect();
        state.secrets = secrets.iter().map(ToString::to_string).collect();
        state.step = Step::Customers { after: None };
        Ok(())
    }

    /// A page of customers.
    async fn customers(&mut self, state: &mut State, after: Option<CustomerId>) -> Result<(), Stop> {
        let page = self.look.registry.list(after.as_ref()).await?;
        let mut in_a_row = 0;
        for listed in &page.customers {
            let id = &listed.customer_id;
            let failed = match self.patiently(state, id).await {
                Ok(looked) => {
                    self.note(state, looked);
                    None
                }
                Err(pause) if pause.is_a_pause() => return Err(pause),
                Err(error) => Some(self.unseen(state, id, error).await),
            };
            state.step = Step::Customers { after: Some(id.clone()) };
            in_a_row = if failed.is_some() { in_a_row + 1 } else { 0 };
            if let Some(error) = failed.filter(|_| in_a_row >= IN_A_ROW) {
                return Err(error);
            }
        }
        if !page.more || page.customers.is_empty() {
            state.step = Step::Rest;
        }
        Ok(())
    }

    /// A second look where the first one failed.
    async fn patiently(&mut self, state: &State, id: &CustomerId) -> Result<Looked, Stop> {
        match within(self.time()?, self.customer(state, id)).await {
            Err(error) if !error.is_a_pause() => within(self.time()?, self.customer(state, id)).await,
            looked => looked,
        }
    }

    /// What is known of a customer that could not be looked at.
    async fn unseen(&self, state: &mut State, id: &CustomerId, error: Stop) -> Stop {
        tracing::warn!(error = &error as &dyn std::error::Error, customer = %id, "The customer was not looked at.");
        match self.look.record(id).await {
            Ok(seen) => state.claim(&seen.customer, &self.terms.installation, self.look.vault.prefix()),
            Err(_) => state.unread = true,
        }
        state.unseen.insert(id.clone(), super::reasons(&error));
        error
    }

    fn note(&self, state: &mut State, Looked { record, found }: Looked) {
        state.claim(&record, &self.terms.installation, self.look.vault.prefix());
        state.note_age(&record);
        state.customers += 1;
        match found {
            Some(found) => {
                found.iter().for_each(|finding| state.account_for(finding, self.look.vault.prefix()));
                state.findings.extend(found);
            }
            None => drop(state.busy.insert(record.customer_id)),
        }
    }

    /// Looks at a customer, and again where somebody worked on it meanwhile: what is seen in the middle of
    /// somebody's work is no drift.
    async fn customer(&mut self, state: &State, id: &CustomerId) -> Result<Looked, Stop> {
        let mut seen = self.look.record(id).await?;
        for _ in 0..LOOKS {
            if self.is_worked_on(&seen) {
                break;
            }
            let fence = seen.fence;
            let listed = state.shows(&seen.customer);
            let facts = self.look.customer(seen, listed).await?;
            let mut found = join::customer(&facts, &self.context(state));
            seen = if found.is_empty() { facts.seen } else { self.look.record(id).await? };
            if seen.fence == fence && !self.is_worked_on(&seen) {
                if state.mode == ReconciliationMode::Apply {
                    self.repair(state, id, &mut found).await;
                }
                return Ok(Looked { record: seen.customer, found: Some(found) });
            }
        }
        Ok(Looked { record: seen.customer, found: None })
    }

    fn is_worked_on(&self, seen: &Seen) -> bool {
        seen.lease.as_ref().is_some_and(|holder| holder.until >= self.invocation.now())
    }

    fn context<'a>(&'a self, state: &'a State) -> Context<'a> {
        Context {
            terms: self.terms,
            rules: self.remover.rules(),
            request_id: &state.request_id,
            now: self.invocation.now(),
        }
    }

    async fn repair(&mut self, state: &State, id: &CustomerId, found: &mut [Finding]) {
        let attempt = self.invocation.turn(self.message, TURN);
        let cause = Cause {
            actor: state.actor.clone(),
            reason: state.reason.clone(),
            request_id: Some(state.request_id.clone()),
            origin: attempt.origin.clone(),
        };
        let repair = Repair { remover: self.remover, terms: self.terms, cause, attempt };
        repair.all(id, found, &mut self.look.pace).await;
    }

    /// What no customer accounts for, and what concerns none.
    async fn rest(&mut self, state: &mut State) -> Result<(), Stop> {
        // Of a record that could not be read nobody knows what it accounts for.
        if !state.unread {
            // A secret may tell whose a tenant is.
            self.secrets_left_over(state).await?;
            self.tenants_left_over(state).await?;
        }
        let mut found: Vec<Finding> =
            join::quota(state.tenants_listed, self.terms.quota).into_iter().collect();
        for queue_url in &self.terms.dead_letters {
            let failed = |source| Stop::Queue { queue_url: queue_url.clone(), source };
            let waiting = self.backlog.waiting(queue_url).await.map_err(failed)?;
            found.extend(join::dead_letters(queue_url, waiting));
        }
        state.findings.extend(found);
        Ok(())
    }

    async fn tenants_left_over(&mut self, state: &mut State) -> Result<(), Stop> {
        for (name, tenant_id) in std::mem::take(&mut state.tenants) {
            let unclaimed = Unclaimed { tenant_id, name, derived: None };
            let found = join::unclaimed(&unclaimed, &self.context(state));
            state.findings.push(found);
        }
        while let Some((name, (tenant_id, customer_id, life))) = state.left_over.first_key_value() {
            let (name, tenant_id) = (name.clone(), tenant_id.clone());
            let derived = Some((customer_id.clone(), *life));
            // An offboarding may have ended since the listing.
            if within(self.time()?, self.look.has_tenant(&tenant_id)).await? {
                let unclaimed = Unclaimed { tenant_id, name: name.clone(), derived };
                let found = join::unclaimed(&unclaimed, &self.context(state));
                state.findings.push(found);
            }
            state.left_over.remove(&name);
        }
        Ok(())
    }

    async fn secrets_left_over(&mut self, state: &mut State) -> Result<(), Stop> {
        while let Some(name) = state.secrets.first().cloned() {
            if let Ok(read) = self.look.vault.prefix().read(&name) {
                let found = within(self.time()?, self.left_over(state, &read)).await?;
                found.iter().for_each(|finding| state.account_for(finding, self.look.vault.prefix()));
                state.findings.extend(found);
            }
            state.secrets.remove(&name);
        }
        Ok(())
    }

    /// What it means that no record accounts for a secret.
    async fn left_over(&mut self, state: &State, name: &SecretName) -> Result<Option<Finding>, Stop> {
        let (id, cell) = (name.customer_id(), name.cell());
        let record = self.look.record(id).await?.customer;
        if accounts_for(&record, cell) {
            return Ok(None);
        }
        let secret = self.look.secret(name).await?;
        // The listing may be minutes behind.
        if secret.description.as_ref().is_none_or(|secret| secret.deletion_date.is_some()) {
            return Ok(None);
        }
        Ok(Some(match join::works(&secret) {
            Some((_, tenant)) => join::record_behind(id, tenant, &self.context(state)),
            None => join::secret_without_customer(name.as_str(), id, cell, record.phase),
        }))
    }
}

/// Ends work that would take longer than this: it is begun anew by the next slice.
async fn within<T>(longest: Duration, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
    tokio::time::timeout(longest, work).await.unwrap_or(Err(Stop::Time))
}
