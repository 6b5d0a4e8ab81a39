//! What is struck: a customer's life in its parts.

use std::time::Duration;

use serde_json::{Value, json};
use shared_core::place::Cell;

use crate::files::File;
use crate::lab::{Lab, Setup};
use crate::world::{Ask, World};

/// One cell.
pub const ONE: &[Cell] = &[Cell::Eu1];
/// Two cells.
pub const TWO: &[Cell] = &[Cell::Eu1, Cell::Us1];
/// Three cells.
pub const THREE: &[Cell] = &[Cell::Eu1, Cell::Us1, Cell::Ca1];

/// Two regions beside the control plane's.
const ABROAD: &[&str] = &["eu-west-1", "ap-southeast-2"];

const PLAIN: File = File::plain("acme/eu-1/plain.pdf");
const DESCRIBED: File = File::described("acme/us-1/described.pdf");
const UNVERSIONED: File = File { version: None, ..PLAIN };
const REPLACING: File = File { content: "something else", ..UNVERSIONED };

/// As long as readers keep what they have read.
const READERS: Duration = Duration::from_secs(300);

/// A part of a customer's life.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is.
    pub name: &'static str,
    /// What has come to its end before.
    before: Vec<Ask<'static>>,
    /// What is asked for now.
    now: Vec<Ask<'static>>,
    /// The files that land now.
    files: Vec<File>,
    /// Whether every secret is rotated now.
    rotated: bool,
    /// Whether its pairs are too many for every test run.
    pub large: bool,
    /// What is otherwise than usual.
    with: fn(&mut World),
    /// How long `submit-document` keeps what it has read.
    cache: Duration,
    /// Whether results are looked for before they are there.
    early: bool,
    /// How many tenants the functions are told that the vendor allows.
    quota: usize,
    /// The regions that secrets are replicated to.
    replicas: &'static [&'static str],
}

