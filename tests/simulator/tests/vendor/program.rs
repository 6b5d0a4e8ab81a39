//! The simulator as a program, as a value without a socket, and as its README tells of it.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use simulator::{Cut, Effect, Fault, HoldAt, Operation, Options, Vendor};

use crate::clients::{House, send, soon};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_simulator"))
}

#[test]
fn the_program_says_where_it_is_and_leaves_no_key_behind() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("keys");
    let mut child =
        program().arg("--directory").arg(&directory).stdout(Stdio::piped()).spawn().expect("the program");
    let lines =
        BufReader::new(child.stdout.take().expect("its output")).lines().map(|line| line.expect("a line"));
    let lines: Vec<String> = lines.take_while(|line| line != "ready").collect();
    let fact = |name: &str| {
        let found = lines.iter().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{name}: {lines:?}")).trim().to_owned()
    };
    let key = PathBuf::from(fact("organization key"));
    assert!(fact("base URL").starts_with("http://127.0.0.1:"));
    assert!(fact("organization token URL").starts_with(&fact("base URL")));
    assert!(!fact("organization client id").is_empty());
    assert!(std::fs::read_to_string(&key).expect("a key").starts_with("-----BEGIN PRIVATE KEY-----"));
    let mode = std::fs::metadata(&key).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let told = Command::new("kill").arg(child.id().to_string()).status().expect("a signal");
    assert!(told.success() && child.wait().expect("an end").success());
    assert!(!key.exists());
}

#[test]
fn the_program_explains_itself() {
    let help = program().arg("--help").output().expect("the program");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--token-seconds N"));
    for wrong in [&["--nonsense"][..], &["--quota", "many"], &["--stage", "beta"], &["--port"]] {
        let refused = program().args(wrong).output().expect("the program");
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(wrong[0]), "{wrong:?}");
    }
}

async fn call(vendor: &Vendor, method: &str, path: &str) -> Response<Body> {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
    let Ok(response) = TowerToHyperService::new(vendor.router()).call(request).await;
    response
}

#[tokio::test]
async fn the_vendor_works_without_a_socket() {
    let vendor = Vendor::new(Options::default(), "http://vendor.invalid").expect("a vendor");
    assert_eq!(call(&vendor, "GET", "/tenants-api/v0/tenants").await.status(), 401);
    vendor.add_fault(Fault::next(Operation::GetTenants, Effect::Refuse));
    let response = call(&vendor, "GET", "/tenants-api/v0/tenants").await;
    assert!(response.extensions().get::<Cut>().is_some());
    assert_eq!(call(&vendor, "GET", "/_simulator/audit").await.status(), 200);
}

#[tokio::test]
async fn a_stopped_simulator_lets_go_of_its_port_and_of_held_calls() {
    let house = House::open().await;
    let (address, vendor) = (house.simulator.address(), house.simulator.vendor().clone());
    vendor.add_fault(Fault::next(Operation::GetTenants, Effect::Hold { at: HoldAt::Before }));
    let held = tokio::spawn(house.manage(reqwest::Method::GET, "/tenants").send());
    house.held().await;
    soon(house.simulator.stop()).await;
    assert!(soon(held).await.expect("a task").is_err());
    assert!(vendor.held().is_empty());
    std::net::TcpListener::bind(address).expect("the port is free");
}

#[tokio::test]
async fn the_examples_in_the_readme_work() {
    let house = House::open().await;
    let readme = include_str!("../../README.md");
    let examples = readme.lines().filter_map(|line| line.strip_prefix("POST ")?.split_once(' '));
    let mut tried = 0;
    for (path, body) in examples {
        let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"));
        let answer = send(house.http.post(house.url(path)).json(&body)).await;
        assert!(answer.status().is_success(), "{path} {body}: {}", answer.status());
        tried += 1;
    }
    assert!(tried >= 12, "only {tried} examples were found");
}
