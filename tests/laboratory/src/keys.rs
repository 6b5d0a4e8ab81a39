//! Keys made beforehand: making one costs more than all else that a delivery does.

use std::cell::Cell;
use std::sync::OnceLock;

use resistant::{ApplicationKey, KeyError};
use secrecy::SecretString;

/// More than any world needs.
const MADE: usize = 512;

thread_local! {
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

/// How many keys the world has used: the next one is no earlier one's.
pub(crate) fn used() -> usize {
    NEXT.get()
}

/// Goes on after so many keys.
pub(crate) fn go_on_after(used: usize) {
    NEXT.set(used);
}

/// The world's next key.
pub(crate) fn next() -> Result<ApplicationKey, KeyError> {
    static KEYS: OnceLock<Vec<SecretString>> = OnceLock::new();
    let make = || (0..MADE).map(|_| ApplicationKey::generate().expect("a key").to_pem()).collect();
    let at = NEXT.get();
    NEXT.set(at + 1);
    ApplicationKey::from_pem(&KEYS.get_or_init(make)[at % MADE])
}
