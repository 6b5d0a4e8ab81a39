use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-01-31T09:00:00Z".parse().unwrap()
}

fn event() -> Value {
    json!({"type": "CustomerOnboardingRequested", "version": "1", "customer_id": "acme"})
}

fn bus(source: &str, detail_type: &str, detail: &Value) -> Value {
    json!({"version": "0", "id": "e-1", "detail-type": detail_type, "source": source, "account": "111122223333",
        "time": "2026-01-31T08:59:00Z", "region": "eu-west-1", "resources": [], "detail": detail})
}

fn topic_message(message: &str) -> Value {
    json!({"Type": "Notification", "MessageId": "n-1", "TopicArn": "arn:aws:sns:eu-west-1:444455556666:signed",
        "Message": message, "Timestamp": "2026-01-31T08:59:00Z"})
}

fn queue(body: &str) -> Value {
    json!({"Records": [{"messageId": "m-1", "receiptHandle": "r", "body": body, "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:onboard",
        "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1769849940000",
            "SenderId": "AROAEXAMPLE:crm", "MessageGroupId": "acme"}, "messageAttributes": {}}]})
}

fn bucket_record(key: &str) -> Value {
    json!({"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-01-31T08:59:00.000Z", "eventName": "ObjectCreated:Put",
        "responseElements": {"x-amz-request-id": "R1"},
        "s3": {"bucket": {"name": "documents", "arn": "arn:aws:s3:::documents"},
            "object": {"key": key, "size": 7, "eTag": "e", "versionId": "v1", "sequencer": "0A"}}})
}

fn direct(payload: &Value) -> Vec<Unit> {
    match open(payload, now()).unwrap() {
        Delivery::Direct(units) => units,
        Delivery::Queue(records) => panic!("{records:?}"),
    }
}

fn queued(payload: &Value) -> Vec<Record> {
    match open(payload, now()).unwrap() {
        Delivery::Queue(records) => records,
        Delivery::Direct(units) => panic!("{units:?}"),
    }
}

fn only(mut units: Vec<Unit>) -> Unit {
    assert_eq!(units.len(), 1, "{units:?}");
    units.remove(0)
}

