//! The vendor's OpenAPI 3.0 files, read as JSON Schemas.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::contract::{Described, holds};

/// Both files, with their schemas rewritten.
pub(crate) struct Files(BTreeMap<&'static str, Value>);

impl Files {
    /// `None` where they are not at hand. A directory that is named must have them.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("VENDOR_CONTRACT_DIR").map(PathBuf::from);
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vendor");
        let directory = named.or_else(|| beside.is_dir().then_some(beside))?;
        let read = |file: &str| {
            let path = directory.join(file);
            let text =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            rewritten(serde_json::from_str(&text).expect("JSON"))
        };
        Some(Self(BTreeMap::from([
            ("tenants", read("tenants.openapi.json")),
            ("documents", read("documents.openapi.json")),
        ])))
    }

    /// Every operation in the form of the project's own table, without the names of schemas.
    pub(crate) fn operations(&self) -> BTreeMap<String, Described> {
        self.0.iter().flat_map(|(api, file)| described(api, file)).collect()
    }

    /// A named schema of the Documents file, or one inside another.
    pub(crate) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        resolve(&self.0["documents"], value)
    }

    pub(crate) fn characteristics(&self) -> &Value {
        &self.0["documents"]["components"]["schemas"]["SubmissionCharacteristicsRequest"]["properties"]
    }

    pub(crate) fn check(&self, operation: &str, status: u16, body: &Value) {
        let (file, found) = self.operation(operation);
        let answer = resolve(file, &found["responses"][status.to_string()]);
        match answer["content"]["application/json"]["schema"].clone() {
            Value::Null => assert!(body.is_null(), "{operation} {status} declares no body"),
            Value::Object(mut schema) => {
                schema.insert("components".to_owned(), file["components"].clone());
                holds(&Value::Object(schema), body, &format!("{operation} {status}, by OpenAPI,"));
            }
            other => panic!("{other} is no schema"),
        }
    }

    fn operation(&self, id: &str) -> (&Value, &Value) {
        let found = self.0.values().find_map(|file| {
            let mut all = items(file).flat_map(|(_, item)| item.values());
            all.find(|operation| operation["operationId"] == id).map(|operation| (file, operation))
        });
        found.unwrap_or_else(|| panic!("{id} is in neither file"))
    }
}

fn items(file: &Value) -> impl Iterator<Item = (&String, &Map<String, Value>)> {
    let paths = file["paths"].as_object().expect("paths");
    paths.iter().map(|(path, item)| (path, item.as_object().expect("a path item")))
}

fn resolve<'a>(file: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => file.pointer(reference.trim_start_matches('#')).expect("what is referred to"),
        None => value,
    }
}

fn described(api: &str, file: &Value) -> Vec<(String, Described)> {
    let of = |path: &str, method: &str, operation: &Value| {
        let answers =
            operation["responses"].as_object().expect("responses").iter().map(|(status, answer)| {
                let body = !resolve(file, answer)["content"].is_null();
                (status.parse().expect("a status"), body.then(String::new))
            });
        let described = Described {
            api: api.to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            scope: operation["security"][0]["OAuth2"][0].as_str().expect("a scope").to_owned(),
            answers: answers.collect(),
            headers: BTreeMap::new(),
        };
        (operation["operationId"].as_str().expect("an id").to_owned(), described)
    };
    let all = items(file)
        .flat_map(|(path, item)| item.iter().map(move |(method, operation)| (path, method, operation)));
    all.map(|(path, method, operation)| of(path, method, operation)).collect()
}

/// OpenAPI 3.0 differs from JSON Schema in `nullable` and `discriminator`.
fn rewritten(mut file: Value) -> Value {
    // Declared as an object, and an array in every example; the simulator follows the examples.
    file["components"]["schemas"]["TenantResponse"]["properties"]["_links"] = json!({});
    rewrite(&mut file["components"]["schemas"]);
    file
}

fn rewrite(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(rewrite),
        Value::Object(fields) => {
            fields.values_mut().for_each(rewrite);
            if fields.remove("nullable") == Some(true.into()) {
                allow_null(fields);
            }
            if fields.get("discriminator").is_some_and(|it| it["mapping"].is_object()) {
                discriminate(fields);
            }
        }
        _ => {}
    }
}

fn allow_null(fields: &mut Map<String, Value>) {
    if let Some(kind) = fields.get("type").cloned() {
        fields.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum") {
        words.push(Value::Null);
    }
}

/// The property decides which schema applies. Where it is absent, any may: one has a default for it.
fn discriminate(fields: &mut Map<String, Value>) {
    let discriminator = fields.remove("discriminator").unwrap_or_default();
    let name = discriminator["propertyName"].as_str().expect("a property").to_owned();
    let any = fields.remove("oneOf").or_else(|| fields.remove("anyOf")).expect("alternatives");
    let mapping = discriminator["mapping"].as_object().expect("a mapping").clone();
    let has = |value: Value| json!({ "properties": { name.as_str(): value }, "required": [name] });
    let cases = mapping
        .iter()
        .map(|(word, target)| json!({ "if": has(json!({ "const": word })), "then": { "$ref": target } }));
    let mut all: Vec<Value> = cases.collect();
    all.push(json!({ "anyOf": any }));
    all.push(json!({ "properties": { name.as_str(): { "enum": mapping.keys().collect::<Vec<_>>() } } }));
    fields.insert("allOf".to_owned(), Value::Array(all));
}
