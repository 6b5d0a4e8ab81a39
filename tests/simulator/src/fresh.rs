//! Fresh ids and secrets. Each kind of id looks different, so that two mixed up are seen.

use std::fmt::Write;

use rand::Rng;
use rand::distr::Alphanumeric;

/// Letters and digits.
pub(crate) fn token(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

pub(crate) fn tenant_id() -> String {
    format!("t-{}", token(18).to_lowercase())
}

pub(crate) fn application_id() -> String {
    format!("app_{}", token(20))
}

pub(crate) fn client_id() -> String {
    format!("0oa{}", token(17))
}

/// 32 hexadecimal digits, within the vendor's 24 to 36 characters.
pub(crate) fn submission_id() -> String {
    rand::random::<[u8; 16]>().iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}
