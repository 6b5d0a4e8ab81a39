//! The vendor's cells and the authorization server of each plane and cell.

use std::fmt;

/// The authorization server of Tenant Management.
pub(crate) const ORGANIZATION_SERVER: &str = "aus17c172cLOCWEyk417";

/// The authorization server of Documents in the testing stage, which has the cell `eu-1` only.
const TESTING_SERVER: &str = "aus17c52xbW6c0yA9417";

/// One of the vendor's regional installations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cell {
    Eu1,
    Us1,
    Ca1,
    Ap2,
    Ap3,
}

impl Cell {
    pub(crate) const ALL: [Self; 5] = [Self::Eu1, Self::Us1, Self::Ca1, Self::Ap2, Self::Ap3];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Eu1 => "eu-1",
            Self::Us1 => "us-1",
            Self::Ca1 => "ca-1",
            Self::Ap2 => "ap-2",
            Self::Ap3 => "ap-3",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cell| cell.as_str() == name)
    }

    /// What precedes the host name of the cell's user interface: nothing for `eu-1`.
    pub(crate) fn host_prefix(self) -> String {
        match self {
            Self::Eu1 => String::new(),
            other => format!("{other}."),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of the vendor's stages is simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Every cell.
    #[default]
    Production,
    /// `eu-1` only, with an authorization server of its own.
    Testing,
}

impl Stage {
    pub(crate) fn has(self, cell: Cell) -> bool {
        self == Self::Production || cell == Cell::Eu1
    }

    /// The id of a cell's authorization server.
    pub(crate) fn server(self, cell: Cell) -> &'static str {
        match (self, cell) {
            (Self::Testing, _) => TESTING_SERVER,
            (Self::Production, Cell::Eu1) => "aus2un1hkrKhPjir4417",
            (Self::Production, Cell::Us1) => "aus3tzuy12e5blAJi417",
            (Self::Production, Cell::Ca1) => "ausd6inbxjwgeJfq4417",
            (Self::Production, Cell::Ap2) => "aus827qzu1l953dI4417",
            (Self::Production, Cell::Ap3) => "ausp40dse1Q0rzDq6417",
        }
    }

    /// What the tokens of an authorization server are good for.
    pub(crate) fn audience(self, server: &str) -> Option<Audience> {
        if server == ORGANIZATION_SERVER {
            return Some(Audience::Organization);
        }
        let mut cells = Cell::ALL.into_iter().filter(|cell| self.has(*cell));
        cells.find(|cell| self.server(*cell) == server).map(Audience::Cell)
    }
}

/// The API a token is for. No token serves two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Tenant Management.
    Organization,
    /// Documents in one cell.
    Cell(Cell),
}
