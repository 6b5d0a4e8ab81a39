//! What the proxy makes of the requests that AWS's SDKs really send.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use aws_parts::proxy::{Call, Proxy, Service, Target};
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_secretsmanager::types::Tag;
use aws_smithy_types::Blob;
use axum::Router;
use tokio::net::TcpListener;

/// A proxy before something that answers everything with an empty JSON object.
async fn proxy() -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(|| async { "{}" })).await });
    let services = [
        Service::DynamoDb,
        Service::EventBridge,
        Service::Kms,
        Service::S3,
        Service::SecretsManager,
        Service::Sqs,
    ];
    let upstreams = services.map(|service| (service, upstream.as_str()));
    Proxy::start(&upstreams).await.unwrap()
}

macro_rules! client {
    ($sdk:ident, $proxy:expr, $service:expr) => {{
        use $sdk::config::{AppName, BehaviorVersion, Config, Credentials, Region, retry::RetryConfig};
        let keys =
            Credentials::builder().access_key_id("id").secret_access_key("key").provider_name("test").build();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(keys)
            .app_name(AppName::new("f").unwrap())
            .retry_config(RetryConfig::disabled())
            .endpoint_url($proxy.url($service).unwrap());
        config
    }};
}

/// The last call: its action and its targets. What the answer was does not matter.
fn last(proxy: &Proxy) -> (String, Vec<Target>) {
    let Call { action, targets, caller, .. } = proxy.calls().pop().unwrap();
    assert_eq!(caller.as_deref(), Some("f"));
    (action, targets)
}

fn target(permission: &str, resource: &str, key: Option<&str>, conditions: &[(&str, &str)]) -> Target {
    Target {
        permission: permission.to_owned(),
        resource: resource.to_owned(),
        key: key.map(str::to_owned),
        conditions: conditions.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

#[tokio::test]
async fn dynamodb() {
    let proxy = proxy().await;
    let client =
        aws_sdk_dynamodb::Client::from_conf(client!(aws_sdk_dynamodb, proxy, Service::DynamoDb).build());
    let _ = client.get_item().table_name("t").key("pk", text("c")).key("sk", text("RECORD")).send().await;
    let leading = [("dynamodb:LeadingKeys", "c")];
    let expected = target("dynamodb:GetItem", "t", Some("c/RECORD"), &leading);
    assert_eq!(last(&proxy), ("GetItem".to_owned(), vec![expected]));

    let put = Put::builder().table_name("t").item("pk", text("c")).build().unwrap();
    let update = Update::builder().table_name("t").key("pk", text("c")).update_expression("SET a = :a");
    let update = update.build().unwrap();
    let transaction = client.transact_write_items();
    let transaction = transaction.transact_items(TransactWriteItem::builder().put(put).build());
    let _ = transaction.transact_items(TransactWriteItem::builder().update(update).build()).send().await;
    let expected =
        ["dynamodb:PutItem", "dynamodb:UpdateItem"].map(|action| target(action, "t", Some("c"), &leading));
    assert_eq!(last(&proxy), ("TransactWriteItems".to_owned(), expected.to_vec()));

    let query =
        client.query().table_name("t").index_name("i").key_condition_expression("open_customer_id = :c");
    let _ = query.expression_attribute_values(":c", text("c")).send().await;
    let expected = target("dynamodb:Query", "t/index/i", Some("c"), &leading);
    assert_eq!(last(&proxy), ("Query".to_owned(), vec![expected]));
}

#[tokio::test]
async fn s3() {
    let proxy = proxy().await;
    let config = client!(aws_sdk_s3, proxy, Service::S3).force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let (bucket, key) = ("docs", "acme/eu-1/a b+(c)é.pdf");
    let resource = format!("{bucket}/{key}");

    let get =
        client.get_object().bucket(bucket).key(key).version_id("v1").expected_bucket_owner("123456789012");
    let _ = get.send().await;
    let conditions = [("s3:VersionId", "v1"), ("s3:x-amz-expected-bucket-owner", "123456789012")];
    let expected = target("s3:GetObjectVersion", &resource, None, &conditions);
    assert_eq!(last(&proxy), ("GetObject".to_owned(), vec![expected]));

    let _ = client.head_object().bucket(bucket).key(key).send().await;
    assert_eq!(last(&proxy), ("HeadObject".to_owned(), vec![target("s3:GetObject", &resource, None, &[])]));

    let _ = client.put_object().bucket(bucket).key(key).body(ByteStream::from_static(b"x")).send().await;
    assert_eq!(last(&proxy), ("PutObject".to_owned(), vec![target("s3:PutObject", &resource, None, &[])]));

    let _ = client.list_objects_v2().bucket(bucket).prefix("acme/").send().await;
    let expected = target("s3:ListBucket", bucket, None, &[("s3:prefix", "acme/")]);
    assert_eq!(last(&proxy), ("ListObjectsV2".to_owned(), vec![expected]));
}

#[tokio::test]
async fn queues_and_events() {
    let proxy = proxy().await;
    let client = aws_sdk_sqs::Client::from_conf(client!(aws_sdk_sqs, proxy, Service::Sqs).build());
    let queue = "http://127.0.0.1:4566/000000000000/onboard";
    let _ = client.send_message().queue_url(queue).message_body("hush").send().await;
    assert_eq!(last(&proxy), ("SendMessage".to_owned(), vec![target("sqs:SendMessage", queue, None, &[])]));

    let config = client!(aws_sdk_eventbridge, proxy, Service::EventBridge).build();
    let client = aws_sdk_eventbridge::Client::from_conf(config);
    let entry =
        PutEventsRequestEntry::builder().event_bus_name("bus").source("s").detail_type("T").detail("{}");
    let _ = client.put_events().entries(entry.build()).send().await;
    let expected =
        target("events:PutEvents", "bus", None, &[("events:detail-type", "T"), ("events:source", "s")]);
    assert_eq!(last(&proxy), ("PutEvents".to_owned(), vec![expected]));
}

#[tokio::test]
async fn keys_and_secrets() {
    let proxy = proxy().await;
    let client = aws_sdk_kms::Client::from_conf(client!(aws_sdk_kms, proxy, Service::Kms).build());
    let encrypt =
        client.encrypt().key_id("alias/k").plaintext(Blob::new("hush")).encryption_context("cell", "eu-1");
    let _ = encrypt.send().await;
    let expected = target("kms:Encrypt", "alias/k", None, &[("kms:EncryptionContext:cell", "eu-1")]);
    assert_eq!(last(&proxy), ("Encrypt".to_owned(), vec![expected]));

    let config = client!(aws_sdk_secretsmanager, proxy, Service::SecretsManager).build();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    let tag = Tag::builder().key("customer").value("acme").build();
    let _ = client.create_secret().name("p/c").secret_string("hush").kms_key_id("k").tags(tag).send().await;
    let conditions = [
        ("aws:RequestTag/customer", "acme"),
        ("secretsmanager:KmsKeyId", "k"),
        ("secretsmanager:Name", "p/c"),
    ];
    let expected = target("secretsmanager:CreateSecret", "p/c", None, &conditions);
    assert_eq!(last(&proxy), ("CreateSecret".to_owned(), vec![expected]));
    assert!(!format!("{:?}", proxy.calls()).contains("hush"));
}
