//! Everything around the functions.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_parts::proxy::{Proxy, Service};
use aws_parts::runtime_api::{FunctionSettings, Lambda, Outcome, returning};
use aws_parts::sdk_config;
use aws_parts::secrets::{SecretsManager, Settings};
use jiff::Timestamp;
use registry::Registry;
use resistant::{Endpoints, Vendor};
use serde_json::{Value, json};
use shared_core::credential::Credential;
use shared_core::place::Stage;
use simulator::{Options, Simulator};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::messages::{on_the_bus, onboarding};
use crate::objects::Objects;
use crate::services::{Sent, Services};
use crate::tables;

/// The bucket that submit-document takes objects of.
pub const BUCKET: &str = "documents";
const ORGANIZATION: &str = "organization";
const QUEUE: &str = "http://queue.invalid/000000000000/work";
const RESULTS: &str = "http://queue.invalid/000000000000/results";

/// The organization's key, made once: a test has better to do than to look for primes.
static KEY: OnceLock<String> = OnceLock::new();

/// The vendor, AWS and Lambda, on loopback.
pub struct World {
    /// The vendor.
    pub vendor: Simulator,
    /// Secrets Manager.
    pub secrets: SecretsManager,
    /// KMS, SQS and EventBridge.
    pub services: Services,
    /// S3.
    pub objects: Objects,
    /// What every AWS call goes through.
    pub proxy: Proxy,
    /// The functions.
    pub lambda: Lambda,
    /// The customers' records, read past the proxy.
    pub registry: Registry,
    dynamodb: String,
    _tables: JoinSet<()>,
}

/// One delivery's end.
#[derive(Debug)]
pub struct Delivered {
    /// Whether the queue would deliver the message again.
    pub returned: bool,
    /// What was sent into the queue meanwhile.
    pub deferred: Vec<Sent>,
}

