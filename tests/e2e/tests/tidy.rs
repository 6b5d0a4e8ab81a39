//! Keeps the README true: which package may use which, which SDK crates a binary links, which
//! environment variables there are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Set = BTreeSet<String>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the README's table under a marker, each a list of cells.
fn table(marker: &str) -> Vec<Vec<String>> {
    let readme = read("README.md");
    let (_, rest) = readme.split_once(&format!("<!-- {marker} -->\n")).expect("the README has the marker");
    let rows = rest.lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn names(cell: &str) -> Set {
    cell.split(',')
        .map(|name| name.trim().trim_matches('`').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Each package of the workspace, its folder, and what it directly depends on but for tests.
fn packages() -> BTreeMap<String, (String, Set)> {
    let metadata = cargo(&["metadata", "--format-version=1", "--no-deps", "--offline"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let used = package["dependencies"].as_array().unwrap().iter();
            let used = used.filter(|used| used["kind"].is_null()).map(|used| text(&used["name"]));
            (text(&package["name"]), (text(&package["manifest_path"]), used.collect()))
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn packages_use_only_what_the_readme_allows() {
    let packages = packages();
    let allowed: BTreeMap<String, Set> = table("dependencies")
        .iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), names(&row[1])))
        .collect();
    for (name, (manifest, used)) in &packages {
        if manifest.contains("/tests/") {
            continue;
        }
        let ours: Set = used.iter().filter(|used| packages.contains_key(*used)).cloned().collect();
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("`{name}` is missing in the README"));
        assert!(ours.is_subset(allowed), "`{name}` uses {ours:?}, the README allows {allowed:?}");
    }
    for name in allowed.keys() {
        assert!(packages.contains_key(name), "the README names `{name}`, which does not exist");
    }
}

#[test]
fn a_fenced_crate_is_used_behind_its_fence_only() {
    let packages = packages();
    for row in table("dependencies") {
        let owner = row[0].trim_matches('`').to_owned();
        for fenced in names(&row[2]) {
            assert!(
                packages[&owner].1.contains(&fenced),
                "`{owner}` does not use `{fenced}`, which it fences"
            );
            for (name, (manifest, used)) in &packages {
                let inside = *name == owner || manifest.contains("/tests/") || !used.contains(&fenced);
                assert!(inside, "`{name}` uses `{fenced}`, which `{owner}` fences");
            }
        }
    }
}

#[test]
fn the_core_stays_pure() {
    let tree = cargo(&["tree", "-p", "shared-core", "-e", "normal", "--prefix", "none", "--offline"]);
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap();
        let impure = name.starts_with("aws")
            || ["tokio", "reqwest", "hyper", "lambda_runtime", "rand"].contains(&name);
        assert!(!impure, "shared-core depends on `{name}`");
    }
}

#[test]
fn binaries_link_the_sdk_crates_of_the_readme() {
    for row in table("sdk-crates") {
        let binary = row[0].trim_matches('`').to_owned();
        let tree = cargo(&["tree", "-p", &binary, "-e", "normal", "--prefix", "none", "--offline"]);
        let linked: Set = tree
            .lines()
            .filter_map(|line| line.split(' ').next()?.strip_prefix("aws-sdk-"))
            .map(str::to_owned)
            .collect();
        assert_eq!(linked, names(&row[1]), "`{binary}`");
    }
}

/// Everything that is written below a folder.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => std::fs::read_to_string(&path).unwrap(),
    };
    entries.map(text).collect()
}

/// The variables that a function reads: its own, and the one that all share.
fn read_variables(function: &str) -> Set {
    let mut source = sources(&root().join(format!("functions/{function}/src")));
    if source.contains("Deployment::read(") {
        source.push_str(&read("shared/lifecycle/src/connect.rs"));
    }
    let joined: String = source.split_whitespace().collect();
    let mut found = Set::from(["LOG_LEVEL".to_owned()]);
    for call in ["reading.required(\"", "reading.optional(\"", "reading.maybe(\""] {
        let calls = joined.split(call).skip(1);
        found.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    found
}

/// The variables that the template sets for a resource, or for all under `Globals`.
fn set_variables(resource: &str) -> Set {
    let template = read("infra/template.yaml");
    let block = template.lines().skip_while(|line| *line != format!("{resource}:"));
    let depth = resource.len() - resource.trim_start().len();
    let inside = |line: &&str| line.is_empty() || line.len() - line.trim_start().len() > depth;
    let variables = block.skip(1).take_while(inside).skip_while(|line| line.trim() != "Variables:").skip(1);
    let name = |line: &str| Some(line.trim().split_once(": ")?.0.to_owned());
    variables
        .map_while(name)
        .take_while(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .collect()
}

const FUNCTIONS: [(&str, &str, &str); 6] = [
    ("onboard", "onboard-customer", "  OnboardCustomer"),
    ("offboard", "offboard-customer", "  OffboardCustomer"),
    ("rotate", "rotate-secret", "  RotateSecret"),
    ("reconcile", "reconcile-tenants", "  ReconcileTenants"),
    ("submit", "submit-document", "  SubmitDocument"),
    ("collect", "collect-result", "  CollectResult"),
];

#[test]
fn every_function_s_own_lines_follow_the_log_level() {
    let telemetry = read("shared/runtime/src/telemetry.rs");
    for (_, function, _) in FUNCTIONS {
        let named = format!("\"{}\",", function.replace('-', "_"));
        assert!(telemetry.contains(&named), "`{function}` would log nothing below WARN");
    }
}

#[test]
fn the_readme_names_every_environment_variable() {
    let rows = table("environment");
    for (short, function, _) in FUNCTIONS {
        let told: Set = rows
            .iter()
            .filter(|row| row[1] == "all" || names(&row[1]).contains(short))
            .map(|row| row[0].trim_matches('`').to_owned())
            .collect();
        assert_eq!(read_variables(function), told, "`{function}` reads (left) what the README tells (right)");
    }
}

#[test]
fn the_template_sets_what_is_read_and_nothing_else() {
    let global = set_variables("Globals");
    for (_, function, resource) in FUNCTIONS {
        let mut read = read_variables(function);
        assert!(read.remove("RESISTANT_LOCAL_URL"), "`{function}` cannot be run locally");
        let set: Set = global.union(&set_variables(resource)).cloned().collect();
        assert_eq!(read, set, "`{function}` reads (left) what the template sets (right)");
    }
}

/// The shell blocks of a document, each with its indentation taken off.
fn shell_blocks(document: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(fence) = lines.find(|line| line.trim_start() == "```sh") {
        let indentation = fence.len() - fence.trim_start().len();
        let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
        blocks.push(block.map(|line| format!("{}\n", line.get(indentation..).unwrap_or_default())).collect());
    }
    blocks
}

#[test]
fn every_shell_block_of_the_documentation_is_a_shell_s() {
    for file in
        ["README.md", "events/README.md", "infra/README.md", "infra/PROCEDURES.md", "infra/RUNBOOK.md"]
    {
        let blocks = shell_blocks(&read(file));
        assert!(!blocks.is_empty(), "{file} has no shell block any more");
        for block in blocks {
            let parsed = Command::new("bash").args(["-n", "-c", &block]).output().unwrap();
            assert!(parsed.status.success(), "{file}: {}\n{block}", String::from_utf8_lossy(&parsed.stderr));
        }
    }
}
