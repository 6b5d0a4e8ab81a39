//! The fault laboratory.

mod clock;
pub mod closure;
pub mod fault;
mod gate;
mod keys;
pub mod lab;
pub mod laws;
pub mod normal;
mod ports;
mod request;
pub mod run;
pub mod scenarios;
pub mod simulation;
pub mod strike;
pub mod table;
pub mod vendor;
pub mod world;

use jiff::Timestamp;

/// When every world begins.
pub const BEGINNING: Timestamp = Timestamp::constant(1_800_000_000, 0);