fn message(unit: Unit) -> Message {
    match unit {
        Unit::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

fn unreadable(unit: Unit) -> Unreadable {
    match unit {
        Unit::Unreadable(unreadable) => unreadable,
        other => panic!("{other:?}"),
    }
}

fn in_queue(body: &Value) -> Message {
    message(only(queued(&queue(&body.to_string())).remove(0).units))
}

fn carries_event(message: &Message) {
    match &message.payload {
        Payload::Event(carried) => assert_eq!(carried, &event()),
        other => panic!("{other:?}"),
    }
}

fn object(message: &Message) -> &crate::ObjectCreated {
    match &message.payload {
        Payload::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

fn told(origin: &Origin) -> (String, Option<&str>, Option<&str>, Option<&str>) {
    (origin.to_string(), origin.account.as_deref(), origin.source.as_deref(), origin.id.as_deref())
}

#[test]
fn by_hand() {
    let message = message(only(direct(&event())));
    carries_event(&message);
    assert_eq!(told(&message.origin), ("direct".to_owned(), None, None, None));
    assert_eq!((message.first_seen, message.attempt, message.receive_count), (now(), 1, 1));
}

#[test]
fn from_a_bus_directly() {
    let message = message(only(direct(&bus("crm", "CustomerOnboardingRequested", &event()))));
    carries_event(&message);
    assert_eq!(
        told(&message.origin),
        ("eventbridge".to_owned(), Some("111122223333"), Some("crm"), Some("e-1"))
    );
}

#[test]
fn from_a_bus_through_a_queue() {
    let body = bus("crm", "CustomerOnboardingRequested", &event());
    let message = in_queue(&body);
    carries_event(&message);
    assert_eq!(told(&message.origin).0, "sqs>eventbridge");
    assert_eq!(message.origin.source.as_deref(), Some("crm"));
    assert_eq!((message.receive_count, message.group.as_deref()), (3, Some("acme")));
    assert_eq!(message.first_seen.to_string(), "2026-01-31T08:59:00Z");
    assert_eq!(message.text(), body.to_string());
}

#[test]
fn from_a_topic_through_a_queue_wrapped() {
    let message = in_queue(&topic_message(&event().to_string()));
    carries_event(&message);
    assert_eq!(
        told(&message.origin),
        (
            "sqs>sns".to_owned(),
            Some("444455556666"),
            Some("arn:aws:sns:eu-west-1:444455556666:signed"),
            Some("n-1")
        )
    );
}

#[test]
fn from_a_topic_through_a_queue_raw_which_is_by_hand_through_a_queue() {
    let message = in_queue(&event());
    carries_event(&message);
    assert_eq!(told(&message.origin), ("sqs".to_owned(), None, Some("AROAEXAMPLE:crm"), Some("m-1")));
}

#[test]
fn from_a_topic_directly() {
    let record = |id: &str| {
        let mut notification = topic_message(&event().to_string());
        notification["MessageId"] = json!(id);
        json!({"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn", "Sns": notification})
    };
    let mut units = direct(&json!({"Records": [record("n-1"), record("n-2")]}));
    let second = message(units.remove(1));
    carries_event(&second);
    assert_eq!((told(&second.origin).0.as_str(), second.origin.id.as_deref()), ("sns", Some("n-2")));
    carries_event(&message(only(units)));
}

#[test]
fn from_a_bus_through_a_topic_through_a_queue() {
    let message = in_queue(&topic_message(&bus("crm", "T", &event()).to_string()));
    carries_event(&message);
    assert_eq!(told(&message.origin).0, "sqs>sns>eventbridge");
    assert_eq!(message.origin.account.as_deref(), Some("111122223333"));
}

#[test]
fn a_bucket_s_notification_in_every_envelope() {
    let notification = json!({"Records": [bucket_record("acme/a+b%2B.pdf")]});
    let sns =
        json!({"Records": [{"EventSource": "aws:sns", "Sns": topic_message(&notification.to_string())}]});
    let messages = [
        ("s3", message(only(direct(&notification)))),
        ("sqs>s3", in_queue(&notification)),
        ("sqs>sns>s3", in_queue(&topic_message(&notification.to_string()))),
        ("sns>s3", message(only(direct(&sns)))),
    ];
    for (path, message) in messages {
        let object = object(&message);
        assert_eq!((object.bucket.as_str(), object.key.as_str()), ("documents", "acme/a b+.pdf"), "{path}");
        assert_eq!((object.version_id.as_deref(), object.size_bytes), (Some("v1"), Some(7)));
        assert_eq!((object.e_tag.as_deref(), object.sequencer.as_deref()), (Some("e"), Some("0A")));
        assert_eq!(object.happened_at.unwrap().to_string(), "2026-01-31T08:59:00Z");
        let (told_path, _, source, id) = told(&message.origin);
        assert_eq!((told_path.as_str(), source, id), (path, Some("arn:aws:s3:::documents"), Some("R1")));
    }
}

#[test]
fn an_object_through_a_bus_has_its_key_as_it_is() {
    let detail = json!({"version": "0", "bucket": {"name": "documents"},
        "object": {"key": "acme/a+b%2B.pdf", "size": 7, "etag": "e", "version-id": "v1", "sequencer": "0A"}});
    let event = bus("aws.s3", "Object Created", &detail);
    for (path, message) in
        [("eventbridge", message(only(direct(&event)))), ("sqs>eventbridge", in_queue(&event))]
    {
        let object = object(&message);
        assert_eq!((object.key.as_str(), object.version_id.as_deref()), ("acme/a+b%2B.pdf", Some("v1")));
        assert_eq!((object.e_tag.as_deref(), told(&message.origin).0.as_str()), (Some("e"), path));
    }
}

#[test]
fn one_of_several_records_is_a_text_of_its_own() {
    let notification = json!({"Records": [bucket_record("acme/1"), bucket_record("acme/2")]});
    let units = queued(&queue(&notification.to_string())).remove(0).units;
    let texts: Vec<String> = units.into_iter().map(|unit| message(unit).text().to_owned()).collect();
    for (text, key) in texts.iter().zip(["acme/1", "acme/2"]) {
        let again = message(only(queued(&queue(text)).remove(0).units));
        assert_eq!(object(&again).key, key);
    }
}

#[test]
fn a_rotation_step_and_its_token() {
    let step = json!({"Step": "createSecret", "SecretId": "arn:aws:secretsmanager:eu-west-1:1:secret:s",
        "ClientRequestToken": "v-2", "RotationToken": "very-secret-proof"});
    let message = message(only(direct(&step)));
    assert!(!format!("{message:?} {:?}", message.payload).contains("very-secret-proof"));
    let Payload::Rotation(rotation) = message.payload else { panic!("another payload") };
    assert_eq!((rotation.step, rotation.client_request_token.as_str()), (RotationStep::CreateSecret, "v-2"));
    assert!(rotation.rotation_token.is_some());
    assert_eq!(told(&message.origin).0, "secretsmanager");
}

#[test]
fn every_rotation_step_in_both_spellings() {
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret", "create_secret", "finish_secret"]
    {
        let event = json!({"Step": step, "SecretId": "s", "ClientRequestToken": "v"});
        let Payload::Rotation(rotation) = message(only(direct(&event))).payload else { panic!("{step}") };
        assert_eq!(rotation.step.as_str().to_lowercase(), step.replace('_', "").to_lowercase());
    }
}

#[test]
fn a_rotation_that_lacks_something_is_refused_by_name() {
    let unknown = json!({"Step": "dropSecret", "SecretId": "s", "ClientRequestToken": "v"});
    assert_eq!(unreadable(only(direct(&unknown))).refusal.violations[0].field, "Step");
    let without = json!({"Step": "setSecret", "SecretId": "s"});
    assert_eq!(unreadable(only(direct(&without))).refusal.violations[0].field, "ClientRequestToken");
}

#[test]
fn what_is_none_of_our_business_is_ignored() {
    let mut removed = bucket_record("acme/1");
    removed["eventName"] = json!("ObjectRemoved:Delete");
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "documents"});
    let tested = only(queued(&queue(&test.to_string())).remove(0).units);
    let deleted = only(direct(&bus("aws.s3", "Object Deleted", &json!({}))));
    for unit in [tested, deleted, only(direct(&json!({ "Records": [removed] })))] {
        assert!(matches!(unit, Unit::Ignored { .. }), "{unit:?}");
    }
}

#[test]
fn a_key_that_is_no_utf8_names_its_object() {
    for key in ["acme/%FF", "acme/%zz", "acme/%"] {
        let notification = json!({"Records": [bucket_record(key)]});
        let unreadable = unreadable(only(queued(&queue(&notification.to_string())).remove(0).units));
        assert_eq!(unreadable.refusal.reason_code, ReasonCode::KeyNotUtf8);
        let object = unreadable.object.unwrap();
        assert_eq!((object.bucket.as_str(), object.key.as_str()), ("documents", key));
    }
}

#[test]
fn one_bad_record_does_not_spoil_the_others() {
    let notification =
        json!({"Records": [bucket_record("%FF"), bucket_record("acme/1"), {"eventSource": "aws:sqs2"}]});
    let units = direct(&notification);
    assert!(matches!(units[0], Unit::Unreadable(_)));
    assert!(matches!(units[1], Unit::Message(_)));
    assert!(matches!(units[2], Unit::Unreadable(_)));
}

#[test]
fn what_is_not_json_is_refused_with_its_text_and_place() {
    for text in ["", "{", "customer_id=acme", "{\"a\": 1} trailing", "\u{feff}{}"] {
        let unreadable = unreadable(only(queued(&queue(text)).remove(0).units));
        assert_eq!((unreadable.refusal.reason_code, unreadable.text.as_str()), (ReasonCode::NotJson, text));
        assert!(unreadable.refusal.violations[0].rule.contains("line 1"));
    }
}

#[test]
fn json_that_is_no_object_is_still_an_event_for_the_function_to_refuse() {
    for value in [json!(null), json!(7), json!("text"), json!([1, 2]), json!({})] {
        let message = message(only(direct(&value)));
        assert!(matches!(message.payload, Payload::Event(carried) if carried == value));
    }
}

#[test]
fn an_envelope_without_its_content_is_refused() {
    let cases = [
        json!({"Records": []}),
        json!({"Records": [{}]}),
        json!({"Records": [7]}),
        json!({"Records": [{"eventSource": "aws:kinesis"}]}),
        json!({"Records": [{"eventSource": "aws:s3"}]}),
        json!({"Records": [{"EventSource": "aws:sns"}]}),
        json!({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": {"key": ""}}}]}),
        json!({"Type": "Notification", "TopicArn": "arn", "Message": {"not": "a text"}}),
        bus("aws.s3", "Object Created", &json!({"bucket": {"name": "b"}})),
    ];
    for case in cases {
        assert!(matches!(only(direct(&case)), Unit::Unreadable(_)), "{case}");
    }
}

#[test]
fn envelopes_without_end_are_refused() {
    let mut text = event().to_string();
    for _ in 0..10 {
        text = topic_message(&text).to_string();
    }
    let unreadable = unreadable(only(queued(&queue(&text)).remove(0).units));
    assert_eq!(unreadable.refusal.reason_code, ReasonCode::NotAnEvent);
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert!(matches!(only(queued(&queue(&deep)).remove(0).units), Unit::Unreadable(_)));
}

#[test]
fn attributes_that_make_no_sense_are_ignored() {
    let mut payload = queue(&event().to_string());
    let record = &mut payload["Records"][0];
    record["attributes"] = json!({"SentTimestamp": "yesterday", "ApproximateReceiveCount": "-1"});
    record["messageAttributes"] = json!({"attempt": {"stringValue": "x"}, "first_seen": {"binaryValue": "AA=="},
        "origin": {"stringValue": "{"}, "not_before": 7});
    let message = message(only(queued(&payload).remove(0).units));
    assert_eq!((message.first_seen, message.attempt, message.receive_count), (now(), 1, 1));
    assert_eq!(message.origin.id.as_deref(), Some("m-1"));
}

#[test]
fn an_attribute_of_another_form_costs_no_other() {
    let mut payload = queue(&event().to_string());
    payload["Records"][0]["attributes"]["Sent"] = json!(7);
    payload["Records"][0]["messageAttributes"] = json!({
        "first_seen": {"stringValue": "2026-01-30T09:00:00Z", "stringListValues": null, "dataType": "String"},
        "attempt": {"stringValue": "4", "binaryValue": null, "dataType": "Number"},
        "theirs": {"binaryValue": "no base64", "dataType": "Binary"}});
    let message = message(only(queued(&payload).remove(0).units));
    assert_eq!((message.first_seen.to_string().as_str(), message.attempt), ("2026-01-30T09:00:00Z", 4));
    assert_eq!((message.receive_count, message.group.as_deref()), (3, Some("acme")));
}

#[test]
fn a_field_of_another_form_counts_as_absent() {
    let mut record = bucket_record("acme/1");
    record["eventTime"] = json!("yesterday");
    record["responseElements"] = json!({"x-amz-request-id": "R1", "x-amz-id-2": null});
    record["s3"]["object"]["size"] = json!("7");
    record["s3"]["object"]["versionId"] = json!("");
    let message_of_bucket = message(only(direct(&json!({ "Records": [record] }))));
    let object = object(&message_of_bucket);
    assert_eq!((object.key.as_str(), object.version_id.as_deref()), ("acme/1", None));
    assert_eq!((object.size_bytes, object.happened_at), (None, None));
    assert_eq!((object.e_tag.as_deref(), message_of_bucket.origin.id.as_deref()), (Some("e"), Some("R1")));

    let mut event_of_bus = bus("crm", "T", &event());
    event_of_bus["time"] = json!(7);
    event_of_bus["account"] = json!(111_122_223_333_u64);
    let message = message(only(direct(&topic_message(&event_of_bus.to_string()))));
    carries_event(&message);
    assert_eq!(told(&message.origin), ("sns>eventbridge".to_owned(), None, Some("crm"), Some("e-1")));
}
