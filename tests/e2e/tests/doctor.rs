//! The doctor: a healthy deployment is called healthy, and each thing that is wrong is named, alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_parts::proxy::{Effect, Matcher};
use e2e::messages::secret;
use e2e::objects::Configured;
use e2e::world::World;
use serde_json::{Value, json};
use simulator::{ClockChange, Fault, Operation};

/// A key that the vendor does not know.
const OTHER_KEY: &str = include_str!("../../../shared/resistant/testdata/organization-key.pkcs8.pem");

async fn signed() -> World {
    World::signed("acme", &["eu-1", "us-1"]).await
}

async fn called(world: &World) -> Value {
    let asked = json!({
        "type": "DoctorRequested", "version": "1", "request_id": "ops-1", "customer_id": "acme",
        "actor": "jane", "reason": "a test"
    });
    world.operate("reconcile-tenants", &asked).await.unwrap()
}

/// What is not as it should be: result, check and subject, and all that is said of it.
async fn wrong(world: &World) -> Vec<(String, String)> {
    let answer = called(world).await;
    let checks = answer["checks"].as_array().unwrap().iter().filter(|check| check["result"] != "ok");
    let wrong: Vec<(String, String)> = checks
        .map(|check| {
            let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
            assert!(!text("next_step").is_empty(), "{check}");
            let head = format!("{} {} {}", text("result"), text("check"), text("subject"));
            (head.trim_end().to_owned(), format!("{} | {}", text("seen"), text("next_step")))
        })
        .collect();
    let first = answer["table"].as_str().unwrap().lines().nth(2).unwrap();
    let head = wrong.first().map_or(" ok ", |(head, _)| head.split(' ').next().unwrap());
    assert!(first.contains(head), "the worst is first: {first}");
    wrong
}

/// Just these are wrong, and the first of them is told with these words.
#[track_caller]
fn assert_named(wrong: &[(String, String)], heads: &[&str], words: &[&str]) {
    let found: Vec<&str> = wrong.iter().map(|(head, _)| head.as_str()).collect();
    assert_eq!(found, heads, "{wrong:#?}");
    for word in words {
        assert!(wrong[0].1.contains(word), "`{word}` is not in {:?}", wrong[0].1);
    }
}

async fn put_secret(world: &World, name: &str, value: &Value) {
    static TOKENS: AtomicUsize = AtomicUsize::new(0);
    let token = format!("{:0>32}", TOKENS.fetch_add(1, Ordering::SeqCst));
    let input = json!({ "SecretId": name, "SecretString": value.to_string(), "ClientRequestToken": token });
    world.secrets_manager("PutSecretValue", &input).await.unwrap();
}

fn credential(world: &World, cell: &str) -> Value {
    serde_json::from_str(&world.secrets.reveal(&secret("acme", cell), "AWSCURRENT").unwrap()).unwrap()
}

fn set(world: &World, variable: &str, value: &str) {
    world.change_function("reconcile-tenants", |settings| {
        settings.environment.insert(variable.to_owned(), value.to_owned());
    });
}

fn every(operation: Operation, status: u16) -> Fault {
    let effect = simulator::Effect::Status { status };
    Fault { count: None, ..Fault::next(operation, effect) }
}

#[tokio::test]
async fn a_healthy_deployment_is_healthy_and_nothing_secret_is_shown() {
    let world = signed().await;
    let answer = called(&world).await;
    assert_eq!(answer["outcome"], "healthy", "{}", answer["table"].as_str().unwrap());
    let checks = answer["checks"].as_array().unwrap();
    for code in [
        "CONFIGURATION",
        "STAGE_CONSISTENT",
        "ORGANIZATION_SECRET",
        "ORGANIZATION_TOKEN",
        "ORGANIZATION_SCOPES",
        "CLOCK_SKEW",
        "CELL_REACHABLE",
        "CUSTOMER_CREDENTIAL",
        "TENANT_NAMES",
        "QUOTA",
        "QUEUES",
        "BUCKET",
        "TABLES",
        "ROTATION",
        "PERMISSIONS",
    ] {
        assert!(checks.iter().any(|check| check["check"] == code && check["result"] == "ok"), "{code}");
    }
    let said = format!("{answer}{}", world.log("reconcile-tenants").join("\n"));
    for secret in ["PRIVATE KEY", "eyJ", "client_assertion", "Bearer "] {
        assert!(!said.contains(secret), "{secret}");
    }
    let log = world.log_with("reconcile-tenants", "The doctor was called.").await;
    assert!(log.contains("jane") && log.contains("a test"), "{log}");
    // It only looked.
    world.assert_vendor_holds(1, 2);
    assert_eq!(world.services.events().len(), 1);
}

