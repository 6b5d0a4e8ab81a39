//! Replicas of secrets in other regions.

use std::fmt;
use std::str::FromStr;

use crate::{SecretName, Vault, VaultError};

/// An AWS region, such as `eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region(String);

impl Region {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Region {
    type Err = &'static str;

    /// Lower-case words and a number, set apart by hyphens (Secrets Manager: `ReplicaRegionType`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.rsplit_once('-') {
            Some((words, last)) if text.len() <= 128 && words.split('-').all(word) && number(last) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("the name of an AWS region, such as eu-west-1"),
        }
    }
}

impl Vault {
    /// Adds the replicas that a secret does not have yet. Others that it has stay: who made them, knows why.
    pub(crate) async fn replicate(&self, name: &SecretName) -> Result<(), VaultError> {
        if self.replica_regions.is_empty() {
            return Ok(());
        }
        let there = self.secrets.describe(name.as_str()).await?.replicas;
        let missing = self.replica_regions.iter().filter(|region| !there.contains(region));
        let missing: Vec<_> = missing.cloned().collect();
        match missing.is_empty() {
            true => Ok(()),
            false => self.secrets.replicate(name, &missing).await,
        }
    }

    /// Removes every replica of a secret, by whomever it was made, and says whether there was one: with replicas it
    /// cannot be deleted (Secrets Manager: `DeleteSecret`).
    pub(crate) async fn remove_replicas(&self, name: &SecretName) -> Result<bool, VaultError> {
        let there = self.secrets.describe(name.as_str()).await?.replicas;
        match there.is_empty() {
            true => Ok(false),
            false => self.secrets.remove_replicas(name, &there).await.map(|()| true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_words_and_a_number() {
        for legal in ["eu-west-1", "us-gov-west-1", "ap-southeast-2", "il-central-1"] {
            assert_eq!(legal.parse::<Region>().unwrap().as_str(), legal);
        }
        for illegal in ["", "eu-west", "eu-west-1a", "EU-west-1", "-1", "eu--1", "eu-west-1,us-east-1", "1"] {
            assert!(illegal.parse::<Region>().is_err(), "{illegal}");
        }
    }
}
