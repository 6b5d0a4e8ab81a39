//! One contract for each pair, of documents: the table in memory and in DynamoDB, the vendor's Documents API in
//! memory and as the simulator.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use http_body_util::Full;
use jiff::Timestamp;
use laboratory::lab::{Lab, Setup};
use registry::{Claim, Claimed, Documents, Looked, RegistryError, Settled, Standing};
use resistant::{
    ApplicationKey, CallError, Characteristics, ControlPlane, DataPlane, DocumentsScope, NewAuthentication,
    NewSubmission, Removal, ResultKind, Vendor,
};
use shared_core::customer::Failure;
use shared_core::document::{
    Document, DocumentId, Findings, Kept, Pipeline, Refusal, Source, State, Step, Submission,
};
use shared_core::ids::{Generation, TenantName};
use shared_core::place::Cell;

mod real;

use real::{dynamodb, simulator_with};

// ---- the table ----

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn source() -> Source {
    let [bucket, key] = ["b", "acme/a.pdf"].map(str::to_owned);
    Source { bucket, key, version_id: Some("v".to_owned()), etag: None }
}

async fn mine(documents: &Documents, owner: &str, now: i64) -> (Claim, Document) {
    match documents.claim(&source(), owner, second(now), second(now + 60)).await.unwrap() {
        Claimed::Mine(claim, document) => (claim, *document),
        other => panic!("{other:?}"),
    }
}

async fn table_contract(documents: &Documents) {
    let (first, document) = mine(documents, "first", 0).await;
    assert_eq!(document, Document::claimed(source(), second(0)));
    match documents.claim(&source(), "second", second(60), second(120)).await.unwrap() {
        Claimed::Busy { until } => assert_eq!(until, second(60)),
        other => panic!("two work on one document: {other:?}"),
    }
    // The SDK's own repeat of a claim that succeeded is no second one.
    let (first_again, document) = mine(documents, "first", 1).await;
    assert_eq!(document.first_seen, second(0));
    documents.save(&first, &document).await.unwrap();
    documents.release(first_again).await.unwrap();

    // A claim that was given back, or has ended, is taken over, and its holder can write nothing any more.
    let (third, _) = mine(documents, "third", 2).await;
    assert!(matches!(documents.save(&first, &document).await, Err(RegistryError::ClaimLost)));
    assert!(documents.release(first).await.is_err());
    let (fourth, document) = mine(documents, "fourth", 63).await;
    assert!(documents.release(third).await.is_err());

    let failure = Failure::from(&Refusal::Empty);
    let ended = document.apply(Step::Rejected { failure, at: second(64) }).unwrap();
    documents.save(&fourth, &ended).await.unwrap();
    let is_ended = async || match documents.claim(&source(), "fifth", second(200), second(260)).await.unwrap()
    {
        Claimed::Ended { document, announced } => (document.state, announced),
        other => panic!("what has ended is worked on again: {other:?}"),
    };
    assert_eq!(is_ended().await, (State::Rejected, false));
    documents.mark_announced(&DocumentId::of(&source())).await.unwrap();
    assert_eq!(is_ended().await, (State::Rejected, true));
    let other = Source { key: "acme/b.pdf".to_owned(), ..source() };
    assert!(documents.mark_announced(&DocumentId::of(&other)).await.is_err());
}

/// A document of which the vendor has every byte.
async fn submitted(documents: &Documents, key: &str, now: i64) -> Document {
    let source = Source { key: key.to_owned(), ..source() };
    let claimed = documents.claim(&source, "s", second(now), second(now + 60)).await.unwrap();
    let Claimed::Mine(claim, document) = claimed else { panic!("{claimed:?}") };
    let submission = Submission {
        id: "s-1".parse().unwrap(),
        upload_url: None,
        created_at: second(now),
        removing_until: None,
        generation: Generation::NONE.next(),
        tenant_id: Some("t-1".parse().unwrap()),
        pipeline: Pipeline::FraudOnly,
        decision: false,
        characteristics: false,
    };
    let created = Step::Created { customer_id: "acme".parse().unwrap(), cell: Cell::Eu1, submission };
    let document = document.apply(created).unwrap();
    documents.save(&claim, &document).await.unwrap();
    let document = document.apply(Step::Sending { size_bytes: 1 }).unwrap();
    let document = document.apply(Step::Submitted { at: second(now + 1) }).unwrap();
    documents.save(&claim, &document).await.unwrap();
    document
}

