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
//! # The protocol, for a reviewer
//!
//! What a step does to the record is one `match` in [`shared_core::customer`]; which step comes next is
//! decided here, from the record alone. A step is a write that carries the lease's fence, with its audit
//! entry in the same transaction; between two steps there is at most one call that changes something.
//!
//! | phase | step by step, each done once or found done | module |
//! |---|---|---|
//! | Absent, Offboarded, Failed → Onboarding | the request, the tenant's name and a sealed key for each cell are saved | `onboard` |
//! | Onboarding | the tenant is found by its name or made | `onboard`, `tenant` |
//! | Onboarding, each cell | the application is made or adopted, proved by a token, stored as one secret, set to rotate; then the cell is Active | `application` |
//! | Onboarding → Active | the end is saved with its event, then announced | `session` |
//! | Onboarding → Offboarding → Failed | no cell can be had: everything is removed as below | `remove` |
//! | any → Offboarding | one of too many in an hour waits for an operator; the phase first; rotations are cancelled; open documents are awaited, if that is asked for; readers' caches run out; what is still open ends | `admit`, `remove`, `open` |
//! | Offboarding | applications as listed, until none is; the tenant, until no listing shows it; the secrets | `tenant`, `remove` |
//! | Active, each cell | a rotation's steps: an application as above and AWSPENDING; proved by a token; AWSCURRENT moves and the replaced application is stamped | `rotate` |
//! | Active, each cell | what no label names is deleted once its overlap has passed, by the next rotation or the clean-up | `retire` |
//! | Active, each cell | an operator has it rotated, or AWSPREVIOUS proved and made AWSCURRENT again | `operate` |
//! | no tenant → Onboarding | an operator has a tenant imported that exists; what was there before us is never undone | `adopt` |
//! | any but Offboarding → Active | an operator has a record restored from what the secrets prove | `restore` |
//! | any | an operator's pause: every flow gives the lease back at once, and waits | `pause` |
//! | Offboarding → Offboarded | the end is saved with its certificate, then announced | `session` |
//!
//! What a crash leaves, and who repairs it. The next delivery is that of the same message: the queue's, or the
//! deferral's.
//!
//! | crash after | left behind | the next delivery |
//! |---|---|---|
//! | taking the lease | a lease, which ends five seconds after its invocation would have | waits for that, then goes on |
//! | sealing a key | nothing: the sealed key was not saved | seals another |
//! | saving the request | an intent with a sealed key, nothing at the vendor | goes on |
//! | creating the tenant | a tenant that is not recorded | finds it by its derived name; a name that is refused is looked for until `settle` has passed |
//! | creating the application | an application that is not recorded | lists, obtains a token with the sealed key, adopts; nothing listed: waits `settle`, lists again, creates; something listed that is not ours: waits until ours would be accepted |
//! | creating an application with a client secret | an application whose secret nobody has | waits `settle`; exactly one unrecorded application of the cell is deleted and made again, several are a person's to sort out |
//! | storing the secret | a secret, the record still says provisioning | stores the same version again, which changes nothing |
//! | setting the rotation | a schedule | sets it again; a label that an earlier life left behind is taken off |
//! | storing AWSPENDING | a version with its value, the record still says intended | finds it, and says so in the record |
//! | moving AWSCURRENT | a replaced application without a stamp | the repeated step stamps it; else the clean-up, as of the secret's last change |
//! | stamping by force | an application that nobody counts on | the clean-up, or the request again, deletes it |
//! | taking AWSPENDING off, in a roll back | one of the two legal ends of the rotation | moves AWSCURRENT back |
//! | moving AWSCURRENT back | the rolled back application without a stamp | finds AWSPREVIOUS on the bad version: it was done |
//! | writing down which documents are cut off | some of them still open | those that are still open are cut off |
//! | deleting an application or the tenant | the record still names it | lists again; gone is done, whatever the deletion answers |
//! | saving the end | an event that was not announced | announces it, with the same id |
//! | deferring | the old message beside the new one | either; what has ended answers from the record |
//! | giving up after a day of attempts | what was made, still recorded, or still intended | the next request goes on from it, and a removal is finished by it |
//!
//! Whom not to believe: a 404 on a listing or a deletion, a refused name, a token that is refused once. Each of
//! them may be said of what is there, so a full listing, or a second look, decides.
//!
//! `tests/laboratory` strikes every call of all this with every fault, alone and in pairs, closes the set of
//! states that can be reached so, and runs seeded schedules of it.

