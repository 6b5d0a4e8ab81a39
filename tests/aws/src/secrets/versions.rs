//! The versions of one secret and the staging labels on them. No clock, no wire.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::clock::days;
use super::error::Refusal;

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PENDING: &str = "AWSPENDING";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

/// "Labels attached across all versions of a secret: 20" (User Guide, reference_limits).
const MOST_LABELS: usize = 20;

/// "Secrets Manager removes unlabeled versions when there are more than 100, but it does not remove
/// versions created less than 24 hours ago. If you update the secret value more than once every 10
/// minutes, you create more versions than Secrets Manager removes, and you will reach the quota for
/// secret versions" (User Guide, reference_limits).
///
/// The page no longer says how high that quota is; its earlier editions had "Versions of a secret:
/// ~100". It is assumed to be the same 100: the strictest reading, although one version every ten
/// minutes, which the page allows, makes 144 a day.
const MOST_VERSIONS: usize = 100;

/// What is secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum SecretValue {
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`, in base64 as it travels.
    Binary(String),
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// One version.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) id: String,
    /// None from the start of a rotation until its function has put a value: "During rotation,
    /// Secrets Manager creates an AWSPENDING version ID before creating the new secret version"
    /// (API_DescribeSecret, VersionIdsToStages).
    pub(super) value: Option<SecretValue>,
    pub(super) stages: Vec<String>,
    pub(super) created: Timestamp,
}

/// All versions, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    list: Vec<Version>,
}

impl Versions {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        self.list.iter()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Version> {
        self.list.iter().find(|version| version.id == id)
    }

    /// The version that `stage` is attached to.
    pub(super) fn holder(&self, stage: &str) -> Option<&Version> {
        self.list.iter().find(|version| version.stages.iter().any(|held| held == stage))
    }

    pub(super) fn holder_id(&self, stage: &str) -> Option<String> {
        self.holder(stage).map(|version| version.id.clone())
    }

    /// Stores a value under a version id, or finds that it is stored already. Says whether it wrote.
    ///
    /// - "If a version with this value already exists and that version's SecretString or SecretBinary
    ///   values are the same as those in the request then the request is ignored" and
    /// - "… are different … then the request fails because you can't modify a secret version"
    ///   (API_PutSecretValue and API_CreateSecret, ClientRequestToken).
    pub(super) fn put(&mut self, put: Put<'_>) -> Result<bool, Refusal> {
        match self.get(put.id).map(|version| version.value.as_ref()) {
            Some(Some(stored)) if *stored == put.value => return Ok(false),
            Some(Some(_)) => return Err(token_in_use(put.id, put.arn)),
            Some(None) | None => {}
        }
        let mut next = self.clone();
        next.write(put.id, Some(put.value), put.now);
        for stage in put.stages {
            next.attach(stage, put.id);
        }
        // "If this operation creates the first version for the secret, then Secrets Manager
        // automatically attaches the staging label AWSCURRENT to it" (API_PutSecretValue).
        if next.list.len() == 1 {
            next.attach(CURRENT, put.id);
        }
        next.check_labels()?;
        next.prune(put.now);
        next.check_number()?;
        *self = next;
        Ok(true)
    }

    /// Makes the version that a rotation starts with, empty but for a test's copy.
    pub(super) fn begin_rotation(
        &mut self,
        id: &str,
        value: Option<SecretValue>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut next = self.clone();
        next.write(id, value, now);
        next.attach(PENDING, id);
        next.check_labels()?;
        *self = next;
        Ok(())
    }

    /// Every version becomes so much older.
    pub(super) fn age(&mut self, by: Duration) {
        for version in &mut self.list {
            version.created -= by;
        }
    }

    /// Takes away a version: only what a rotation's test has made.
    pub(super) fn remove(&mut self, id: &str) {
        self.list.retain(|version| version.id != id);
    }

    /// UpdateSecretVersionStage.
    pub(super) fn move_label(
        &mut self,
        stage: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Refusal> {
        if let Some(missing) = [to, from].into_iter().flatten().find(|id| self.get(id).is_none()) {
            return Err(Refusal::no_value("VersionId", missing));
        }
        let holder = self.holder_id(stage);
        check_source(stage, holder.as_deref(), to, from)?;
        let Some(to) = to else {
            self.detach(stage);
            return Ok(());
        };
        let mut next = self.clone();
        next.attach(stage, to);
        next.check_labels()?;
        *self = next;
        Ok(())
    }

    fn write(&mut self, id: &str, value: Option<SecretValue>, now: Timestamp) {
        match self.list.iter_mut().find(|version| version.id == id) {
            Some(version) => version.value = value,
            None => self.list.push(Version { id: id.to_owned(), value, stages: Vec::new(), created: now }),
        }
    }

    /// "Each staging label can be attached to only one version at a time. To add a staging label to a
    /// version when it is already attached to another version, Secrets Manager first removes it from
    /// the other version" and "Whenever you move AWSCURRENT, Secrets Manager automatically moves the
    /// label AWSPREVIOUS to the version that AWSCURRENT was removed from"
    /// (API_UpdateSecretVersionStage; API_PutSecretValue says the same).
    fn attach(&mut self, stage: &str, to: &str) {
        let from = self.holder_id(stage);
        if from.as_deref() == Some(to) {
            return;
        }
        self.detach(stage);
        if let Some(version) = self.list.iter_mut().find(|version| version.id == to) {
            version.stages.push(stage.to_owned());
        }
        if let (CURRENT, Some(from)) = (stage, from) {
            self.attach(PREVIOUS, &from);
        }
    }

    fn detach(&mut self, stage: &str) {
        for version in &mut self.list {
            version.stages.retain(|held| held != stage);
        }
    }

    fn check_labels(&self) -> Result<(), Refusal> {
        let labels: usize = self.list.iter().map(|version| version.stages.len()).sum();
        if labels > MOST_LABELS {
            return Err(Refusal::limit(format!(
                "You can't attach more than {MOST_LABELS} staging labels to a secret."
            )));
        }
        Ok(())
    }

    /// What could not be removed counts, but not the empty version that a rotation begins with:
    /// API_RotateSecret lists no LimitExceededException, API_PutSecretValue does.
    fn check_number(&self) -> Result<(), Refusal> {
        if self.list.iter().filter(|version| version.value.is_some()).count() > MOST_VERSIONS {
            return Err(Refusal::limit(format!(
                "The secret has {MOST_VERSIONS} versions that are labelled or less than a day old."
            )));
        }
        Ok(())
    }

    /// "If this action results in the last label being removed from a version, then the version is
    /// considered to be 'deprecated' and can be deleted by Secrets Manager"
    /// (API_UpdateSecretVersionStage). When it is: see [`MOST_VERSIONS`].
    fn prune(&mut self, now: Timestamp) {
        while self.list.len() > MOST_VERSIONS {
            let removable = |version: &Version| version.stages.is_empty() && version.created + days(1) <= now;
            let Some(oldest) = self.list.iter().position(removable) else { return };
            self.list.remove(oldest);
        }
    }
}

/// A value to store.
#[derive(Clone)]
pub(super) struct Put<'a> {
    pub(super) id: &'a str,
    pub(super) arn: &'a str,
    pub(super) value: SecretValue,
    pub(super) stages: &'a [String],
    pub(super) now: Timestamp,
}

pub(super) fn token_in_use(token: &str, arn: &str) -> Refusal {
    Refusal::exists(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    ))
}

/// "If the staging label you are trying to attach to one version is already attached to a different
/// version, then you must include this parameter and specify the version that the label is to be
/// removed from. If the label is attached and you either do not specify this parameter, or the
/// version ID does not match, then the operation fails"
/// (API_UpdateSecretVersionStage, RemoveFromVersionId).
fn check_source(
    stage: &str,
    holder: Option<&str>,
    to: Option<&str>,
    from: Option<&str>,
) -> Result<(), Refusal> {
    match (holder, to, from) {
        (_, None, None) => Err(Refusal::parameter(
            "You must provide a value for MoveToVersionId, RemoveFromVersionId, or both.",
        )),
        // AWS's own sentence, as it appears in public bug reports; no page states the rule.
        (_, None, Some(_)) if stage == CURRENT => Err(Refusal::parameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
        )),
        (Some(holder), Some(to), None) if holder != to => Err(Refusal::parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version \
             {holder}, so you must explicitly reference that version in RemoveFromVersionId."
        ))),
        (holder, _, Some(from)) if holder != Some(from) => Err(Refusal::parameter(format!(
            "The parameter RemoveFromVersionId is not valid. Staging label {stage} is not attached to version {from}."
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(versions: &mut Versions, id: &str, stages: &[&str], now: Timestamp) -> Result<bool, Refusal> {
        let stages: Vec<String> = stages.iter().map(|&stage| stage.to_owned()).collect();
        let value = SecretValue::Text(format!("value of {id}"));
        versions.put(Put { id, arn: "arn", value, stages: &stages, now })
    }

    fn labelled(versions: &Versions) -> Vec<(String, Vec<String>)> {
        let mut all: Vec<_> = versions
            .iter()
            .map(|v| (v.id.clone(), v.stages.clone()))
            .filter(|(_, s)| !s.is_empty())
            .collect();
        all.iter_mut().for_each(|(_, stages)| stages.sort());
        all
    }

    fn expected(all: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        all.iter()
            .map(|(id, stages)| ((*id).to_owned(), stages.iter().map(|&s| s.to_owned()).collect()))
            .collect()
    }

    fn three() -> Versions {
        let mut versions = Versions::default();
        for id in ["a", "b", "c"] {
            put(&mut versions, id, &[CURRENT], Timestamp::UNIX_EPOCH).unwrap();
        }
        versions
    }

    #[test]
    fn previous_follows_current_and_the_oldest_loses_its_label() {
        assert_eq!(labelled(&three()), expected(&[("b", &[PREVIOUS]), ("c", &[CURRENT])]));
    }

    #[test]
    fn a_rollback_swaps_current_and_previous() {
        let mut versions = three();
        versions.move_label(CURRENT, Some("b"), Some("c")).unwrap();
        assert_eq!(labelled(&versions), expected(&[("b", &[CURRENT]), ("c", &[PREVIOUS])]));
    }

    #[test]
    fn the_first_version_is_current_whatever_was_asked_for() {
        let mut versions = Versions::default();
        put(&mut versions, "a", &[PENDING], Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(labelled(&versions), expected(&[("a", &[CURRENT, PENDING])]));
    }

    #[test]
    fn a_label_moves_only_with_the_right_source() {
        let mut versions = three();
        let before = labelled(&versions);
        for from in [None, Some("a"), Some("b")] {
            let refusal = versions.move_label(CURRENT, Some("b"), from).unwrap_err();
            assert_eq!(refusal.code, "InvalidParameterException", "{from:?}");
        }
        // The crash of a finishSecret that is repeated: the label is already there.
        assert!(versions.move_label(CURRENT, Some("c"), Some("b")).is_err());
        versions.move_label(CURRENT, Some("c"), None).unwrap();
        assert_eq!(labelled(&versions), before);
    }

    #[test]
    fn current_can_be_moved_and_never_removed() {
        assert!(three().move_label(CURRENT, None, Some("c")).is_err());
        assert!(three().move_label(CURRENT, None, None).is_err());
    }

    #[test]
    fn twenty_labels_fit_a_secret() {
        let mut versions = Versions::default();
        let labels: Vec<String> = (0..19).map(|n| format!("label-{n}")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        put(&mut versions, "a", &labels, Timestamp::UNIX_EPOCH).unwrap();
        let refusal = put(&mut versions, "b", &["one-more"], Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(refusal.code, "LimitExceededException");
        assert!(versions.get("b").is_none(), "a refused put leaves nothing");
    }

    #[test]
    fn old_versions_without_labels_make_room_for_new_ones() {
        let mut versions = Versions::default();
        for n in 0..100 {
            put(&mut versions, &format!("v{n}"), &[CURRENT], Timestamp::UNIX_EPOCH).unwrap();
        }
        let before = labelled(&versions);
        let refusal = put(&mut versions, "early", &[CURRENT], Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(refusal.code, "LimitExceededException", "none is a day old");
        assert_eq!(labelled(&versions), before);
        put(&mut versions, "late", &[CURRENT], Timestamp::UNIX_EPOCH + days(1)).unwrap();
        assert_eq!(versions.iter().count(), 100);
        assert!(versions.get("v0").is_none(), "the oldest goes first");
        assert_eq!(labelled(&versions), expected(&[("v99", &[PREVIOUS]), ("late", &[CURRENT])]));
    }

    #[test]
    fn debug_shows_no_value() {
        assert!(!format!("{:?}", three()).contains("value of"));
    }
}
