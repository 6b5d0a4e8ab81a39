//! Every operation and every documented status, held against the contract.

use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use simulator::{Effect, Fault, Operation, OutcomeRule, Settings, Status};

use crate::clients::{ALL_SCOPES, DOCUMENT_SCOPES, EU_SERVER, House, Key, Member, body, send, text};
use crate::contract::Checker;

const PDF: &[u8] = b"%PDF-1.4 a document";

#[test]
fn the_simulator_has_the_contracts_operations_and_storage_and_tokens() {
    let contract = Checker::new().contract.operations;
    let own: BTreeMap<String, (String, String)> = Operation::all()
        .filter(|operation| !matches!(operation, Operation::Token | Operation::Upload | Operation::Download))
        .map(|operation| {
            (operation.to_string(), (operation.route().0.to_owned(), shape(operation.route().1)))
        })
        .collect();
    let prefix = |api: &str| if api == "tenants" { "/tenants-api/v0" } else { "/documents/{}" };
    let described = contract.into_iter().map(|(name, it)| {
        let path = format!("{}{}", prefix(&it.api), shape(&it.path));
        (name, (it.method, path))
    });
    assert_eq!(own, described.collect());
}

/// A path without the names of its parameters.
fn shape(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_is_what_the_openapi_files_say() {
    let checker = Checker::new();
    let Some(files) = &checker.openapi else { return };
    let unnamed = checker.contract.operations.into_iter().map(|(name, mut described)| {
        described.headers.clear();
        for schema in described.answers.values_mut().flatten() {
            schema.clear();
        }
        (name, described)
    });
    assert_eq!(unnamed.collect::<BTreeMap<_, _>>(), files.operations());
}

#[test]
#[should_panic(expected = "breaks the contract")]
fn a_wrong_answer_is_found() {
    let contract = crate::contract::Contract::read();
    assert_eq!(contract.operations["getReport"].answers[&200].as_deref(), Some("report"));
    let schema = json!({ "$ref": "#/$defs/report", "$defs": { "report": { "required": ["download_url"] } } });
    crate::contract::holds(&schema, &json!({ "downloadUrl": "x" }), "a misnamed field");
}

#[tokio::test]
async fn tenant_management_answers_as_the_contract_says() {
    let house = House::open().await;
    let mut checker = Checker::new();
    let post = |name: &str| {
        house.manage(Method::POST, "/tenants").json(&json!({ "name": name, "cells": ["eu-1", "ap-3"] }))
    };
    let get = |path: &str| house.manage(Method::GET, path);
    checker.check("getTenants", send(get("/tenants")).await).await;
    let tenant = text(&checker.check("createTenant", send(post("one")).await).await["id"]);
    checker.check("createTenant", send(post("two")).await).await;
    checker.check("createTenant", send(post("two")).await).await;
    checker.check("getTenants", send(get("/tenants?limit=1")).await).await;
    checker.check("getTenants", send(get("/tenants?limit=x")).await).await;
    checker.check("getTenant", send(get(&format!("/tenants/{tenant}"))).await).await;
    checker.check("getTenant", send(get("/tenants/none")).await).await;

    let applications = format!("/tenants/{tenant}/applications");
    for method in [key_method(), modulus_method(), r#"{"type":"CLIENT_SECRET"}"#.to_owned(), "{}".to_owned()]
    {
        let asked =
            format!(r#"{{"cell":"us-1","scopes":["documents.submissions.read"],"auth_method":{method}}}"#);
        let request =
            house.manage(Method::POST, &applications).header("content-type", "application/json").body(asked);
        checker.check("createTenantApplication", send(request).await).await;
    }
    let listed = checker.check("getTenantApplications", send(get(&applications)).await).await;
    checker
        .check("deleteTenant", send(house.manage(Method::DELETE, &format!("/tenants/{tenant}"))).await)
        .await;
    let listed = listed["items"].as_array().expect("items");
    assert_eq!(listed.len(), 3);
    for application in listed {
        let path = format!("{applications}/{}", text(&application["id"]));
        checker.check("getTenantApplication", send(get(&path)).await).await;
        for _ in 0..2 {
            checker.check("deleteTenantApplication", send(house.manage(Method::DELETE, &path)).await).await;
        }
    }
    checker
        .check("deleteTenant", send(house.manage(Method::DELETE, &format!("/tenants/{tenant}"))).await)
        .await;
    house.simulator.set_settings(Settings { quota: 1, ..house.simulator.settings() });
    checker.check("createTenant", send(post("three")).await).await;
    refusals(&house, &mut checker, "tenants").await;
    everything_seen(&checker, "tenants");
}

fn key_method() -> String {
    Key::new().method("k1")
}

fn modulus_method() -> String {
    let modulus = crate::clients::decimal(&[0xc1; 384]);
    format!(r#"{{"type":"RSA","alg":"RS256","kid":"k2","e":65537,"n":{modulus}}}"#)
}

#[tokio::test]
async fn documents_answers_as_the_contract_says() {
    let house = House::open().await;
    let mut checker = Checker::new();
    let member = house.member("abc").await;
    let outcomes = ["SUCCESS", "FAILED", "INVALID_INPUT", "SKIPPED"].map(|word| OutcomeRule {
        query_id_contains: Some(word.to_owned()),
        status: serde_json::from_value::<Status>(word.into()).ok(),
        ..OutcomeRule::default()
    });
    for skipped_without_status in [true, false] {
        let outcomes = outcomes.to_vec();
        house.simulator.set_settings(Settings {
            outcomes,
            skipped_without_status,
            ..house.simulator.settings()
        });
        for pipeline in ["FRAUD_ONLY", "QUALITY_ONLY", "CLASSIFICATION_ONLY"] {
            for status in ["SUCCESS", "FAILED", "INVALID_INPUT", "SKIPPED"] {
                every_result(&house, &mut checker, &member, pipeline, status).await;
            }
        }
    }
    characteristics(&house, &mut checker, &member).await;
    refusals(&house, &mut checker, "documents").await;
    everything_seen(&checker, "documents");
}

async fn every_result(house: &House, checker: &mut Checker, member: &Member, pipeline: &str, status: &str) {
    let query_id = format!("{status}{}", "x".repeat(1000));
    let asked = json!({ "query_id": query_id, "pipeline_configuration": pipeline, "enable_decision": true });
    let created = send(house.documents(member, Method::POST, "").json(&asked)).await;
    let created = checker.check("createSubmission", created).await;
    let id = text(&created["submission_id"]);
    checker.check("getReport", house.result(member, &id, "report").await).await;
    assert_eq!(house.upload(&text(&created["upload_url"]), PDF).await.status(), 200);
    for (operation, what) in [
        ("getFraud", "fraud"),
        ("getFraud", "fraud?with_metadata=true"),
        ("getContent", "content"),
        ("getQuality", "quality"),
        ("getClassification", "classification"),
        ("getDecision", "decision"),
        ("getDecision", "decision?embed=fraud"),
        ("getReport", "report"),
        ("getReport", "report?include_decision=true"),
    ] {
        checker.check(operation, house.result(member, &id, what).await).await;
    }
    for _ in 0..2 {
        let gone = send(house.documents(member, Method::DELETE, &format!("/{id}"))).await;
        checker.check("deleteSubmission", gone).await;
    }
}

async fn characteristics(house: &House, checker: &mut Checker, member: &Member) {
    house.simulator.set_settings(Settings { result_delay_ms: 60_000, ..house.simulator.settings() });
    let asked = json!({ "enable_submission_characteristics": true });
    let created = send(house.documents(member, Method::POST, "").json(&asked)).await;
    let created = checker.check("createSubmission", created).await;
    assert_eq!(house.upload(&text(&created["upload_url"]), PDF).await.status(), 200);
    let path = format!("/{}", text(&created["submission_id"]));
    for (id, body) in
        [(path.as_str(), json!({})), (&path, json!({ "customer_case_id": 1 })), ("/none", json!({}))]
    {
        let put = house.documents(member, Method::PUT, &format!("{id}/characteristics")).json(&body);
        checker.check("putSubmissionCharacteristics", send(put).await).await;
    }
    checker.check("deleteSubmission", send(house.documents(member, Method::DELETE, &path)).await).await;
}

#[tokio::test]
async fn characteristics_are_checked_as_the_openapi_files_say() {
    let Some(files) = Checker::new().openapi else { return };
    let house = House::open().await;
    let member = house.member("abc").await;
    let created =
        house.create_submission(&member, json!({ "enable_submission_characteristics": true })).await;
    let path = format!("/{}/characteristics", text(&created["submission_id"]));
    let fields = |schema: &Value| schema.as_object().expect("properties").clone();
    let mut cases = Vec::new();
    for (group, schema) in fields(files.characteristics()) {
        let inner = schema["properties"].as_object().cloned();
        cases.extend(inner.is_none().then(|| (None, group.clone(), schema)));
        cases.extend(inner.into_iter().flatten().map(|(name, schema)| (Some(group.clone()), name, schema)));
    }
    assert!(cases.len() > 45, "{}", cases.len());
    for (group, name, schema) in cases {
        for (value, allowed) in probes(files.resolved(&schema)) {
            let field = json!({ name.as_str(): value });
            let body = group.as_ref().map_or(field.clone(), |group| json!({ group.as_str(): field }));
            let answer = send(house.documents(&member, Method::PUT, &path).json(&body)).await;
            assert_eq!(answer.status().as_u16(), if allowed { 204 } else { 400 }, "{group:?} {name} {value}");
        }
    }
}

/// Values at the edge of a schema, and whether it allows them.
fn probes(schema: &Value) -> Vec<(Value, bool)> {
    let kind = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
    let most = schema["maxLength"].as_u64().map(|most| usize::try_from(most).expect("a length"));
    let mut probes = vec![(json!({ "nothing": "so" }), false), (Value::Null, true)];
    if let Some(least) = schema["minimum"].as_i64() {
        probes.extend([(json!(least), true), (json!(least - 1), false)]);
    }
    match (kind.as_str(), schema["enum"].as_array(), most) {
        (Some("string"), Some(words), _) => {
            probes.push((json!("novel"), false));
            probes.extend(words.iter().map(|word| (word.clone(), true)));
        }
        (Some("string"), None, Some(most)) => {
            probes.extend([(json!("x".repeat(most)), true), (json!("x".repeat(most + 1)), false)]);
        }
        (Some("integer"), ..) => probes.extend([(json!(7), true), (json!(7.5), false), (json!("7"), false)]),
        (Some("number"), ..) => probes.extend([(json!(7.5), true), (json!("7"), false)]),
        (Some("array"), ..) => probes.extend([(json!(["ab"]), true), (json!(["x".repeat(65)]), false)]),
        _ => {}
    }
    probes
}

/// A call of an operation on things that do not exist.
fn call(house: &House, described: &crate::contract::Described, token: &str) -> RequestBuilder {
    let prefix = if described.api == "tenants" { "/tenants-api/v0" } else { "/documents/eu-1" };
    let path = described.path.replace(['{', '}'], "");
    let method = described.method.parse().expect("a method");
    house.http.request(method, house.url(&format!("{prefix}{path}"))).bearer_auth(token)
}

/// 401, 403 and 415 as they come about, and then every documented error by a fault: many are
/// declared for all operations alike and have no cause of their own.
async fn refusals(house: &House, checker: &mut Checker, api: &str) {
    let operations: Vec<_> =
        checker.contract.operations.clone().into_iter().filter(|(_, it)| it.api == api).collect();
    for (name, described) in operations {
        let refused = |answer: &Response, status: u16| assert_eq!(answer.status(), status, "{name}");
        let nobody = send(call(house, &described, "nobody")).await;
        refused(&nobody, 401);
        checker.check(&name, nobody).await;
        let other = send(call(house, &described, &token_without(house, &described.scope).await)).await;
        refused(&other, 403);
        checker.check(&name, other).await;
        if matches!(described.method.as_str(), "POST" | "PUT") {
            let token = token_of(house, api).await;
            let plain =
                send(call(house, &described, &token).header("content-type", "text/plain").body("{}")).await;
            refused(&plain, 415);
            checker.check(&name, plain).await;
        }
        for status in described.answers.keys().copied().filter(|status| *status >= 400) {
            let operation = name.parse().expect("an operation");
            house.simulator.add_fault(Fault::next(operation, Effect::Status { status }));
            let answer = send(call(house, &described, "nobody")).await;
            refused(&answer, status);
            checker.check(&name, answer).await;
        }
    }
}

fn scopes_of(api: &str) -> &'static str {
    if api == "tenants" { ALL_SCOPES } else { DOCUMENT_SCOPES }
}

async fn token_of(house: &House, api: &str) -> String {
    token(house, api, scopes_of(api)).await
}

/// A token with every scope of the plane but one.
async fn token_without(house: &House, scope: &str) -> String {
    let api = if scope.starts_with("tenants") { "tenants" } else { "documents" };
    let rest: Vec<&str> = scopes_of(api).split(' ').filter(|one| *one != scope).collect();
    token(house, api, &rest.join(" ")).await
}

async fn token(house: &House, api: &str, scopes: &str) -> String {
    if api == "tenants" {
        return house.organization_token(scopes).await;
    }
    house.simulator.set_settings(Settings { quota: 1000, ..house.simulator.settings() });
    let member = house.member(&format!("m{}", house.simulator.state().tenants.len())).await;
    let answer: Value = body(house.secret_token(&member, EU_SERVER, scopes).await).await;
    text(&answer["access_token"])
}

fn everything_seen(checker: &Checker, api: &str) {
    let operations = checker.contract.operations.iter().filter(|(_, described)| described.api == api);
    for (name, described) in operations {
        for status in described.answers.keys() {
            assert!(checker.seen.contains(&(name.clone(), *status)), "{name} {status} was never seen");
        }
    }
}
