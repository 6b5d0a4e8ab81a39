//! A data plane in another region than its control plane: each call is signed for the region where its resource is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::BTreeSet;

use aws_parts::proxy::{Outcome, Service};
use e2e::messages::{offboarding, onboarding, secret};
use e2e::world::World;

const HOME: &str = "us-east-1";
const ABROAD: &str = "eu-central-1";

/// A world whose documents are handled in another region, with what is the control plane's by ARN.
async fn abroad() -> World {
    let world = World::start_with(&[("REPLICA_REGIONS", ABROAD)]).await.unwrap();
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.secrets.rotations_ended().await;
    for function in ["submit-document", "collect-result"] {
        world.change_function(function, |settings| {
            ABROAD.clone_into(&mut settings.region);
            let arns = [
                ("CUSTOMERS_TABLE", format!("arn:aws:dynamodb:{HOME}:000000000000:table/customers")),
                ("DOCUMENTS_TABLE", format!("arn:aws:dynamodb:{HOME}:000000000000:table/documents")),
                ("EVENT_BUS_NAME", format!("arn:aws:events:{HOME}:000000000000:event-bus/bus")),
            ];
            settings.environment.extend(arns.map(|(name, arn)| (name.to_owned(), arn)));
        });
    }
    world
}

#[tokio::test]
async fn a_document_abroad_is_claimed_and_told_of_at_home_and_all_else_stays_abroad() {
    let world = abroad().await;
    let before = world.proxy.calls().len();
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 1, "{:?}", world.services.events());
    for look in world.take_looks() {
        world.settle("collect-result", &look.body).await.unwrap();
    }
    assert_eq!(world.events("DocumentAnalyzed").len(), 1, "{:?}", world.services.events());
    let calls = world.proxy.calls().split_off(before);
    assert!(
        calls.iter().all(|call| matches!(call.outcome, Outcome::Answered { status: 200, .. })),
        "{calls:?}"
    );
    let mut seen = BTreeSet::new();
    for call in &calls {
        let (caller, region) = (call.caller.as_deref().unwrap(), call.region.as_deref().unwrap());
        assert!(["submit-document", "collect-result"].contains(&caller), "{call}");
        seen.insert((call.service, region));
    }
    let expected = [
        (Service::DynamoDb, HOME),
        (Service::EventBridge, HOME),
        (Service::S3, ABROAD),
        (Service::SecretsManager, ABROAD),
        (Service::Sqs, ABROAD),
    ];
    assert_eq!(seen, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_rotated_credential_is_read_abroad_and_goes_with_the_customer() {
    let world = abroad().await;
    let name = secret("acme", "eu-1");
    assert_eq!(world.secrets.secret(&name).unwrap().replicas, [ABROAD]);
    let before = world.secrets.reveal(&name, "AWSCURRENT");
    world.rotate(&name).await;
    assert_ne!(world.secrets.reveal(&name, "AWSCURRENT"), before, "it was rotated");
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 1, "{:?}", world.services.events());

    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    let left = world.secrets.secret(&name).unwrap();
    assert!(left.replicas.is_empty() && left.deletion.is_some(), "{left:?}");
    assert_eq!(world.events("CustomerOffboarded").len(), 1, "{:?}", world.services.events());
}

#[tokio::test]
async fn an_offboarding_at_home_ends_what_is_open_abroad() {
    let world = abroad().await;
    world.file("acme/a.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    for look in world.take_looks() {
        world.settle("collect-result", &look.body).await.unwrap();
    }
    let failed = world.events("DocumentAnalysisFailed");
    assert_eq!(failed.len(), 1, "{:?}", world.services.events());
    assert_eq!(failed[0]["reason_code"], "CUSTOMER_OFFBOARDING");
    world.file("acme/b.pdf", b"%PDF-1.7".to_vec()).await.unwrap();
    assert_eq!(world.events("DocumentSubmitted").len(), 1, "nothing more is taken abroad");
    assert_eq!(world.events("DocumentRejected").len(), 1, "{:?}", world.services.events());
}
