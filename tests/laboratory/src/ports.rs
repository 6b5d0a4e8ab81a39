//! The fast forms in the adapters' places: each method is one call through the gate.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::StatusCode;
use resistant::{Answer, CallError, Exchange};
use runtime::bus::{Announce, AnnounceError};
use runtime::{Backlog, BoxError, Parcel, Postpone};
use serde_json::{Value, json};
use shared_core::event::OutboundEvent;
use shared_core::request::OnboardingRequest;

use crate::fault::Service;
use crate::gate::{Gate, Trouble};
use crate::request::Request;
use crate::world::{Function, World};

mod objects;
mod secrets;
mod tables;

/// The way of the functions to everything outside.
#[derive(Clone, Debug)]
pub(crate) struct Port(pub(crate) Arc<Gate>);

/// What a struck call to AWS says.
#[derive(Debug)]
struct Struck(Trouble);

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a fault that was asked for: {:?}", self.0)
    }
}

impl std::error::Error for Struck {}

#[async_trait]
impl Backlog for Port {
    async fn waiting(&self, queue_url: &str) -> Result<u64, BoxError> {
        let told = |world: &mut World| world.dead_letters.get(queue_url).copied().unwrap_or_default();
        let told = self.0.pass(Service::Sqs, "GetQueueAttributes", told).await;
        told.map_err(|trouble| Struck(trouble).into())
    }
}

#[async_trait]
impl Announce for Port {
    async fn announce(&self, event: &OutboundEvent) -> Result<(), AnnounceError> {
        let detail_type = event.detail_type();
        let put = self.0.pass(Service::EventBridge, "PutEvents", |world| world.bus.push(event.clone())).await;
        put.map_err(|trouble| AnnounceError::Call { detail_type, source: Struck(trouble).into() })
    }

    async fn ask(&self, kind: &'static str, request: &Value) -> Result<(), AnnounceError> {
        let function = match kind {
            OnboardingRequest::TYPE => Function::Onboard,
            _ => Function::Offboard,
        };
        let put = |world: &mut World| world.put_on_the_bus(function, request);
        let put = self.0.pass(Service::EventBridge, "PutEvents", put).await;
        put.map_err(|trouble| AnnounceError::Call { detail_type: kind, source: Struck(trouble).into() })
    }
}

/// A function's own queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) port: Port,
    pub(crate) function: Function,
}

#[async_trait]
impl Postpone for Queue {
    async fn postpone(&self, parcel: &Parcel) -> Result<(), BoxError> {
        let send = |world: &mut World| world.send(self.function, parcel.clone());
        self.port.0.pass(Service::Sqs, "SendMessage", send).await.map_err(|trouble| Struck(trouble).into())
    }
}

#[async_trait]
impl Exchange for Port {
    async fn exchange(
        &self,
        operation: &'static str,
        mut sent: reqwest::Request,
    ) -> Result<Answer, CallError> {
        let request = Request::of(&mut sent).await.map_err(|error| CallError::Unclear {
            operation,
            problem: "the body broke".to_owned(),
            source: Some(Arc::new(error)),
        })?;
        let unclear = || CallError::Unclear { operation, problem: "asked for".to_owned(), source: None };
        let answer = |status: u16, body: &Value| {
            Answer::new(StatusCode::from_u16(status).expect("a status"), Bytes::from(body.to_string()))
        };
        let passed =
            self.0.pass(Service::Vendor, operation, |world| world.vendor.answer(&request, world.now));
        match passed.await {
            Ok((status, body)) => Ok(answer(status, &body)),
            Err(Trouble::Status(status)) => Ok(answer(status, &json!({"message": "asked for"}))),
            Err(Trouble::Refused) => {
                Err(CallError::NotSent { operation, problem: "asked for", source: None })
            }
            Err(Trouble::Unclear) => Err(unclear()),
            Err(Trouble::Late) => {
                let at = self.0.lands_at();
                self.0.world().landing.push((at, request));
                Err(unclear())
            }
        }
    }
}
