//! What README.md and infra/README.md tell operators to run is run here, by a shell, as it stands there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::path::{Path, PathBuf};

use e2e::messages::onboarding;
use e2e::world::World;
use serde_json::{Value, json};
use tokio::process::Command;

const NAME: &str = "resistant/acme/eu-1/credential";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The shell blocks of a section, in their order.
fn blocks(file: &str, heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let section = text.split(&format!("\n## {heading}\n")).nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// A shell whose `aws` calls this world.
struct Shell {
    world: World,
    commands: PathBuf,
}

impl Shell {
    async fn start(variables: &[(&str, &str)]) -> Self {
        let world = World::start_with(variables).await.unwrap();
        let port = world.lambda.url().rsplit(':').next().unwrap().to_owned();
        let commands = std::env::temp_dir().join(format!("commands-of-{}-{port}", std::process::id()));
        Self { world, commands }
    }

    /// Runs a block; `Err` holds what it complained of.
    async fn run(&self, block: &str) -> Result<Vec<Value>, String> {
        let aws = root().join("tests/e2e/cli/aws.py");
        let script = format!("set -euo pipefail\naws() {{ python3 '{}' \"$@\"; }}\n{block}", aws.display());
        let ran = Command::new("bash")
            .args(["-c", &script])
            .env("LAMBDA", self.world.lambda.url())
            .env("SECRETS", self.world.secrets.url())
            .env("DYNAMODB", &self.world.proxy.environment()["AWS_ENDPOINT_URL_DYNAMODB"])
            .env("COMMANDS", &self.commands)
            .output()
            .await
            .unwrap();
        if !ran.status.success() {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
        }
        let said = String::from_utf8(ran.stdout).unwrap();
        Ok(said.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// The last command that was run.
    fn last_command(&self) -> Vec<String> {
        let commands = std::fs::read_to_string(&self.commands).unwrap();
        serde_json::from_str(commands.lines().last().unwrap()).unwrap()
    }

    fn version(&self) -> String {
        self.world.secrets.secret(NAME).unwrap().version("AWSCURRENT").unwrap().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.commands));
    }
}

/// The block that holds a text, and the only one.
fn the<'a>(blocks: &'a [String], text: &str) -> &'a str {
    let mut those = blocks.iter().filter(|block| block.contains(text));
    let one = those.next().unwrap_or_else(|| panic!("no block with `{text}`"));
    assert!(those.next().is_none(), "several blocks with `{text}`");
    one
}

