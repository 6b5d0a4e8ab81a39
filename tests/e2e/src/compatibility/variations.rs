//! Samples that are broken in one place.

use serde_json::{Value, json};

/// A sample with one place of it changed, in many ways: a field is gone, or a value is another one. By these it shows
/// whether two schemas say the same.
pub fn variations(sample: &Value) -> Vec<Value> {
    let others =
        [json!(null), json!(""), json!("no such word"), json!(-1), json!(true), json!({}), json!([])];
    let mut all: Vec<Value> = others.into_iter().filter(|other| other != sample).collect();
    let names: Vec<String> = match sample {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|n| n.to_string()).collect(),
        _ => Vec::new(),
    };
    for name in names {
        let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        for other in sample.pointer(&place).map(variations).into_iter().flatten() {
            let mut changed = sample.clone();
            changed.pointer_mut(&place).into_iter().for_each(|value| *value = other.clone());
            all.push(changed);
        }
        if let Value::Object(mut fields) = sample.clone() {
            fields.remove(&name);
            all.push(Value::Object(fields));
        }
    }
    all
}
