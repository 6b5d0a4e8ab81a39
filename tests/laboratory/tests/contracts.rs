//! One contract for each pair: what the flows are struck over must behave as what they run over.
//!
//! The registry is held in memory and in DynamoDB, the secrets in memory and behind HTTP, the vendor in
//! memory and as the simulator, which is itself held to the vendor's published contract.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::{BTreeMap, BTreeSet};

use aws_parts::sdk_config;
use aws_parts::secrets::{SecretsManager, Settings};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType,
};
use jiff::Timestamp;
use laboratory::lab::{Lab, Setup};
use registry::{
    Acquired, Admission, Cause, Change, Entry, Handled, Holder, Lease, Operation, Registry, RegistryError,
    Seen, Trail,
};
use resistant::{ApplicationKey, CallError, ControlPlane, DocumentsScope, Gone, NewAuthentication, Vendor};
use shared_core::credential::Authentication;
use shared_core::customer::{Aim, Customer, NextApplication, Phase, Sealed, Transition, Work};
use shared_core::event::{Content, CustomerOnboardingFailed, OutboundEvent, ReasonCode};
use shared_core::ids::{CustomerId, Generation, RequestId, TenantName};
use shared_core::place::Cell;
use vault::{
    NewSecret, NewVersion, Prefix, Region, Schedule, Secrets, Stage as Label, VaultError, VersionId,
};

mod real;

use real::{dynamodb, simulator_with};

// ---- the registry ----

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn cause() -> Cause {
    let request_id = Some("r-1".parse().unwrap());
    Cause { actor: "a".to_owned(), reason: "r".to_owned(), request_id, origin: "o".to_owned() }
}

fn handled(request: &str) -> Handled {
    let failed = CustomerOnboardingFailed {
        request_id: request.parse().unwrap(),
        customer_id: "acme".parse().unwrap(),
        reason_code: ReasonCode::QuotaFull,
        explanation: format!("of {request}"),
    };
    Handled {
        request_id: request.parse().unwrap(),
        customer_id: "acme".parse().unwrap(),
        handled_at: second(9),
        event: OutboundEvent::new(Content::from(failed), second(9)),
        announced: false,
    }
}

fn onboarding(before: &Customer) -> Customer {
    let work = Work {
        request_id: "r-1".parse().unwrap(),
        requested_at: second(0),
        aim: Aim::Onboard,
        actor: "a".to_owned(),
        reason: "r".to_owned(),
        accepted_at: second(1),
        cells: vec![Cell::Eu1],
        drain: false,
    };
    let generation = Generation::NONE.next();
    let tenant_name = TenantName::derive(&"test-1".parse().unwrap(), &before.customer_id, generation);
    let intent = NextApplication::key_pair("kid".parse().unwrap(), Sealed("sealed".to_owned()), second(1));
    let intents = BTreeMap::from([(Cell::Eu1, intent)]);
    before.clone().apply(Transition::Onboard { work, tenant_name, intents }).unwrap()
}

async fn held(registry: &Registry, owner: &str, now: i64, until: i64) -> (Lease, Customer) {
    match registry.acquire(&"acme".parse().unwrap(), owner, second(now), second(until)).await.unwrap() {
        Acquired::Held(lease, customer) => (lease, *customer),
        Acquired::Busy { until } => panic!("{owner} has to wait until {until}"),
    }
}

