//! Everything the server remembers, behind one lock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::Refusal;
use super::rotate::stuck_token;
use super::rotation::{Cause, End, Rotation, Step, StepOutcome};
use super::store::Store;

/// The secrets, and the rotations of all time.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) rotations: Vec<Rotation>,
    /// What runs now, by the secret's ARN.
    active: BTreeMap<String, Active>,
}

#[derive(Clone, Debug)]
struct Active {
    rotation: usize,
    rotation_token: String,
}

/// A rotation to run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its place in [`State::rotations`].
    pub(super) rotation: usize,
    pub(super) arn: String,
    pub(super) function: String,
    pub(super) token: String,
    pub(super) rotation_token: String,
    pub(super) cause: Cause,
}

impl Job {
    /// What the function is called with: Step, SecretId, ClientRequestToken and RotationToken (User
    /// Guide, rotate-secrets_lambda). SecretId is the ARN.
    pub(super) fn event(&self, step: Step) -> Value {
        json!({
            "Step": step.as_str(),
            "SecretId": self.arn,
            "ClientRequestToken": self.token,
            "RotationToken": self.rotation_token,
        })
    }
}

impl State {
    pub(super) fn new(store: Store) -> Self {
        Self { store, rotations: Vec::new(), active: BTreeMap::new() }
    }

    pub(super) fn running(&self) -> usize {
        self.active.len()
    }

    /// The last rotation of a secret that began.
    pub(super) fn last_rotation(&self, name: &str) -> Option<&Rotation> {
        self.rotations.iter().rev().find(|rotation| rotation.name == name)
    }

    /// The RotationToken of the rotation that runs for a secret.
    pub(super) fn rotation_token(&self, arn: &str) -> Option<&str> {
        self.active.get(arn).map(|active| active.rotation_token.as_str())
    }

    /// Notes that a rotation runs from now on. Its version exists already.
    pub(super) fn begin(&mut self, arn: &str, token: String, cause: Cause) -> Result<Job, Refusal> {
        let secret = self.store.find(arn)?;
        let no_function =
            || Refusal::state("No Lambda rotation function ARN is associated with this secret.");
        let function = secret.schedule.function.clone().ok_or_else(no_function)?;
        let (rotation, rotation_token) = (self.rotations.len(), new_token());
        let name = secret.name.clone();
        self.rotations.push(Rotation { name, token: token.clone(), cause, steps: Vec::new(), end: None });
        self.active.insert(arn.to_owned(), Active { rotation, rotation_token: rotation_token.clone() });
        Ok(Job { rotation, arn: arn.to_owned(), function, token, rotation_token, cause })
    }

    /// Begins the rotation of a secret whose time has come, or once more the one that got stuck.
    pub(super) fn begin_due(&mut self, arn: &str, now: Timestamp) -> Result<Job, Refusal> {
        let secret = self.store.find(arn)?.usable()?;
        // "Turns off automatic rotation" (API_CancelRotateSecret): neither a schedule nor a retry.
        if !secret.schedule.is_on() {
            return Err(Refusal::state("Rotation of this secret is turned off."));
        }
        if let Some(token) = stuck_token(secret) {
            return self.begin(arn, token, Cause::Retried);
        }
        let token = new_token();
        secret.versions.begin_rotation(&token, None, now)?;
        self.begin(arn, token, Cause::Scheduled)
    }

    /// Begins the stuck rotation of a secret once more, with the token that it had. A rotation whose
    /// last step failed after it had moved AWSCURRENT is not stuck by its labels, but failed all the
    /// same: "If any rotation step fails, Secrets Manager retries the entire rotation process multiple
    /// times" (User Guide, rotate-secrets_lambda).
    pub(super) fn begin_again(&mut self, id: &str) -> Result<Job, Refusal> {
        let secret = self.store.find(id)?.usable()?;
        let arn = secret.arn.clone();
        let mut ours = self.rotations.iter().rev().filter(|rotation| rotation.name == secret.name);
        let last = ours.find(|rotation| rotation.cause != Cause::Preflight);
        let failed = last.filter(|last| last.end == Some(End::Failed)).map(|last| last.token.clone());
        let token = stuck_token(secret).or(failed).filter(|_| secret.schedule.is_on());
        match token {
            Some(token) if !self.active.contains_key(&arn) => self.begin(&arn, token, Cause::Retried),
            _ => Err(Refusal::state("There is no rotation to be reattempted.")),
        }
    }

    /// The secrets whose rotation is due and does not run.
    pub(super) fn due(&self, now: Timestamp) -> Vec<String> {
        let due = self.store.iter().filter(|secret| secret.deleted.is_none() && secret.schedule.is_due(now));
        due.map(|secret| secret.arn.clone()).filter(|arn| !self.active.contains_key(arn)).collect()
    }

    /// Whether the rotation still runs: it has not been cancelled.
    pub(super) fn is_active(&self, job: &Job) -> bool {
        self.active.get(&job.arn).is_some_and(|active| active.rotation == job.rotation)
    }

    pub(super) fn record(&mut self, job: &Job, step: Step, error: Option<String>) {
        self.rotations[job.rotation].steps.push(StepOutcome { step, error });
    }

    /// Cancels what runs. Gives the version it was about.
    pub(super) fn cancel(&mut self, arn: &str) -> Option<String> {
        let active = self.active.remove(arn)?;
        let rotation = &mut self.rotations[active.rotation];
        rotation.end = Some(End::Cancelled);
        Some(rotation.token.clone())
    }

    /// Ends a rotation whose steps have been called.
    pub(super) fn end(&mut self, job: &Job, now: Timestamp) {
        if job.cause == Cause::Preflight
            && let Ok(secret) = self.store.find(&job.arn)
        {
            secret.versions.remove(&job.token);
        }
        if !self.is_active(job) {
            return;
        }
        let failed = self.rotations[job.rotation].steps.iter().any(|outcome| outcome.error.is_some());
        let end = if failed { End::Failed } else { self.check_end(job, now) };
        self.rotations[job.rotation].end = Some(end);
        self.active.remove(&job.arn);
    }

    /// What the labels say about a rotation whose steps all succeeded.
    fn check_end(&mut self, job: &Job, now: Timestamp) -> End {
        if job.cause == Cause::Preflight {
            return End::Succeeded;
        }
        match self.store.find(&job.arn) {
            Ok(secret) if stuck_token(secret).is_none() => {
                secret.schedule.last = Some(now);
                secret.schedule.restart(now);
                End::Succeeded
            }
            _ => End::Unfinished,
        }
    }
}

/// A random id in the form of a UUID.
pub(super) fn new_token() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
