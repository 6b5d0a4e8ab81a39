//! Documents, from S3's notification to the vendor.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeMap;

use e2e::messages::{later, notification, offboarding, onboarding};
use e2e::objects::Said;
use e2e::world::{BUCKET, World};
use serde_json::json;
use sha2::{Digest, Sha256};

#[tokio::test]
async fn documents_arrive_whole_under_their_names() {
    let world = World::signed("acme", &["eu-1", "us-1"]).await;
    let keys = [
        "acme/eu-1/plain.pdf",
        "acme/us-1/with spaces + plus & % 100.pdf",
        "acme/eu-1/[brackets] (and) more.pdf",
        "acme/eu-1/smile 😀 ü.pdf",
    ];
    for (index, key) in keys.iter().enumerate() {
        world.file(key, vec![u8::try_from(index).unwrap(); 100_000 + index]).await.unwrap();
    }
    let submitted = world.events("DocumentSubmitted");
    assert_eq!(submitted.len(), keys.len(), "{:?}", world.services.events());
    let held = world.vendor.vendor().state().submissions;
    for (index, event) in submitted.iter().enumerate() {
        assert_eq!(event["document"]["key"], keys[index]);
        let submission = held.iter().find(|held| event["submission_id"] == held.id).unwrap();
        let bytes = vec![u8::try_from(index).unwrap(); 100_000 + index];
        assert_eq!(submission.sha256.as_deref(), Some(hex(&Sha256::digest(&bytes)).as_str()));
        assert_eq!(submission.cell, keys[index].split('/').nth(1).unwrap());
    }
}

#[tokio::test]
async fn a_repeated_notification_of_a_finished_document_costs_one_call() {
    let world = World::signed("acme", &["eu-1"]).await;
    let body = world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    let (aws, vendor) = (world.proxy.calls().len(), world.vendor.vendor().state().calls.len());
    world.settle("submit-document", &body).await.unwrap();
    let calls: Vec<String> = world.proxy.calls()[aws..].iter().map(|call| call.action.clone()).collect();
    assert_eq!(calls, ["UpdateItem"]);
    assert_eq!(world.vendor.vendor().state().calls.len(), vendor);
    // A new version under the same name is a new document.
    world.file("acme/a.pdf", b"%PDF-2.0".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 2);
}

