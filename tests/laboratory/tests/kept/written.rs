//! What today's code writes, record by record.

use std::time::Duration;

use laboratory::delivery::{End, Work};
use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::ONE;
use laboratory::world::Ask;
use registry::{Acquired, Cause, Change, Claim, Claimed, Documents, Handled, Lease, Operation, Registry};
use runtime::{Envelope, Origin};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shared_core::credential::AuthenticationKind;
use shared_core::customer::Customer;
use shared_core::document::{DocumentId, Kept, Look};
use shared_core::event::OutboundEvent;
use shared_core::ids::{Generation, TenantName};
use shared_core::place::Cell;
use vault::Prefix;

use super::Records;
use super::samples::{credential, customer, offboarded, second, settled, source, submitted, tenant_name};
use super::tables::Tables;

/// Where a reconciliation is kept that has not ended.
pub(crate) const UNFINISHED: &str = "reconciliations/unfinished.json";

fn cause() -> Cause {
    let request_id = Some("r-2".parse().unwrap());
    Cause { actor: "platform".to_owned(), reason: "left".to_owned(), request_id, origin: "sqs".to_owned() }
}

fn handled(id: &str) -> Handled {
    let event = OutboundEvent::new(offboarded(id), second(40));
    let (request_id, customer_id) = ("r-2".parse().unwrap(), id.parse().unwrap());
    Handled { request_id, customer_id, handled_at: second(40), event, announced: true }
}

async fn lease(registry: &Registry, id: &str) -> Lease {
    match registry.acquire(&id.parse().unwrap(), "writer", second(100), second(160)).await.unwrap() {
        Acquired::Held(lease, _) => lease,
        Acquired::Busy { until } => panic!("busy until {until}"),
    }
}

pub(crate) async fn customers() -> Records {
    let tables = Tables::create().await;
    let registry = Registry::new(&tables.aws, "customers");
    let change = |before, after| Change { what: "offboarding accepted", before, after, at: second(41) };
    // One whose lease is held, one whose request has ended, and one of which nothing is known yet.
    let (before, acme) = (Customer::absent("acme".parse().unwrap()), customer("acme"));
    let mut held = lease(&registry, "acme").await;
    registry.save(&mut held, &change(&before, &acme), &cause()).await.unwrap();
    let zenith = customer("zenith");
    let ended = lease(&registry, "zenith").await;
    registry.finish(ended, &change(&before, &zenith), &cause(), &handled("zenith")).await.unwrap();
    let nobody = Customer::absent("nobody".parse().unwrap());
    let mut unheard = lease(&registry, "nobody").await;
    registry.save(&mut unheard, &change(&nobody, &nobody), &cause()).await.unwrap();
    registry.hold(&"r-3".parse().unwrap()).await.unwrap();
    registry.approve(&"r-4".parse().unwrap()).await.unwrap();
    assert!(registry.count_offboarding(&"r-2".parse().unwrap(), second(0), 1).await.unwrap());
    registry.note_operation(&operation()).await.unwrap();
    tables.items("customers").await
}

fn operation() -> Operation {
    let [what, actor, reason, origin] = ["looked", "jane", "a look", "direct"].map(str::to_owned);
    Operation { at: second(42), what, actor, reason, request_id: "ops-1".parse().unwrap(), origin }
}

