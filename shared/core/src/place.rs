//! The vendor's stages and cells.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::Invalid;

/// Where the vendor's service runs for us. URLs of two stages must never be mixed
/// (vendor: getting-started/concepts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Every cell.
    Production,
    /// The vendor's testing environment, which exists in `eu-1` only.
    Testing,
}

impl Stage {
    /// Whether the vendor runs `cell` in this stage.
    pub fn has(self, cell: Cell) -> bool {
        match self {
            Self::Production => true,
            Self::Testing => cell == Cell::Eu1,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Testing => "testing",
        })
    }
}

impl FromStr for Stage {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "production" => Ok(Self::Production),
            "testing" => Ok(Self::Testing),
            _ => Err(Invalid::new("stage", text, "it is `production` or `testing`")),
        }
    }
}

/// One of the vendor's regional installations. A tenant's applications each belong to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(!try_from, !into))]
pub enum Cell {
    /// Ireland. The only cell whose hosts carry no prefix.
    #[serde(rename = "eu-1")]
    Eu1,
    /// Northern Virginia.
    #[serde(rename = "us-1")]
    Us1,
    /// Canada.
    #[serde(rename = "ca-1")]
    Ca1,
    /// Mumbai.
    #[serde(rename = "ap-2")]
    Ap2,
    /// Sydney.
    #[serde(rename = "ap-3")]
    Ap3,
}

impl Cell {
    /// All of them, in the vendor's order.
    pub const ALL: [Self; 5] = [Self::Eu1, Self::Us1, Self::Ca1, Self::Ap2, Self::Ap3];

    /// The vendor's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu1 => "eu-1",
            Self::Us1 => "us-1",
            Self::Ca1 => "ca-1",
            Self::Ap2 => "ap-2",
            Self::Ap3 => "ap-3",
        }
    }

    /// The AWS region the cell runs in, which is also the region in its storage hosts' names.
    pub fn aws_region(self) -> &'static str {
        match self {
            Self::Eu1 => "eu-west-1",
            Self::Us1 => "us-east-1",
            Self::Ca1 => "ca-central-1",
            Self::Ap2 => "ap-south-1",
            Self::Ap3 => "ap-southeast-2",
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cell {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|cell| cell.as_str() == text)
            .ok_or_else(|| Invalid::new("cell", text, "it is one of `eu-1`, `us-1`, `ca-1`, `ap-2`, `ap-3`"))
    }
}

impl TryFrom<String> for Cell {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Cell> for String {
    fn from(cell: Cell) -> Self {
        cell.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_has_every_cell_and_testing_has_one() {
        let of =
            |stage: Stage| Cell::ALL.into_iter().filter(move |cell| stage.has(*cell)).collect::<Vec<_>>();
        assert_eq!(of(Stage::Production), Cell::ALL);
        assert_eq!(of(Stage::Testing), [Cell::Eu1]);
    }
}
