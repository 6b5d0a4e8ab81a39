//! One customer with one cell, and its credential.
#![allow(dead_code, reason = "each test uses a part of it")]

use laboratory::delivery::{Delivered, End, Work};
use laboratory::fault::Fault;
use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::ONE;
use laboratory::world::Ask;
use shared_core::credential::Credential;

pub(crate) const NAME: &str = "resistant/acme/eu-1/credential";

pub(crate) fn signed() -> Lab {
    let lab = Lab::new(Setup::default());
    lab.world().ask(&Ask::onboard("r-1", "acme", ONE, 1));
    lab.run(&[]).unwrap();
    lab
}

/// Rotated once, and the replaced application's overlap has just begun.
pub(crate) fn rotated() -> Lab {
    let lab = signed();
    assert!(lab.world().rotate(NAME));
    for _ in 0..4 {
        assert_eq!(step(&lab, vec![]).end, End::Done);
    }
    assert!(lab.world().rotating.is_empty());
    lab
}

pub(crate) fn step(lab: &Lab, plan: Vec<(usize, Fault)>) -> Delivered {
    lab.deliver(Work::Step(NAME.to_owned()), plan)
}

/// The version with a label. What these answer holds no lock on the world.
pub(crate) fn labelled(lab: &Lab, label: &str) -> Option<String> {
    let world = lab.world();
    let secret = world.secrets.secrets().find(|secret| secret.name == NAME).unwrap();
    secret.version(label).map(str::to_owned)
}

pub(crate) fn current(lab: &Lab) -> Credential {
    let world = lab.world();
    Credential::from_secret_value(world.secrets.reveal(NAME, "AWSCURRENT").unwrap()).unwrap()
}
