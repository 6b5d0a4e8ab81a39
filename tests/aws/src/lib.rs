//! AWS as the tests need it, where no emulator is good enough.
//!
//! | module | holds |
//! |---|---|
//! | [`secrets`] | Secrets Manager by its documented rules, with a rotation that calls its function |

pub mod secrets;
