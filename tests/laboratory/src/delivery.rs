//! One delivery: a message of a queue, a step of a rotation, a clean-up, a reconciliation, or what an operator
//! asks.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runtime::envelope::{ATTEMPT, FIRST_SEEN, NOT_BEFORE, ORIGIN};
use runtime::{Deadline, Handler, Invocation, NoQueue, Parcel, Postpone};
use serde_json::{Value, json};

use crate::clock;
use crate::fault::{Fault, Site};
use crate::gate::{CALLER, Caller, Pace, Twin};
use crate::lab::{Functions, TIMEOUT};
use crate::ports::Queue;
use crate::world::{Function, Queued, VISIBILITY};

/// What is to be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A message of a queue.
    Message(u64),
    /// The next step of a secret's rotation.
    Step(String),
    /// The scheduled clean-up.
    CleanUp,
    /// What an operator asks, as JSON: of a credential, or of the registry.
    Operator(String),
    /// What the schedule or an operator asks of `reconcile-tenants`, as JSON.
    Reconcile(String),
}

/// Which faults befall which calls, counted from 1.
pub type Plan = Vec<(usize, Fault)>;

/// What one delivery came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Every call that it made, in order.
    pub calls: Vec<Site>,
    /// How it ended.
    pub end: End,
    /// What it said of a failure; what it answered whoever called it and waited.
    pub said: Option<String>,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The work is done with.
    Done,
    /// It failed: a message went back to its queue, a step or an operator got an error.
    Returned,
    /// The invocation was killed.
    Killed,
}

/// How an invocation ended, and what it said of a failure.
type Answer = (End, Option<String>);

/// Delivers some work at the time that it is. Boxed, for a delivery may hold another.
pub(crate) fn deliver(
    functions: Arc<Functions>,
    work: Work,
    plan: Plan,
    pace: Option<Pace>,
) -> Pin<Box<dyn Future<Output = Delivered> + Send>> {
    Box::pin(async move {
        match work {
            Work::Message(id) => message(functions, id, plan, pace).await,
            Work::Step(name) => step(functions, &name, plan, pace).await,
            Work::CleanUp => {
                let twin = twin_of(&plan, || again(&functions, Work::CleanUp));
                let event = json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
                let caller = Caller::new("CleanUp", plan, twin, pace);
                directly(&functions, &functions.reconcile, &event, TIMEOUT, &caller).await
            }
            Work::Operator(said) => {
                let twin = twin_of(&plan, || again(&functions, Work::Operator(said.clone())));
                let event: Value = serde_json::from_str(&said).expect("operators send JSON");
                let caller = Caller::new("Operator", plan, twin, pace);
                // Operators send rotations' steps too, as Secrets Manager does, and those have no type.
                match event["type"].as_str().is_none_or(|kind| kind.starts_with("Secret")) {
                    true => directly(&functions, &functions.rotate, &event, TIMEOUT, &caller).await,
                    false => directly(&functions, &functions.reconcile, &event, TIMEOUT, &caller).await,
                }
            }
            Work::Reconcile(said) => {
                let twin = twin_of(&plan, || again(&functions, Work::Reconcile(said.clone())));
                let event = serde_json::from_str(&said).expect("who asks sends JSON");
                let caller = Caller::new("Reconcile", plan, twin, pace);
                directly(&functions, &functions.reconcile, &event, functions.time_left, &caller).await
            }
        }
    })
}

/// The same work once more, to its end and without faults.
fn again(functions: &Arc<Functions>, work: Work) -> Twin {
    let again = deliver(Arc::clone(functions), work, Plan::new(), None);
    Box::pin(async move { drop(again.await) })
}

/// A second delivery of the same, where a fault asks for one.
fn twin_of(plan: &Plan, again: impl FnOnce() -> Twin) -> Option<Twin> {
    plan.iter().any(|(_, fault)| matches!(fault, Fault::Twice | Fault::Overtaken)).then(again)
}

