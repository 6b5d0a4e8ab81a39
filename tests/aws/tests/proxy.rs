//! The recording proxy before the Secrets Manager server, and before an upstream that only streams.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod sdk;

use aws_parts::proxy::{Effect, Held, Matcher, Outcome, Point, Proxy, Service};
use aws_parts::secrets::{SecretsManager, Settings};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::AppName;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request};
use axum::http::Method;
use futures::StreamExt as _;
use tokio::net::TcpListener;

struct House {
    server: SecretsManager,
    proxy: Proxy,
    client: Client,
}

/// A client whose calls go through the proxy, once each: what a test does to a call is not undone by
/// a retry.
async fn house() -> House {
    let server = SecretsManager::start(Settings::default()).await.unwrap();
    let proxy = Proxy::start(&[(Service::SecretsManager, server.url())]).await.unwrap();
    let config = sdk::config(proxy.url(Service::SecretsManager).unwrap())
        .app_name(AppName::new("onboard-customer").unwrap())
        .retry_config(RetryConfig::disabled());
    House { server, proxy, client: Client::from_conf(config.build()) }
}

impl House {
    async fn create(&self, name: &str) -> bool {
        self.client.create_secret().name(name).secret_string("hush").send().await.is_ok()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.proxy.calls().into_iter().map(|call| call.outcome).collect()
    }
}

fn answered() -> Outcome {
    Outcome::Answered { status: 200, error: None }
}

#[tokio::test]
async fn a_call_is_recorded_with_its_caller_and_resource_and_without_its_value() {
    let house = house().await;
    assert!(house.create("a/b").await);
    house.client.get_secret_value().secret_id("a/b").version_stage("AWSCURRENT").send().await.unwrap();
    house.client.get_secret_value().secret_id("none").send().await.unwrap_err();
    let calls = house.proxy.calls();
    let seen: Vec<_> =
        calls.iter().map(|call| (call.number, call.action.as_str(), call.caller.as_deref())).collect();
    let caller = Some("onboard-customer");
    assert_eq!(
        seen,
        [(1, "CreateSecret", caller), (2, "GetSecretValue", caller), (3, "GetSecretValue", caller)]
    );
    assert_eq!(calls[1].targets[0].permission, "secretsmanager:GetSecretValue");
    assert_eq!(calls[1].targets[0].resource, "a/b");
    assert_eq!(calls[1].targets[0].conditions["secretsmanager:VersionStage"], "AWSCURRENT");
    assert_eq!(
        calls[2].outcome,
        Outcome::Answered { status: 400, error: Some("ResourceNotFoundException".to_owned()) }
    );
    assert!(!format!("{calls:?}").contains("hush"));
    let counts = house.proxy.counts();
    assert_eq!(counts[&(Service::SecretsManager, "GetSecretValue".to_owned())], 2);
}

#[tokio::test]
async fn a_cut_call_has_no_effect_and_a_lost_answer_has() {
    let house = house().await;
    house.proxy.rule(Matcher::any().resource("cut"), Effect::CutBefore);
    house.proxy.rule(Matcher::any().resource("lost"), Effect::LoseAnswer);
    assert!(!house.create("cut").await);
    assert!(!house.create("lost").await);
    assert!(house.create("other").await);
    assert!(house.server.secret("cut").is_none());
    assert!(house.server.secret("lost").is_some());
    assert_eq!(house.outcomes(), [Outcome::Cut, Outcome::Lost { status: 200 }, answered()]);
}

#[tokio::test]
async fn an_invented_answer_never_reaches_the_upstream() {
    let house = house().await;
    let body = r#"{"__type": "ThrottlingException", "Message": "slow down"}"#.to_owned();
    house.proxy.rule(Matcher::any().action("CreateSecret").times(1), Effect::Answer { status: 400, body });
    let error = house.client.create_secret().name("s").secret_string("x").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    assert!(format!("{error:?}").contains("ThrottlingException"));
    assert!(house.server.secret("s").is_none());
    assert!(house.create("s").await);
    assert_eq!(house.outcomes(), [Outcome::Invented { status: 400 }, answered()]);
}

#[tokio::test]
async fn a_held_call_waits_before_or_after_its_effect() {
    for (effect, point) in [(Effect::HoldBefore, Point::Before), (Effect::HoldAfter, Point::After)] {
        let house = house().await;
        house.proxy.rule(Matcher::any(), effect);
        let create = house.create("s");
        let release = async {
            assert_eq!(house.proxy.held().await, [Held { number: 1, point }]);
            assert_eq!(house.server.secret("s").is_some(), point == Point::After);
            assert_eq!(house.outcomes(), [Outcome::Pending]);
            assert!(house.proxy.release(1));
            assert!(!house.proxy.release(1));
        };
        assert!(tokio::join!(create, release).0);
        assert_eq!(house.outcomes(), [answered()]);
    }
}

