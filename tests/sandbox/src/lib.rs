//! The whole system on one machine: the vendor's simulator, the AWS emulator, the deployed template
//! and the real function binaries, on loopback and on free ports.
//!
//! | module | holds |
//! |---|---|
//! | [`sandbox`] | all of it, started and stopped |
//! | [`journey`], [`report`] | the main job from end to end, and what was expected of it |
//! | [`rotations`] | credentials that are rotated under load |
//! | [`burst`] | more documents than the vendor takes at once |
//! | [`drifts`] | what a reconciliation finds, made by hand |
//! | [`large`] | one large document |
//! | [`lifecycle`] | the stack itself: changed in place, refused a second time, removed |
//! | [`bus`], [`look`] | talking to it, and looking into vendor, registry, vault and queues |
//! | [`emulator`], [`supervised`], [`python`] | AWS, as a child process that cannot be left behind |
//! | [`functions`], [`stack`] | the bootstraps, and the template that is deployed with them |
//! | [`watched`] | the metrics that the template's alarms and dashboard look at |

pub mod burst;
pub mod bus;
pub mod clients;
pub mod drifts;
pub mod emulator;
pub mod functions;
pub mod journey;
pub mod large;
pub mod lifecycle;
mod load;
pub mod look;
pub mod pdf;
pub mod places;
pub mod progress;
pub mod python;
pub mod report;
pub mod rotations;
pub mod sandbox;
pub mod stack;
pub mod supervised;
pub mod watched;