async fn registry_contract(registry: &Registry) {
    let id = "acme".parse().unwrap();
    let absent = Customer::absent("acme".parse().unwrap());
    assert_eq!(registry.customer(&id).await.unwrap(), absent, "nobody is there unheard");
    let unheard = registry.look(&id).await.unwrap();
    assert_eq!(unheard, Seen { customer: absent.clone(), fence: 0, lease: None });

    // One holder at a time, whatever the other's clock says within the lease.
    let (mut first, customer) = held(registry, "first", 10, 70).await;
    assert_eq!(customer, absent);
    let looked = registry.look(&id).await.unwrap();
    assert_eq!((looked.customer, looked.fence), (absent.clone(), first.fence()));
    assert_eq!(looked.lease, Some(Holder { owner: "first".to_owned(), until: second(70) }));
    match registry.acquire(&id, "second", second(70), second(130)).await.unwrap() {
        Acquired::Busy { until } => assert_eq!(until, second(70)),
        Acquired::Held(..) => panic!("two hold one lease"),
    }
    // The SDK's own repeat of a write that succeeded is no second holder.
    let (again, _) = held(registry, "first", 11, 70).await;
    assert!(again.fence() > first.fence());
    let after = onboarding(&customer);
    let change = Change { what: "test", before: &customer, after: &after, at: second(12) };
    assert!(matches!(registry.save(&mut first, &change, &cause()).await, Err(RegistryError::LeaseLost(_))));
    let mut first = again;
    registry.save(&mut first, &change, &cause()).await.unwrap();
    registry.save(&mut first, &change, &cause()).await.unwrap();
    assert_eq!(registry.customer(&id).await.unwrap(), after);

    // A lease that has ended is taken over, and its holder can write nothing any more.
    let (second_lease, read) = held(registry, "second", 71, 131).await;
    assert_eq!(read, after);
    assert!(matches!(registry.save(&mut first, &change, &cause()).await, Err(RegistryError::LeaseLost(_))));
    assert!(matches!(registry.release(first).await, Err(RegistryError::LeaseLost(_))));

    // The end of a request gives the lease back, and is kept as it was first said.
    assert!(registry.handled(&"r-1".parse().unwrap()).await.unwrap().is_none());
    registry.finish(second_lease, &change, &cause(), &handled("r-1")).await.unwrap();
    let kept = registry.handled(&"r-1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((kept.event, kept.announced), (handled("r-1").event, false));
    registry.mark_announced(&"r-1".parse().unwrap()).await.unwrap();
    assert!(registry.handled(&"r-1".parse().unwrap()).await.unwrap().unwrap().announced);
    assert!(registry.mark_announced(&"r-9".parse().unwrap()).await.is_err());

    let (third, _) = held(registry, "third", 72, 132).await;
    let ended_twice = registry.finish(third, &change, &cause(), &handled("r-1")).await;
    assert!(ended_twice.is_err(), "a request ends once");
    let (third, _) = held(registry, "third", 73, 132).await;
    let fence = third.fence();
    registry.release(third).await.unwrap();
    let released = registry.look(&id).await.unwrap();
    assert_eq!((released.customer, released.fence, released.lease), (after.clone(), fence, None));
    drop(held(registry, "fourth", 74, 134).await);

    let listed = registry.list(None).await.unwrap();
    assert!(!listed.more);
    let [acme] = &listed.customers[..] else { panic!("{listed:?}") };
    assert_eq!((acme.customer_id.as_str(), acme.phase, acme.spare), ("acme", Phase::Onboarding, 0));
    assert_eq!(registry.list(Some(&acme.customer_id)).await.unwrap().customers, []);
    drop(registry.acquire(&"bolt".parse().unwrap(), "fifth", second(74), second(134)).await.unwrap());
    let [_, bolt] = &registry.list(None).await.unwrap().customers[..] else { panic!("two are listed") };
    assert_eq!((bolt.customer_id.as_str(), bolt.phase), ("bolt", Phase::Absent));
    assert_eq!(registry.list(Some(&id)).await.unwrap().customers, std::slice::from_ref(bolt));

    trail_contract(registry, &id).await;
    let new = registry.record_handled(handled("r-2")).await.unwrap();
    assert_eq!(new.event, handled("r-2").event);
    let mut other = handled("r-1");
    other.event = handled("r-2").event;
    let kept = registry.record_handled(other).await.unwrap();
    assert_eq!((kept.event, kept.announced), (handled("r-1").event, true), "what is recorded is answered");
}

/// What the changes above left in the trail, and who holds the lease after them.
async fn trail_contract(registry: &Registry, id: &CustomerId) {
    let whole = registry.trail(id, None, 10).await.unwrap();
    let keys: Vec<&str> = whole.entries.iter().map(|entry| entry.key.as_str()).collect();
    let key = |fence: u64, n: u32| format!("{fence:020}#{n:06}");
    assert_eq!(keys, [key(3, 0), key(2, 1), key(2, 0)], "by lease and by change under it, the newest first");
    assert_eq!(whole.next, None);
    let Entry { at, what, actor, reason, request_id, origin, before, after, .. } = &whole.entries[2];
    assert_eq!((*at, what.as_str(), actor.as_str(), reason.as_str()), (second(12), "test", "a", "r"));
    assert_eq!((request_id, origin.as_str()), (&Some("r-1".parse().unwrap()), "o"));
    assert_eq!((&before["phase"], &after["phase"]), (&"ABSENT".into(), &"ONBOARDING".into()));
    assert!(after["cells"]["eu-1"]["next"]["sealed"].is_null(), "no sealed key is shown: {after}");

    let first = registry.trail(id, None, 2).await.unwrap();
    assert_eq!((&first.entries[..], first.next.as_deref()), (&whole.entries[..2], Some(&*key(2, 1))));
    let last = registry.trail(id, first.next.as_deref(), 1).await.unwrap();
    assert_eq!((&last.entries[..], last.next), (&whole.entries[2..], None));
    let past = registry.trail(id, Some(&key(2, 0)), 1).await.unwrap();
    assert_eq!((past.entries.len(), past.next), (0, None));
    assert_eq!(registry.trail(&"nobody".parse().unwrap(), None, 5).await.unwrap(), Trail::default());

    let holder = Holder { owner: "fourth".to_owned(), until: second(134) };
    assert_eq!(registry.look(id).await.unwrap().lease, Some(holder));
    let (lease, _) = held(registry, "fourth", 75, 134).await;
    registry.release(lease).await.unwrap();
    assert_eq!(registry.look(id).await.unwrap().lease, None);
    assert_eq!(registry.look(&"nobody".parse().unwrap()).await.unwrap().lease, None);
}

fn operation(request: &str, at: i64) -> Operation {
    Operation {
        at: second(at),
        what: "customers listed".to_owned(),
        actor: "jane".to_owned(),
        reason: "a look".to_owned(),
        request_id: request.parse().unwrap(),
        origin: "by hand".to_owned(),
    }
}

/// What is noted is kept as it was noted, in the order of its time, and a repeat of a write is one note.
async fn admissions_contract(registry: &Registry) {
    let id = |id: &str| id.parse::<RequestId>().unwrap();
    let (nine, ten) = (second(0), second(3600));
    for request in ["a", "b", "a"] {
        assert!(registry.count_offboarding(&id(request), nine, 2).await.unwrap(), "{request}");
    }
    assert!(!registry.count_offboarding(&id("c"), nine, 2).await.unwrap());
    assert!(registry.count_offboarding(&id("a"), nine, 1).await.unwrap(), "it is counted already");
    assert!(registry.count_offboarding(&id("c"), ten, 2).await.unwrap(), "another hour has its own");

    assert_eq!(registry.admission(&id("c")).await.unwrap(), None);
    registry.hold(&id("c")).await.unwrap();
    assert_eq!(registry.admission(&id("c")).await.unwrap(), Some(Admission::Held));
    registry.approve(&id("c")).await.unwrap();
    // A hold that comes late takes no approval back.
    registry.hold(&id("c")).await.unwrap();
    assert_eq!(registry.admission(&id("c")).await.unwrap(), Some(Admission::Approved));
}

async fn operations_contract(registry: &Registry, kept: impl AsyncFn() -> Vec<Operation>) {
    let [first, second] = [operation("o-1", 1), operation("o-2", 2)];
    for noted in [&second, &first, &first] {
        registry.note_operation(noted).await.unwrap();
    }
    assert_eq!(kept().await, [first, second]);
}

#[test]
fn the_registry_in_memory() {
    let lab = Lab::new(Setup::default());
    let registry = lab.adapters().registry;
    lab.block_on(registry_contract(&registry));
    lab.block_on(admissions_contract(&registry));
    lab.block_on(operations_contract(&registry, async || lab.world().table.operations().cloned().collect()));
}

#[tokio::test]
async fn the_registry_in_dynamodb() {
    let (aws, _server) = dynamodb().await;
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let text = |name: &str| {
        let text = AttributeDefinition::builder().attribute_name(name);
        text.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    aws_sdk_dynamodb::Client::new(&aws)
        .create_table()
        .table_name("customers")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(text("pk"))
        .attribute_definitions(text("sk"))
        .attribute_definitions(text("listed_as"))
        .global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name("customers")
                .key_schema(key("listed_as", KeyType::Hash))
                .key_schema(key("pk", KeyType::Range))
                .projection(Projection::builder().projection_type(ProjectionType::All).build())
                .build()
                .unwrap(),
        )
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .send()
        .await
        .unwrap();
    let registry = Registry::new(&aws, "customers");
    registry_contract(&registry).await;
    admissions_contract(&registry).await;
    operations_contract(&registry, async || operations(&aws).await).await;
}

/// The partition of operations, as a person reads it.
async fn operations(aws: &aws_config::SdkConfig) -> Vec<Operation> {
    let read = aws_sdk_dynamodb::Client::new(aws)
        .query()
        .table_name("customers")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("OPERATIONS".to_owned()));
    let items = read.send().await.unwrap().items.unwrap();
    items
        .iter()
        .map(|item| {
            let text = |name: &str| item[name].as_s().unwrap().clone();
            assert_eq!(text("sk"), format!("{}#{}", text("at"), text("request_id")));
            Operation {
                at: text("at").parse().unwrap(),
                what: text("what"),
                actor: text("actor"),
                reason: text("reason"),
                request_id: text("request_id").parse().unwrap(),
                origin: text("origin"),
            }
        })
        .collect()
}

