//! How many calls a unit of work has made so far.

use serde_json::Value;

/// Kept with the unit's span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Those to the vendor, each attempt by itself.
    pub(super) vendor: u64,
    /// Those to AWS, each attempt by itself.
    pub(super) aws: u64,
}

impl Tally {
    /// As fields of the line at the unit's end: those that are not zero.
    pub(super) fn fields(self) -> impl Iterator<Item = (String, Value)> {
        let fields = [("vendor_calls", self.vendor), ("aws_calls", self.aws)];
        fields
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| (name.to_owned(), count.into()))
    }
}
