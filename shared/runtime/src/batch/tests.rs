use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::*;
use crate::deferral::{NoQueue, Parcel};
use crate::{BoxError, Deadline, Limits, Message, Payload, Report, Unreadable, deliver};

/// A function that does what its message says.
struct Obedient {
    limits: Limits,
    begun: AtomicUsize,
    rejected: Mutex<Vec<String>>,
    meeting: Barrier,
}

impl Obedient {
    fn new(limits: Limits) -> Self {
        Self { limits, begun: AtomicUsize::new(0), rejected: Mutex::default(), meeting: Barrier::new(2) }
    }
}

impl Handler for Obedient {
    fn name(&self) -> &'static str {
        "obedient"
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn handle(&self, message: Message, invocation: &Invocation) -> Verdict {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let Payload::Event(event) = message.payload else { panic!("another payload") };
        invocation.concerns("acme");
        match event["do"].as_str().unwrap_or_default() {
            "nothing" => Verdict::Done(Report::new("done")),
            "panic" => panic!("{}", event["do"]),
            "defer" => Verdict::wait(Duration::from_secs(30), Some("acme".to_owned()), "settling"),
            "retry" => Verdict::Retry("try again".into()),
            "bug" => Verdict::Bug("wrong".into()),
            "reject" => Verdict::Rejected(Report::new("INVALID_FIELD")),
            "fail" => Verdict::Failed(Report::new("QUOTA_FULL")),
            "hang" => std::future::pending().await,
            "meet" => {
                self.meeting.wait().await;
                Verdict::Done(Report::new("met"))
            }
            other => panic!("{other}"),
        }
    }

    async fn reject(&self, unreadable: Unreadable, _: &Invocation) -> Verdict {
        self.rejected.lock().unwrap().push(unreadable.text);
        Verdict::Rejected(Report::new("NOT_JSON"))
    }
}

/// A queue that keeps what it takes, or takes nothing.
#[derive(Default)]
struct Kept {
    parcels: Mutex<Vec<Parcel>>,
    broken: bool,
}

#[async_trait::async_trait]
impl Postpone for Kept {
    async fn postpone(&self, parcel: &Parcel) -> Result<(), BoxError> {
        if self.broken {
            return Err("the queue is gone".into());
        }
        self.parcels.lock().unwrap().push(parcel.clone());
        Ok(())
    }
}

fn record(id: &str, body: &Value) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "body": body.to_string(),
        "attributes": {"SentTimestamp": "1769850000000"}})
}

fn batch(records: &[(&str, &str)]) -> Value {
    let records: Vec<Value> = records.iter().map(|(id, what)| record(id, &json!({ "do": what }))).collect();
    json!({ "Records": records })
}

fn invocation(remaining: Duration) -> Invocation {
    Invocation::new(Deadline::after(remaining, Timestamp::now()), "i-1")
}

