//! The whole system on one machine: the vendor's simulator, the AWS emulator, the deployed template
//! and the real function binaries, on loopback and on free ports.

pub mod emulator;
pub mod functions;
pub mod pdf;
pub mod places;
pub mod progress;
pub mod python;
pub mod stack;
pub mod supervised;
