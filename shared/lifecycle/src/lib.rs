//! The flows that create, rotate and remove what a customer has at the vendor.
//!
//! Each flow is level-triggered: it takes the customer's lease, looks at the record, does the next
//! missing thing, writes it down and goes on. Whatever stops it, the next delivery of the same
//! message goes on from the record. Three rules hold throughout:
//!
//! 1. **Intent before call.** What a call needs to be repeated or recognized (the tenant's name, the
//!    application's sealed key) is in the record before the call is made.
//! 2. **Adopt after doubt.** A call whose answer is unknown is never repeated blindly: the vendor's
//!    listing, and a token obtained with our key, decide what exists.
//! 3. **Prove before promote.** A credential is stored for readers after a token was obtained with it,
//!    and a customer is called gone after a full listing no longer shows its tenant.
//!
//! What a crash leaves, and who repairs it:
//!
//! | crash after | left behind | repaired by the next delivery |
//! |---|---|---|
//! | accepting the request | an intent with a sealed key, nothing at the vendor | goes on |
//! | creating the tenant | a tenant that is not recorded | finds it by its derived name |
//! | creating the application | an application that is not recorded | lists, obtains a token with the sealed key, adopts; nothing found: waits `settle`, lists again, creates |
//! | storing the secret | a secret, the record still says provisioning | stores the same version again, which changes nothing |
//! | deleting an application or the tenant | the record still names it | lists again; gone is done |
//! | giving up after too long a wait | what was made, still recorded; the next request goes on from it |
//! | finishing | an event that was not announced | announces it, with the same id |

#[cfg(feature = "provide")]
mod application;
mod begin;
mod connect;
mod error;
#[cfg(feature = "provide")]
mod onboard;
#[cfg(feature = "provide")]
mod outcome;
mod remove;
#[cfg(feature = "provide")]
mod rotate;
mod session;
mod tenant;

use std::time::Duration;

use registry::Registry;
use resistant::{Clock, ControlPlane};
use shared_core::attempt::Attempt;
use vault::Vault;

pub use connect::{ConnectError, Organization};
pub use error::FlowError;
#[cfg(feature = "provide")]
pub use onboard::Terms;
#[cfg(feature = "provide")]
pub use rotate::{Rotated, Rotation};

/// The times that the flows keep to.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long after an unclear create nothing is decided: a listing may be late, and a call of a
    /// killed invocation may land late.
    pub settle: Duration,
    /// How long readers keep a credential or a customer's phase after they read it.
    pub reader_cache: Duration,
    /// Days in which a deleted secret can be restored, 7 to 30 (Secrets Manager: `DeleteSecret`).
    pub recovery_window_days: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(60),
            reader_cache: Duration::from_secs(300),
            recovery_window_days: 30,
        }
    }
}

/// What removing a customer needs: no key, no token of a tenant.
#[derive(Clone)]
pub struct Remover {
    registry: Registry,
    vault: Vault,
    control: ControlPlane,
    clock: Clock,
    rules: Rules,
}

impl Remover {
    /// Removes with these adapters, by these rules.
    pub fn new(registry: Registry, vault: Vault, control: ControlPlane, clock: Clock, rules: Rules) -> Self {
        Self { registry, vault, control, clock, rules }
    }

    /// The registry, to mark what was announced.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    fn at(&self, attempt: &Attempt) -> Self {
        Self { control: self.control.with_deadline(attempt.deadline), ..self.clone() }
    }
}

/// What making applications needs on top: keys, their seals, and tokens to prove them with.
#[cfg(feature = "provide")]
#[derive(Clone)]
pub struct Provider {
    remover: Remover,
    vendor: resistant::Vendor,
    sealer: vault::Sealer,
    keys: fn() -> Result<resistant::ApplicationKey, resistant::KeyError>,
    schedule: Option<vault::Schedule>,
    overlap: Duration,
}

#[cfg(feature = "provide")]
impl Provider {
    /// Provides, and undoes what cannot be finished, with these adapters.
    pub fn new(remover: Remover, vendor: resistant::Vendor, sealer: vault::Sealer) -> Self {
        let keys = resistant::ApplicationKey::generate;
        Self { remover, vendor, sealer, keys, schedule: None, overlap: Duration::from_secs(7200) }
    }

    /// New keys come from here, and none comes twice.
    pub fn with_keys(self, keys: fn() -> Result<resistant::ApplicationKey, resistant::KeyError>) -> Self {
        Self { keys, ..self }
    }

    /// New secrets are rotated on this schedule.
    pub fn with_schedule(self, schedule: vault::Schedule) -> Self {
        Self { schedule: Some(schedule), ..self }
    }

    /// How long an application lives on after no staging label names it: the longest life of a token,
    /// the readers' cache and a margin.
    pub fn with_overlap(self, overlap: Duration) -> Self {
        Self { overlap, ..self }
    }

    /// The registry, to mark what was announced.
    pub fn registry(&self) -> &Registry {
        &self.remover.registry
    }

    fn at(&self, attempt: &Attempt) -> Self {
        Self {
            remover: self.remover.at(attempt),
            vendor: self.vendor.with_deadline(attempt.deadline),
            ..self.clone()
        }
    }
}
