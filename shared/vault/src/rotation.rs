//! Rotation schedules.

use shared_core::ids::hex_digest;

use crate::{SecretName, Vault, VaultError, VersionId};

/// The token that Secrets Manager hands to a rotation function which assumes another identity;
/// it goes back with `PutSecretValue` (Secrets Manager: `RotationToken`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationToken(String);

impl RotationToken {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for RotationToken {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// How often a credential is rotated, and by whom.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The rotation function's ARN.
    pub function_arn: String,
    /// The most days between rotations, 1 to 999.
    pub every_days: u32,
}

impl Schedule {
    /// The hours between a secret's rotations: at most `every_days`, at least three quarters of that, and not
    /// the same for all. Customers who were signed on one day would else be rotated on one day, and Secrets
    /// Manager takes about 50 writes a second from all of them together (Secrets Manager: quotas). A window
    /// begins on the hour and, of a rate in hours, lasts one (Secrets Manager: `RotationRulesType`).
    pub fn every_hours(&self, name: &SecretName) -> u32 {
        let most = self.every_days * 24;
        let digest = hex_digest(&["rotation-schedule", name.as_str()]);
        let spread = u32::from_str_radix(&digest[..7], 16).unwrap_or_default();
        most - spread % (most / 4 + 1)
    }

    /// The same as Secrets Manager writes it.
    pub fn expression(&self, name: &SecretName) -> String {
        format!("rate({} hours)", self.every_hours(name))
    }
}

impl Vault {
    /// Sets the rotation schedule without rotating now. Secrets Manager runs the function's
    /// `testSecret` step once as a trial (Secrets Manager: `RotateImmediately`).
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager refuses or fails.
    pub async fn schedule_rotation(&self, name: &SecretName, schedule: &Schedule) -> Result<(), VaultError> {
        let refused = match self.secrets.schedule_rotation(name, schedule).await {
            Err(refused @ VaultError::Refused { .. }) => refused,
            other => return other,
        };
        let secret = self.secrets.describe(name.as_str()).await?;
        // An earlier attempt set it, and its trial still runs.
        if secret.rotation_enabled {
            return Ok(());
        }
        // A rotation that was cancelled leaves its label behind, which blocks every later one (Secrets
        // Manager: `CancelRotateSecret`).
        match secret.unfinished() {
            Some(pending) => {
                self.take_off(name, crate::Stage::Pending, &pending).await?;
                self.secrets.schedule_rotation(name, schedule).await
            }
            None => Err(refused),
        }
    }

    /// Begins a rotation to a version now. A repeat with the same version begins none (Secrets Manager:
    /// `RotateSecret`, `ClientRequestToken`).
    ///
    /// # Errors
    /// [`VaultError::Refused`] while an earlier rotation is not complete; another where Secrets Manager fails.
    pub async fn rotate_now(&self, name: &SecretName, version: &VersionId) -> Result<(), VaultError> {
        self.secrets.rotate_now(name, version).await
    }

    async fn is_rotated(&self, name: &SecretName) -> Result<bool, VaultError> {
        Ok(self.describe(name.as_str()).await?.is_some_and(|secret| secret.rotation_enabled))
    }

    /// Stops rotating. A secret that is not rotated, that waits for its deletion or that does not
    /// exist is left as it is.
    ///
    /// # Errors
    /// [`VaultError`] where Secrets Manager fails.
    pub async fn cancel_rotation(&self, name: &SecretName) -> Result<(), VaultError> {
        match self.secrets.cancel_rotation(name).await {
            Ok(()) | Err(VaultError::Missing(_) | VaultError::ScheduledForDeletion(_)) => Ok(()),
            // A secret that was never rotated is refused too.
            Err(VaultError::Refused { .. }) if !self.is_rotated(name).await? => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Prefix;

    #[test]
    fn ten_thousand_secrets_rotate_spread_over_a_week() {
        let prefix: Prefix = "resistant".parse().unwrap();
        let schedule = Schedule { function_arn: "f".to_owned(), every_days: 30 };
        let mut by_hour: BTreeMap<u32, usize> = BTreeMap::new();
        for n in 0..10_000 {
            let name = prefix.secret_name(&format!("customer-{n}").parse().unwrap(), "eu-1".parse().unwrap());
            *by_hour.entry(schedule.every_hours(&name)).or_default() += 1;
        }
        assert_eq!((*by_hour.keys().next().unwrap(), *by_hour.keys().last().unwrap()), (540, 720));
        // About 55 in an hour: even in one minute they would be 4 writes a second.
        assert!(by_hour.values().all(|secrets| *secrets <= 100), "{by_hour:?}");
    }

    #[test]
    fn the_shortest_schedule_keeps_secrets_managers_least_of_four_hours() {
        let schedule = Schedule { function_arn: "f".to_owned(), every_days: 1 };
        let prefix: Prefix = "resistant".parse().unwrap();
        for n in 0..100 {
            let name = prefix.secret_name(&format!("c{n}").parse().unwrap(), "eu-1".parse().unwrap());
            assert!((18..=24).contains(&schedule.every_hours(&name)));
        }
    }
}
