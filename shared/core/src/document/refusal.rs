//! Why a document is refused.

use crate::customer::Failure;
use crate::event::ReasonCode;
use crate::ids::CustomerId;
use crate::place::Cell;

/// The most bytes that one upload takes: a single PUT to S3 (S3: PutObject).
pub const LARGEST_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Why a document is refused. Each has its own stable code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The key does not begin with a legal customer id and a slash.
    #[error("the key does not begin with `<customer_id>/`: put the object under its customer's prefix")]
    NoCustomerInKey,
    /// The registry does not know the customer.
    #[error("customer `{0}` was never onboarded: onboard it first, then upload the object again")]
    UnknownCustomer(CustomerId),
    /// The customer is leaving or has left.
    #[error("customer `{0}` is being or has been offboarded")]
    CustomerGone(CustomerId),
    /// The cell is not one of the customer's.
    #[error("customer `{0}` has no working application in cell `{1}`")]
    NoSuchCell(CustomerId, Cell),
    /// The customer has several cells and the key names none.
    #[error("customer `{0}` has several cells: put the object under `{0}/<cell>/`")]
    AmbiguousCell(CustomerId),
    /// There are no bytes to analyse.
    #[error("the object is empty")]
    Empty,
    /// It has more than [`LARGEST_BYTES`].
    #[error("the object has {0} bytes, and one upload takes at most {LARGEST_BYTES}")]
    TooLarge(u64),
    /// The version is not there any more.
    #[error("the object's version does not exist any more")]
    Gone,
    /// The object was replaced in a bucket without versioning.
    #[error("the object was replaced by a newer one since the event")]
    Replaced,
    /// Its storage class needs a restore before it can be read.
    #[error("the object is archived: restore it, then copy it onto itself")]
    Archived,
    /// What its metadata or tags ask for cannot be done. The text names keys and rules, never a value:
    /// a value may be personal data.
    #[error("the object's metadata or tags: {0}")]
    Metadata(String),
    /// It waited for too long. The text says for what.
    #[error("it could not be submitted in 24 h, at last because {0}: upload it again once that has passed")]
    TooOld(String),
    /// The vendor refuses the submission for good.
    #[error("the vendor refused the submission: {0}")]
    RefusedByVendor(String),
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> ReasonCode {
        match self {
            Self::NoCustomerInKey => ReasonCode::KeyNamesNoCustomer,
            Self::UnknownCustomer(_) => ReasonCode::UnknownCustomer,
            Self::CustomerGone(_) => ReasonCode::CustomerOffboarding,
            Self::NoSuchCell(..) => ReasonCode::NoApplicationInCell,
            Self::AmbiguousCell(_) => ReasonCode::AmbiguousCell,
            Self::Empty => ReasonCode::EmptyObject,
            Self::TooLarge(_) => ReasonCode::ObjectTooLarge,
            Self::Gone => ReasonCode::ObjectGone,
            Self::Replaced => ReasonCode::Superseded,
            Self::Archived => ReasonCode::ObjectArchived,
            Self::Metadata(_) => ReasonCode::InvalidMetadata,
            Self::TooOld(_) => ReasonCode::TooOld,
            Self::RefusedByVendor(_) => ReasonCode::VendorRefused,
        }
    }
}

impl From<&Refusal> for Failure {
    fn from(refusal: &Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}
