//! Identifiers, each a type of its own with one door: a value that exists is legal.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A value that breaks its rule. The message names what it was meant to be, the value and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: `{value}` is not legal: {rule}")]
pub struct Invalid {
    /// What the value was meant to be, in the words of the public interface.
    pub what: &'static str,
    /// The value, cut after 80 characters.
    pub value: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

impl Invalid {
    /// Names a broken rule.
    pub fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        let value = match value.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        };
        Self { what, value, rule }
    }
}

/// A text newtype: private field, `TryFrom<String>` as its only door, serde through it.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $pattern:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(transparent, !try_from, !into))]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(regex(pattern = $pattern)))] String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                let legal: fn(&str) -> bool = $legal;
                if legal(&text) { Ok(Self(text)) } else { Err(Invalid::new($what, &text, $rule)) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// What the vendor says of its ids is only that they are strings. They go into URL paths, where `.`
/// and `..` mean another path, and into record keys, so the rest is ruled out here.
fn opaque(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"/?#%\\\"".contains(&b))
        && !matches!(text, "." | "..")
}

text_id! {
    /// The platform's own id of a downstream customer. It becomes an S3 prefix, part of a secret's
    /// name and part of an IAM resource, and it must hold no personal data.
    CustomerId, "customer_id",
    "1 to 64 letters, digits, `_` or `-`, the first a letter or digit",
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            && text.as_bytes()[0].is_ascii_alphanumeric()
    }
}

text_id! {
    /// The producer's unique id of a request; a repeat of it is the same request.
    RequestId, "request_id",
    "1 to 128 letters, digits or any of `_.:/-`, the first a letter or digit",
    r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}$",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b))
            && text.as_bytes()[0].is_ascii_alphanumeric()
    }
}

