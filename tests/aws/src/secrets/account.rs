//! One account's secrets in the process, without a server: the same rules, for tests that make
//! millions of calls. Rotations are begun here and run by whoever asks.

use jiff::Timestamp;
use serde_json::Value;

use super::error::Refusal;
use super::operations::apply;
use super::rotate::Preflight;
use super::rotation::{Cause, Rotation, Step};
use super::state::{Job, State};
use super::store::Store;
use super::versions::SecretValue;
use super::view::SecretState;

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    state: State,
    begun: Vec<Begun>,
}

/// A rotation that has begun, and whose steps wait to be called.
#[derive(Clone, Debug)]
pub struct Begun(Job);

/// What the service answers when it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The exception's name.
    pub code: &'static str,
    /// Its message.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code, message: refusal.message }
    }
}

impl Default for Account {
    fn default() -> Self {
        Self { state: State::new(Store::new("us-east-1", "000000000000")), begun: Vec::new() }
    }
}

impl Account {
    /// Applies one operation.
    ///
    /// # Errors
    /// What the service would answer.
    pub fn call(&mut self, operation: &str, input: &Value, now: Timestamp) -> Result<Value, Refused> {
        self.call_from(None, operation, input, now)
    }

    /// Applies one operation in a region, the account's own where none is given.
    ///
    /// # Errors
    /// What the service would answer.
    pub fn call_from(
        &mut self,
        region: Option<&str>,
        operation: &str,
        input: &Value,
        now: Timestamp,
    ) -> Result<Value, Refused> {
        self.state.store.purge(now);
        let (state, body) = (&mut self.state, input.to_string());
        let (answer, job) = apply(state, region, operation, body.as_bytes(), Preflight::default(), now)?;
        self.begun.extend(job.map(Begun));
        Ok(answer)
    }

    /// Begins a rotation that is due, or once more the one that got stuck.
    ///
    /// # Errors
    /// Where the secret has no rotation function.
    pub fn begin(&mut self, name: &str, now: Timestamp) -> Result<(), Refused> {
        let arn = self.state.store.find(name)?.arn.clone();
        let job = self.state.begin_due(&arn, now)?;
        self.begun.push(Begun(job));
        Ok(())
    }

    /// Begins once more a rotation that failed or got stuck, with the version that it had.
    ///
    /// # Errors
    /// Where there is none, or the secret is not rotated any more.
    pub fn begin_again(&mut self, name: &str) -> Result<(), Refused> {
        let job = self.state.begin_again(name)?;
        self.begun.push(Begun(job));
        Ok(())
    }

    /// Whether a rotation of the secret runs.
    pub fn rotates(&self, name: &str) -> bool {
        self.begun.iter().any(|begun| begun.0.arn.contains(&format!(":{name}-")))
    }

    /// The rotations that have begun and not ended, oldest first.
    pub fn begun(&self) -> &[Begun] {
        &self.begun
    }

    /// Whether a rotation that has begun goes on: it was not cancelled.
    pub fn goes_on(&self, begun: &Begun) -> bool {
        self.state.is_active(&begun.0)
    }

    /// Ends a rotation whose steps were called, the last of them perhaps with an error.
    pub fn end(&mut self, begun: &Begun, failed: Option<(Step, String)>, now: Timestamp) -> Rotation {
        if let Some((step, error)) = failed {
            self.state.record(&begun.0, step, Some(error));
        }
        self.state.end(&begun.0, now);
        self.begun.retain(|other| other.0.rotation != begun.0.rotation);
        self.state.rotations[begun.0.rotation].clone()
    }

    /// A secret without values, also one that waits for its deletion.
    pub fn secret(&self, name: &str) -> Option<SecretState> {
        self.secrets().find(|secret| secret.name == name)
    }

    /// Every secret, those that wait for their deletion too, without values.
    pub fn secrets(&self) -> impl Iterator<Item = SecretState> + '_ {
        self.state.store.iter().map(SecretState::of)
    }

    /// The value in clear of the version that `stage` is attached to, whatever the secret's state.
    pub fn reveal(&self, name: &str, stage: &str) -> Option<&str> {
        match self.state.store.named(name)?.versions.holder(stage)?.value.as_ref()? {
            SecretValue::Text(value) | SecretValue::Binary(value) => Some(value),
        }
    }
}

impl Begun {
    /// The secret's name.
    pub fn name(&self) -> String {
        let (_, name) = self.0.arn.rsplit_once(":secret:").unwrap_or_default();
        // AWS appends a hyphen and six characters (Secrets Manager: `ARN`).
        name[..name.len().saturating_sub(7)].to_owned()
    }

    /// The version that it leads to.
    pub fn version(&self) -> &str {
        &self.0.token
    }

    /// Why.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The steps that its function is to be called for.
    pub fn steps(&self) -> &'static [Step] {
        self.0.cause.steps()
    }

    /// The event that the function gets for one of them.
    pub fn event(&self, step: Step) -> Value {
        self.0.event(step)
    }
}