async fn failures(handler: &Obedient, postpone: &impl Postpone, payload: &Value) -> Vec<String> {
    let answer = deliver(handler, postpone, payload, &invocation(Duration::from_secs(60))).await.unwrap();
    // Read as Lambda reads it: an answer of any other form would count as success for all.
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_record_is_answered_for_itself() {
    let handler = Obedient::new(Limits::default());
    let queue = Kept::default();
    let all = batch(&[
        ("1", "nothing"),
        ("2", "panic"),
        ("3", "defer"),
        ("4", "retry"),
        ("5", "bug"),
        ("6", "reject"),
        ("7", "fail"),
        ("8", "nothing"),
    ]);
    assert_eq!(failures(&handler, &queue, &all).await, ["2", "4", "5"]);
    assert_eq!(handler.begun.load(Ordering::SeqCst), 8);
    let parcels = queue.parcels.lock().unwrap();
    assert_eq!(parcels.len(), 1);
    assert_eq!((parcels[0].body.as_str(), parcels[0].attempt), (r#"{"do":"defer"}"#, 2));
    assert_eq!((parcels[0].group.as_deref(), parcels[0].delay_seconds), (Some("acme"), 30));
}

#[tokio::test]
async fn what_cannot_be_deferred_is_left_to_the_queue() {
    let handler = Obedient::new(Limits::default());
    let all = batch(&[("1", "defer"), ("2", "nothing")]);
    assert_eq!(failures(&handler, &Kept { broken: true, ..Kept::default() }, &all).await, ["1"]);
    assert_eq!(failures(&handler, &NoQueue, &all).await, ["1"]);
}

#[tokio::test]
async fn a_message_that_is_still_too_early_is_passed_on_unseen() {
    let handler = Obedient::new(Limits::default());
    let queue = Kept::default();
    let not_before = Timestamp::now().checked_add(Duration::from_secs(3000)).unwrap();
    let mut early = record("1", &json!({"do": "panic"}));
    early["messageAttributes"] = json!({
        "not_before": {"stringValue": not_before.to_string()}, "attempt": {"stringValue": "4"}});
    assert!(failures(&handler, &queue, &json!({ "Records": [early] })).await.is_empty());
    assert_eq!(handler.begun.load(Ordering::SeqCst), 0);
    let parcels = queue.parcels.lock().unwrap();
    assert_eq!(
        (parcels[0].attempt, parcels[0].delay_seconds, parcels[0].not_before),
        (4, 900, Some(not_before))
    );
}

#[tokio::test]
async fn what_does_not_fit_goes_back_untouched() {
    // One at a time, and the first takes all the time there is.
    let handler = Obedient::new(Limits { concurrency: 1, time_needed: Duration::from_secs(10) });
    let invocation = invocation(Duration::from_millis(300));
    let all = batch(&[("1", "hang"), ("2", "nothing"), ("3", "nothing")]);
    let answer = deliver(&handler, &NoQueue, &all, &invocation).await.unwrap();
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["itemIdentifier"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["1", "2", "3"]);
    assert_eq!(handler.begun.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_invocation_shorter_than_a_unit_may_need_still_works() {
    let handler = Obedient::new(Limits { concurrency: 1, time_needed: Duration::from_secs(3600) });
    assert!(failures(&handler, &NoQueue, &batch(&[("1", "nothing")])).await.is_empty());
}

#[tokio::test]
async fn records_are_worked_side_by_side_up_to_the_limit() {
    // Each waits for another one: alone, they would never end.
    let handler = Obedient::new(Limits { concurrency: 2, ..Limits::default() });
    let all = batch(&[("1", "meet"), ("2", "meet"), ("3", "meet"), ("4", "meet")]);
    assert!(failures(&handler, &NoQueue, &all).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_given_to_the_handler_and_done_with() {
    let handler = Obedient::new(Limits::default());
    let payload = json!({"Records": [
        {"messageId": "1", "eventSource": "aws:sqs", "body": "{not json"},
        {"messageId": "2", "eventSource": "aws:sqs"},
        record("3", &json!({"do": "nothing"})),
    ]});
    assert!(failures(&handler, &NoQueue, &payload).await.is_empty());
    assert_eq!(*handler.rejected.lock().unwrap(), ["{not json", ""]);
}

#[tokio::test]
async fn a_record_without_an_id_fails_the_whole_batch() {
    let handler = Obedient::new(Limits::default());
    let payload = json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]});
    let error =
        deliver(&handler, &NoQueue, &payload, &invocation(Duration::from_secs(60))).await.unwrap_err();
    assert_eq!(error.error_type, "Bug");
    assert_eq!(handler.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_direct_call_gets_its_answer_or_an_error() {
    let handler = Obedient::new(Limits::default());
    let invocation = invocation(Duration::from_secs(60));
    let call = async |what: &str| deliver(&handler, &NoQueue, &json!({ "do": what }), &invocation).await;
    assert_eq!(call("nothing").await.unwrap(), json!({"outcome": "done"}));
    for (what, error_type) in
        [("panic", "Bug"), ("defer", "Wait"), ("retry", "Retry"), ("reject", "Rejected"), ("fail", "Failed")]
    {
        assert_eq!(call(what).await.unwrap_err().error_type, error_type);
    }
}

#[tokio::test]
async fn a_call_that_hangs_returns_before_lambda_ends_it() {
    let handler = Obedient::new(Limits::default());
    let invocation = invocation(Duration::from_millis(300));
    let error = deliver(&handler, &NoQueue, &json!({"do": "hang"}), &invocation).await.unwrap_err();
    assert_eq!(error.error_type, "Retry");
    assert!(invocation.deadline.remaining() > Duration::ZERO);
}

#[test]
fn the_answer_has_the_form_that_lambda_reads() {
    let mut answer = SqsBatchResponse::default();
    answer.add_failure("m-1");
    assert_eq!(json!(answer), json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]}));
    assert_eq!(json!(SqsBatchResponse::default()), json!({"batchItemFailures": []}));
}