// ---- the secrets ----

fn is_missing<T: std::fmt::Debug>(result: Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Missing(_)))
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Refused { .. }))
}

fn is_leaving<T: std::fmt::Debug>(result: Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::ScheduledForDeletion(_)))
}

async fn secrets_contract(secrets: &dyn Secrets) {
    let prefix: Prefix = "resistant".parse().unwrap();
    let name = &prefix.secret_name(&"acme".parse().unwrap(), Cell::Eu1);
    let [one, two] = ["1", "2"].map(|digit| VersionId::from(digit.repeat(32).as_str()));
    let [first, second] = ["first", "second"].map(|text| secrecy::SecretString::from(text.to_owned()));
    let new = |version, value| NewSecret { name, version, value, key_id: None, replica_regions: &[] };
    let put = |version, value, stage| NewVersion { name, version, value, stage, token: None };
    let reveal = async |stage| {
        let (version, value) = secrets.get(name.as_str(), None, stage).await?;
        Ok::<_, VaultError>((version, secrecy::ExposeSecret::expose_secret(&value).to_owned()))
    };
    let schedule = Schedule {
        function_arn: "arn:aws:lambda:us-east-1:000000000000:function:f".to_owned(),
        every_days: 30,
    };

    assert!(is_missing(secrets.describe(name.as_str()).await));
    assert!(is_missing(reveal(Label::Current).await));
    assert!(is_missing(secrets.cancel_rotation(name).await));
    assert!(is_missing(secrets.delete(name, 7).await));
    secrets.create(&new(&one, &first)).await.unwrap();
    secrets.create(&new(&one, &first)).await.unwrap();
    assert!(is_refused(secrets.create(&new(&one, &second)).await), "a version does not change");
    assert!(is_refused(secrets.create(&new(&two, &second)).await), "the name is taken");
    assert_eq!(reveal(Label::Current).await.unwrap(), (one.clone(), "first".to_owned()));

    // Listed by what their names begin with, a hundred at a time.
    let others: Vec<_> =
        (0..120).map(|n| prefix.secret_name(&format!("other-{n:03}").parse().unwrap(), Cell::Us1)).collect();
    for other in &others {
        secrets.create(&NewSecret { name: other, ..new(&one, &first) }).await.unwrap();
    }
    let elsewhere = "elsewhere".parse::<Prefix>().unwrap().secret_name(&"acme".parse().unwrap(), Cell::Eu1);
    secrets.create(&NewSecret { name: &elsewhere, ..new(&one, &first) }).await.unwrap();
    secrets.delete(&others[0], 7).await.unwrap();
    let page = secrets.list("resistant/", None).await.unwrap();
    assert_eq!(page.names.len(), 100);
    let rest = secrets.list("resistant/", page.next.as_deref()).await.unwrap();
    assert_eq!((rest.names.len(), rest.next), (20, None));
    let listed: BTreeSet<&str> = page.names.iter().chain(&rest.names).map(String::as_str).collect();
    let expected = others[1..].iter().chain([name]).map(|name| name.as_str());
    assert_eq!(listed, expected.collect(), "what waits for its deletion is not listed");

    let changed_at = secrets.describe(name.as_str()).await.unwrap().changed_at.unwrap();
    secrets.put(&put(&two, &second, Label::Pending)).await.unwrap();
    secrets.put(&put(&two, &second, Label::Pending)).await.unwrap();
    assert!(is_refused(secrets.put(&put(&two, &first, Label::Pending)).await));
    assert_eq!(reveal(Label::Pending).await.unwrap(), (two.clone(), "second".to_owned()));
    assert!(is_refused(secrets.move_label(name, Label::Current, Some(&two), Some(&two)).await));
    secrets.move_label(name, Label::Current, Some(&two), Some(&one)).await.unwrap();
    assert_eq!(reveal(Label::Current).await.unwrap().0, two);
    assert_eq!(reveal(Label::Previous).await.unwrap().0, one);
    assert!(secrets.describe(name.as_str()).await.unwrap().changed_at.unwrap() >= changed_at);

    // A label that a rotation left behind blocks the next one.
    assert!(is_refused(secrets.cancel_rotation(name).await), "it was never rotated");
    secrets.put(&put(&VersionId::from("3".repeat(32).as_str()), &first, Label::Pending)).await.unwrap();
    assert!(is_refused(secrets.schedule_rotation(name, &schedule).await));
    let pending = secrets.describe(name.as_str()).await.unwrap().version(Label::Pending).unwrap();
    secrets.move_label(name, Label::Pending, None, Some(&pending)).await.unwrap();
    assert!(is_missing(reveal(Label::Pending).await));
    secrets.schedule_rotation(name, &schedule).await.unwrap();
    let rotated = secrets.describe(name.as_str()).await.unwrap();
    assert!(rotated.rotation_enabled && rotated.next_rotation_at.unwrap() > rotated.changed_at.unwrap());
    // The trial of the schedule may still hold its label, or lose it at this moment.
    while let Some(trial) = secrets.describe(name.as_str()).await.unwrap().unfinished() {
        drop(secrets.move_label(name, Label::Pending, None, Some(&trial)).await);
    }
    let [three, four] = ["5", "6"].map(|digit| VersionId::from(digit.repeat(32).as_str()));
    secrets.rotate_now(name, &three).await.unwrap();
    assert!(secrets.describe(name.as_str()).await.unwrap().carries(&three, Label::Pending));
    assert!(is_refused(secrets.rotate_now(name, &four).await), "one at a time");
    secrets.move_label(name, Label::Pending, None, Some(&three)).await.unwrap();
    secrets.cancel_rotation(name).await.unwrap();
    assert!(!secrets.describe(name.as_str()).await.unwrap().rotation_enabled);

    // Replicas are added and taken away by region, and stand in the way of a deletion.
    let abroad = ["eu-west-1", "ap-southeast-2"].map(|region| region.parse::<Region>().unwrap());
    let replicas = async || secrets.describe(name.as_str()).await.unwrap().replicas;
    assert_eq!(replicas().await, []);
    secrets.replicate(name, &abroad[..1]).await.unwrap();
    secrets.replicate(name, &abroad[1..]).await.unwrap();
    assert_eq!(replicas().await, abroad);
    assert!(is_refused(secrets.replicate(name, &abroad).await), "it is there already");
    assert!(is_refused(secrets.delete(name, 7).await), "it has replicas");
    secrets.remove_replicas(name, &abroad).await.unwrap();
    assert!(is_refused(secrets.remove_replicas(name, &abroad).await), "they are gone");
    assert_eq!(replicas().await, []);
    let born_abroad = prefix.secret_name(&"born-abroad".parse().unwrap(), Cell::Eu1);
    let new_abroad = NewSecret { name: &born_abroad, replica_regions: &abroad, ..new(&one, &first) };
    secrets.create(&new_abroad).await.unwrap();
    secrets.create(&new_abroad).await.unwrap();
    assert_eq!(secrets.describe(born_abroad.as_str()).await.unwrap().replicas, abroad);

    let until = secrets.delete(name, 7).await.unwrap().unwrap();
    assert!(is_leaving(secrets.delete(name, 7).await));
    assert_eq!(secrets.describe(name.as_str()).await.unwrap().deletion_date, Some(until));
    assert!(is_leaving(secrets.create(&new(&one, &first)).await));
    assert!(is_leaving(reveal(Label::Current).await));
    assert!(is_leaving(secrets.cancel_rotation(name).await));
    secrets.restore(name).await.unwrap();
    secrets.restore(name).await.unwrap();
    assert_eq!(reveal(Label::Current).await.unwrap().0, two);
    assert_eq!(secrets.describe(name.as_str()).await.unwrap().deletion_date, None);
}

