//! What a file's metadata and tags ask for, and what of it arrives at the vendor.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;

use e2e::messages::onboarding;
use e2e::objects::Said;
use e2e::world::{BUCKET, World};
use futures::future::join_all;
use serde_json::{Value, json};
use simulator::{Effect, Fault, HoldAt, Operation, Release};

const KEY: &str = "acme/eu-1/a.pdf";

/// A customer with one cell, onboarded; a function that was killed holds its claim for so few seconds.
async fn signed(variables: &[(&str, &str)]) -> World {
    let world = match variables {
        [] => World::start_within(4, 0).await.unwrap(),
        variables => World::start_with(variables).await.unwrap(),
    };
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.secrets.rotations_ended().await;
    world
}

/// The vendor's operations that were called from this one on.
fn operations(world: &World, from: usize) -> Vec<Operation> {
    world.vendor.vendor().state().calls[from..].iter().filter_map(|call| call.operation).collect()
}

fn tag_reads(world: &World) -> usize {
    world.proxy.calls().iter().filter(|call| call.action == "GetObjectTagging").count()
}

/// The one submission that is there, whole, with all that it needs.
fn the_submission(world: &World) -> simulator::SubmissionState {
    let mut held: Vec<_> = world.submissions().into_iter().filter(|one| one.uploads > 0).collect();
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(!held[0].awaits_characteristics, "{held:?}");
    assert_eq!(world.events("DocumentSubmitted")[0]["submission_id"], held[0].id);
    held.remove(0)
}

fn last_refusal(world: &World) -> Value {
    world.events("DocumentRejected").pop().unwrap()
}

#[tokio::test]
async fn a_file_arrives_with_exactly_what_its_metadata_says() {
    let world = signed(&[]).await;
    let from = world.vendor.vendor().state().calls.len();
    let metadata = [
        ("resistant-pipeline", "CLASSIFICATION_ONLY"),
        ("resistant-decision", "true"),
        ("resistant-customer-tenant-id", "t-1"),
        ("resistant-case-id", "c-1"),
        ("resistant-document-type", "payslip"),
        ("resistant-document-type-string", "Pay slip, monthly"),
        ("resistant-country", "DEU"),
        ("resistant-document-id", "d-1"),
        ("resistant-filename", "a.pdf"),
        ("resistant-channel", "web"),
        ("resistant-side", "front"),
        ("author", "somebody else's key"),
    ];
    world.file_with(KEY, Said::new(&metadata, &[])).await.unwrap();
    let submission = the_submission(&world);
    assert_eq!((submission.pipeline.as_str(), submission.decision), ("CLASSIFICATION_ONLY", true));
    let told = json!({
        "customer_tenant_id": "t-1",
        "customer_case_id": "c-1",
        "document_characteristics": {
            "document_type": "payslip", "document_type_string": "Pay slip, monthly",
            "issuing_country_code": "DEU", "document_id": "d-1", "document_filename": "a.pdf",
            "source_channel": "web", "document_side": "front"
        }
    });
    assert_eq!(submission.characteristics, Some(told));
    let calls = [
        Operation::Token,
        Operation::CreateSubmission,
        Operation::Upload,
        Operation::PutSubmissionCharacteristics,
    ];
    assert_eq!(operations(&world, from), calls);
    assert_eq!(tag_reads(&world), 0, "it has no tags");
}

#[tokio::test]
async fn tags_say_the_same_and_metadata_wins() {
    let world = signed(&[]).await;
    let tags = [
        ("resistant-filename", "Müller & <Söhne>.pdf"),
        ("resistant-side", "front"),
        ("resistant-pipeline", "QUALITY_ONLY"),
        ("cost-centre", "7"),
    ];
    world.file_with(KEY, Said::new(&[("resistant-side", "back")], &tags)).await.unwrap();
    let submission = the_submission(&world);
    assert_eq!((submission.pipeline.as_str(), submission.decision), ("QUALITY_ONLY", false));
    let document = json!({ "document_filename": "Müller & <Söhne>.pdf", "document_side": "back" });
    assert_eq!(submission.characteristics, Some(json!({ "document_characteristics": document })));
    assert_eq!(tag_reads(&world), 1);
    let read = world.proxy.calls().into_iter().find(|call| call.action == "GetObjectTagging").unwrap();
    assert_eq!(read.targets[0].permission, "s3:GetObjectVersionTagging", "of the version that is submitted");
}

