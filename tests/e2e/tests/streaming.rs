//! A document's bytes on their way through submit-document: what breaks, lies or changes under way.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use e2e::content::Content;
use e2e::messages::notification;
use e2e::objects::{Said, Told};
use e2e::world::{BUCKET, World};
use serde_json::Value;
use simulator::{Effect, Fault, Operation, SubmissionState};

/// The size of a large scan.
const LARGE: u64 = 64 << 20;

/// How many cuts of the source are made in a document of that size, over several uploads of it.
const CUTS: u64 = 64;

/// How often one upload takes its source up again.
const RESUMES: u64 = 5;

/// After how many of its sixteenths an upload is broken off.
const BREAKS: u64 = 16;

const KEY: &str = "acme/a.pdf";

async fn world() -> World {
    let world = World::signed("acme", &["eu-1"]).await;
    world.read_straight_from_s3();
    world
}

struct Seen {
    /// How each upload ended at the vendor.
    uploads: Vec<Option<u16>>,
    /// How many submissions were made.
    made: usize,
}

impl Seen {
    /// What the vendor has seen so far.
    fn of(world: &World) -> Self {
        let state = world.vendor.vendor().state();
        Self {
            uploads: state
                .calls
                .iter()
                .filter(|call| call.operation == Some(Operation::Upload))
                .map(|call| call.effect)
                .collect(),
            made: state.submissions.len(),
        }
    }
}

/// The one live submission that a document ended in, by its event.
fn submitted(world: &World, key: &str) -> SubmissionState {
    let events = world.events("DocumentSubmitted");
    let event = events.iter().find(|event| event["document"]["key"] == key);
    let event = event.unwrap_or_else(|| panic!("{key}: {:?}", world.services.events()));
    let query_id = event["document_id"].as_str();
    let mut live = world.submissions();
    live.retain(|one| one.query_id.as_deref() == query_id);
    assert_eq!(live.len(), 1, "{key}: {live:?}");
    assert_eq!(live[0].uploads, 1, "{key}");
    assert_eq!(event["submission_id"], live[0].id);
    live.remove(0)
}

