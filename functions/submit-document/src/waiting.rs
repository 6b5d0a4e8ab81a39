//! The first look at a result: from then on `collect-result` waits for it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use runtime::deferral::LONGEST_DELAY;
use runtime::{Parcel, Postpone};
use shared_core::document::{Document, DocumentId, Look, State};
use shared_core::ids::TenantId;

use crate::submit::Stop;

/// When the result of a document is looked for first.
#[derive(Clone, Debug, Default)]
pub struct FirstLook {
    /// So long after its submission.
    pub after: Duration,
    /// The tenants of whose results the vendor tells by itself: theirs are looked for only after the longest
    /// delay of a queue, in case a notification is lost.
    pub notified: BTreeSet<TenantId>,
}

impl FirstLook {
    fn delay(&self, document: &Document) -> Duration {
        let tenant = document.submission.as_ref().and_then(|submission| submission.tenant_id.as_ref());
        if tenant.is_some_and(|tenant| self.notified.contains(tenant)) { LONGEST_DELAY } else { self.after }
    }
}

/// Sends the first look at a document's result, if there will be one.
pub(crate) async fn begin(
    looks: &dyn Postpone,
    document: &Document,
    first: &FirstLook,
    now: Timestamp,
) -> Result<(), Stop> {
    if document.state != State::Submitted {
        return Ok(());
    }
    let look = Look::at(DocumentId::of(&document.source));
    let group = document.customer_id.as_ref().map(ToString::to_string);
    let parcel = Parcel::first(look.to_json(), first.delay(document), group, now);
    looks.postpone(&parcel).await.map_err(Stop::Look)
}

#[cfg(test)]
mod tests {
    use shared_core::document::{Source, Step, Submission};
    use shared_core::ids::Generation;
    use shared_core::place::Cell;

    use super::*;

    fn of_tenant(tenant: Option<&str>) -> Document {
        let submission = Submission {
            id: "s-1".parse().unwrap(),
            upload_url: None,
            created_at: Timestamp::UNIX_EPOCH,
            removing_until: None,
            generation: Generation::NONE.next(),
            tenant_id: tenant.map(|tenant| tenant.parse().unwrap()),
            pipeline: resistant::Pipeline::FraudOnly,
            decision: false,
            characteristics: false,
        };
        let [bucket, key] = ["b", "acme/a.pdf"].map(str::to_owned);
        let source = Source { bucket, key, version_id: None, etag: None };
        let step = Step::Created { customer_id: "acme".parse().unwrap(), cell: Cell::Eu1, submission };
        Document::claimed(source, Timestamp::UNIX_EPOCH).apply(step).unwrap()
    }

    #[test]
    fn a_result_that_the_vendor_tells_of_is_looked_for_late() {
        let after = Duration::from_secs(10);
        let first = FirstLook { after, notified: BTreeSet::from(["t-1".parse().unwrap()]) };
        assert_eq!(first.delay(&of_tenant(Some("t-1"))), LONGEST_DELAY);
        assert_eq!(first.delay(&of_tenant(Some("t-2"))), after);
        assert_eq!(first.delay(&of_tenant(None)), after);
    }
}
