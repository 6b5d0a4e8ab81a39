//! From a request to its answer: read, matched with the faults, done, written down.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::http::header::DATE;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};

use crate::answer::{Answer, cut};
use crate::call::Call;
use crate::faults::{Effect, HoldAt};
use crate::holds::Release;
use crate::operations::{self, Operation};
use crate::scene::Scene;
use crate::state::CallRecord;
use crate::upload;
use crate::vendor::Vendor;
use crate::who::Who;

/// More than any JSON or form body needs.
const LARGEST_BODY: usize = 1024 * 1024;

/// What a call came to: the status it really ended with, and what the caller is told.
struct Ending {
    effect: Option<u16>,
    answer: Option<Answer>,
}

impl Ending {
    const CUT: Self = Self { effect: None, answer: None };

    /// What a fault answers, in the form of the host it strikes.
    fn instead(operation: Operation, status: u16) -> Self {
        let message = "a fault that was asked for";
        let answer = match operation {
            Operation::Token => Answer::oauth(status, "temporarily_unavailable", message),
            Operation::Upload | Operation::Download => Answer::s3(status, "InternalError", message),
            _ => Answer::error(status, message),
        };
        Self { effect: None, answer: Some(answer) }
    }

    fn plain(answer: Answer) -> Self {
        Self { effect: Some(answer.status), answer: Some(answer) }
    }
}

/// Answers a request of the vendor's API.
pub(crate) async fn vendor(State(vendor): State<Vendor>, request: Request) -> Response<Body> {
    let mut response = respond(&vendor, request).await;
    // An answer tells the time by the clock that judges assertions.
    response.headers_mut().insert(DATE, vendor.date());
    response
}

async fn respond(vendor: &Vendor, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = operations::route(parts.method.as_str(), parts.uri.path());
    let target = target.filter(|target| target.cell.is_none_or(|cell| vendor.stage().has(cell)));
    let Some(target) = target else {
        return unknown(vendor, parts.method.as_str(), parts.uri.path());
    };
    let mut call = Call::new(target, &parts);
    let mut document = None;
    if call.target.operation == Operation::Upload {
        document = Some(body);
    } else {
        match small(body).await {
            Some(bytes) => call.body = bytes,
            None => return Answer::error(400, "the body is too large or not whole").into_response(),
        }
    }
    call.who = vendor.scene(|scene| Who::of(scene, &call));
    // On its own, so that a call that is held goes on even if its caller has died meanwhile.
    let vendor = vendor.clone();
    let work = tokio::spawn(async move { run(&vendor, call, document).await });
    match work.await {
        Ok(Some(answer)) => answer.into_response(),
        Ok(None) | Err(_) => cut(),
    }
}

/// As API Gateway answers what it has no route for.
fn unknown(vendor: &Vendor, method: &str, path: &str) -> Response<Body> {
    let answer = Answer::error(403, "Missing Authentication Token");
    vendor.scene(|scene| {
        let mut record = CallRecord::unknown(scene.world.calls.len(), scene.now, method, path);
        record.status = Some(answer.status);
        scene.world.calls.push(record);
    });
    answer.into_response()
}

async fn small(body: Body) -> Option<Bytes> {
    Limited::new(body, LARGEST_BODY).collect().await.ok().map(http_body_util::Collected::to_bytes)
}

async fn run(vendor: &Vendor, mut call: Call, document: Option<Body>) -> Option<Answer> {
    let hit = vendor.switchboard().hit(&call);
    let (fault, effect) = hit.unzip();
    let ending = with_fault(vendor, &mut call, document, effect.as_ref()).await;
    vendor.scene(|scene| record(scene, &call, &ending, fault));
    ending.answer
}

async fn with_fault(
    vendor: &Vendor,
    call: &mut Call,
    document: Option<Body>,
    fault: Option<&Effect>,
) -> Ending {
    match fault {
        Some(Effect::Refuse) => return Ending::CUT,
        Some(Effect::Status { status }) => return Ending::instead(call.target.operation, *status),
        Some(Effect::Hold { at: HoldAt::Before })
            if vendor.holds().hold(call, HoldAt::Before).await == Release::Discard =>
        {
            return Ending::CUT;
        }
        Some(effect) => effect.delay(call),
        None => {}
    }
    if let Some(body) = document
        && let Err(ending) = receive(vendor, call, body, fault).await
    {
        return ending;
    }
    match fault {
        Some(Effect::Late { status, .. }) => later(vendor, call, fault, *status),
        _ => afterwards(vendor, call, fault).await,
    }
}

/// Reads an uploaded document. One that breaks off is not answered: nobody is there.
async fn receive(vendor: &Vendor, call: &mut Call, body: Body, fault: Option<&Effect>) -> Result<(), Ending> {
    vendor.scene(|scene| upload::admit(scene, call)).map_err(Ending::plain)?;
    call.upload = upload::receive(body, fault.and_then(Effect::enough)).await;
    call.upload.as_ref().map(|_| ()).ok_or(Ending::CUT)
}

/// Accepts the call, if it would be accepted now, and lets it happen later.
fn later(vendor: &Vendor, call: &Call, fault: Option<&Effect>, status: Option<u16>) -> Ending {
    vendor.scene(|scene| {
        if let (Ok(()), Some(due)) = (scene.admit(call), fault.and_then(|effect| effect.due(scene.now))) {
            scene.world.under_way.push((due, call.clone()));
        }
    });
    status.map_or(Ending::CUT, |status| Ending::instead(call.target.operation, status))
}

async fn afterwards(vendor: &Vendor, call: &Call, fault: Option<&Effect>) -> Ending {
    let done = vendor.scene(|scene| match scene.admit(call) {
        Ok(()) => scene.act(call),
        Err(refusal) => refusal,
    });
    let effect = Some(done.status);
    match fault {
        Some(Effect::DoneThenCut) => Ending { effect, ..Ending::CUT },
        Some(Effect::DoneThenStatus { status }) => {
            Ending { effect, ..Ending::instead(call.target.operation, *status) }
        }
        Some(Effect::Hold { at: HoldAt::After })
            if vendor.holds().hold(call, HoldAt::After).await == Release::Discard =>
        {
            Ending { effect, ..Ending::CUT }
        }
        _ => Ending::plain(done),
    }
}

fn record(scene: &mut Scene<'_>, call: &Call, ending: &Ending, fault: Option<u64>) {
    let mut record = CallRecord::new(scene.world.calls.len(), scene.now, call);
    record.status = ending.answer.as_ref().map(|answer| answer.status);
    record.effect = ending.effect;
    record.fault = fault;
    scene.world.calls.push(record);
    if call.target.operation == Operation::Token {
        let client = call.who.client.clone().unwrap_or_default();
        let counts =
            scene.world.token_requests.entry((client.clone(), call.target.server.clone())).or_default();
        counts.client_id = client;
        counts.server.clone_from(&call.target.server);
        counts.asked += 1;
        counts.granted += u64::from(ending.effect == Some(200));
    }
}
