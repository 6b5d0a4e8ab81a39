//! The organization's key, held by KMS or in its secret, and changed while functions run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_parts::proxy::{Effect, Matcher, Outcome, Proxy, Service};
use aws_parts::secrets::{SecretsManager, Settings};
use e2e::messages::{offboarding, onboarding};
use e2e::services::Services;
use e2e::world::World;
use jiff::{SignedDuration, Timestamp};
use lifecycle::Organization;
use resistant::{CallError, Clock, ControlPlane, Endpoints, TokenError, Vendor};
use serde_json::{Value, json};
use shared_core::failure::{Class, Classified as _};
use shared_core::place::Stage;
use simulator::{ClockChange, Options, Simulator};
use vault::{SigningKeys, Vault};

const KEY_ID: &str = "arn:aws:kms:eu-west-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A key that the vendor does not know.
const OTHER_KEY: &str = include_str!("../../../shared/resistant/testdata/organization-key.pkcs8.pem");

/// The vendor, Secrets Manager and KMS, without the functions.
struct House {
    simulator: Simulator,
    services: Services,
    secrets: SecretsManager,
    proxy: Proxy,
    /// How far the client's clock is ahead.
    ahead: Arc<AtomicI64>,
    vault: Vault,
    keys: SigningKeys,
    control: ControlPlane,
}

impl House {
    /// Connects with this secret. KMS holds the organization's key as `KEY_ID`.
    async fn connect(secret: impl FnOnce(&Simulator) -> Value) -> Self {
        let simulator = Simulator::start(Options::default()).await.unwrap();
        let services = Services::start().await.unwrap();
        services.hold_key(KEY_ID, simulator.organization_private_key_pem()).unwrap();
        let secrets = SecretsManager::start(Settings::default()).await.unwrap();
        let upstreams = [(Service::Kms, services.url()), (Service::SecretsManager, secrets.url())];
        let proxy = Proxy::start(&upstreams).await.unwrap();
        let manager = at(proxy.url(Service::SecretsManager).unwrap()).await;
        let keys = SigningKeys::new(&at(proxy.url(Service::Kms).unwrap()).await);
        let vault = Vault::new(&manager, "resistant".parse().unwrap());
        put(&secrets, "CreateSecret", "Name", &secret(&simulator)).await;

        let ahead = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&ahead);
        let clock =
            Clock::new(move || Timestamp::now() + SignedDuration::from_secs(seconds.load(Ordering::SeqCst)));
        let endpoints = Endpoints::local(Stage::Production, simulator.base_url()).unwrap();
        let control = endpoints.organization("overridden").unwrap();
        let organization = Organization { endpoints, control, secret_id: "organization".to_owned() };
        let vendor = Vendor::new(organization.endpoints.clone()).unwrap().with_clock(clock);
        let control = organization.control_plane(&vendor, &vault, &keys).await.unwrap();
        Self { simulator, services, secrets, proxy, ahead, vault, keys, control }
    }

    async fn change(&self, secret: &Value) {
        put(&self.secrets, "PutSecretValue", "SecretId", secret).await;
    }

    /// Lets time pass, for the client and for those who judge its assertions.
    fn pass(&self, seconds: i64) {
        let ahead = self.ahead.fetch_add(seconds, Ordering::SeqCst) + seconds;
        let skew = Some(ahead as f64);
        self.simulator.change_clock(&ClockChange { assertion_skew_seconds: skew, ..ClockChange::default() });
    }

    async fn call(&self) -> Result<(), CallError> {
        self.control.all_tenants().await.map(drop)
    }

    fn count(&self, action: &str) -> usize {
        self.proxy.calls().iter().filter(|call| call.action == action).count()
    }
}

async fn at(url: &str) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("us-east-1"));
    loader.test_credentials().endpoint_url(url).retry_config(RetryConfig::disabled()).load().await
}

async fn put(secrets: &SecretsManager, operation: &str, name: &str, value: &Value) {
    let input = json!({
        name: "organization", "SecretString": value.to_string(),
        "ClientRequestToken": format!("organization-secret-version-{operation}"),
    });
    let sent = reqwest::Client::new()
        .post(secrets.url())
        .header("x-amz-target", format!("secretsmanager.{operation}"))
        .body(input.to_string());
    assert!(sent.send().await.unwrap().status().is_success());
}

fn in_kms(simulator: &Simulator) -> Value {
    json!({ "client_id": simulator.organization_client_id(), "kms_key_id": KEY_ID })
}

fn in_the_secret(simulator: &Simulator, pem: &str) -> Value {
    json!({ "client_id": simulator.organization_client_id(), "private_key": pem })
}

fn is_refused(outcome: Result<(), CallError>) -> bool {
    matches!(outcome, Err(CallError::Token { source: TokenError::InvalidClient { .. }, .. }))
}

