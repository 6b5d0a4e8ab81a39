//! The vendor as a value: its state behind a handle, without a socket.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use axum::http::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::audit::Audit;
use crate::clock::{Clock, ClockChange};
use crate::faults::{Armed, Fault, Switchboard};
use crate::holds::{Held, Holds, Release};
use crate::options::{Options, Settings};
use crate::organization::Organization;
use crate::places::Stage;
use crate::scene::{Scene, World};
use crate::state::State;

/// A handle on the vendor. Clones share it.
#[derive(Clone)]
pub struct Vendor(Arc<Inner>);

struct Inner {
    base_url: String,
    stage: Stage,
    organization: Organization,
    signing_key: hmac::Key,
    first_settings: Settings,
    settings: Mutex<Settings>,
    clock: Clock,
    world: Mutex<World>,
    switchboard: Mutex<Switchboard>,
    holds: Holds,
}

/// What the vendor remembers at one moment, to be gone back to.
#[derive(Clone)]
pub struct Snapshot(World);

impl Vendor {
    /// Sets up the vendor under a base URL (`http://host:port`, no slash at the end). The URL goes
    /// into token endpoints' audiences and into presigned URLs.
    ///
    /// # Errors
    /// If the organization's key cannot be read or made.
    pub fn new(options: Options, base_url: &str) -> Result<Self> {
        let signing_key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self(Arc::new(Inner {
            base_url: base_url.to_owned(),
            stage: options.stage,
            organization: Organization::new(options.client_id, options.private_key_pem)?,
            signing_key: signing_key.map_err(|_| anyhow!("no random key for presigned URLs"))?,
            first_settings: options.settings.clone(),
            settings: Mutex::new(options.settings),
            clock: Clock::default(),
            world: Mutex::new(World::default()),
            switchboard: Mutex::new(Switchboard::default()),
            holds: Holds::default(),
        })))
    }

    /// Where it is, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    /// The token endpoint of Tenant Management.
    pub fn organization_token_url(&self) -> String {
        format!("{}/oauth2/{}/v1/token", self.base_url(), crate::places::ORGANIZATION_SERVER)
    }

    /// The organization's client id.
    pub fn organization_client_id(&self) -> &str {
        &self.0.organization.client_id
    }

    /// The organization's private key as PEM.
    pub fn organization_private_key_pem(&self) -> &str {
        &self.0.organization.private_key_pem
    }

    /// The simulator's time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The time by the clock that judges assertions, as a `Date` header tells it.
    pub(crate) fn date(&self) -> HeaderValue {
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&self.0.clock.assertion_now());
        HeaderValue::from_str(&date.expect("a year of four digits")).expect("a date is plain text")
    }

    /// Moves, stops or skews the clock. Late effects that become due happen.
    pub fn change_clock(&self, change: &ClockChange) {
        self.0.clock.change(change);
        self.scene(|_| ());
    }

    /// The present settings.
    pub fn settings(&self) -> Settings {
        lock(&self.0.settings).clone()
    }

    /// Replaces the settings.
    pub fn set_settings(&self, settings: Settings) {
        *lock(&self.0.settings) = settings;
    }

    /// Everything it knows.
    pub fn state(&self) -> State {
        self.scene(|scene| State::of(scene))
    }

    /// What is left over.
    pub fn audit(&self) -> Audit {
        Audit::of(&self.state())
    }

    /// Sets a fault and returns its number.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        lock(&self.0.switchboard).add(fault)
    }

    /// All faults that are set, used up or not.
    pub fn faults(&self) -> Vec<Armed> {
        lock(&self.0.switchboard).list()
    }

    /// Removes one fault, or all.
    pub fn remove_faults(&self, id: Option<u64>) {
        lock(&self.0.switchboard).remove(id);
    }

    /// The calls that are held now.
    pub fn held(&self) -> Vec<Held> {
        self.0.holds.list()
    }

    /// Waits until at least `count` calls are held.
    pub async fn wait_for_held(&self, count: usize) -> Vec<Held> {
        self.0.holds.wait_for(count).await
    }

    /// Releases one held call, or all; says how many.
    pub fn release(&self, id: Option<u64>, how: Release) -> usize {
        self.0.holds.release(id, how)
    }

    /// Remembers what the vendor remembers: not the clock, the settings or the faults.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(lock(&self.0.world).clone())
    }

    /// Goes back to a snapshot.
    pub fn restore(&self, snapshot: &Snapshot) {
        *lock(&self.0.world) = snapshot.0.clone();
    }

    /// Forgets everything but the organization: held calls are discarded, faults and settings are
    /// as at the start.
    pub fn reset(&self) {
        self.remove_faults(None);
        self.release(None, Release::Discard);
        self.set_settings(self.0.first_settings.clone());
        self.0.clock.reset();
        *lock(&self.0.world) = World::default();
    }

    pub(crate) fn switchboard(&self) -> MutexGuard<'_, Switchboard> {
        lock(&self.0.switchboard)
    }

    pub(crate) fn holds(&self) -> &Holds {
        &self.0.holds
    }

    pub(crate) fn stage(&self) -> Stage {
        self.0.stage
    }

    /// Shows the vendor as it is now, after all late effects that are due.
    pub(crate) fn scene<T>(&self, look: impl FnOnce(&mut Scene<'_>) -> T) -> T {
        let settings = self.settings();
        let mut world = lock(&self.0.world);
        let mut scene = Scene {
            world: &mut world,
            settings: &settings,
            organization: &self.0.organization,
            signing_key: &self.0.signing_key,
            stage: self.0.stage,
            base_url: &self.0.base_url,
            now: self.0.clock.now(),
            assertion_now: self.0.clock.assertion_now(),
        };
        scene.land();
        look(&mut scene)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
