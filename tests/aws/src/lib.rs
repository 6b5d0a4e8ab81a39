//! AWS as the tests need it, where no emulator is good enough.
//!
//! | module | holds |
//! |---|---|
//! | [`secrets`] | Secrets Manager by its documented rules, with a rotation that calls its function |
//! | [`proxy`] | a reverse proxy that records the action and resources of each call and can hold, cut and answer calls |

pub mod proxy;
pub mod secrets;