fn on(cells: &'static [Cell]) -> Ask<'static> {
    Ask::onboard("r-1", "acme", cells, 1)
}

const OFF: fn() -> Ask<'static> = || Ask::offboard("r-2", "acme", 2);

const DRAIN: fn() -> Ask<'static> = || OFF().with_drain();

/// More than is kept with a record.
fn large_result() -> Value {
    json!({"status": "SUCCESS", "score": "WARNING", "indicators": vec!["an indicator"; 500]})
}

/// All of them.
pub fn all() -> Vec<Scenario> {
    let usual: fn(&mut World) = |_| {};
    let scenario = |name, before, now, with| Scenario {
        name,
        before,
        now,
        files: vec![],
        rotated: false,
        large: false,
        with,
        cache: Duration::ZERO,
        early: false,
        quota: 20,
        replicas: &[],
    };
    let rotated = |name, before, now| Scenario { rotated: true, ..scenario(name, before, now, usual) };
    let files = |name, files: &[File], now| Scenario {
        files: files.to_vec(),
        ..scenario(name, vec![on(TWO)], now, usual)
    };
    let back = |cells| Ask::onboard("r-3", "acme", cells, 3);
    vec![
        scenario("onboarding, 1 cell", vec![], vec![on(ONE)], usual),
        scenario("onboarding, 3 cells", vec![], vec![on(THREE)], usual),
        scenario("onboarding, 1 client secret", vec![], vec![on(ONE).with_client_secrets()], usual),
        Scenario {
            large: true,
            ..scenario("onboarding, 3 client secrets", vec![], vec![on(THREE).with_client_secrets()], usual)
        },
        scenario("offboarding, 3 cells", vec![on(THREE)], vec![OFF()], usual),
        scenario("offboarding, client secrets", vec![on(TWO).with_client_secrets()], vec![OFF()], usual),
        scenario("onboarding again", vec![on(ONE), OFF()], vec![back(TWO)], usual),
        scenario("more cells", vec![on(ONE)], vec![back(THREE)], usual),
        Scenario {
            replicas: ABROAD,
            ..scenario("onboarding again, with replicas", vec![on(ONE), OFF()], vec![back(TWO)], usual)
        },
        Scenario {
            replicas: ABROAD,
            ..scenario("offboarding, with replicas", vec![on(TWO)], vec![OFF()], usual)
        },
        scenario("onboarding that meets an offboarding", vec![], vec![on(ONE), OFF()], usual),
        rotated("rotation, 1 cell", vec![on(ONE)], vec![]),
        Scenario {
            large: true,
            ..rotated("rotation, 1 client secret", vec![on(ONE).with_client_secrets()], vec![])
        },
        Scenario { large: true, ..rotated("rotations of 2 cells at once", vec![on(TWO)], vec![]) },
        rotated("rotation that meets an offboarding", vec![on(ONE)], vec![OFF()]),
        Scenario { large: true, ..rotated("rotation that meets more cells", vec![on(ONE)], vec![back(TWO)]) },
        files("a document", &[PLAIN], vec![]),
        files("a document with characteristics", &[DESCRIBED], vec![]),
        Scenario {
            with: |world| world.vendor.told_again = 400,
            ..files("characteristics are taken once", &[DESCRIBED], vec![])
        },
        files("a document without a version", &[UNVERSIONED], vec![]),
        files("a document that was replaced", &[UNVERSIONED, REPLACING], vec![]),
        Scenario { large: true, ..files("a document that meets an offboarding", &[PLAIN], vec![OFF()]) },
        Scenario { large: true, ..files("a document that is awaited", &[PLAIN], vec![DRAIN()]) },
        Scenario {
            early: true,
            large: true,
            with: |world| world.vendor.result = Some(large_result()),
            ..files("a large result that is looked for early", &[PLAIN], vec![])
        },
        Scenario {
            with: |world| {
                world.vendor.result = Some(json!({"status": "INVALID_INPUT", "message": "no pages"}))
            },
            ..files("a document that cannot be analysed", &[PLAIN], vec![])
        },
        Scenario {
            large: true,
            with: |world| world.vendor.stuck = true,
            ..files("an analysis that never ends", &[PLAIN], vec![])
        },
        Scenario { cache: READERS, ..files("two documents and a warm cache", &[PLAIN, DESCRIBED], vec![]) },
        Scenario {
            rotated: true,
            large: true,
            cache: READERS,
            ..files("documents that meet a rotation", &[PLAIN, DESCRIBED], vec![])
        },
        Scenario {
            before: vec![],
            large: true,
            ..files("a document that meets an onboarding", &[PLAIN], vec![on(TWO)])
        },
        full("undo: the quota is full (429)", |world| world.vendor.quota_status = 429),
        full("undo: the quota is full (403)", |world| world.vendor.quota_status = 403),
        scenario("a deletion of what is gone says 400", vec![on(ONE)], vec![OFF()], |world| {
            world.vendor.gone_status = 400;
        }),
        scenario("a stranger's application in our tenant", vec![on(ONE)], vec![back(TWO)], |world| {
            let tenant = world.vendor.tenants().find(|tenant| tenant.name != "strangers");
            if let Some(tenant) = tenant.map(|tenant| tenant.id.clone()) {
                world.intrude(&tenant);
            }
        }),
    ]
}

/// The stranger's tenant is all that the organization may have.
fn full(name: &'static str, with: fn(&mut World)) -> Scenario {
    Scenario {
        name,
        before: Vec::new(),
        now: vec![on(ONE)],
        files: Vec::new(),
        rotated: false,
        large: false,
        with,
        cache: Duration::ZERO,
        early: false,
        quota: 1,
        replicas: &[],
    }
}

impl Scenario {
    /// How the functions are set up for it.
    pub fn setup(&self, cold: bool) -> Setup {
        let (quota, cache, replicas) = (self.quota, self.cache, self.replicas);
        let usual = Setup { quota, cache, cold, replicas, ..Setup::default() };
        if self.early { Setup { first_look: Duration::from_secs(1), ..usual } } else { usual }
    }

    /// The world in which it begins.
    ///
    /// # Panics
    /// Where what comes before does not come to its end.
    pub fn begin(&self, lab: &Lab) -> World {
        lab.enter(World::new(crate::BEGINNING));
        for ask in &self.before {
            lab.world().ask(ask);
            lab.run(&[]).expect("what comes before ends well");
        }
        let mut world = lab.world().clone();
        world.vendor.quota = self.quota;
        (self.with)(&mut world);
        for ask in &self.now {
            world.ask(ask);
        }
        for file in &self.files {
            world.put(*file);
        }
        let names: Vec<String> = world.secrets.secrets().map(|secret| secret.name).collect();
        for name in names.iter().filter(|_| self.rotated) {
            assert!(world.rotate(name), "{name} can be rotated");
        }
        world
    }
}