#[test]
fn the_secrets_in_memory() {
    let lab = Lab::new(Setup::default());
    lab.block_on(secrets_contract(&*lab.adapters().secrets));
}

#[tokio::test]
async fn the_secrets_behind_http() {
    let server = SecretsManager::start(Settings::default()).await.unwrap();
    secrets_contract(&vault::SecretsManager::new(&sdk_config(server.url()).await)).await;
}

// ---- the vendor ----

async fn vendor_contract(control: &ControlPlane, vendor: &Vendor, quota: usize) {
    let name = |n: usize| {
        let customer = format!("customer-{n}").parse().unwrap();
        TenantName::derive(&"test-1".parse().unwrap(), &customer, Generation::NONE.next())
    };
    let there = control.all_tenants().await.unwrap().len();
    let tenant = control.create_tenant(&name(0), &[Cell::Eu1]).await.unwrap();
    let taken = control.create_tenant(&name(0), &[Cell::Eu1]).await.unwrap_err();
    assert!(!taken.may_have_happened(), "{taken}");
    assert_eq!(control.find_tenant_by_name(&name(0)).await.unwrap().unwrap().id, tenant.id);
    assert!(control.find_tenant_by_name(&name(1)).await.unwrap().is_none());
    for n in there + 1..quota {
        control.create_tenant(&name(n), &[Cell::Eu1]).await.unwrap();
    }
    let full = control.create_tenant(&name(quota), &[Cell::Eu1]).await.unwrap_err();
    assert!(full.may_mean_a_full_quota() && !full.may_have_happened(), "{full}");
    assert_eq!(control.all_tenants().await.unwrap().len(), quota);

    let key = ApplicationKey::generate().unwrap();
    let ec = NewAuthentication::Ec(key.public());
    let by_key = control.create_application(&tenant.id, Cell::Eu1, &DocumentsScope::ALL, &ec).await.unwrap();
    assert!(by_key.client_secret.is_none());
    let secret = NewAuthentication::ClientSecret;
    let by_secret =
        control.create_application(&tenant.id, Cell::Us1, &DocumentsScope::ALL, &secret).await.unwrap();
    let listed = control.applications(&tenant.id).await.unwrap().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].scopes, DocumentsScope::ALL.map(|scope| scope.management_name().to_owned()));

    let accepted = async |cell, application: &resistant::Application, authentication| {
        let credential = vendor.endpoints().cell(cell).unwrap().credential(
            tenant.id.clone(),
            application.id.clone(),
            application.client_id.clone(),
            authentication,
            Generation::NONE.next(),
            Timestamp::UNIX_EPOCH,
        );
        vendor.data_plane(&credential).unwrap().client_accepted().await.unwrap()
    };
    assert!(accepted(Cell::Eu1, &by_key.application, key.authentication()).await);
    let other = ApplicationKey::generate().unwrap().authentication();
    assert!(!accepted(Cell::Eu1, &by_key.application, other).await, "another key is another's");
    let client_secret = by_secret.client_secret.unwrap();
    assert!(
        accepted(Cell::Us1, &by_secret.application, Authentication::ClientSecret { client_secret }).await
    );

    let in_use = control.delete_tenant(&tenant.id).await.unwrap_err();
    assert!(matches!(in_use, CallError::Refused { .. }), "{in_use}");
    for application in &listed {
        assert_eq!(control.delete_application(&tenant.id, &application.id).await.unwrap(), Gone::Deleted);
        assert_eq!(control.delete_application(&tenant.id, &application.id).await.unwrap(), Gone::AlreadyGone);
    }
    assert!(!accepted(Cell::Eu1, &by_key.application, key.authentication()).await);
    assert!(control.applications(&tenant.id).await.unwrap().unwrap().is_empty());
    assert_eq!(control.delete_tenant(&tenant.id).await.unwrap(), Gone::Deleted);
    assert_eq!(control.delete_tenant(&tenant.id).await.unwrap(), Gone::AlreadyGone);
    assert!(control.applications(&tenant.id).await.unwrap().is_none());
    assert!(control.tenant(&tenant.id).await.unwrap().is_none());
    let gone =
        control.create_application(&tenant.id, Cell::Eu1, &DocumentsScope::ALL, &ec).await.unwrap_err();
    assert!(matches!(gone, CallError::NotFound { .. }), "{gone}");
    control.create_tenant(&name(0), &[Cell::Eu1]).await.unwrap();
}