#[tokio::test]
async fn a_held_call_can_be_cut() {
    for (effect, happened) in [(Effect::HoldBefore, false), (Effect::HoldAfter, true)] {
        let house = house().await;
        house.proxy.rule(Matcher::any(), effect);
        let cut = async {
            house.proxy.held().await;
            house.proxy.cut(1);
        };
        assert!(!tokio::join!(house.create("s"), cut).0);
        assert_eq!(house.server.secret("s").is_some(), happened);
    }
}

#[tokio::test]
async fn a_held_call_lands_after_its_caller_has_died() {
    let house = house().await;
    house.proxy.rule(Matcher::any(), Effect::HoldBefore);
    // The connection belongs to a client and a runtime of their own, so that both can die.
    let url = house.proxy.url(Service::SecretsManager).unwrap().to_owned();
    let caller = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let call = async {
            let request =
                reqwest::Client::new().post(url).header("x-amz-target", "secretsmanager.CreateSecret");
            let request = request.body(r#"{"Name": "s"}"#).timeout(std::time::Duration::from_millis(300));
            request.send().await.unwrap_err();
        };
        runtime.block_on(call);
    });
    house.proxy.held().await;
    tokio::task::spawn_blocking(|| caller.join().unwrap()).await.unwrap();
    assert!(house.server.secret("s").is_none());
    assert!(house.proxy.release(1));
    while house.outcomes() == [Outcome::Pending] {
        tokio::task::yield_now().await;
    }
    assert!(house.server.secret("s").is_some());
    assert_eq!(house.outcomes(), [Outcome::Lost { status: 200 }]);
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_recorded() {
    let proxy = Proxy::start(&[(Service::Sqs, "http://127.0.0.1:1")]).await.unwrap();
    let request = reqwest::Client::new().post(proxy.url(Service::Sqs).unwrap());
    let request = request.header("x-amz-target", "AmazonSQS.SendMessage").body(r#"{"QueueUrl": "http://q"}"#);
    request.send().await.unwrap_err();
    assert_eq!(proxy.calls()[0].outcome, Outcome::Unreachable);
    assert_eq!(proxy.environment()["AWS_ENDPOINT_URL_SQS"], proxy.url(Service::Sqs).unwrap());
}

/// Answers a GET with `n` MiB, piece by piece, a PUT with the number of bytes it got.
async fn large(Query(query): Query<std::collections::BTreeMap<String, usize>>, request: Request) -> Body {
    const PIECE: &[u8] = &[7; 1024 * 1024];
    if request.method() == Method::PUT {
        assert_eq!(request.headers()["content-length"], "5242880");
        let sizes = request.into_body().into_data_stream().map(|piece| piece.unwrap().len());
        return Body::from(sizes.fold(0, |sum, size| async move { sum + size }).await.to_string());
    }
    let pieces = std::iter::repeat_n(PIECE, query["n"]).map(Ok::<_, std::io::Error>);
    Body::from_stream(futures::stream::iter(pieces))
}

#[tokio::test]
async fn large_bodies_of_s3_pass_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(large)).await });
    let proxy = Proxy::start(&[(Service::S3, &upstream)]).await.unwrap();
    let url = format!("{}/bucket/key?n=20", proxy.url(Service::S3).unwrap());
    let client = reqwest::Client::new();
    let down = client.get(&url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(down.len(), 20 * 1024 * 1024);
    let up = client.put(&url).body(vec![1; 5 * 1024 * 1024]).send().await.unwrap().text().await.unwrap();
    assert_eq!(up, "5242880");
    let actions: Vec<_> = proxy.calls().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["GetObject", "PutObject"]);
}

#[tokio::test]
async fn s3_is_not_read_before_it_is_passed_on() {
    // An upstream whose answer never ends: a proxy that collected it would never answer.
    let endless = || async {
        let pieces = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 1024]));
        Body::from_stream(pieces)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(endless)).await });
    let proxy = Proxy::start(&[(Service::S3, &upstream)]).await.unwrap();
    let mut response = reqwest::get(format!("{}/b/k", proxy.url(Service::S3).unwrap())).await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
}
