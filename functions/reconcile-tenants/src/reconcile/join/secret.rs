//! What is wrong with the secret of a working cell.

use jiff::{SignedDuration, Timestamp};
use shared_core::customer::{Application, Customer, Phase};
use shared_core::ids::ApplicationId;
use shared_core::place::Cell;
use vault::{Description, Stage};

use super::super::commands;
use super::super::facts::{Context, Labelled, SecretFacts};
use super::super::findings::{Code, Finding, Subject};
use super::{DAY, about, anew, application_deleted};

/// A working cell.
pub(super) struct Place<'a> {
    pub(super) record: &'a Customer,
    pub(super) cell: Cell,
    pub(super) secret: &'a SecretFacts,
    /// Recorded applications that the vendor does not have.
    pub(super) gone: &'a [(Cell, ApplicationId)],
    pub(super) context: &'a Context<'a>,
}

/// Everything that is wrong with it.
pub(super) fn all(place: &Place<'_>) -> Vec<Finding> {
    let Some(description) = &place.secret.description else { return vec![place.missing(None)] };
    let mut found = match &place.secret.labelled {
        Labelled::Nothing => return vec![place.missing(description.deletion_date)],
        Labelled::Unreadable { why } => vec![place.unreadable(description, why)],
        Labelled::Credential { current, pending, accepted, .. } => {
            let due = place.due(description, current, pending.as_ref());
            let mut found: Vec<Finding> =
                due.iter().map(|(id, since)| place.retirement(id, *since)).collect();
            found.extend(place.deleted(current, &due));
            found.extend(place.refused(current, *accepted));
            found
        }
    };
    found.extend(place.pending(description));
    found.extend(place.rotation(description));
    found
}

impl Place<'_> {
    fn about(&self, application_id: Option<&ApplicationId>) -> Subject {
        Subject {
            cell: Some(self.cell),
            secret_name: Some(self.secret.name.clone()),
            application_id: application_id.cloned(),
            ..about(self.record)
        }
    }

    fn rotate(&self, code: Code) -> String {
        format!("rotate: {}", commands::rotate(self.context, &self.record.customer_id, self.cell, code))
    }

    fn missing(&self, deletion_date: Option<Timestamp>) -> Finding {
        let (code, name) = (Code::SecretMissing, &self.secret.name);
        let (explanation, action) = match deletion_date {
            Some(at) => (
                format!(
                    "`{name}` was deleted by somebody else, can be restored until {at}, and cannot be read"
                ),
                format!("restore it: aws secretsmanager restore-secret --secret-id {name}"),
            ),
            None => (
                format!(
                    "there is no secret `{name}`: nobody has the credential of the cell's application any more"
                ),
                anew(self.record, code, self.context),
            ),
        };
        Finding::new(code, self.about(None), explanation, action)
    }

    fn unreadable(&self, description: &Description, why: &str) -> Finding {
        let (code, name) = (Code::SecretUnreadable, &self.secret.name);
        let explanation = format!("AWSCURRENT of `{name}` is no credential that can be used here: {why}");
        let labels = description.version(Stage::Current).zip(description.version(Stage::Previous));
        let action = match labels {
            Some((current, previous)) => format!(
                "if the version before it was good, go back to it: aws secretsmanager update-secret-version-stage \
                 --secret-id {name} --version-stage AWSCURRENT --move-to-version-id {previous} \
                 --remove-from-version-id {current}"
            ),
            None => anew(self.record, code, self.context),
        };
        Finding::new(code, self.about(None), explanation, action)
    }

    /// The applications that neither AWSCURRENT nor AWSPENDING names and whose overlap has passed, with since
    /// when they are not named: as the clean-up will see it.
    fn due(
        &self,
        description: &Description,
        current: &ApplicationId,
        pending: Option<&ApplicationId>,
    ) -> Vec<(ApplicationId, Timestamp)> {
        let now = self.context.now;
        let Some(state) = self.record.cells.get(&self.cell) else { return Vec::new() };
        let changed = description.changed_at.map_or(now, |at| at + SignedDuration::from_secs(1)).min(now);
        let since = |one: &Application| one.unreferenced_since.unwrap_or(changed);
        state
            .applications
            .iter()
            .filter(|one| one.id != *current && Some(&one.id) != pending)
            .map(|one| (one.id.clone(), since(one)))
            .filter(|(_, since)| *since + self.context.rules.overlap <= now)
            .collect()
    }

    fn retirement(&self, id: &ApplicationId, since: Timestamp) -> Finding {
        let explanation = format!(
            "no label of `{}` names application {id} since {since} at the latest, and its overlap of {} s has passed: \
             a replaced credential still works",
            self.secret.name,
            self.context.rules.overlap.as_secs()
        );
        let action = "the clean-up deletes it, at its next call or in mode `apply`";
        Finding::new(Code::RetirementDue, self.about(Some(id)), explanation, action)
    }

    /// Applications of the cell that the vendor does not have, but for those that are to be forgotten anyway.
    fn deleted(&self, current: &ApplicationId, due: &[(ApplicationId, Timestamp)]) -> Vec<Finding> {
        let gone =
            self.gone.iter().filter(|(cell, id)| *cell == self.cell && due.iter().all(|(due, _)| due != id));
        gone.map(|(_, id)| {
            let mut finding = application_deleted(self.record, self.cell, id, self.context);
            finding.subject.secret_name = Some(self.secret.name.clone());
            if id != current {
                "AWSCURRENT does not name it, so readers are served; the next rotation or clean-up forgets it"
                    .clone_into(&mut finding.action);
            }
            finding
        })
        .collect()
    }

    fn refused(&self, current: &ApplicationId, accepted: bool) -> Option<Finding> {
        if accepted || self.gone.iter().any(|(_, id)| id == current) {
            return None;
        }
        let explanation = format!(
            "the vendor gives no token for AWSCURRENT of `{}`, and was asked twice; application {current} is there",
            self.secret.name
        );
        let code = Code::CredentialRefused;
        Some(Finding::new(code, self.about(Some(current)), explanation, self.rotate(code)))
    }

    fn pending(&self, description: &Description) -> Option<Finding> {
        let version = description.unfinished()?;
        let since = description.changed_at.filter(|at| *at + DAY < self.context.now)?;
        let explanation = format!(
            "version {version} of `{}` is AWSPENDING since {since} at least, and not current: no other rotation can \
             begin",
            self.secret.name
        );
        let code = Code::PendingTooOld;
        Some(Finding::new(code, self.about(None), explanation, self.rotate(code)))
    }

    fn rotation(&self, description: &Description) -> Option<Finding> {
        // An onboarding that is under way sets it before it ends.
        if self.record.phase != Phase::Active {
            return None;
        }
        let name = &self.secret.name;
        if !description.rotation_enabled {
            let explanation = format!("`{name}` is not rotated: somebody turned it off");
            let action = "it is set on its schedule again, in mode `apply`";
            return Some(Finding::new(Code::RotationOff, self.about(None), explanation, action));
        }
        let due = description.next_rotation_at.filter(|at| *at + DAY < self.context.now)?;
        let explanation =
            format!("`{name}` was to be rotated by {due}: its rotations fail, or are not begun");
        let code = Code::RotationOverdue;
        let action = format!("look into rotate-secret's log for the cause, then {}", self.rotate(code));
        Some(Finding::new(code, self.about(None), explanation, action))
    }
}
