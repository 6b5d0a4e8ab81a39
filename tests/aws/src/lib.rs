//! AWS as the tests need it, where no emulator is good enough.
//!
//! | module | holds |
//! |---|---|
//! | [`secrets`] | Secrets Manager by its documented rules, with a rotation that calls its function |
//! | [`proxy`] | a reverse proxy that records the action and resources of each call and can hold, cut and answer calls |
//! | [`runtime_api`] | Lambda's Runtime API over real `bootstrap` binaries, to kill and freeze; an Invoke API before them |

pub mod proxy;
pub mod runtime_api;
pub mod secrets;