text_id! {
    /// Keeps two deployments in one vendor organization apart; chosen once, never changed.
    InstallationId, "installation id",
    "3 to 32 lower-case letters, digits or `-`",
    r"^[a-z0-9-]{3,32}$",
    |text| {
        (3..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
}

text_id! {
    /// A tenant's name at the vendor: 1 to 61 of `a-z0-9`, unique in the organization
    /// (vendor: `TenantCreateRequest`). It shows in a hostname, so it is derived and opaque.
    TenantName, "tenant name",
    "1 to 61 lower-case letters or digits",
    r"^[a-z0-9]{1,61}$",
    |text| {
        (1..=61).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    }
}

text_id! {
    /// The vendor's id of a tenant.
    TenantId, "tenant_id", "1 to 256 visible ASCII characters without `/?#%\\\"`, neither `.` nor `..`", r"^[!-~]{1,256}$", opaque
}

text_id! {
    /// The vendor's id of a tenant application.
    ApplicationId, "application_id", "1 to 256 visible ASCII characters without `/?#%\\\"`, neither `.` nor `..`", r"^[!-~]{1,256}$", opaque
}

text_id! {
    /// The OAuth2 client id of an application or of the organization.
    ClientId, "client_id", "1 to 256 visible ASCII characters without `/?#%\\\"`, neither `.` nor `..`", r"^[!-~]{1,256}$", opaque
}

text_id! {
    /// The vendor's id of a submission. The schema says 24 to 36 characters, the vendor's own
    /// samples are shorter: opaque.
    SubmissionId, "submission_id", "1 to 256 visible ASCII characters without `/?#%\\\"`, neither `.` nor `..`", r"^[!-~]{1,256}$", opaque
}

text_id! {
    /// The id of a key pair, chosen by us: the RFC 7638 thumbprint of its public key.
    KeyId, "kid", "1 to 256 visible ASCII characters without `/?#%\\\"`, neither `.` nor `..`", r"^[!-~]{1,256}$", opaque
}

/// Which life of a customer this is: 1 at the first onboarding, one more at each return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Generation(u32);

impl Generation {
    /// The generation before any onboarding.
    pub const NONE: Self = Self(0);

    /// The next life.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// As a number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TenantName {
    /// The name of one life of a customer's tenant: 32 characters of lower-case base32 of SHA-256.
    ///
    /// The same three values always give the same name, so a create whose answer was lost is found
    /// again by name in the vendor's listing.
    pub fn derive(installation: &InstallationId, customer: &CustomerId, generation: Generation) -> Self {
        let digest =
            digest(&["tenant-name", installation.as_str(), customer.as_str(), &generation.to_string()]);
        Self(BASE32_NOPAD.encode(&digest[..20]).to_ascii_lowercase())
    }
}

/// SHA-256 over parts, each led by its length so that no two lists of parts meet.
pub fn digest(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// [`digest`] in lower-case hex.
pub fn hex_digest(parts: &[&str]) -> String {
    data_encoding::HEXLOWER.encode(&digest(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_id_is_checked_at_its_one_door() {
        for legal in ["a", "A1", "acme-corp_7", &"x".repeat(64)] {
            assert!(legal.parse::<CustomerId>().is_ok(), "{legal}");
        }
        for illegal in ["", "-a", "_a", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(illegal.parse::<CustomerId>().is_err(), "{illegal}");
        }
        assert!(serde_json::from_str::<CustomerId>("\"a/b\"").is_err());
    }

    #[test]
    fn an_id_of_the_vendor_stays_one_segment_of_a_path() {
        for legal in ["a", "0oa1b2c3", "a.b", "...", ".a", "a..", "a:b@c~", &"x".repeat(256)] {
            assert!(legal.parse::<TenantId>().is_ok(), "{legal}");
        }
        for illegal in ["", ".", "..", "a/b", "/", "a?b", "a#b", "%2e", "a\\b", "a\"b", "a b", "a\n", "ä"] {
            assert!(illegal.parse::<TenantId>().is_err(), "{illegal}");
        }
        assert!("x".repeat(257).parse::<SubmissionId>().is_err());
        for dots in [".", ".."] {
            assert!(dots.parse::<ApplicationId>().is_err() && dots.parse::<SubmissionId>().is_err());
            assert!(dots.parse::<ClientId>().is_err() && dots.parse::<KeyId>().is_err());
        }
    }

    #[test]
    fn each_id_keeps_its_own_rule_at_every_edge() {
        fn legal<T: std::str::FromStr>(texts: &[&str]) -> Vec<bool> {
            texts.iter().map(|text| text.parse::<T>().is_ok()).collect()
        }
        let long = |length| "a".repeat(length);
        let (at_most, more) = (long(61), long(62));
        let names = ["a", "z9", &at_most, "", &more, "A", "a-b", "a_b"];
        assert_eq!(legal::<TenantName>(&names), [true, true, true, false, false, false, false, false]);
        let (at_most, more) = (long(32), long(33));
        let installations = ["abc", "a-1", &at_most, "ab", &more, "ABC", "a_b"];
        assert_eq!(legal::<InstallationId>(&installations), [true, true, true, false, false, false, false]);
        let (at_most, more) = (long(128), long(129));
        let requests = ["r", "R9_.:/-", &at_most, "", &more, "-r", "r r"];
        assert_eq!(legal::<RequestId>(&requests), [true, true, true, false, false, false, false]);
    }

    #[test]
    fn an_error_names_the_field_the_value_and_the_rule() {
        let error = "a b".parse::<CustomerId>().unwrap_err().to_string();
        assert!(
            error.contains("customer_id") && error.contains("`a b`") && error.contains("letters"),
            "{error}"
        );
    }

    #[test]
    fn a_tenant_name_is_legal_stable_and_its_own() {
        let (installation, customer) = ("prod-1".parse().unwrap(), "acme".parse().unwrap());
        let name = TenantName::derive(&installation, &customer, Generation(1));
        assert_eq!(name, TenantName::derive(&installation, &customer, Generation(1)));
        assert!(name.as_str().len() == 32 && name.as_str().parse::<TenantName>().is_ok());
        assert_ne!(name, TenantName::derive(&installation, &customer, Generation(2)));
        assert_ne!(name, TenantName::derive(&"prod-2".parse().unwrap(), &customer, Generation(1)));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}
