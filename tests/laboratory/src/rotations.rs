//! Rotations as Secrets Manager runs them: one step after the other, and all of them again where one fails.

use aws_parts::secrets::{Begun, Step};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use vault::Prefix;

use crate::world::World;

/// How long after a step that failed Secrets Manager begins again. It does not say (User Guide,
/// "rotate-secrets_lambda": "multiple times"); longer than any lease.
const AGAIN: SignedDuration = SignedDuration::from_secs(300);

/// A rotation that has not ended.
#[derive(Clone, Debug)]
pub struct Rotating {
    /// Of this secret.
    pub name: String,
    /// When its next step may be called.
    pub due: Timestamp,
    /// The version that it leads to.
    version: String,
    /// What goes on; `None` while it waits to begin again.
    begun: Option<Begun>,
    /// Which of its steps comes next.
    pub step: usize,
}

impl World {
    /// The schedule begins a rotation of a secret; answers whether it did.
    pub fn rotate(&mut self, name: &str) -> bool {
        let rotates = self
            .secrets
            .secret(name)
            .is_some_and(|secret| secret.rotation_enabled == Some(true) && secret.deletion.is_none());
        let free = !self.secrets.rotates(name) && !self.rotating.iter().any(|one| one.name == name);
        if !rotates || !free {
            return false;
        }
        let (token, now) = (self.token(), self.now);
        let input = json!({"SecretId": name, "ClientRequestToken": token});
        let begun = self.secrets.call("RotateSecret", &input, now).is_ok();
        self.notice_rotations();
        begun
    }

    /// What an operator sends to have a secret rolled back from a version.
    pub fn roll_back(name: &str, request_id: &str, version: &str) -> String {
        let prefix = "resistant".parse::<Prefix>().expect("a legal prefix");
        let name = prefix.read(name).expect("a customer's secret");
        json!({
            "type": "SecretRollBackRequested", "version": "1", "request_id": request_id, "actor": "ops",
            "reason": "r", "customer_id": name.customer_id(), "cell": name.cell(), "version_id": version,
        })
        .to_string()
    }

    /// Takes note of rotations that were begun by a call, and ends trials: they succeed.
    pub(crate) fn notice_rotations(&mut self) {
        let (now, begun) = (self.now, self.secrets.begun().to_vec());
        for one in begun {
            let name = one.name();
            if one.steps().len() == 1 {
                self.secrets.end(&one, None, now);
            } else if !self.rotating.iter().any(|rotating| rotating.name == name) {
                let version = one.version().to_owned();
                self.rotating.push(Rotating { name, due: now, version, begun: Some(one), step: 0 });
            }
        }
    }

    /// The step that is due; `None` where the rotation is over.
    pub(crate) fn next_step(&mut self, name: &str) -> Option<(Begun, Step)> {
        let (now, secrets) = (self.now, &mut self.secrets);
        let at = self.rotating.iter().position(|rotating| rotating.name == name)?;
        let rotating = &mut self.rotating[at];
        // Who took its label off has ended it: what AWS tries a few times more is refused by its version.
        let secret = secrets.secret(name);
        let carries = |label| secret.as_ref().and_then(|one| one.version(label)) == Some(&rotating.version);
        let labelled = carries("AWSPENDING") || carries("AWSCURRENT");
        if rotating.begun.is_none() && labelled && secrets.begin_again(name).is_ok() {
            rotating.begun = secrets.begun().last().cloned();
        }
        let goes_on = rotating.begun.as_ref().filter(|begun| secrets.goes_on(begun)).cloned();
        if goes_on.is_none() {
            if let Some(cancelled) = self.rotating.remove(at).begun {
                secrets.end(&cancelled, None, now);
            }
            return None;
        }
        let step = rotating.step;
        goes_on.map(|begun| (begun.clone(), begun.steps()[step]))
    }

    pub(crate) fn step_ended(&mut self, name: &str, begun: &Begun, step: Step, failed: Option<String>) {
        let (now, secrets) = (self.now, &mut self.secrets);
        // An offboarding may have cancelled it, and somebody may have taken it back.
        let Some(rotating) = self.rotating.iter_mut().find(|rotating| rotating.name == name) else { return };
        rotating.step += 1;
        if let Some(failed) = failed {
            secrets.end(begun, Some((step, failed)), now);
            (rotating.begun, rotating.step, rotating.due) = (None, 0, now + AGAIN);
        } else if rotating.step == begun.steps().len() {
            secrets.end(begun, None, now);
            self.rotating.retain(|rotating| rotating.name != name);
        }
    }

    /// Whether a customer has more applications than its secrets name.
    pub(crate) fn is_crowded(&self) -> bool {
        self.table.rows().any(|row| {
            row.customer.lives() && row.customer.cells.values().any(|cell| cell.applications.len() > 1)
        })
    }
}
