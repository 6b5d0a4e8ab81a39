//! Reading AWS's own event types from what really arrives: emulators leave out fields that the types
//! require, and a field that is of no use to us must not cost the record.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// AWS's type of a value. A field that is absent or does not fit is as in the type's default.
pub(super) fn read<T: Default + Serialize + DeserializeOwned>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|_| {
        let fits = |value: &Value| T::deserialize(value).is_ok();
        T::deserialize(most(&json!(T::default()), value, &fits)).unwrap_or_default()
    })
}

/// What of a value fits, over a `least` that does. Each field is tried alone, so that the work grows
/// with the value's size and not with its square: anybody may have written it.
fn most(least: &Value, value: &Value, fits: &dyn Fn(&Value) -> bool) -> Value {
    if fits(value) {
        return value.clone();
    }
    let (Value::Object(least), Value::Object(fields)) = (least, value) else {
        return least.clone();
    };
    let (mut kept, empty) = (least.clone(), Value::Object(Map::new()));
    for (name, field) in fields {
        let alone = |field: &Value| {
            let mut one = least.clone();
            one.insert(name.clone(), field.clone());
            fits(&Value::Object(one))
        };
        let field = most(least.get(name).unwrap_or(&empty), field, &alone);
        if alone(&field) {
            kept.insert(name.clone(), field);
        }
    }
    Value::Object(kept)
}

/// A field's text. Empty counts as absent.
pub(super) fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
