//! All secrets, and how one of them is found.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::error::Refusal;
use super::replication::Replica;
use super::schedule::Schedule;
use super::versions::Versions;

/// One secret.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) versions: Versions,
    pub(super) schedule: Schedule,
    /// Where else it is.
    pub(super) replicas: Vec<Replica>,
    /// The region of its primary, where this is a replica.
    pub(super) primary_region: Option<String>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) accessed: Option<Timestamp>,
    /// The end of the recovery window.
    pub(super) deleted: Option<Timestamp>,
}

impl Secret {
    /// The secret, where it is not scheduled for deletion: "When a secret is scheduled for deletion,
    /// you cannot retrieve the secret value" (API_DeleteSecret), and every operation whose page
    /// lists InvalidRequestException with the cause "The secret is scheduled for deletion".
    pub(super) fn usable(&mut self) -> Result<&mut Self, Refusal> {
        if self.deleted.is_some() { Err(Refusal::marked_for_deletion()) } else { Ok(self) }
    }

    /// Every date of it moves back.
    pub(super) fn age(&mut self, by: Duration) {
        let Self { created, changed, accessed, deleted, schedule, versions, .. } = self;
        let optional = [accessed, deleted, &mut schedule.last, &mut schedule.next];
        for date in [created, changed].into_iter().chain(optional.into_iter().flatten()) {
            *date -= by;
        }
        versions.age(by);
    }
}

/// The account's secrets in one region, in the order of their creation.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) region: String,
    account: String,
    prefix: String,
    secrets: Vec<Secret>,
}

impl Store {
    pub(super) fn new(region: &str, account: &str) -> Self {
        let prefix = format!("arn:aws:secretsmanager:{region}:{account}:secret:");
        Self { region: region.to_owned(), account: account.to_owned(), prefix, secrets: Vec::new() }
    }

    /// What another region has of these secrets. "The ARN for a replicated secret is the same as the primary secret
    /// except for the Region" (User Guide, replicate-secrets).
    pub(super) fn replicas_in(&self, region: &str) -> Self {
        let mut there = Self::new(region, &self.account);
        for secret in &self.secrets {
            let Some(replica) = secret.replicas.iter().find(|replica| replica.region == region) else {
                continue;
            };
            let mut copy = secret.clone();
            copy.arn = secret.arn.replacen(&self.prefix, &there.prefix, 1);
            copy.kms_key_id.clone_from(&replica.kms_key_id);
            copy.primary_region = Some(self.region.clone());
            copy.replicas.clear();
            there.secrets.push(copy);
        }
        there
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.iter()
    }

    /// Forgets what is past its recovery window. "There is no guarantee of a specific time after the
    /// recovery window for the permanent delete to occur" (API_DeleteSecret): here it is at once.
    pub(super) fn purge(&mut self, now: Timestamp) {
        self.secrets.retain(|secret| secret.deleted.is_none_or(|end| end > now));
    }

    pub(super) fn named(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|secret| secret.name == name)
    }

    /// A secret by its name, its ARN, or its ARN without the six random characters.
    pub(super) fn find(&mut self, id: &str) -> Result<&mut Secret, Refusal> {
        let matches = |secret: &Secret| match id.strip_prefix(&self.prefix) {
            Some(partial) => secret.arn == id || (!looks_complete(partial) && secret.name == partial),
            None => secret.name == id,
        };
        let index = self.secrets.iter().position(matches).ok_or_else(Refusal::no_secret)?;
        Ok(&mut self.secrets[index])
    }

    /// Adds a secret without versions.
    pub(super) fn add(&mut self, name: &str, now: Timestamp) -> &mut Secret {
        self.secrets.push(Secret {
            arn: self.new_arn(name),
            name: name.to_owned(),
            description: None,
            kms_key_id: None,
            tags: BTreeMap::new(),
            versions: Versions::default(),
            schedule: Schedule::default(),
            replicas: Vec::new(),
            primary_region: None,
            created: now,
            changed: now,
            accessed: None,
            deleted: None,
        });
        self.secrets.last_mut().expect("it was just pushed")
    }

    pub(super) fn remove(&mut self, arn: &str) {
        self.secrets.retain(|secret| secret.arn != arn);
    }

    /// "The ARN includes the name of the secret followed by six random characters. This ensures that
    /// if you create a new secret with the same name as a deleted secret, then users with access to
    /// the old secret don't get access to the new secret because the ARNs are different"
    /// (API_CreateSecret, ARN).
    pub(super) fn new_arn(&self, name: &str) -> String {
        use rand::Rng as _;
        use rand::distr::Alphanumeric;
        let suffix: String = rand::rng().sample_iter(Alphanumeric).take(6).map(char::from).collect();
        format!("{}{name}-{suffix}", self.prefix)
    }
}

/// "if your secret has a name that ends in a hyphen followed by six characters … and you try to use
/// that as a partial ARN, then those characters cause Secrets Manager to assume that you're
/// specifying a complete ARN" (User Guide, troubleshoot, "Finding a secret from a partial ARN").
fn looks_complete(partial: &str) -> bool {
    partial
        .rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == 6 && end.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_name_and_by_both_arns() {
        let mut store = Store::new("eu-west-1", "123456789012");
        let arn = store.add("a/b", Timestamp::UNIX_EPOCH).arn.clone();
        for id in ["a/b", &arn, &arn[..arn.len() - 7]] {
            assert_eq!(store.find(id).unwrap().arn, arn, "{id}");
        }
        for id in
            ["a", "a/b-", &format!("{arn}x"), &arn.replace("eu-west-1", "us-east-1"), &arn[arn.len() - 10..]]
        {
            assert!(store.find(id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_name_that_ends_like_an_arn_is_not_found_by_its_partial_arn() {
        let mut store = Store::new("eu-west-1", "123456789012");
        store.add("my-secret", Timestamp::UNIX_EPOCH);
        assert!(store.find("my-secret").is_ok());
        assert!(store.find("arn:aws:secretsmanager:eu-west-1:123456789012:secret:my-secret").is_err());
    }
}