impl World {
    /// Starts it all, with a clock and waits short enough for a test.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts it all, with functions that may take so long and no longer, and that take an unclear
    /// create for settled after so long.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn start_within(seconds: u64, settle_seconds: u64) -> Result<Self> {
        let settle = settle_seconds.to_string();
        Self::start_as(&[("SETTLE_SECONDS", &settle)], Duration::from_secs(seconds)).await
    }

    /// Starts it all, with some of the functions' variables set otherwise.
    ///
    /// # Errors
    /// Where something does not start.
    pub async fn start_with(variables: &[(&str, &str)]) -> Result<Self> {
        Self::start_as(variables, Duration::from_secs(60)).await
    }

    async fn start_as(variables: &[(&str, &str)], timeout: Duration) -> Result<Self> {
        let vendor = Simulator::start(Options {
            private_key_pem: KEY.get().cloned(),
            // Stricter than the vendor says it is: what it leaves open must not be relied on.
            settings: simulator::Settings {
                second_upload: false,
                second_characteristics: false,
                ..simulator::Settings::default()
            },
            ..Options::default()
        })
        .await?;
        drop(KEY.set(vendor.vendor().organization_private_key_pem().to_owned()));
        let (tables, dynamodb) = tables::start().await?;
        let lambda = Lambda::start().await?;
        let secrets =
            SecretsManager::start(Settings { lambda: Some(lambda.url().to_owned()), ..Settings::default() })
                .await?;
        let (services, objects) = (Services::start().await?, Objects::start().await?);
        let proxy = Proxy::start(&[
            (Service::DynamoDb, &dynamodb),
            (Service::SecretsManager, secrets.url()),
            (Service::Kms, services.url()),
            (Service::Sqs, services.url()),
            (Service::EventBridge, services.url()),
            (Service::S3, objects.url()),
        ])
        .await?;
        let registry = Registry::new(&sdk_config(&dynamodb).await, "customers");
        let world =
            Self { vendor, secrets, services, objects, proxy, lambda, registry, dynamodb, _tables: tables };
        world.add_functions(variables, timeout).await?;
        tables::create(&world.dynamodb).await?;
        world.store_organization().await?;
        Ok(world)
    }

    /// A world in which a customer is onboarded.
    ///
    /// # Panics
    /// Where it is not.
    pub async fn signed(customer: &str, cells: &[&str]) -> Self {
        let world = Self::start().await.expect("everything starts");
        let onboarded = world.request("onboard-customer", &onboarding("r-1", customer, cells)).await;
        onboarded.expect("the request is done with");
        assert_eq!(world.events("CustomerOnboarded").len(), 1, "{:?}", world.services.events());
        // The trial that follows makes calls of its own.
        world.secrets.rotations_ended().await;
        world
    }

    /// Checks that the vendor holds so much, and nothing else.
    ///
    /// # Panics
    /// Where it does not.
    pub fn assert_vendor_holds(&self, tenants: usize, applications: usize) {
        let audit = self.vendor.vendor().audit();
        assert_eq!((audit.tenants.len(), audit.applications.len()), (tenants, applications), "{audit:?}");
    }

    /// The environment that a function gets, without Lambda's own.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let vendor = self.vendor.vendor();
        let rotation = "arn:aws:lambda:us-east-1:000000000000:function:rotate-secret";
        let queues =
            format!("onboard-customer 60 {QUEUE},submit-document 300 {QUEUE},collect-result 60 {RESULTS}");
        let variables = [
            ("STAGE", "production"),
            ("EVENT_BUS_NAME", "bus"),
            ("CUSTOMERS_TABLE", "customers"),
            ("SECRET_PREFIX", "resistant"),
            ("RESISTANT_LOCAL_URL", vendor.base_url()),
            ("INSTALLATION_ID", "test-1"),
            ("CELLS", "eu-1,us-1,ca-1"),
            ("ORGANIZATION_SECRET_ID", ORGANIZATION),
            ("ORGANIZATION_TOKEN_URL", "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token"),
            ("SEALING_KEY_ID", "sealing"),
            ("SECRETS_KEY_ID", "secrets"),
            ("ROTATION_FUNCTION_ARN", rotation),
            ("QUEUE_URL", QUEUE),
            ("FUNCTION_QUEUES", &queues),
            ("SETTLE_SECONDS", "0"),
            ("CREDENTIAL_CACHE_SECONDS", "0"),
            ("OVERLAP_SECONDS", "0"),
            ("RECOVERY_WINDOW_DAYS", "7"),
            ("OFFBOARDINGS_PER_HOUR", "1000"),
            ("DOCUMENTS_TABLE", "documents"),
            ("DOCUMENTS_BUCKET", BUCKET),
            ("BUCKET_OWNER", "000000000000"),
            ("RESULTS_QUEUE_URL", RESULTS),
            ("RESULTS_BUCKET", "results"),
            ("REPORTS_BUCKET", "reports"),
            ("DEAD_LETTER_QUEUE_URLS", "http://queue.invalid/000000000000/dead-letters"),
        ];
        let mut environment = self.proxy.environment();
        environment.extend(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
        environment
    }

    /// Sets a function up otherwise; its processes so far end.
    ///
    /// # Panics
    /// Where there is no such function.
    pub fn change_function(&self, name: &str, change: impl FnOnce(&mut FunctionSettings)) {
        let mut settings = self.lambda.function(name).expect("a function of this world").settings().clone();
        change(&mut settings);
        self.lambda.add(settings);
    }

    /// Has submit-document read objects past the proxy, where many bytes pass.
    pub fn read_straight_from_s3(&self) {
        self.change_function("submit-document", |settings| {
            settings.environment.insert("AWS_ENDPOINT_URL_S3".to_owned(), self.objects.url().to_owned());
        });
    }

    /// Delivers a message from a queue, once.
    ///
    /// # Errors
    /// Where the function does not answer at all.
    pub async fn deliver(
        &self,
        function: &str,
        body: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Delivered> {
        let attributes: BTreeMap<&String, Value> = attributes
            .iter()
            .map(|(name, value)| (name, json!({ "stringValue": value, "dataType": "String" })))
            .collect();
        let now = Timestamp::now().as_millisecond().to_string();
        let batch = json!({ "Records": [{
            "messageId": "message-1",
            "receiptHandle": "receipt",
            "body": body,
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": now,
                "SenderId": "sender",
                "ApproximateFirstReceiveTimestamp": now
            },
            "messageAttributes": attributes,
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:work",
            "awsRegion": "us-east-1"
        }]});
        let answer = match self.lambda.invoke(function, batch.to_string().as_bytes()).await? {
            Outcome::Answered(answer) => answer,
            other => bail!("{function} ended with {other:?}"),
        };
        let returned = returning(&answer, &["message-1"]).contains("message-1");
        Ok(Delivered { returned, deferred: self.services.take_sent(queue_of(function)) })
    }

    /// Delivers a message, and every deferral of it at once whatever its delay, until it is done with.
    ///
    /// # Errors
    /// Where it is returned to the queue, or still deferred after 20 deliveries.
    pub async fn settle(&self, function: &str, body: &str) -> Result<usize> {
        let mut waiting = VecDeque::from([(body.to_owned(), BTreeMap::new())]);
        let mut deliveries = 0;
        while let Some((body, attributes)) = waiting.pop_front() {
            ensure!(deliveries < 20, "{function} still defers: {body}");
            deliveries += 1;
            let delivered = self.deliver(function, &body, &attributes).await?;
            ensure!(!delivered.returned, "{function} returned its message: {:?}", self.log(function));
            if delivered.deferred.iter().any(|sent| sent.delay_seconds > 0) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            waiting.extend(delivered.deferred.into_iter().map(|sent| (sent.body, sent.attributes)));
        }
        Ok(deliveries)
    }

    /// Takes the looks that were begun since the last call.
    pub fn take_looks(&self) -> Vec<Sent> {
        self.services.take_sent(RESULTS)
    }

    /// Delivers a message until it is done with, as a queue does: again when it was returned, when the
    /// function crashed, and as its deferral says.
    ///
    /// # Panics
    /// Where that takes more than 100 deliveries.
    pub async fn settle_at_any_price(&self, function: &str, body: &str) {
        let mut waiting = VecDeque::from([(body.to_owned(), BTreeMap::new())]);
        for _ in 0..100 {
            let Some((body, attributes)) = waiting.pop_front() else { return };
            match self.deliver(function, &body, &attributes).await {
                Ok(Delivered { returned: false, deferred }) => {
                    let delay = deferred.iter().map(|sent| sent.delay_seconds).max().unwrap_or_default();
                    tokio::time::sleep(Duration::from_secs(delay.min(1))).await;
                    waiting.extend(deferred.into_iter().map(|sent| (sent.body, sent.attributes)));
                }
                Ok(Delivered { returned: true, deferred }) => {
                    waiting.extend(deferred.into_iter().map(|sent| (sent.body, sent.attributes)));
                    waiting.push_back((body, attributes));
                }
                Err(_) => {
                    // What it sent before it crashed is in the queue beside it.
                    let sent = self.services.take_sent(queue_of(function));
                    waiting.extend(sent.into_iter().map(|sent| (sent.body, sent.attributes)));
                    waiting.push_back((body, attributes));
                }
            }
        }
        panic!("{function} is not done with {waiting:?}: {:?}", self.log(function));
    }

    /// Has Secrets Manager rotate a secret now, and waits for the end; a refusal changes nothing.
    pub async fn rotate(&self, name: &str) {
        self.secrets.rotations_ended().await;
        let token = format!("{:0>32}", self.secrets.rotations().len());
        let input = json!({ "SecretId": name, "ClientRequestToken": token });
        drop(call(self.secrets.url(), "secretsmanager.RotateSecret", &input).await);
        self.secrets.rotations_ended().await;
    }

    /// Somebody turns a secret's rotation off.
    ///
    /// # Panics
    /// Where Secrets Manager refuses.
    pub async fn cancel_rotation(&self, name: &str) {
        let input = json!({ "SecretId": name });
        let cancelled = call(self.secrets.url(), "secretsmanager.CancelRotateSecret", &input);
        cancelled.await.expect("a secret that is rotated");
    }

    /// Invokes a function as an operator does.
    ///
    /// # Errors
    /// What the function answers as an error.
    pub async fn operate(&self, function: &str, said: &Value) -> Result<Value> {
        match self.lambda.invoke(function, said.to_string().as_bytes()).await? {
            Outcome::Answered(answer) => Ok(serde_json::from_slice(&answer)?),
            Outcome::FunctionError(error) => bail!("{}", String::from_utf8_lossy(&error)),
            other => bail!("{function} ended with {other:?}"),
        }
    }

    /// Calls Secrets Manager past the proxy, as an operator does.
    ///
    /// # Errors
    /// What it refuses.
    pub async fn secrets_manager(&self, operation: &str, input: &Value) -> Result<()> {
        call(self.secrets.url(), &format!("secretsmanager.{operation}"), input).await
    }

    /// Changes the tables by hand.
    ///
    /// # Errors
    /// What DynamoDB refuses.
    pub async fn dynamodb(&self, operation: &str, input: &Value) -> Result<()> {
        let url = self.proxy.url(Service::DynamoDb).context("a proxy with DynamoDB")?;
        call(url, &format!("DynamoDB_20120810.{operation}"), input).await
    }

    /// Whether the vendor gives a token for what a secret holds.
    pub async fn accepts(&self, secret_value: &str) -> bool {
        let credential = Credential::from_secret_value(secret_value).expect("a secret that readers can read");
        let endpoints = Endpoints::local(Stage::Production, self.vendor.vendor().base_url());
        let vendor = Vendor::new(endpoints.expect("a simulator on loopback")).expect("an HTTP client");
        let plane = vendor.data_plane(&credential).expect("a credential of this deployment");
        plane.client_accepted().await.expect("a simulator without faults")
    }

    /// Delivers a request as the bus's rule would.
    ///
    /// # Errors
    /// Those of [`settle`](Self::settle).
    pub async fn request(&self, function: &str, detail: &Value) -> Result<usize> {
        self.settle(function, &on_the_bus(detail).to_string()).await
    }

    /// The audit trail of a customer, in order: what was done, by whom, why and at whose request.
    ///
    /// # Panics
    /// Where the table does not answer.
    pub async fn audit(&self, customer: &str) -> Vec<[String; 4]> {
        let query = json!({
            "TableName": "customers", "KeyConditionExpression": "pk = :pk AND begins_with(sk, :audit)",
            "ExpressionAttributeValues": {":pk": {"S": format!("CUSTOMER#{customer}")}, ":audit": {"S": "AUDIT#"}}
        });
        let answer = ask(&self.dynamodb, "DynamoDB_20120810.Query", &query).await.expect("a table");
        let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        let entry = |item: &Value| ["what", "actor", "reason", "request_id"].map(|name| text(item, name));
        answer["Items"].as_array().expect("items").iter().map(entry).collect()
    }

    /// The events of one type, announced so far.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        self.services.events().into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// What a function has logged.
    pub fn log(&self, function: &str) -> Vec<String> {
        self.lambda.function(function).map(|function| function.log()).unwrap_or_default()
    }

    /// What a function has logged, once it has said something: its last words arrive after its end.
    pub async fn log_with(&self, function: &str, something: &str) -> String {
        for _ in 0..100 {
            let log = self.log(function).join("\n");
            if log.contains(something) {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.log(function).join("\n")
    }

    async fn add_functions(&self, variables: &[(&str, &str)], timeout: Duration) -> Result<()> {
        for (name, directory) in bootstraps().await? {
            let mut settings = FunctionSettings::new(name, directory.join("bootstrap"));
            settings.timeout = timeout;
            settings.environment = self.environment();
            settings.environment.insert("QUEUE_URL".to_owned(), queue_of(name).to_owned());
            settings
                .environment
                .extend(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())));
            self.lambda.add(settings);
        }
        Ok(())
    }

    async fn store_organization(&self) -> Result<()> {
        let vendor = self.vendor.vendor();
        let value = json!({
            "client_id": vendor.organization_client_id(),
            "private_key": vendor.organization_private_key_pem(),
        });
        let secret = json!({
            "Name": ORGANIZATION, "SecretString": value.to_string(),
            "ClientRequestToken": "organization-secret-version-0001"
        });
        call(self.secrets.url(), "secretsmanager.CreateSecret", &secret).await
    }
}

