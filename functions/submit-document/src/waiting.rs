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