fn assert_arrived(world: &World, key: &str, content: &Content) {
    let submission = submitted(world, key);
    assert_eq!(submission.size, Some(content.size()), "{key}");
    assert_eq!(submission.sha256, Some(content.sha256()), "{key}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_cut_anywhere_is_resumed_within_the_same_upload() {
    let world = world().await;
    let content = Content::Made(LARGE);
    let uploads = CUTS.div_ceil(RESUMES);
    for upload in 0..uploads {
        let cuts: Vec<u64> =
            (1..=CUTS).filter(|cut| cut % uploads == upload).map(|cut| LARGE * cut / (CUTS + 1)).collect();
        let (before, read) = (Seen::of(&world), world.objects.reads().len());
        world.objects.cut_at(&cuts);
        let key = format!("acme/cut-{upload}.pdf");
        world.file(&key, content.clone()).await.unwrap();
        assert_arrived(&world, &key, &content);
        let after = Seen::of(&world);
        assert_eq!(after.uploads[before.uploads.len()..], [Some(200)], "{key}: another upload");
        assert_eq!(after.made, before.made + 1, "{key}: another submission");
        let resumed: Vec<u64> = world.objects.reads()[read + 1..].iter().map(|range| start(range)).collect();
        assert_eq!(resumed.len(), cuts.len(), "{key}: {resumed:?}");
        // What was on the wire when it broke may be lost, and is read again.
        let mut last = 0;
        for (resumed, cut) in resumed.iter().zip(&cuts) {
            assert!((last + 1..=*cut).contains(resumed), "{key}: resumed at {resumed}, cut at {cut}");
            last = *resumed;
        }
    }
}

/// Where a range that goes to the end begins.
fn start(range: &str) -> u64 {
    range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse().ok()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_anywhere_is_made_again() {
    let world = world().await;
    let content = Content::Made(LARGE);
    for sixteenths in 1..=BREAKS {
        let before = Seen::of(&world);
        let broken = Effect::BreakAfter { bytes: LARGE * sixteenths / BREAKS };
        world.vendor.vendor().add_fault(Fault::next(Operation::Upload, broken));
        let key = format!("acme/broken-{sixteenths}.pdf");
        let body = world.put(&key, content.clone(), Said::default());
        world.settle_at_any_price("submit-document", &body).await;
        assert_arrived(&world, &key, &content);
        let after = Seen::of(&world);
        assert_eq!(after.uploads[before.uploads.len()..], [None, Some(200)], "{key}");
    }
}

#[tokio::test]
async fn a_document_whose_bytes_were_altered_on_their_way_is_not_completed() {
    let world = world().await;
    let content = Content::Made(300_000);
    // Somewhere in the first read; its last byte; and in a read that takes up a broken one. Each is
    // read once more from its beginning, after so many reads.
    let cases = [
        ("acme/middle.pdf", vec![], vec![Some(70_000)], 1),
        ("acme/end.pdf", vec![], vec![Some(299_999)], 1),
        ("acme/resumed.pdf", vec![100_000], vec![None, Some(200_000)], 2),
    ];
    for (key, cuts, altered, reads) in cases {
        let (before, read) = (Seen::of(&world), world.objects.reads().len());
        world.objects.cut_at(&cuts);
        world.objects.alter_at(&altered);
        let body = world.put(key, content.clone(), Said::default());
        world.settle_at_any_price("submit-document", &body).await;
        assert_arrived(&world, key, &content);
        assert_eq!(world.objects.reads().len(), read + reads + 1, "{key}");
        // What is given up before its first bytes were sent is an upload that the vendor never sees.
        let mut uploads = Seen::of(&world).uploads.split_off(before.uploads.len());
        assert_eq!(uploads.pop(), Some(Some(200)), "{key}");
        assert!(uploads.iter().all(Option::is_none), "{key}: {uploads:?}");
    }
    let log = world.log_with("submit-document", "do not have the crc64nvme").await;
    assert!(log.contains("do not have the crc64nvme that S3 tells"), "{log}");
}

/// An object of which S3 tells this checksum.
fn told(algorithm: &'static str, value: &str, kind: &'static str) -> Said {
    let checksum = Some(Told { algorithm, value: value.to_owned(), kind });
    Said { checksum, ..Said::default() }
}

#[tokio::test]
async fn only_a_checksum_of_the_whole_object_counts() {
    let world = world().await;
    let content = Content::Made(100_000);
    let of_parts = told("crc32", "AAAAAA==-2", "COMPOSITE");
    let unknown = told("xxhash64", "AAAAAAAAAAA=", "FULL_OBJECT");
    for (key, said) in [("acme/parts.pdf", of_parts), ("acme/unknown.pdf", unknown)] {
        let body = world.put(key, content.clone(), said);
        world.settle("submit-document", &body).await.unwrap();
        assert_arrived(&world, key, &content);
    }
    // One that never fits ends as any document that can never be uploaded.
    let body = world.put("acme/wrong.pdf", content, told("crc32", "AAAAAA==", "FULL_OBJECT"));
    world.settle_at_any_price("submit-document", &body).await;
    let refused = world.events("DocumentRejected").pop().unwrap();
    assert_eq!(refused["reason_code"], "VENDOR_REFUSED", "{refused}");
    assert_eq!(world.submissions().len(), 2, "{:?}", world.submissions());
}

/// S3's notification of an object of a bucket that keeps no versions.
fn unversioned(key: &str, etag: &str, content: &Content) -> String {
    let mut body = notification(key, etag, content.size());
    let object = body.pointer_mut("/Records/0/s3/object").and_then(Value::as_object_mut).unwrap();
    object.remove("versionId");
    body.to_string()
}

fn refusals(world: &World) -> Vec<Value> {
    world.events("DocumentRejected").iter().map(|event| event["reason_code"].clone()).collect()
}

#[tokio::test]
async fn without_versions_the_content_that_was_announced_is_submitted() {
    let world = world().await;
    let content = Content::Made(300_000);
    let etag = world.objects.put_unversioned(BUCKET, KEY, content.clone(), Said::default());
    world.objects.cut_at(&[100_000]);
    world.settle("submit-document", &unversioned(KEY, &etag, &content)).await.unwrap();
    assert_arrived(&world, KEY, &content);
    assert_eq!(world.objects.reads().len(), 2);
}

#[tokio::test]
async fn without_versions_an_object_that_was_replaced_before_it_was_read_is_superseded() {
    let world = world().await;
    let (old, new) = (Content::Made(300_000), Content::Made(300_001));
    let put = |content: &Content| {
        let etag = world.objects.put_unversioned(BUCKET, KEY, content.clone(), Said::default());
        unversioned(KEY, &etag, content)
    };
    let (announced, successor) = (put(&old), put(&new));
    world.settle("submit-document", &announced).await.unwrap();
    assert_eq!(refusals(&world), ["SUPERSEDED"]);
    assert_eq!(Seen::of(&world).made, 0);
    world.settle("submit-document", &successor).await.unwrap();
    assert_arrived(&world, KEY, &new);
}

#[tokio::test]
async fn without_versions_an_object_that_was_replaced_during_a_break_is_superseded() {
    let world = world().await;
    // As large, and without a checksum of the whole, so that nothing but its entity tag tells.
    let old = Content::Made(300_000);
    let new = Content::from(vec![7_u8; 300_000]);
    let said = told("crc32", "AAAAAA==-2", "COMPOSITE");
    let etag = world.objects.put_unversioned(BUCKET, KEY, old.clone(), said);
    let announced = unversioned(KEY, &etag, &old);
    world.objects.cut_at(&[100_000]);
    world.objects.replace_at_next_read(new);
    world.settle_at_any_price("submit-document", &announced).await;
    assert_eq!(refusals(&world), ["SUPERSEDED"]);
    assert_eq!(Seen::of(&world).uploads, [None], "half of one and half of the other");
    assert!(world.submissions().is_empty(), "{:?}", world.submissions());
    assert_eq!(world.objects.reads()[..2], ["", "bytes=100000-"]);
}