async fn results_contract(documents: &Documents) {
    let (acme, nobody) = ("acme".parse().unwrap(), DocumentId::of(&source()));
    assert_eq!(documents.standing(&nobody).await.unwrap(), None);
    assert_eq!(documents.look(&nobody, 1).await.unwrap(), Looked::Unknown);
    let document = submitted(documents, "acme/b.pdf", 0).await;
    let later = submitted(documents, "acme/c.pdf", 5).await;
    let id = DocumentId::of(&document.source);
    let standing = |document: &Document, looks, told| Standing { document: document.clone(), looks, told };

    // Of two looks of one number, one goes on, and an earlier one not at all.
    assert_eq!(documents.look(&id, 2).await.unwrap(), Looked::Begun(standing(&document, 2, false).into()));
    for number in [2, 1] {
        let looked = documents.look(&id, number).await.unwrap();
        assert_eq!(looked, Looked::Not(standing(&document, 2, false).into()));
    }
    assert!(matches!(documents.look(&id, 3).await.unwrap(), Looked::Begun(_)));

    // It is open until its end is recorded, and the first end stays.
    let open = documents.open(&acme).await.unwrap();
    assert_eq!((open.documents, open.more), (vec![document.clone(), later.clone()], false));
    let (at, kept) = (second(9), Kept::Record);
    let findings = Findings { status: "SUCCESS".to_owned(), score: None, decision: None, kept };
    let analyzed = document.clone().apply(Step::Analyzed { findings, at }).unwrap();
    assert_eq!(documents.settle(&analyzed, Some(r#"{"fraud":{}}"#)).await.unwrap(), Settled::Now);
    let failure = Failure::from(&Refusal::Empty);
    let failed = document.apply(Step::AnalysisFailed { failure, findings: None, at }).unwrap();
    let before = Settled::Before(standing(&analyzed, 3, false).into());
    assert_eq!(documents.settle(&failed, None).await.unwrap(), before);
    assert_eq!(documents.open(&acme).await.unwrap().documents, [later]);
    let looked = documents.look(&id, 4).await.unwrap();
    assert_eq!(looked, Looked::Not(standing(&analyzed, 3, false).into()));
    documents.mark_told(&id).await.unwrap();
    assert_eq!(documents.standing(&id).await.unwrap(), Some(standing(&analyzed, 3, true)));
    assert!(documents.mark_told(&nobody).await.is_err());
}

#[test]
fn the_documents_in_memory() {
    let lab = Lab::new(Setup::default());
    lab.block_on(table_contract(&lab.adapters().documents));
    let lab = Lab::new(Setup::default());
    lab.block_on(results_contract(&lab.adapters().documents));
}

#[tokio::test]
async fn the_documents_in_dynamodb() {
    let (aws, _server) = dynamodb().await;
    for table in ["documents", "results"] {
        create(&aws_sdk_dynamodb::Client::new(&aws), table).await;
    }
    table_contract(&Documents::new(&aws, "documents")).await;
    results_contract(&Documents::new(&aws, "results")).await;
}

/// A table as the template has it.
async fn create(client: &aws_sdk_dynamodb::Client, name: &str) {
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let projection = Projection::builder().projection_type(ProjectionType::All).build();
    let index = GlobalSecondaryIndex::builder().index_name("open-documents").projection(projection);
    let index = index.key_schema(key("open_customer_id", KeyType::Hash));
    let index = index.key_schema(key("opened_at", KeyType::Range));
    let mut table = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    table = table.key_schema(key("pk", KeyType::Hash)).global_secondary_indexes(index.build().unwrap());
    for attribute in ["pk", "open_customer_id", "opened_at"] {
        let attribute = AttributeDefinition::builder().attribute_name(attribute);
        let attribute = attribute.attribute_type(ScalarAttributeType::S).build().unwrap();
        table = table.attribute_definitions(attribute);
    }
    table.send().await.unwrap();
}

// ---- the vendor ----

async fn plane(control: &ControlPlane, vendor: &Vendor, customer: &str) -> DataPlane {
    let installation = "test-1".parse().unwrap();
    let name = TenantName::derive(&installation, &customer.parse().unwrap(), Generation::NONE.next());
    let tenant = control.create_tenant(&name, &[Cell::Eu1]).await.unwrap();
    let key = ApplicationKey::generate().unwrap();
    let ec = NewAuthentication::Ec(key.public());
    let made = control.create_application(&tenant.id, Cell::Eu1, &DocumentsScope::ALL, &ec).await.unwrap();
    let credential = vendor.endpoints().cell(Cell::Eu1).unwrap().credential(
        tenant.id,
        made.application.id,
        made.application.client_id,
        key.authentication(),
        Generation::NONE.next(),
        Timestamp::UNIX_EPOCH,
    );
    vendor.data_plane(&credential).unwrap()
}

fn new(characteristics: bool) -> NewSubmission {
    NewSubmission {
        query_id: "q".parse().unwrap(),
        pipeline: Pipeline::FraudOnly,
        enable_decision: false,
        enable_characteristics: characteristics,
    }
}

/// `analyse` returns once every analysis that has begun has ended.
async fn documents_contract(plane: &DataPlane, other: &DataPlane, analyse: impl AsyncFn()) {
    let pdf = || Full::from("%PDF-1.7 all of it");
    let result = async |id| plane.result(id, ResultKind::Fraud).await.unwrap();

    // Empty, it is not analysed, and it can be removed.
    let empty = plane.create_submission(&new(false)).await.unwrap();
    analyse().await;
    assert_eq!(result(&empty.id).await, None);
    assert_eq!(plane.delete_submission(&empty.id).await.unwrap(), Removal::Deleted);
    assert_eq!(plane.delete_submission(&empty.id).await.unwrap(), Removal::AlreadyGone);

    // Uploaded, it is analysed, and until then it is not removed. Another tenant sees nothing of it.
    let one = plane.create_submission(&new(false)).await.unwrap();
    plane.upload(one.upload_url.as_ref().unwrap(), 18, pdf()).await.unwrap();
    assert_eq!(plane.delete_submission(&one.id).await.unwrap(), Removal::Processing);
    assert_eq!(result(&one.id).await, None);
    analyse().await;
    assert!(result(&one.id).await.is_some());
    assert_eq!(other.result(&one.id, ResultKind::Fraud).await.unwrap(), None);
    assert_eq!(other.delete_submission(&one.id).await.unwrap(), Removal::AlreadyGone);
    assert_eq!(plane.delete_submission(&one.id).await.unwrap(), Removal::Deleted);
    assert_eq!(result(&one.id).await, None);

    // Where characteristics were announced, it waits for them.
    let told = plane.create_submission(&new(true)).await.unwrap();
    plane.upload(told.upload_url.as_ref().unwrap(), 18, pdf()).await.unwrap();
    analyse().await;
    assert_eq!(result(&told.id).await, None);
    let known =
        Characteristics { customer_case_id: Some("case-1".parse().unwrap()), ..Characteristics::default() };
    plane.put_characteristics(&told.id, &known).await.unwrap();
    analyse().await;
    assert!(result(&told.id).await.is_some());
    let gone = plane.put_characteristics(&one.id, &known).await.unwrap_err();
    assert!(matches!(gone, CallError::NotFound { .. }), "{gone}");
}

#[test]
fn the_documents_api_in_memory() {
    let lab = Lab::new(Setup::default());
    let adapters = lab.adapters();
    lab.block_on(async {
        let one = plane(&adapters.control, &adapters.vendor, "one").await;
        let two = plane(&adapters.control, &adapters.vendor, "two").await;
        documents_contract(&one, &two, async || lab.pass(Duration::from_secs(60))).await;
    });
}

#[tokio::test]
async fn the_documents_api_as_the_simulator() {
    let settings = simulator::Settings { result_delay_ms: 60_000, ..simulator::Settings::default() };
    let (simulator, vendor, control) = simulator_with(settings).await;
    let one = plane(&control, &vendor, "one").await;
    let two = plane(&control, &vendor, "two").await;
    documents_contract(&one, &two, async || {
        simulator.change_clock(&simulator::ClockChange { advance_seconds: 61.0, ..Default::default() });
    })
    .await;
}
