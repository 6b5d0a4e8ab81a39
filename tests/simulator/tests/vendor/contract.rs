//! The vendor's contract: what each operation may answer.
//!
//! The table in `contract/answers.json` is always used. Where the vendor's own OpenAPI files are at
//! hand (`VENDOR_CONTRACT_DIR`, or `../shared/vendor` beside the project), the same answers are held
//! against them too.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::openapi;

/// What one operation is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    pub(crate) api: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) scope: String,
    /// For each status the schema of the body, by name; `None` is no body.
    pub(crate) answers: BTreeMap<u16, Option<String>>,
    #[serde(default)]
    pub(crate) headers: BTreeMap<u16, Vec<String>>,
}

#[derive(Deserialize)]
struct Table {
    operations: BTreeMap<String, Described>,
}

/// The project's own table.
pub(crate) struct Contract {
    pub(crate) operations: BTreeMap<String, Described>,
    whole: Value,
}

impl Contract {
    pub(crate) fn read() -> Self {
        let whole: Value =
            serde_json::from_str(include_str!("../../contract/answers.json")).expect("the contract is JSON");
        let table: Table = serde_json::from_value(whole.clone()).expect("the contract has its form");
        Self { operations: table.operations, whole }
    }

    fn schema(&self, name: &str) -> Value {
        json!({ "$ref": format!("#/$defs/{name}"), "$defs": self.whole["$defs"] })
    }
}

/// Holds answers against the table and, where they are, the OpenAPI files; remembers what it saw.
pub(crate) struct Checker {
    pub(crate) contract: Contract,
    pub(crate) openapi: Option<openapi::Files>,
    pub(crate) seen: BTreeSet<(String, u16)>,
}

impl Checker {
    pub(crate) fn new() -> Self {
        Self { contract: Contract::read(), openapi: openapi::Files::find(), seen: BTreeSet::new() }
    }

    /// Fails unless the answer is one the operation may give; returns its body.
    pub(crate) async fn check(&mut self, operation: &str, answer: reqwest::Response) -> Value {
        let status = answer.status().as_u16();
        let described = &self.contract.operations[operation];
        let Some(schema) = described.answers.get(&status) else {
            panic!("{operation} may not answer {status}: {:?}", answer.text().await)
        };
        for header in described.headers.get(&status).into_iter().flatten() {
            assert!(answer.headers().contains_key(header), "{operation} {status}: {header} is missing");
        }
        let is_json = answer.headers().get("content-type").is_some_and(|kind| kind == "application/json");
        let bytes = answer.bytes().await.expect("a body");
        let body = match schema {
            None => {
                assert!(bytes.is_empty(), "{operation} {status} has a body");
                Value::Null
            }
            Some(name) => {
                assert!(is_json, "{operation} {status} is not declared as JSON");
                let body = serde_json::from_slice(&bytes).expect("JSON");
                holds(&self.contract.schema(name), &body, &format!("{operation} {status}"));
                body
            }
        };
        if let Some(files) = &self.openapi {
            files.check(operation, status, &body);
        }
        self.seen.insert((operation.to_owned(), status));
        body
    }
}

/// Fails with every violation.
pub(crate) fn holds(schema: &Value, body: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what} breaks the contract: {errors:#?}\n{body:#}");
}
