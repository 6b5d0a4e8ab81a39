//! A customer's pause: while it lasts, no flow changes anything of the customer.
//!
//! It is said under the lease, so no flow is at work when it begins. A request in work waits where it is, and
//! goes on from there.

use shared_core::customer::{Pause, Transition};
use shared_core::request::PauseRequest;

use crate::session::{Session, cause_of};
use crate::{Attempt, FlowError, Remover};

impl Remover {
    /// Stops the work on a customer, or lets it go on. Answers whether that changed anything: who is paused
    /// already is left as it is, with the first word on why.
    ///
    /// # Errors
    /// [`FlowError`]; [`FlowError::NotYet`] where another invocation works on the customer for longer.
    pub async fn pause(&self, request: &PauseRequest, attempt: &Attempt) -> Result<bool, FlowError> {
        let cause = cause_of(&request.asked, attempt);
        let mut session = Session::open_patiently(self, &request.customer_id, &cause, attempt).await?;
        let changes = session.customer().paused().is_some() != request.paused;
        let done = if changes { session.step(switch(request, &session)).await } else { Ok(()) };
        session.release().await;
        done.map(|()| changes)
    }
}

fn switch(request: &PauseRequest, session: &Session) -> Transition {
    if !request.paused {
        return Transition::Resume;
    }
    let pause = Pause {
        actor: request.asked.actor.to_string(),
        reason: request.asked.reason.to_string(),
        since: session.now(),
    };
    Transition::Pause { pause }
}

impl Session {
    /// Goes no further with a customer that an operator has paused, and gives its lease back.
    pub(crate) async fn unless_paused(self) -> Result<Self, FlowError> {
        let Some(Pause { actor, reason, .. }) = self.customer().paused().cloned() else { return Ok(self) };
        self.release().await;
        Err(FlowError::Paused { actor, reason })
    }
}