#[test]
fn the_vendor_in_memory() {
    let lab = Lab::new(Setup::default());
    lab.world().vendor.quota = 5;
    let adapters = lab.adapters();
    lab.block_on(vendor_contract(&adapters.control, &adapters.vendor, 5));
}

#[tokio::test]
async fn the_vendor_as_the_simulator() {
    let (_simulator, vendor, control) =
        simulator_with(simulator::Settings { quota: 5, ..Default::default() }).await;
    vendor_contract(&control, &vendor, 5).await;
}

// ---- the seals ----

#[test]
fn what_is_sealed_is_opened_in_its_own_context_only() {
    let lab = Lab::new(Setup::default());
    let sealer = lab.adapters().sealer;
    let customer_id = "acme".parse().unwrap();
    let context = |cell| vault::Context { customer_id: &customer_id, cell, generation: Generation::NONE };
    lab.block_on(async {
        let value = secrecy::SecretString::from("very-private".to_owned());
        let sealed = sealer.seal(&value, &context(Cell::Eu1)).await.unwrap();
        assert!(!sealed.0.contains("private"));
        assert!(sealer.open(&sealed, &context(Cell::Us1)).await.is_err());
        let opened = sealer.open(&sealed, &context(Cell::Eu1)).await.unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&opened), "very-private");
    });
}
