//! Names of secrets.

use std::fmt;
use std::str::FromStr;

use shared_core::ids::{CustomerId, Invalid};
use shared_core::place::Cell;

/// What the names of an installation's secrets begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl FromStr for Prefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = "1 to 100 letters, digits or any of `/_+=.@-`, without a slash at either end";
        let legal = (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b))
            && !text.starts_with('/')
            && !text.ends_with('/');
        if legal { Ok(Self(text.to_owned())) } else { Err(Invalid::new("secret prefix", text, rule)) }
    }
}

/// The name of the secret of one customer in one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretName {
    text: String,
    customer_id: CustomerId,
    cell: Cell,
}

impl Prefix {
    /// The name of a customer's secret in a cell.
    pub fn secret_name(&self, customer_id: &CustomerId, cell: Cell) -> SecretName {
        let text = format!("{}/{customer_id}/{cell}/credential", self.0);
        SecretName { text, customer_id: customer_id.clone(), cell }
    }

    /// What every name begins with, up to the slash.
    pub(crate) fn folder(&self) -> String {
        format!("{}/", self.0)
    }

    /// Reads a name back, so that a function can tell whose secret it was called for.
    ///
    /// # Errors
    /// [`Invalid`] where the name is not one of this installation's.
    pub fn read(&self, name: &str) -> Result<SecretName, Invalid> {
        let rule = "`<prefix>/<customer_id>/<cell>/credential`, with this installation's prefix";
        let invalid = || Invalid::new("secret name", name, rule);
        let rest = name.strip_prefix(&self.0).and_then(|rest| rest.strip_prefix('/')).ok_or_else(invalid)?;
        let [customer_id, cell, "credential"] = rest.split('/').collect::<Vec<_>>()[..] else {
            return Err(invalid());
        };
        let (customer_id, cell) = (customer_id.parse()?, cell.parse()?);
        Ok(SecretName { text: name.to_owned(), customer_id, cell })
    }
}

impl SecretName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose it is.
    pub fn customer_id(&self) -> &CustomerId {
        &self.customer_id
    }

    /// For which cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_it_was_made() {
        let prefix: Prefix = "acme/resistant".parse().unwrap();
        let name = prefix.secret_name(&"customer-1".parse().unwrap(), Cell::Us1);
        assert_eq!(name.as_str(), "acme/resistant/customer-1/us-1/credential");
        assert_eq!(prefix.read(name.as_str()).unwrap(), name);
    }

    #[test]
    fn a_foreign_name_is_refused() {
        let prefix: Prefix = "resistant".parse().unwrap();
        for name in [
            "resistant",
            "resistant/c/eu-1",
            "other/c/eu-1/credential",
            "resistantx/c/eu-1/credential",
            "resistant/c/eu-9/credential",
            "resistant/c/d/eu-1/credential",
        ] {
            assert!(prefix.read(name).is_err(), "{name}");
        }
    }
}
