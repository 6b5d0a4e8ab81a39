//! What the platform asks for, of one customer.
#![allow(dead_code, reason = "each test uses a part of it")]

use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::TWO;
use laboratory::world::{Ask, World};
use serde_json::Value;

/// A laboratory in which all that has come to its end.
pub(crate) fn lab_with(asks: &[Ask<'_>]) -> Lab {
    let lab = Lab::new(Setup::default());
    for ask in asks {
        lab.world().ask(ask);
        lab.run(&[]).unwrap();
    }
    lab
}

/// The customer is signed.
pub(crate) fn on(cells: &'static [shared_core::place::Cell]) -> Ask<'static> {
    Ask::onboard("r-1", "acme", cells, 1)
}

/// It leaves.
pub(crate) const OFF: fn() -> Ask<'static> = || Ask::offboard("r-2", "acme", 2);

/// It comes back, or wants more cells.
pub(crate) const MORE: fn() -> Ask<'static> = || Ask::onboard("r-3", "acme", TWO, 3);

/// The customer's tenant.
pub(crate) fn ours(lab: &Lab) -> String {
    let world = lab.world();
    world.vendor.tenants().find(|tenant| tenant.name != "strangers").unwrap().id.clone()
}

/// What was announced last.
pub(crate) fn event(world: &World) -> Value {
    serde_json::to_value(world.bus.last().unwrap()).unwrap()
}
