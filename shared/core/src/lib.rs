//! Ids, records, events and rules of the system.
//!
//! Nothing here knows a clock, a network, AWS, the Lambda runtime or the environment: times come in
//! as arguments, and what a function decides is a value. That keeps the protocol testable without
//! any of them, and a test in `tests/e2e` keeps it so.
//!
//! | module | holds |
//! |---|---|
//! | [`ids`] | every identifier as a type with one door |
//! | [`place`] | the vendor's stages and cells |
//! | [`credential`] | the value of a customer's secret |
//! | [`customer`] | the customer record and its transitions |
//! | [`document`] | a document's identity and its record |
//! | [`request`] | what the platform asks for |
//! | [`event`] | what the platform is told |
//! | [`settings`] | what a function is told at its start, read with every problem named |
//! | [`arn`] | the region in an ARN |
//! | [`attempt`] | one invocation's attempt at a unit of work |
//! | [`failure`] | what kinds of failure there are, and what follows from each |

pub mod arn;
pub mod attempt;
pub mod credential;
pub mod customer;
pub mod document;
mod elapsed;
pub mod event;
pub mod failure;
pub mod ids;
pub mod place;
pub mod request;
pub mod settings;

pub use elapsed::elapsed;