/// A function's own queue.
fn queue_of(function: &str) -> &'static str {
    if function == "collect-result" { RESULTS } else { QUEUE }
}

/// The functions' bootstraps, built once for all tests of a process.
async fn bootstraps() -> Result<&'static BTreeMap<String, PathBuf>> {
    static BUILT: OnceCell<BTreeMap<String, PathBuf>> = OnceCell::const_new();
    BUILT.get_or_try_init(sandbox::functions::build).await
}

pub(crate) async fn call(url: &str, target: &str, input: &Value) -> Result<()> {
    ask(url, target, input).await.map(drop)
}

async fn ask(url: &str, target: &str, input: &Value) -> Result<Value> {
    let version = if target.starts_with("DynamoDB") { "1.0" } else { "1.1" };
    let sent = reqwest::Client::new()
        .post(url)
        .header("x-amz-target", target)
        .header("content-type", format!("application/x-amz-json-{version}"))
        .header("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/x/aws4_request, SignedHeaders=host, Signature=0")
        .header("x-amz-date", "20260101T000000Z")
        .body(input.to_string())
        .send()
        .await?;
    let (status, answer) = (sent.status(), sent.text().await?);
    ensure!(status.is_success(), "{target}: {status}: {answer}");
    Ok(serde_json::from_str(&answer)?)
}