async fn claimed(documents: &Documents, key: &str) -> Claim {
    match documents.claim(&source(key), "writer", second(100), second(160)).await.unwrap() {
        Claimed::Mine(claim, _) => claim,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn documents() -> Records {
    let tables = Tables::create().await;
    let documents = Documents::new(&tables.aws, "documents");
    claimed(&documents, "acme/claimed.pdf").await;
    let kept = Kept::Bucket { bucket: "results".to_owned(), key: "results/1.json".to_owned() };
    let ends =
        [("acme/open.pdf", None), ("acme/kept.pdf", Some(kept)), ("acme/small.pdf", Some(Kept::Record))];
    for (key, kept) in ends {
        let (claim, document) = (claimed(&documents, key).await, submitted(key));
        documents.save(&claim, &document).await.unwrap();
        documents.look(claim.document_id(), 1).await.unwrap();
        documents.mark_announced(claim.document_id()).await.unwrap();
        let Some(kept) = kept else { continue };
        let results = (kept == Kept::Record).then_some(r#"{"fraud":{}}"#);
        documents.settle(&settled(key, kept), results).await.unwrap();
        documents.mark_told(claim.document_id()).await.unwrap();
    }
    tables.items("documents").await
}

pub(crate) fn secrets() -> Records {
    let of = |kind| {
        let value = credential(kind).to_secret_value();
        serde_json::from_str(value.expose_secret()).unwrap()
    };
    let kinds = [AuthenticationKind::KeyPair, AuthenticationKind::ClientSecret];
    kinds.into_iter().map(|kind| (format!("{kind:?}"), of(kind))).collect()
}

/// What one function sends another, and what both must derive alike.
pub(crate) fn messages() -> Records {
    let document = DocumentId::of(&source("acme/open.pdf"));
    let origin = Origin {
        path: vec![
            Envelope::Sqs,
            Envelope::Sns,
            Envelope::EventBridge,
            Envelope::S3,
            Envelope::SecretsManager,
        ],
        account: Some("111122223333".to_owned()),
        source: Some("platform".to_owned()),
        id: Some("1".to_owned()),
    };
    let prefix: Prefix = "resistant".parse().unwrap();
    let secret = prefix.secret_name(&"acme".parse().unwrap(), Cell::Eu1);
    let names = json!({
        "tenant": tenant_name(), "document": document, "secret": secret.as_str(),
        "results": collect_result::results::key_of(&document)
    });
    let look = serde_json::from_str(&Look::at(document).to_json()).unwrap();
    let all = [("look", look), ("origin", serde_json::to_value(origin).unwrap()), ("names", names)];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A reconciliation that is cut off, among eight customers with little time for each, and then ends.
pub(crate) fn reports() -> Records {
    let lab = drifted();
    let mut records = Records::new();
    for _ in 0..20 {
        let delivered = lab.deliver(asked(), vec![]);
        assert_eq!(delivered.end, End::Done, "{delivered:?}");
        for (key, body) in &lab.world().reports {
            let value: Value = serde_json::from_slice(body).unwrap();
            let telling =
                value["step"] != "list" && !value["left_over"].as_object().is_none_or(|map| map.is_empty());
            if key != UNFINISHED || telling {
                records.insert(key.clone(), value);
            }
        }
        if !delivered.said.unwrap().contains("to be continued") {
            return records;
        }
    }
    panic!("it does not end")
}

pub(crate) fn drifted() -> Lab {
    let lab = Lab::new(Setup::default());
    for n in 0..8 {
        lab.world().ask(&Ask::onboard(&format!("r-{n}"), &format!("customer-{n}"), ONE, 1));
    }
    lab.run(&[]).unwrap();
    lab.world().ask(&Ask::offboard("r-9", "customer-0", 2));
    lab.run(&[]).unwrap();
    let id = "customer-0".parse().unwrap();
    let name = TenantName::derive(&"test-1".parse().unwrap(), &id, Generation::NONE.next());
    let now = lab.world().now;
    lab.world().vendor.stranger(name.as_str(), now);
    let stop = json!({ "SecretId": "resistant/customer-1/eu-1/credential" });
    lab.world().secrets.call("CancelRotateSecret", &stop, now).unwrap();
    let world = lab.world().clone();
    let short = Lab::new(Setup { time_left: Some(Duration::from_millis(36_000)), ..Setup::default() });
    short.enter(world);
    short
}

pub(crate) fn asked() -> Work {
    let asked = json!({
        "type": "ReconciliationRequested", "version": "1", "request_id": "q-1", "mode": "plan", "actor": "jane",
        "reason": "a test"
    });
    Work::Reconcile(asked.to_string())
}