#[tokio::test]
async fn what_the_readme_tells_an_operator_is_what_works() {
    let shell =
        Shell::start(&[("OVERLAP_SECONDS", "3600"), ("TENANT_QUOTA", "1"), ("OFFBOARDINGS_PER_HOUR", "0")])
            .await;
    let world = &shell.world;
    let blocks = blocks("README.md", "Operating");
    assert_eq!(blocks.len(), 14, "each is run below, or in the next two tests");
    let run = async |text: &str| shell.run(the(&blocks, text)).await;

    run(r#""cells": ["eu-1"]"#).await.unwrap();
    run(r#""cells": ["us-1"]"#).await.unwrap();
    world.assert_vendor_holds(1, 2);
    world.secrets.rotations_ended().await;

    let listed = run("CustomersListRequested").await.unwrap();
    assert_eq!(listed[0]["customers"], json!([{"customer_id": "acme", "phase": "ACTIVE", "spare": 0}]));
    assert_eq!(listed[0]["next"], Value::Null);

    let shown = run("CustomerShowRequested").await.unwrap().remove(0);
    assert_eq!((&shown["record"]["phase"], &shown["lease"]), (&json!("ACTIVE"), &Value::Null));
    let newest = &shown["trail"][0];
    assert_eq!((&newest["what"], &newest["request_id"]), (&json!("onboarding finished"), &json!("ops-2")));
    assert_eq!(
        (&newest["actor"], &newest["reason"]),
        (&json!("jane@example.com"), &json!("opens in the US"))
    );

    let first = shell.version();
    run("SecretRotationRequested").await.unwrap();
    world.secrets.rotations_ended().await;
    assert_ne!(shell.version(), first);
    run("SecretRollBackRequested").await.unwrap();
    assert_eq!(shell.version(), first);

    run("CustomerPauseRequested").await.unwrap();
    let paused = run("CustomerOffboardingRequested").await.unwrap_err();
    assert!(
        paused.contains("the customer is paused by jane@example.com: the vendor asked us to wait"),
        "{paused}"
    );
    let resume = the(&blocks, "CustomerPauseRequested").replace(r#""paused": true"#, r#""paused": false"#);
    assert_eq!(shell.run(&resume).await.unwrap()[0]["outcome"], "resumed");

    retried(&shell, the(&blocks, "RequestRetryRequested")).await;

    assert_eq!(run("start-message-move-task").await.unwrap()[0]["outcome"], "noted");
    let moved = shell.last_command();
    assert_eq!(moved[..4], ["sqs", "start-message-move-task", "--source-arn", "the-dead-letters"]);

    let noted = run("OPERATIONS").await.unwrap().remove(0);
    let what: Vec<&str> =
        noted["Items"].as_array().unwrap().iter().map(|item| item["what"]["S"].as_str().unwrap()).collect();
    let told = [
        "dead letters of onboard-customer moved back",
        "request crm-4711 asked for again",
        "customer acme shown",
        "customers listed",
    ];
    assert_eq!(what, told, "the newest first");

    let waits = run("CustomerOffboardingRequested").await.unwrap_err();
    assert!(waits.contains("an operator has to approve this one"), "{waits}");
    let approve = the(&blocks, "OffboardingApproveRequested");
    for block in [approve.to_owned(), approve.replace("crm-4712", "ops-3")] {
        assert_eq!(shell.run(&block).await.unwrap()[0]["outcome"], "approved");
    }
    run("CustomerOffboardingRequested").await.unwrap();
    assert_eq!(world.events("CustomerOffboarded").len(), 1);
    world.assert_vendor_holds(1, 1);
}

/// A request fails because the quota is full, and is asked for again once there is room.
async fn retried(shell: &Shell, block: &str) {
    let world = &shell.world;
    let quota = |quota| {
        let settings = simulator::Settings { quota, ..world.vendor.vendor().settings() };
        world.vendor.vendor().set_settings(settings);
    };
    quota(1);
    world.request("onboard-customer", &onboarding("crm-4711", "bolt", &["eu-1"])).await.unwrap();
    assert_eq!(world.events("CustomerOnboardingFailed").len(), 1);
    quota(20);
    shell.run(block).await.unwrap();
    let sent = world.events("CustomerOnboardingRequested").pop().expect("it is on the bus");
    world.request("onboard-customer", &sent).await.unwrap();
    let told = world.events("CustomerOnboarded").pop().unwrap();
    assert_eq!((&told["customer_id"], &told["request_id"]), (&json!("bolt"), &json!("ops-9")));
}

/// A customer is signed, and then its record is lost. Answers with its tenant.
async fn signed_and_lost() -> (Shell, String) {
    let shell = Shell::start(&[]).await;
    let world = &shell.world;
    world.request("onboard-customer", &onboarding("r-1", "acme", &["eu-1"])).await.unwrap();
    let tenant = world.events("CustomerOnboarded")[0]["tenant_id"].as_str().unwrap().to_owned();
    let record =
        json!({"TableName": "customers", "Key": {"pk": {"S": "CUSTOMER#acme"}, "sk": {"S": "RECORD"}}});
    world.dynamodb("DeleteItem", &record).await.unwrap();
    (shell, tenant)
}

#[tokio::test]
async fn a_record_that_was_lost_is_told_again() {
    let (shell, tenant) = signed_and_lost().await;
    let block = the(&blocks("README.md", "Operating"), "CustomerRestoreRequested").to_owned();
    let restored = shell.run(&block).await.unwrap().remove(0);
    assert_eq!(restored, json!({"outcome": "restored", "cells": ["eu-1"], "left_out": {}}));
    let shown = shell.run(the(&blocks("README.md", "Operating"), "CustomerShowRequested")).await.unwrap();
    let (record, trail) = (&shown[0]["record"], shown[0]["trail"].as_array().unwrap());
    assert_eq!((&record["phase"], &record["tenant"]["id"]), (&json!("ACTIVE"), &json!(tenant)));
    let told = trail.iter().find(|entry| entry["what"] == "record restored").expect("it is audited");
    assert_eq!(told["reason"], "the table was restored to 08:00");
    let again = shell.run(&block).await.unwrap().remove(0);
    assert_eq!(again["outcome"], "nothing to do: the record names what the secrets name");
}

#[tokio::test]
async fn a_tenant_that_was_there_before_is_imported() {
    let (shell, tenant) = signed_and_lost().await;
    let world = &shell.world;
    let block = the(&blocks("README.md", "Operating"), "TenantImportRequested").to_owned();
    let unknown = shell.run(&block).await.unwrap_err();
    assert!(unknown.contains("`5f1c9e0a`") && unknown.contains("a tenant of the organization"), "{unknown}");
    shell.run(&block.replace("5f1c9e0a", &tenant)).await.unwrap();
    let sent = world.events("CustomerOnboardingRequested").pop().expect("it is on the bus");
    world.request("onboard-customer", &sent).await.unwrap();
    let told = world.events("CustomerOnboarded").pop().unwrap();
    assert_eq!(
        (&told["customer_id"], &told["tenant_id"], &told["request_id"]),
        (&json!("globex"), &json!(tenant), &json!("ops-12"))
    );
    world.assert_vendor_holds(1, 2);
}

#[tokio::test]
async fn nothing_that_the_readme_shows_is_done_without_who_and_why() {
    let shell = Shell::start(&[]).await;
    let mut asked = 0;
    for block in blocks("README.md", "Operating").iter().filter(|block| block.contains(r#""actor""#)) {
        // What comes before the invocation looks up what is not there yet.
        let invocation = &block[block.find("aws lambda invoke").unwrap()..];
        let invocation = format!("version={}\n{invocation}", "0".repeat(32));
        for field in ["actor", "reason", "request_id"] {
            let without = invocation.replace(&format!("\"{field}\":"), &format!("\"not_{field}\":"));
            let refused = shell.run(&without).await.unwrap_err();
            assert!(
                refused.contains("Rejected") && refused.contains(&format!("`{field}` is missing")),
                "{refused}"
            );
            asked += 1;
        }
    }
    assert_eq!(asked, 39, "thirteen requests, three fields each");
    shell.world.assert_vendor_holds(0, 0);
}

#[tokio::test]
async fn what_the_runbook_tells_to_stop_a_function_is_what_is_sent() {
    let shell = Shell::start(&[]).await;
    let sent: [&[&str]; 3] = [
        &["lambda", "update-event-source-mapping", "--uuid", "the-mapping", "--no-enabled"],
        &[
            "lambda",
            "put-function-concurrency",
            "--function-name",
            "resistant-tenants-rotate-secret",
            "--reserved-concurrent-executions",
            "0",
        ],
        &["events", "disable-rule", "--name", "the-rule"],
    ];
    let blocks = blocks("infra/README.md", "Pausing");
    assert_eq!(blocks.len(), sent.len());
    for (block, sent) in blocks.iter().zip(sent) {
        shell.run(block).await.unwrap();
        assert_eq!(shell.last_command(), sent);
    }
}
