//! A schema in one plain form, in which two can be compared.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

/// Keywords that promise nothing: they explain.
const EXPLANATIONS: [&str; 6] = ["$schema", "$id", "$defs", "title", "description", "examples"];

/// Keywords that a schema may bear beside its references and alternatives.
const BESIDE: [&str; 1] = ["default"];

/// What a schema promises, and nothing else: references are resolved, explanations left out, and what may be
/// one thing or another is an `anyOf`, with its fixed values in one `enum`. It is a JSON Schema still.
///
/// # Errors
/// Where it has a keyword that nothing is known of here.
pub fn promise(schema: &Value) -> Result<Value> {
    plain(schema, schema)
}

fn plain(schema: &Value, root: &Value) -> Result<Value> {
    let own = schema.as_object().context("a schema that is no object")?;
    let own: Map<String, Value> =
        own.iter().filter(|(key, _)| !EXPLANATIONS.contains(&key.as_str())).map(pair).collect();
    let beside = own.iter().filter(|(key, _)| BESIDE.contains(&key.as_str())).map(pair);
    let mut plain = match alternatives(&own, root)? {
        Some(alternatives) => joined(alternatives),
        None => simple(&own, root)?,
    };
    plain.as_object_mut().context("no object")?.extend(beside);
    Ok(plain)
}

fn pair((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// The alternatives that a schema names, in plain form, if it names any.
fn alternatives(own: &Map<String, Value>, root: &Value) -> Result<Option<Vec<Value>>> {
    for key in ["$ref", "oneOf", "anyOf"] {
        let Some(named) = own.get(key) else { continue };
        if let Some(other) = own.keys().find(|other| *other != key && !BESIDE.contains(&other.as_str())) {
            bail!("`{other}` beside `{key}`");
        }
        let named = match named.as_str() {
            Some(place) => vec![
                root.pointer(place.trim_start_matches('#')).with_context(|| format!("no {place}"))?.clone(),
            ],
            None => named.as_array().context("no list")?.clone(),
        };
        return named.iter().map(|one| plain(one, root)).collect::<Result<_>>().map(Some);
    }
    let Some(types) = own.get("type").and_then(Value::as_array) else { return Ok(None) };
    let of = |kind: &Value| {
        let mut one = if kind == "null" { Map::new() } else { own.clone() };
        BESIDE.iter().for_each(|key| drop(one.remove(*key)));
        one.insert("type".to_owned(), kind.clone());
        simple(&one, root)
    };
    types.iter().map(of).collect::<Result<_>>().map(Some)
}

/// Alternatives as one schema.
fn joined(alternatives: Vec<Value>) -> Value {
    let (mut values, mut others) = (Vec::new(), Vec::new());
    for one in alternatives.iter().flat_map(each) {
        match one["enum"].as_array() {
            Some(fixed) => values.extend(fixed.iter().cloned()),
            None => others.push(one.clone()),
        }
    }
    if !values.is_empty() {
        others.insert(0, json!({ "enum": values }));
    }
    if others.len() == 1 { others.remove(0) } else { json!({ "anyOf": others }) }
}

fn simple(own: &Map<String, Value>, root: &Value) -> Result<Value> {
    if let Some(fixed) = own.get("const") {
        return Ok(json!({ "enum": [fixed] }));
    }
    let mut simple = Map::new();
    for (key, value) in own {
        let value = match key.as_str() {
            "items" | "additionalProperties" => plain(value, root)?,
            "properties" => {
                let fields = value.as_object().context("no fields")?.iter();
                fields.map(|(name, field)| Ok((name.clone(), plain(field, root)?))).collect::<Result<_>>()?
            }
            "required" => {
                let mut names: Vec<String> = serde_json::from_value(value.clone())?;
                names.sort();
                json!(names)
            }
            "enum" | "type" | "pattern" | "format" | "uniqueItems" => value.clone(),
            "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => value.clone(),
            key if BESIDE.contains(&key) => value.clone(),
            other => bail!("it is not known what `{other}` promises"),
        };
        simple.insert(key.clone(), value);
    }
    Ok(Value::Object(simple))
}

/// What a plain schema may be.
pub(super) fn each(schema: &Value) -> impl Iterator<Item = &Value> {
    schema["anyOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice).iter()
}