#[tokio::test]
async fn nobody_looks_without_saying_who_and_why() {
    let world = World::start().await.unwrap();
    let asked = json!({ "type": "DoctorRequested", "version": "1", "request_id": "ops-1" });
    let refused = world.operate("reconcile-tenants", &asked).await.unwrap_err().to_string();
    assert!(refused.contains("actor") && refused.contains("reason"), "{refused}");
    assert!(world.proxy.calls().is_empty(), "{:?}", world.proxy.calls());
}

#[tokio::test]
async fn what_is_wrong_about_the_organization_is_named() {
    let world = signed().await;
    let vendor = world.vendor.vendor();
    let (token, scopes) = ("skipped ORGANIZATION_TOKEN", "skipped ORGANIZATION_SCOPES");
    let unlisted = ["skipped TENANT_NAMES", "skipped QUOTA"];

    let client_id = vendor.organization_client_id();
    put_secret(&world, "organization", &json!({ "client_id": client_id, "private_key": OTHER_KEY })).await;
    let heads = ["problem ORGANIZATION_TOKEN", scopes, unlisted[0], unlisted[1]];
    assert_named(&wrong(&world).await, &heads, &["client or its signature is refused", "public key"]);

    put_secret(&world, "organization", &json!({ "client_id": client_id })).await;
    let heads = ["problem ORGANIZATION_SECRET", token, scopes, unlisted[0], unlisted[1]];
    assert_named(
        &wrong(&world).await,
        &heads,
        &["one of `private_key` and `kms_key_id`", "put-secret-value"],
    );

    set(&world, "ORGANIZATION_SECRET_ID", "nowhere");
    assert_named(&wrong(&world).await, &heads, &["there is no secret `nowhere`", "create-secret"]);
    let schedule = json!({ "type": "CleanUp", "version": "1" });
    let stopped = world.operate("reconcile-tenants", &schedule).await.unwrap_err().to_string();
    assert!(stopped.contains("cannot be read") && stopped.contains("nowhere"), "{stopped}");
    set(&world, "ORGANIZATION_SECRET_ID", "organization");

    let key = vendor.organization_private_key_pem();
    put_secret(&world, "organization", &json!({ "client_id": client_id, "private_key": key })).await;
    for (operation, scope) in [
        (Operation::GetTenants, "tenants.read is missing"),
        (Operation::GetTenantApplications, "tenants.applications.read is missing"),
    ] {
        vendor.add_fault(every(operation, 403));
        let heads = ["problem ORGANIZATION_SCOPES", unlisted[0], unlisted[1]];
        assert_named(&wrong(&world).await, &heads, &[scope, "403", "ask the vendor to grant"]);
        vendor.remove_faults(None);
    }
    vendor.add_fault(every(Operation::GetTenants, 401));
    let heads = ["problem ORGANIZATION_SCOPES", unlisted[0], unlisted[1]];
    assert_named(&wrong(&world).await, &heads, &["one for another API or stage", "OrganizationTokenUrl"]);
    vendor.remove_faults(None);
    assert_named(&wrong(&world).await, &[], &[]);
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_with_what_breaks_by_it() {
    let world = signed().await;
    let skewed = |seconds| ClockChange { assertion_skew_seconds: Some(seconds), ..ClockChange::default() };
    world.vendor.vendor().change_clock(&skewed(90.0));
    assert_named(&wrong(&world).await, &["problem CLOCK_SKEW"], &["s behind the vendor's", "assertions"]);
    world.vendor.vendor().change_clock(&skewed(3600.0));
    let wrong = wrong(&world).await;
    let problems: Vec<&str> = wrong.iter().map(|(head, _)| head.as_str()).collect();
    for expected in
        ["problem ORGANIZATION_TOKEN", "problem CLOCK_SKEW", "problem CUSTOMER_CREDENTIAL acme/eu-1"]
    {
        assert!(problems.contains(&expected), "{wrong:#?}");
    }
}

#[tokio::test]
async fn mixed_stages_and_wrong_variables_are_named_and_the_rest_is_looked_at() {
    let world = signed().await;
    let testing = "https://eu.id.resistant.ai/oauth2/aus17c52xbW6c0yA9417/v1/token";
    set(&world, "ORGANIZATION_TOKEN_URL", testing);
    let heads = ["problem STAGE_CONSISTENT ORGANIZATION_TOKEN_URL"];
    assert_named(&wrong(&world).await, &heads, &["Documents API of cell eu-1 in the testing stage"]);
    set(&world, "OVERLAP_SECONDS", "soon");
    let both = wrong(&world).await;
    assert_named(&both, &["problem CONFIGURATION OVERLAP_SECONDS", heads[0]], &["`soon`", "infra/README.md"]);
    let stopped = world.operate("reconcile-tenants", &json!({ "type": "CleanUp" })).await.unwrap_err();
    assert!(stopped.to_string().contains("OVERLAP_SECONDS is `soon`"), "{stopped}");
    set(&world, "OVERLAP_SECONDS", "0");
    set(&world, "ORGANIZATION_TOKEN_URL", "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token");
    set(&world, "STAGE", "testing");
    let wrong = wrong(&world).await;
    let cells = wrong.iter().filter(|(head, _)| head == "problem STAGE_CONSISTENT CELLS").count();
    assert_eq!(cells, 2, "us-1 and ca-1: {wrong:#?}");
    let credential = wrong.iter().find(|(head, _)| head == "problem CUSTOMER_CREDENTIAL acme/eu-1").unwrap();
    assert!(credential.1.contains("the credential's stage `production`"), "{credential:?}");
}

#[tokio::test]
async fn a_credential_of_elsewhere_is_named_by_where_it_is_from() {
    let world = signed().await;
    let vendor = world.vendor.vendor();
    let (name, good) = (secret("acme", "us-1"), credential(&world, "us-1"));
    let head = ["problem CUSTOMER_CREDENTIAL acme/us-1"];
    let with = |field: &str, value: Value| {
        let mut changed = good.clone();
        changed[field] = value;
        changed
    };
    let tenants = json!(vendor.organization_token_url());
    for (value, words) in [
        (credential(&world, "eu-1"), ["the secret of cell us-1 holds a credential of cell eu-1", "force"]),
        (
            with("client_id", json!(vendor.organization_client_id())),
            ["the organization's client", "not documents"],
        ),
        (with("token_url", tenants), ["token URL is Tenant Management's", "does not open the Documents API"]),
        (
            with("api_base", json!("https://api.documents.testing.resistant.ai")),
            [
                "the credential's api_base `https://api.documents.testing.resistant.ai`",
                "cell us-1 in the production",
            ],
        ),
        (with("tenant_id", json!("another")), ["of another tenant, `another`", "rotate-secret"]),
        (
            with("application_id", json!("another")),
            ["application `another` is not recorded", "rotate-secret"],
        ),
        (with("client_id", json!("another")), ["no token: the client `another`", "rotate-secret"]),
        (json!({ "version": 1 }), ["not a credential", "rotate-secret"]),
    ] {
        put_secret(&world, &name, &value).await;
        assert_named(&wrong(&world).await, &head, &words);
    }
    put_secret(&world, &name, &good).await;
    for (status, word) in [(401, "one for another API, cell or stage"), (403, "submissions.read is missing")]
    {
        vendor.add_fault(Fault { cell: Some("us-1".to_owned()), ..every(Operation::GetFraud, status) });
        assert_named(&wrong(&world).await, &head, &[word]);
        vendor.remove_faults(None);
    }
    assert_named(&wrong(&world).await, &[], &[]);
}

#[tokio::test]
async fn a_secret_that_is_gone_or_not_rotated_is_named() {
    let world = signed().await;
    let name = secret("acme", "us-1");
    world.secrets_manager("CancelRotateSecret", &json!({ "SecretId": name })).await.unwrap();
    let head = ["problem ROTATION acme/us-1"];
    assert_named(
        &wrong(&world).await,
        &head,
        &["rotation is off", "aws secretsmanager rotate-secret", &name],
    );
    world.secrets_manager("DeleteSecret", &json!({ "SecretId": name })).await.unwrap();
    let deleted = wrong(&world).await;
    assert_named(
        &deleted[..1],
        &["problem CUSTOMER_CREDENTIAL acme/us-1"],
        &["waits for its deletion", "restore-secret"],
    );
    world.secrets_manager("RestoreSecret", &json!({ "SecretId": name })).await.unwrap();
    world
        .secrets_manager("DeleteSecret", &json!({ "SecretId": name, "ForceDeleteWithoutRecovery": true }))
        .await
        .unwrap();
    let heads = ["problem CUSTOMER_CREDENTIAL acme/us-1", "skipped ROTATION acme/us-1"];
    assert_named(&wrong(&world).await, &heads, &["there is no secret", "onboard it again"]);
}

#[tokio::test]
async fn a_rotation_by_another_function_or_schedule_is_named() {
    let world = signed().await;
    set(&world, "ROTATION_DAYS", "10");
    let heads = ["warning ROTATION acme/eu-1", "warning ROTATION acme/us-1"];
    assert_named(&wrong(&world).await, &heads, &["the schedule is rate(", "rotate-secret"]);
    set(&world, "ROTATION_FUNCTION_ARN", "arn:aws:lambda:us-east-1:000000000000:function:another");
    let heads = ["problem ROTATION acme/eu-1", "problem ROTATION acme/us-1"];
    assert_named(&wrong(&world).await, &heads, &["it is rotated by", "function:another"]);
}

#[tokio::test]
async fn tenants_that_the_vendor_does_not_know_so_are_named() {
    let world = signed().await;
    let rename = async |name: &str| {
        let change = json!({
            "TableName": "customers",
            "Key": { "pk": { "S": "CUSTOMER#acme" }, "sk": { "S": "RECORD" } },
            "UpdateExpression": "SET #record.#tenant.#name = :name",
            "ExpressionAttributeNames": { "#record": "record", "#tenant": "tenant", "#name": "name" },
            "ExpressionAttributeValues": { ":name": { "S": name } }
        });
        world.dynamodb("UpdateItem", &change).await.unwrap();
    };
    rename("another").await;
    let head = ["problem TENANT_NAMES acme"];
    assert_named(&wrong(&world).await, &head, &["recorded as `another`"]);
    rename("tenant_name").await;
    let heads = ["problem CUSTOMER_CREDENTIAL acme", "problem TENANT_NAMES acme"];
    let illegal = wrong(&world).await;
    assert_named(&illegal, &heads, &["tenant_name"]);
    assert!(illegal[1].1.contains("1 to 61 lower-case letters or digits"), "{illegal:?}");
}

#[tokio::test]
async fn a_full_quota_an_unknown_customer_and_a_silent_cell_are_named() {
    let world = signed().await;
    set(&world, "TENANT_QUOTA", "1");
    assert_named(&wrong(&world).await, &["problem QUOTA"], &["1 of 1 tenants", "TenantQuota"]);
    set(&world, "TENANT_QUOTA", "10");
    assert_named(&wrong(&world).await, &[], &[]);
    let asked = json!({
        "type": "DoctorRequested", "version": "1", "request_id": "ops-2", "customer_id": "nobody",
        "actor": "jane", "reason": "a test"
    });
    let answer = world.operate("reconcile-tenants", &asked).await.unwrap();
    let table = answer["table"].as_str().unwrap();
    assert!(table.lines().nth(2).unwrap().contains("no such customer is recorded"), "{table}");
    // Nobody listens there.
    set(&world, "RESISTANT_LOCAL_URL", "http://127.0.0.1:9");
    let silent = wrong(&world).await;
    for cell in ["eu-1", "us-1", "ca-1"] {
        let head = format!("problem CELL_REACHABLE {cell}");
        let told = silent.iter().find(|(found, _)| *found == head).unwrap();
        assert!(told.1.contains("no connection could be made"), "{told:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_at_aws_is_named() {
    let world = signed().await;
    let configure = |change: fn(&mut Configured)| {
        let mut configured = Configured::default();
        change(&mut configured);
        world.objects.configure(configured);
    };
    configure(|bucket| bucket.versioning = Some("Suspended"));
    let head = ["problem BUCKET versions"];
    assert_named(&wrong(&world).await, &head, &["is Suspended", "put-bucket-versioning --bucket documents"]);
    configure(|bucket| bucket.versioning = None);
    assert_named(&wrong(&world).await, &head, &["versioning of `documents` is off"]);
    configure(|bucket| bucket.notifies = None);
    let head = ["problem BUCKET notification"];
    assert_named(&wrong(&world).await, &head, &["does not tell the queue", "put-bucket-notification"]);
    configure(|bucket| bucket.notifies = Some("arn:aws:sqs:us-east-1:000000000000:another"));
    assert_named(&wrong(&world).await, &head, &["does not tell the queue"]);
    configure(|bucket| bucket.owner = "111111111111");
    let foreign = wrong(&world).await;
    assert!(
        foreign.iter().any(|(_, said)| said.contains("does not belong to account 000000000000")),
        "{foreign:?}"
    );
    configure(|_| ());

    let redrive = world.services.set_queue_attribute("RedrivePolicy", None);
    let heads = [
        "problem QUEUES onboard-customer",
        "problem QUEUES submit-document",
        "problem QUEUES collect-result",
    ];
    assert_named(&wrong(&world).await, &heads, &["no redrive policy", "set-queue-attributes"]);
    world.services.set_queue_attribute("RedrivePolicy", redrive.as_deref());
    world.services.set_queue_attribute("VisibilityTimeout", Some("360"));
    let heads = ["problem QUEUES submit-document"];
    assert_named(&wrong(&world).await, &heads, &["360 s", "limit of 300 s", "VisibilityTimeout=1800"]);
    world.services.set_queue_attribute("VisibilityTimeout", Some("1800"));

    set(&world, "DOCUMENTS_TABLE", "nowhere");
    assert_named(&wrong(&world).await, &["problem TABLES nowhere"], &["no such table"]);
    set(&world, "DOCUMENTS_TABLE", "customers");
    assert_named(&wrong(&world).await, &["problem TABLES customers"], &["index `open-documents` is missing"]);
}

#[tokio::test]
async fn a_denied_call_is_named_by_its_permission_and_ends_nothing() {
    let world = signed().await;
    let words = "User: arn:aws:sts::000000000000:assumed-role/r/f is not authorized to perform: ";
    for (action, permission, heads) in [
        ("DescribeTable", "dynamodb:DescribeTable", vec!["TABLES customers", "TABLES documents"]),
        (
            "GetQueueAttributes",
            "sqs:GetQueueAttributes",
            vec!["QUEUES onboard-customer", "QUEUES submit-document", "QUEUES collect-result"],
        ),
        ("DescribeSecret", "secretsmanager:DescribeSecret", vec!["ROTATION acme/eu-1", "ROTATION acme/us-1"]),
        ("GetItem", "dynamodb:GetItem", vec!["CUSTOMER_CREDENTIAL acme", "TENANT_NAMES"]),
        ("Query", "dynamodb:Query", vec!["TENANT_NAMES"]),
    ] {
        let body = json!({
            "__type": "AccessDeniedException", "message": format!("{words}{permission} on resource: r")
        });
        let denied = Effect::Answer { status: 400, body: body.to_string() };
        let rule = world.proxy.rule(Matcher::any().action(action), denied);
        let heads: Vec<String> =
            heads.into_iter().chain(["PERMISSIONS"]).map(|head| format!("problem {head}")).collect();
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let wrong = wrong(&world).await;
        assert_named(&wrong, &heads, &[permission, "AccessDenied", "to this function's role"]);
        assert!(wrong.last().unwrap().1.contains(permission), "{wrong:?}");
        world.proxy.remove_rule(rule);
    }
    // S3 does not always say what is missing.
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let denied = Effect::Answer { status: 403, body: denied.to_owned() };
    let rule = world.proxy.rule(Matcher::any().action("GetBucketNotificationConfiguration"), denied);
    let heads = ["problem BUCKET notification", "problem PERMISSIONS"];
    assert_named(&wrong(&world).await, &heads, &["s3:GetBucketNotification"]);
    world.proxy.remove_rule(rule);
    assert_named(&wrong(&world).await, &[], &[]);
}
