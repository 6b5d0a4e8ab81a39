use serde_json::json;

use super::*;
use crate::envelope::{Delivery, Unit, open};

fn now() -> Timestamp {
    "2026-01-31T09:00:00Z".parse().unwrap()
}

/// The message that the queue delivers after a parcel was sent.
fn delivered(parcel: &Parcel, at: Timestamp) -> Message {
    let mut attributes = json!({
        "first_seen": {"stringValue": parcel.first_seen.to_string(), "dataType": "String"},
        "attempt": {"stringValue": parcel.attempt.to_string(), "dataType": "Number"},
        "origin": {"stringValue": serde_json::to_string(&parcel.origin).unwrap(), "dataType": "String"},
    });
    if let Some(not_before) = parcel.not_before {
        attributes["not_before"] = json!({"stringValue": not_before.to_string(), "dataType": "String"});
    }
    let mut system =
        json!({"SentTimestamp": at.as_millisecond().to_string(), "SenderId": "AROA:onboard-customer"});
    if let Some(group) = &parcel.group {
        system["MessageGroupId"] = json!(group);
    }
    let record = json!({"messageId": "m-2", "eventSource": "aws:sqs", "body": parcel.body,
        "attributes": system, "messageAttributes": attributes});
    one(&json!({ "Records": [record] }), at)
}

fn one(payload: &serde_json::Value, at: Timestamp) -> Message {
    match open(payload, at).unwrap() {
        Delivery::Queue(mut records) => match records.remove(0).units.remove(0) {
            Unit::Message(message) => message,
            other => panic!("{other:?}"),
        },
        Delivery::Direct(units) => panic!("{units:?}"),
    }
}

fn message() -> Message {
    let body = json!({"detail-type": "T", "source": "crm", "account": "111122223333", "id": "e-1",
        "detail": {"type": "T"}});
    queued(&body)
}

fn queued(body: &serde_json::Value) -> Message {
    one(
        &json!({"Records": [{"messageId": "m-1", "eventSource": "aws:sqs", "body": body.to_string(),
            "attributes": {"SentTimestamp": now().as_millisecond().to_string(),
                "ApproximateReceiveCount": "2", "SenderId": "AROA:crm"}}]}),
        now(),
    )
}

fn later(seconds: u64) -> Timestamp {
    now().checked_add(Duration::from_secs(seconds)).unwrap()
}

#[test]
fn a_short_wait_is_one_delay() {
    let parcel = Parcel::next(
        &message(),
        Duration::from_millis(30_001),
        LONGEST_DELAY,
        Some("acme".to_owned()),
        now(),
    );
    assert_eq!((parcel.delay_seconds, parcel.not_before, parcel.attempt), (31, None, 2));
    assert_eq!(parcel.group.as_deref(), Some("acme"));
    assert_eq!(parcel.body, message().text());
}

#[test]
fn the_longest_delay_needs_no_hop_and_one_second_more_does() {
    let longest = Parcel::next(&message(), LONGEST_DELAY, LONGEST_DELAY, None, now());
    assert_eq!((longest.delay_seconds, longest.not_before), (900, None));
    let longer = Parcel::next(&message(), LONGEST_DELAY + Duration::from_secs(1), LONGEST_DELAY, None, now());
    assert_eq!((longer.delay_seconds, longer.not_before), (900, Some(later(901))));
}

#[test]
fn what_comes_back_is_the_same_message_with_its_history() {
    let parcel =
        Parcel::next(&message(), Duration::from_secs(60), LONGEST_DELAY, Some("acme".to_owned()), now());
    let back = delivered(&parcel, later(60));
    assert_eq!((back.first_seen, back.attempt, back.receive_count), (now(), 2, 1));
    assert_eq!(back.origin, message().origin);
    let again = Parcel::next(&back, Duration::from_secs(60), LONGEST_DELAY, None, later(60));
    assert_eq!((again.first_seen, again.attempt, again.group.as_deref()), (now(), 3, Some("acme")));
}

#[test]
fn who_sent_it_first_stays_its_origin() {
    // Without an envelope of its own only the queue says who sent it, and now that would be us.
    let by_hand = queued(&json!({"type": "T"}));
    let back = delivered(&Parcel::next(&by_hand, Duration::ZERO, LONGEST_DELAY, None, now()), now());
    assert_eq!(back.origin, by_hand.origin);
    assert_eq!((back.origin.source.as_deref(), back.origin.id.as_deref()), (Some("AROA:crm"), Some("m-1")));
}

#[test]
fn a_wait_of_an_hour_hops_until_it_is_time() {
    let mut parcel = Parcel::next(&message(), Duration::from_secs(3600), LONGEST_DELAY, None, now());
    let (mut at, mut hops) = (now(), 0);
    loop {
        at = at.checked_add(Duration::from_secs(parcel.delay_seconds.into())).unwrap();
        let back = delivered(&parcel, at);
        match Parcel::hop(&back, at) {
            Some(next) => parcel = next,
            None => break assert_eq!(back.attempt, 2),
        }
        hops += 1;
    }
    assert_eq!((at, hops), (later(3600), 3));
}

#[test]
fn a_message_that_waits_for_nothing_does_not_hop() {
    assert_eq!(Parcel::hop(&message(), now()), None);
}

#[tokio::test]
async fn without_a_queue_nothing_is_postponed() {
    let parcel = Parcel::next(&message(), Duration::ZERO, LONGEST_DELAY, None, now());
    assert!(NoQueue.postpone(&parcel).await.is_err());
}

#[test]
fn waiting_grows_to_what_the_verdict_allows() {
    let mut message = message();
    let longest = Duration::from_secs(45);
    let waits: Vec<u16> = (1..=12)
        .map(|attempt| {
            message.attempt = attempt;
            Parcel::next(&message, Duration::from_secs(5), longest, None, now()).delay_seconds
        })
        .collect();
    assert!(waits[0] == 5 && waits.iter().all(|wait| (5..=45).contains(wait)), "{waits:?}");
    assert_eq!(waits[11], 45, "{waits:?}");
}