#[tokio::test]
async fn kms_signs_once_for_each_token_and_the_vendor_accepts_it() {
    let house = House::connect(in_kms).await;
    for _ in 0..3 {
        house.call().await.unwrap();
    }
    assert_eq!((house.count("GetSecretValue"), house.count("Sign")), (1, 1));
    let calls = house.proxy.calls();
    let sign = calls.iter().find(|call| call.action == "Sign").unwrap();
    assert_eq!(sign.outcome, Outcome::Answered { status: 200, error: None });
    assert_eq!(
        (sign.targets[0].permission.as_str(), sign.targets[0].resource.as_str()),
        ("kms:Sign", KEY_ID)
    );
    assert_eq!(sign.targets[0].conditions["kms:SigningAlgorithm"], "RSASSA_PKCS1_V1_5_SHA_256");
}

#[tokio::test]
async fn a_key_in_the_secret_costs_no_call_to_kms() {
    let house =
        House::connect(|simulator| in_the_secret(simulator, simulator.organization_private_key_pem())).await;
    house.call().await.unwrap();
    assert_eq!((house.count("GetSecretValue"), house.count("Sign")), (1, 0));
}

#[tokio::test]
async fn a_refused_signature_is_tried_again_and_names_the_key_and_the_operation() {
    let house = House::connect(in_kms).await;
    for (status, code) in [
        (400, "ThrottlingException"),
        (400, "AccessDeniedException"),
        (400, "DisabledException"),
        (500, "KMSInternalException"),
    ] {
        let body = json!({ "__type": code, "message": "not now" }).to_string();
        let rule = house.proxy.rule(Matcher::any().action("Sign"), Effect::Answer { status, body });
        let error = house.call().await.unwrap_err();
        assert_eq!(error.class(), Class::Retry, "{code}");
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            chain = format!("{chain}: {next}");
            cause = next.source();
        }
        assert!(chain.contains(&format!("Sign failed for `{KEY_ID}`")), "{chain}");
        assert!(chain.contains(code), "{chain}");
        house.proxy.remove_rule(rule);
    }
    house.call().await.unwrap();
    assert!(
        house.simulator.state().calls.iter().all(|call| call.status != Some(401)),
        "nothing unsigned went out"
    );
}

#[tokio::test]
async fn a_key_that_moves_from_the_secret_into_kms_is_used_within_a_minute() {
    let house = House::connect(|simulator| in_the_secret(simulator, OTHER_KEY)).await;
    for _ in 0..3 {
        assert!(is_refused(house.call().await));
    }
    house.change(&in_kms(&house.simulator)).await;
    assert!(is_refused(house.call().await));
    assert_eq!(house.count("GetSecretValue"), 1, "a refusal does not cost a read each");
    house.pass(60);
    house.call().await.unwrap();
    assert_eq!((house.count("GetSecretValue"), house.count("Sign")), (2, 1));
}

#[tokio::test]
async fn a_secret_that_is_made_unreadable_leaves_the_last_credential() {
    let house = House::connect(in_kms).await;
    house
        .change(&json!({ "client_id": "organization", "kms_key_id": KEY_ID, "private_key": OTHER_KEY }))
        .await;
    house.pass(60);
    house.call().await.unwrap();
    assert_eq!((house.count("GetSecretValue"), house.count("Sign")), (2, 1));
    let organization = |id: &str| {
        let endpoints = Endpoints::local(Stage::Production, house.simulator.base_url()).unwrap();
        let control = endpoints.organization("overridden").unwrap();
        Organization { endpoints, control, secret_id: id.to_owned() }
    };
    let error = organization("organization").connect(&house.vault, &house.keys).await.map(drop).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("exclude each other"), "{error:?}");
    assert!(house.services.events().is_empty());
}

#[tokio::test]
async fn every_function_works_with_a_key_that_kms_holds() {
    let world = World::start().await.unwrap();
    let vendor = world.vendor.vendor();
    world.services.hold_key(KEY_ID, vendor.organization_private_key_pem()).unwrap();
    put(&world.secrets, "PutSecretValue", "SecretId", &in_kms(&world.vendor)).await;

    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    world.secrets.rotations_ended().await;
    world.rotate("resistant/acme/eu-1/credential").await;
    world.request("offboard-customer", &offboarding("r-2", "acme")).await.unwrap();
    for event in ["CustomerOnboarded", "SecretRotated", "CustomerOffboarded"] {
        assert_eq!(world.events(event).len(), 1, "{event}: {:?}", world.services.events());
    }
    let audit = vendor.audit();
    assert!(audit.tenants.is_empty() && audit.applications.is_empty(), "{audit:?}");

    let signed = |caller: &str| {
        let calls = world.proxy.calls();
        calls.iter().filter(|call| call.action == "Sign" && call.caller.as_deref() == Some(caller)).count()
    };
    for function in ["onboard-customer", "rotate-secret", "offboard-customer"] {
        assert_eq!(signed(function), 1, "{function} keeps its token");
    }
}