#[tokio::test]
async fn a_file_that_says_nothing_gets_the_deployment_s_defaults_and_tells_nothing() {
    let world = signed(&[("PIPELINE_CONFIGURATION", "QUALITY_ONLY"), ("ENABLE_DECISION", "true")]).await;
    let from = world.vendor.vendor().state().calls.len();
    world.file_with(KEY, Said::new(&[("author", "Jane")], &[])).await.unwrap();
    let submission = the_submission(&world);
    assert_eq!((submission.pipeline.as_str(), submission.decision), ("QUALITY_ONLY", true));
    assert_eq!(submission.characteristics, None);
    assert_eq!(operations(&world, from), [Operation::Token, Operation::CreateSubmission, Operation::Upload]);
    let own = [("resistant-pipeline", "FRAUD_ONLY"), ("resistant-decision", "false")];
    world.file_with("acme/eu-1/b.pdf", Said::new(&own, &[])).await.unwrap();
    let own = world.submissions().pop().unwrap();
    assert_eq!((own.pipeline.as_str(), own.decision), ("FRAUD_ONLY", false));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_key_and_rule_and_its_value_is_nowhere() {
    let world = signed(&[]).await;
    let cases: [(Said, &str); 8] = [
        (
            Said::new(&[("resistant-pipeline", "jane-doe")], &[]),
            "metadata `resistant-pipeline`: it is `FRAUD",
        ),
        (Said::new(&[("resistant-decision", "jane-doe")], &[]), "`true` or `false`"),
        (Said::new(&[("resistant-document-type", "jane-doe")], &[]), "one of the vendor's document types"),
        (Said::new(&[("resistant-casid", "jane-doe")], &[]), "`resistant-casid`: there is no such key"),
        (Said::new(&[("resistant-case-id", "")], &[]), "1 to 1,024 characters"),
        (Said::new(&[("resistant-filename", "jane-doe\u{1}")], &[]), "1 metadata values cannot be read"),
        (Said::new(&[], &[("resistant-side", "jane-doe")]), "tag `resistant-side`: it is `front` or `back`"),
        (Said::new(&[], &[("Resistant-Side", "jane-doe")]), "tag `Resistant-Side`: there is no such key"),
    ];
    for (number, (said, rule)) in cases.into_iter().enumerate() {
        world.file_with(KEY, said).await.unwrap();
        let refused = last_refusal(&world);
        assert_eq!(world.events("DocumentRejected").len(), number + 1);
        assert_eq!(refused["reason_code"], "INVALID_METADATA", "{refused}");
        assert!(refused["explanation"].as_str().unwrap().contains(rule), "{refused}");
    }
    assert!(world.vendor.vendor().state().submissions.is_empty());
    assert_nowhere(&world, "jane-doe");
}

fn assert_nowhere(world: &World, value: &str) {
    let events = serde_json::to_string(&world.services.events()).unwrap();
    assert!(!events.contains(value), "`{value}` is in an event");
    let log = world.log("submit-document").join("\n");
    assert!(!log.is_empty() && !log.contains(value), "`{value}` is in the log: {log}");
}

/// Kills submit-document while it makes a call to the vendor.
async fn killed_at(world: &World, body: &str, operation: Operation, at: HoldAt, release: Release) {
    let id = world.vendor.vendor().add_fault(Fault::next(operation, Effect::Hold { at }));
    let attributes = BTreeMap::new();
    tokio::select! {
        biased;
        _ = world.vendor.vendor().wait_for_held(1) => {
            world.lambda.function("submit-document").unwrap().kill();
            world.vendor.vendor().release(None, release);
        }
        delivered = world.deliver("submit-document", body, &attributes) => panic!("not held: {delivered:?}"),
    }
    world.vendor.vendor().remove_faults(Some(id));
}

fn told() -> Said {
    Said::new(&[("resistant-case-id", "jane-doe")], &[("resistant-pipeline", "QUALITY_ONLY")])
}

#[tokio::test]
async fn a_crash_anywhere_between_creation_and_characteristics_heals() {
    let cases = [
        (Operation::CreateSubmission, HoldAt::After, Release::Discard),
        (Operation::Upload, HoldAt::Before, Release::Discard),
        (Operation::Upload, HoldAt::After, Release::Discard),
        (Operation::PutSubmissionCharacteristics, HoldAt::Before, Release::Discard),
        (Operation::PutSubmissionCharacteristics, HoldAt::After, Release::Discard),
    ];
    // Each waits for the claim of the killed function to end: side by side.
    let healed = cases.map(async |(operation, at, release)| {
        let world = signed(&[]).await;
        let body = world.put(KEY, b"%PDF-1.7".to_vec(), told());
        killed_at(&world, &body, operation, at, release).await;
        world.settle_at_any_price("submit-document", &body).await;
        let submission = the_submission(&world);
        let said = format!("{operation:?} {at:?}");
        assert_eq!(submission.characteristics, Some(json!({ "customer_case_id": "jane-doe" })), "{said}");
        assert_eq!(submission.pipeline, "QUALITY_ONLY", "{said}");
        assert_nowhere(&world, "jane-doe");
    });
    join_all(healed).await;
}

#[tokio::test]
async fn a_crash_before_the_characteristics_costs_no_second_upload() {
    let world = signed(&[]).await;
    let body = world.put(KEY, b"%PDF-1.7".to_vec(), told());
    killed_at(&world, &body, Operation::PutSubmissionCharacteristics, HoldAt::Before, Release::Discard).await;
    world.settle_at_any_price("submit-document", &body).await;
    assert_eq!(world.vendor.vendor().state().submissions.len(), 1);
    assert_eq!(the_submission(&world).uploads, 1);
}

#[tokio::test]
async fn where_the_vendor_refuses_a_repeat_its_own_state_decides() {
    let world = signed(&[]).await;
    world
        .vendor
        .vendor()
        .add_fault(Fault::next(Operation::PutSubmissionCharacteristics, Effect::DoneThenCut));
    let from = world.vendor.vendor().state().calls.len();
    world.file_with(KEY, told()).await.unwrap();
    // It refuses a second time, and the result is there in the end: that of the pipeline asked for.
    assert!(the_submission(&world).finished);
    let calls = operations(&world, from);
    let count = |operation| calls.iter().filter(|call| **call == operation).count();
    assert!(count(Operation::PutSubmissionCharacteristics) > 1, "{calls:?}");
    assert!(count(Operation::GetQuality) > 0 && count(Operation::GetFraud) == 0, "{calls:?}");
    assert_eq!(world.vendor.vendor().state().submissions.len(), 1, "{calls:?}");
}

#[tokio::test]
async fn characteristics_that_the_vendor_does_not_take_end_the_document_and_leave_nothing() {
    let world = signed(&[]).await;
    let refuse = Fault::next(Operation::PutSubmissionCharacteristics, Effect::Status { status: 400 });
    world.vendor.vendor().add_fault(refuse);
    world.file_with(KEY, told()).await.unwrap();
    let refused = last_refusal(&world);
    assert_eq!(refused["reason_code"], "VENDOR_REFUSED", "{refused}");
    assert!(refused["explanation"].as_str().unwrap().contains("putSubmissionCharacteristics: refused (400)"));
    assert!(world.submissions().is_empty() && world.events("DocumentSubmitted").is_empty());
    assert_nowhere(&world, "jane-doe");
}

#[tokio::test]
async fn what_was_announced_is_sent_though_the_tags_are_gone() {
    let world = signed(&[]).await;
    let body = world.put(KEY, b"%PDF-1.7".to_vec(), Said::new(&[], &[("resistant-side", "back")]));
    killed_at(&world, &body, Operation::PutSubmissionCharacteristics, HoldAt::Before, Release::Discard).await;
    world.objects.tag(BUCKET, KEY, &[]);
    world.settle_at_any_price("submit-document", &body).await;
    // The vendor was told that some follow, and would wait for them for ever.
    assert_eq!(the_submission(&world).characteristics, Some(json!({})));
}

#[tokio::test]
async fn an_object_that_is_gone_before_its_characteristics_leaves_nothing_at_the_vendor() {
    let world = signed(&[]).await;
    let body = world.put(KEY, b"%PDF-1.7".to_vec(), told());
    killed_at(&world, &body, Operation::PutSubmissionCharacteristics, HoldAt::Before, Release::Discard).await;
    world.objects.remove(BUCKET, KEY);
    world.settle_at_any_price("submit-document", &body).await;
    assert_eq!(last_refusal(&world)["reason_code"], "OBJECT_GONE");
    assert!(world.submissions().is_empty());
}