async fn message(functions: Arc<Functions>, id: u64, plan: Plan, pace: Option<Pace>) -> Delivered {
    let now = clock::now();
    let message = {
        let mut world = functions.port.0.world();
        world.pass_to(now);
        let queued = world.queue.iter_mut().find(|message| message.id == id);
        let queued = queued.expect("the message is in the queue");
        queued.receives += 1;
        queued.due = now + SignedDuration::try_from(VISIBILITY).expect("a minute or so");
        queued.clone()
    };
    let twin = twin_of(&plan, || again(&functions, Work::Message(id)));
    let caller = Caller::new(format!("{:?} {id}", message.function), plan, twin, pace);
    let payload = batch(&message, now);
    let queue = Queue { port: functions.port.clone(), function: message.function };
    let left = functions.time_left;
    let (mut end, said, answer) = match message.function {
        Function::Onboard => invoke(&functions.onboard, &queue, &payload, left, &caller).await,
        Function::Offboard => invoke(&functions.offboard, &queue, &payload, left, &caller).await,
        Function::Submit => invoke(&*functions.submit(), &queue, &payload, left, &caller).await,
        Function::Collect => invoke(&*functions.collect(), &queue, &payload, left, &caller).await,
    };
    if end == End::Done && answer["batchItemFailures"].as_array().is_some_and(|failed| !failed.is_empty()) {
        end = End::Returned;
    }
    if end == End::Done {
        functions.port.0.world().queue.retain(|message| message.id != id);
    }
    Delivered { calls: caller.calls(), end, said }
}

/// The step that is due of a rotation; where it fails, Secrets Manager begins again from the first.
async fn step(functions: Arc<Functions>, name: &str, plan: Plan, pace: Option<Pace>) -> Delivered {
    let next = {
        let mut world = functions.port.0.world();
        world.pass_to(clock::now());
        world.next_step(name)
    };
    let Some((begun, step)) = next else {
        return Delivered { calls: Vec::new(), end: End::Done, said: None };
    };
    let event = begun.event(step);
    let twin = twin_of(&plan, || {
        let (functions, event) = (Arc::clone(&functions), event.clone());
        Box::pin(async move {
            let caller = Caller::new("the same step", Plan::new(), None, None);
            drop(directly(&functions, &functions.rotate, &event, TIMEOUT, &caller).await);
        })
    });
    let caller = Caller::new(format!("{step:?} {name}"), plan, twin, pace);
    let left = functions.time_left;
    let (end, said, _) = invoke(&functions.rotate, &NoQueue, &event, left, &caller).await;
    let mut world = functions.port.0.world();
    world.pass_to(clock::now());
    world.step_ended(name, &begun, step, said.clone());
    Delivered { calls: caller.calls(), end, said }
}

/// An invocation without a queue.
async fn directly<H: Handler>(
    functions: &Functions,
    function: &H,
    event: &Value,
    left: Duration,
    caller: &Arc<Caller>,
) -> Delivered {
    functions.port.0.world().pass_to(clock::now());
    let (end, said, answer) = invoke(function, &NoQueue, event, left, caller).await;
    functions.port.0.world().pass_to(clock::now());
    Delivered { calls: caller.calls(), end, said: said.or_else(|| Some(answer.to_string())) }
}

/// One invocation of a function, until it answers or is killed.
async fn invoke<H: Handler, P: Postpone>(
    handler: &H,
    queue: &P,
    payload: &Value,
    left: Duration,
    caller: &Arc<Caller>,
) -> (End, Option<String>, Value) {
    let deadline = Deadline::after(left, clock::now()).in_an_invocation_of(TIMEOUT);
    let invocation = Invocation::new(deadline, "invocation").with_clock(clock::now);
    let work = runtime::deliver(handler, queue, payload, &invocation);
    let answer = tokio::select! {
        biased;
        () = caller.killed.notified() => None,
        answer = CALLER.scope(Arc::clone(caller), work) => Some(answer),
    };
    let ((end, said), answer): (Answer, Value) = match answer {
        None => ((End::Killed, Some("killed".to_owned())), Value::Null),
        Some(Ok(answer)) => ((End::Done, None), answer),
        Some(Err(error)) => ((End::Returned, Some(error.error_message)), Value::Null),
    };
    (end, said, answer)
}

/// The batch of one as SQS and Lambda make it.
fn batch(message: &Queued, now: Timestamp) -> Value {
    let Parcel { body, first_seen, attempt, not_before, group, origin, .. } = &message.parcel;
    let text = |value: String| json!({"stringValue": value, "dataType": "String"});
    let mut attributes = json!({
        FIRST_SEEN: text(first_seen.to_string()),
        ATTEMPT: text(attempt.to_string()),
        ORIGIN: text(serde_json::to_string(origin).expect("an origin always serializes")),
    });
    if let Some(not_before) = not_before {
        attributes[NOT_BEFORE] = text(not_before.to_string());
    }
    json!({"Records": [{
        "messageId": message.id.to_string(), "receiptHandle": "r", "body": body,
        "attributes": {
            "ApproximateReceiveCount": message.receives.to_string(),
            "SentTimestamp": now.as_millisecond().to_string(), "MessageGroupId": group
        },
        "messageAttributes": attributes, "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work", "awsRegion": "us-east-1"
    }]})
}
