//! The documents of a customer that leaves: awaited if it is to be drained, then cut off.

use std::time::Duration;

use registry::Documents;
use resistant::limits::LONGEST_ANALYSIS;
use shared_core::customer::{Failure, Transition};
use shared_core::document::{Document, DocumentId, State, Step};
use shared_core::elapsed;
use shared_core::event::ReasonCode;

use crate::session::Session;
use crate::{FlowError, Remover};

/// How long after the longest analysis a drain ends: a last look may come so late.
const LAST_LOOK: Duration = Duration::from_secs(60);

/// How often a drain looks whether anything is open.
const BETWEEN: Duration = Duration::from_secs(30);

impl Remover {
    /// Waits for the documents that are open, where the request asked for that: as long as an analysis may take,
    /// counted from when the customer was marked.
    pub(crate) async fn drain(&self, session: &Session) -> Result<(), FlowError> {
        let customer = session.customer();
        let (Some(documents), Some(work)) = (&self.documents, &customer.work) else { return Ok(()) };
        if !customer.drains() || elapsed(work.accepted_at, session.now()) > LONGEST_ANALYSIS + LAST_LOOK {
            return Ok(());
        }
        if documents.open(&customer.customer_id).await?.documents.is_empty() {
            return Ok(());
        }
        Err(FlowError::not_yet(BETWEEN, "the customer's open documents are awaited"))
    }

    /// Ends what is still open: its results go with the tenant. That is written into the certificate first. The
    /// end is told by each document's next look, which finds it recorded. What is not submitted yet is rejected by
    /// who works on it.
    pub(crate) async fn cut_off(&self, session: &mut Session) -> Result<(), FlowError> {
        let Some(documents) = self.documents.clone() else { return Ok(()) };
        let open = documents.open(&session.customer().customer_id).await?;
        let submitted = open.documents.iter().filter(|one| one.state == State::Submitted);
        let submitted: Vec<Document> = submitted.cloned().collect();
        if !submitted.is_empty() {
            let ids = submitted.iter().map(|document| DocumentId::of(&document.source)).collect();
            session.step(Transition::DocumentsCutOff { ids }).await?;
            for document in submitted {
                end(&documents, document, session).await?;
            }
        }
        match open.more {
            true => Err(FlowError::not_yet(Duration::from_secs(1), "more documents are to be cut off")),
            false => Ok(()),
        }
    }
}

async fn end(documents: &Documents, document: Document, session: &Session) -> Result<(), FlowError> {
    let explanation = "the customer was offboarded before the result was there: the vendor's tenant, and the \
                       submission with it, is deleted";
    let failure = Failure::new(ReasonCode::CustomerOffboarding, explanation);
    let step = Step::AnalysisFailed { failure, findings: None, at: session.now() };
    let ended = document.apply(step).map_err(|error| FlowError::Contract(error.to_string()))?;
    documents.settle(&ended, None).await?;
    Ok(())
}