#[tokio::test]
async fn a_cell_that_was_added_is_served_although_the_record_was_cached() {
    let world = World::start_with(&[("CREDENTIAL_CACHE_SECONDS", "300")]).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.file("acme/eu-1/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    let more = later(onboarding("r-2", "acme", &["us-1"]), "2026-01-02T00:00:00Z");
    world.request("onboard-customer", &more).await.unwrap();
    world.file("acme/us-1/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 2, "{:?}", world.events("DocumentRejected"));
}

#[tokio::test]
async fn an_upload_url_that_is_always_refused_ends_in_a_rejection() {
    let world = World::signed("acme", &["eu-1"]).await;
    let refuse = simulator::Effect::Status { status: 403 };
    let fault =
        simulator::Fault { count: None, ..simulator::Fault::next(simulator::Operation::Upload, refuse) };
    world.vendor.vendor().add_fault(fault);
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentRejected").pop().unwrap()["reason_code"], "VENDOR_REFUSED");
    let left =
        world.vendor.vendor().state().submissions.into_iter().filter(|one| one.deleted.is_none()).count();
    assert_eq!(left, 0, "every submission that was given up is deleted");
}

/// What is known of the vendor's limit is not asked again for each document, and holds nothing up that
/// the vendor has begun.
#[tokio::test]
async fn without_a_permit_a_new_document_costs_no_call_and_one_under_way_goes_on() {
    let world = World::signed("acme", &["eu-1"]).await;
    let file = |key: &str| world.put(key, b"%PDF-1.7".to_vec(), Said::default());
    let (first, again) = (BTreeMap::new(), BTreeMap::from([("attempt".to_owned(), "2".to_owned())]));
    let lose = simulator::Effect::DoneThenStatus { status: 503 };
    world.vendor.vendor().add_fault(simulator::Fault::next(simulator::Operation::Upload, lose));
    let under_way = file("acme/under-way.pdf");
    world.deliver("submit-document", &under_way, &first).await.unwrap();
    assert!(world.events("DocumentSubmitted").is_empty());
    // Refused four times, the instance expects a permit each four seconds.
    let refuse = simulator::Effect::Status { status: 429 };
    let refuse = simulator::Fault::next(simulator::Operation::CreateSubmission, refuse);
    world.vendor.vendor().add_fault(simulator::Fault { count: None, ..refuse });
    let creations = || {
        let calls = world.vendor.vendor().state().calls;
        calls.iter().filter(|call| call.operation == Some(simulator::Operation::CreateSubmission)).count()
    };
    let refused = file("acme/refused.pdf");
    for _ in 0..200 {
        if creations() == 5 {
            break;
        }
        world.deliver("submit-document", &refused, &again).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(creations(), 5);
    let (aws, vendor) = (world.proxy.calls().len(), world.vendor.vendor().state().calls.len());
    let new = file("acme/new.pdf");
    let delivered = world.deliver("submit-document", &new, &first).await.unwrap();
    assert!(!delivered.returned && delivered.deferred.len() == 1, "{delivered:?}");
    assert_eq!(world.vendor.vendor().state().calls.len(), vendor);
    let calls: Vec<String> = world.proxy.calls()[aws..].iter().map(|call| call.action.clone()).collect();
    assert!(calls.iter().all(|call| call == "SendMessage"), "{calls:?}");
    world.vendor.vendor().remove_faults(None);
    // The vendor has its submission, and takes its bytes.
    let delivered = world.deliver("submit-document", &under_way, &again).await.unwrap();
    assert!(!delivered.returned && delivered.deferred.is_empty(), "{delivered:?}");
    assert_eq!(world.events("DocumentSubmitted").len(), 1);
}

#[tokio::test]
async fn a_read_that_breaks_is_resumed_in_the_same_upload() {
    let world = World::signed("acme", &["eu-1"]).await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    world.objects.cut_at(&[100_000, 150_000]);
    world.file("acme/a.pdf", bytes.clone()).await.unwrap();
    assert_eq!(world.objects.reads(), ["", "bytes=100000-", "bytes=150000-"]);
    let held = world.vendor.vendor().state().submissions;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].sha256.as_deref(), Some(hex(&Sha256::digest(&bytes)).as_str()));
}

#[tokio::test]
async fn what_cannot_be_submitted_is_rejected_with_its_reason() {
    let world = World::signed("acme", &["eu-1", "us-1"]).await;
    let cases: [(&str, &[u8], &str); 5] = [
        ("stranger/eu-1/a.pdf", b"x", "UNKNOWN_CUSTOMER"),
        ("loose.pdf", b"x", "KEY_NAMES_NO_CUSTOMER"),
        ("acme/a.pdf", b"x", "AMBIGUOUS_CELL"),
        ("acme/ca-1/a.pdf", b"x", "NO_APPLICATION_IN_CELL"),
        ("acme/eu-1/empty.pdf", b"", "EMPTY_OBJECT"),
    ];
    for (key, bytes, code) in cases {
        world.file(key, bytes.to_vec()).await.unwrap();
        let refused = world.events("DocumentRejected").pop().unwrap();
        assert_eq!(refused["reason_code"], code, "{key}: {refused}");
        assert_eq!(refused["document"]["key"], key);
    }
    let gone = notification("acme/eu-1/never-there.pdf", "v1", 3).to_string();
    world.settle("submit-document", &gone).await.unwrap();
    assert_eq!(world.events("DocumentRejected").pop().unwrap()["reason_code"], "OBJECT_GONE");
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    world.file("acme/eu-1/late.pdf", b"x".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentRejected").pop().unwrap()["reason_code"], "CUSTOMER_OFFBOARDING");
    assert!(world.vendor.vendor().state().submissions.is_empty());
    assert_eq!(world.events("DocumentRejected").len(), 7);
    // A console's folder is not a document.
    world.settle("submit-document", &notification("acme/eu-1/", "v1", 0).to_string()).await.unwrap();
    assert_eq!(world.events("DocumentRejected").len(), 7);
}

#[tokio::test]
async fn an_object_of_another_bucket_is_rejected() {
    let world = World::signed("acme", &["eu-1"]).await;
    let mut body = notification("acme/a.pdf", "v1", 3);
    body["Records"][0]["s3"]["bucket"]["name"] = json!("elsewhere");
    world.settle("submit-document", &body.to_string()).await.unwrap();
    let refused = world.events("DocumentRejected").pop().unwrap();
    assert_eq!(refused["reason_code"], "WRONG_BUCKET");
    assert!(refused["explanation"].as_str().unwrap().contains(BUCKET));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
