//! Rotation schedules.

use crate::{SecretName, Vault, VaultError};

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
    /// Days between rotations, 1 to 1000.
    pub every_days: i64,
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
        match self.drop_pending(name, &secret).await? {
            true => self.secrets.schedule_rotation(name, schedule).await,
            false => Err(refused),
        }
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