mod admit;
mod adopt;
#[cfg(feature = "provide")]
mod application;
mod begin;
mod connect;
mod error;
#[cfg(feature = "provide")]
mod onboard;
mod open;
#[cfg(feature = "provide")]
mod operate;
#[cfg(feature = "provide")]
mod outcome;
mod pause;
mod remove;
mod reschedule;
mod restore;
mod retire;
#[cfg(feature = "provide")]
mod rotate;
mod session;
mod tenant;

use std::time::Duration;

use registry::{Documents, Registry};
use resistant::{Clock, ControlPlane};
use shared_core::attempt::Attempt;
use vault::Vault;

pub use connect::{ConnectError, Deployment, Organization};
pub use error::FlowError;
#[cfg(feature = "provide")]
pub use onboard::Terms;
#[cfg(feature = "provide")]
pub use operate::Asked;
pub use restore::Restored;
pub use retire::CleanedUp;
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
    /// How long an application lives on after no staging label names it: the longest life of a token, the
    /// readers' cache and a margin.
    pub overlap: Duration,
    /// How many customers may leave in an hour before an operator is asked.
    pub offboardings_an_hour: usize,
    /// Days in which a deleted secret can be restored, 7 to 30 (Secrets Manager: `DeleteSecret`).
    pub recovery_window_days: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            settle: resistant::limits::SETTLE,
            reader_cache: Duration::from_secs(300),
            overlap: Duration::from_secs(7200),
            offboardings_an_hour: 5,
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
    documents: Option<Documents>,
}

impl Remover {
    /// Removes with these adapters, by these rules.
    pub fn new(registry: Registry, vault: Vault, control: ControlPlane, clock: Clock, rules: Rules) -> Self {
        Self { registry, vault, control, clock, rules, documents: None }
    }

    /// Ends the open documents of those whom it removes.
    pub fn with_documents(self, documents: Documents) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// New secrets are encrypted under this KMS key instead of the account's default one.
    pub fn with_secrets_key(self, key_id: &str) -> Self {
        Self { vault: self.vault.with_key(key_id), ..self }
    }

    /// New secrets are replicated to these regions too.
    pub fn with_replicas(self, regions: &[vault::Region]) -> Self {
        Self { vault: self.vault.with_replicas(regions.to_vec()), ..self }
    }

    /// The registry, to mark what was announced and to look at what is recorded.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The vault, to look at what it holds.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The control plane, to look at what the vendor holds.
    pub fn control(&self) -> &ControlPlane {
        &self.control
    }

    /// The times that it keeps to.
    pub fn rules(&self) -> &Rules {
        &self.rules
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
}

#[cfg(feature = "provide")]
impl Provider {
    /// Provides, and undoes what cannot be finished, with these adapters.
    pub fn new(remover: Remover, vendor: resistant::Vendor, sealer: vault::Sealer) -> Self {
        let keys = resistant::ApplicationKey::generate;
        Self { remover, vendor, sealer, keys, schedule: None }
    }

    /// New keys come from here, and none comes twice.
    pub fn with_keys(self, keys: fn() -> Result<resistant::ApplicationKey, resistant::KeyError>) -> Self {
        Self { keys, ..self }
    }

    /// New secrets are rotated on this schedule.
    pub fn with_schedule(self, schedule: vault::Schedule) -> Self {
        Self { schedule: Some(schedule), ..self }
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
