//! What a request does to what.

mod documents;
mod dynamodb;
mod s3;

use std::collections::BTreeMap;

use http::HeaderMap;
use http::request::Parts;
use serde_json::Value;
use url::form_urlencoded;

use super::call::{Service, Target};

/// The action and its targets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) action: String,
    pub(super) targets: Vec<Target>,
}

/// Reads what a request is about. `body` is empty where it streams.
pub(super) fn identify(service: Service, parts: &Parts, body: &[u8]) -> Identity {
    match service {
        Service::S3 => s3::identify(parts),
        Service::Lambda => lambda(parts),
        _ => {
            let (action, document) = operation(&parts.headers, body);
            let targets = match service {
                Service::DynamoDb => dynamodb::targets(&action, &document),
                _ => documents::targets(service, &action, &document),
            };
            Identity { action, targets }
        }
    }
}

/// The operation and its parameters: `X-Amz-Target` and JSON, or the Query protocol's form.
fn operation(headers: &HeaderMap, body: &[u8]) -> (String, Value) {
    if let Some(target) = header(headers, "x-amz-target") {
        let action = target.rsplit_once('.').map_or(target, |(_, action)| action);
        return (action.to_owned(), serde_json::from_slice(body).unwrap_or(Value::Null));
    }
    let fields: serde_json::Map<String, Value> = form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect();
    let action = fields.get("Action").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    (action, Value::Object(fields))
}

/// `POST /2015-03-31/functions/{name}/invocations` (Lambda API Reference, API_Invoke).
fn lambda(parts: &Parts) -> Identity {
    match parts.uri.path().split('/').collect::<Vec<_>>()[..] {
        ["", "2015-03-31", "functions", name, "invocations"] => Identity {
            action: "Invoke".to_owned(),
            targets: vec![target("lambda:InvokeFunction", decode(name))],
        },
        _ => Identity { action: format!("{} {}", parts.method, parts.uri.path()), targets: Vec::new() },
    }
}

/// The function that calls: the SDK writes its configured name as `app/<name>`.
pub(super) fn caller(headers: &HeaderMap) -> Option<String> {
    let words = |name| header(headers, name).unwrap_or_default().split_whitespace();
    let name =
        words("x-amz-user-agent").chain(words("user-agent")).find_map(|word| word.strip_prefix("app/"))?;
    Some(name.to_owned())
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn target(permission: &str, resource: impl Into<String>) -> Target {
    Target {
        permission: permission.to_owned(),
        resource: resource.into(),
        key: None,
        conditions: BTreeMap::new(),
    }
}

/// A path segment as it was before it was percent-encoded.
fn decode(segment: &str) -> String {
    // A `+` in a path is itself; in a form it would be a space.
    let query = format!("={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_the_app_of_the_user_agent() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "user-agent",
            "aws-sdk-rust/1.3 os/linux lang/rust/1.95 app/rotate-secret".parse().unwrap(),
        );
        assert_eq!(caller(&headers).as_deref(), Some("rotate-secret"));
        assert_eq!(caller(&HeaderMap::new()), None);
    }

    #[test]
    fn a_path_segment_is_decoded() {
        assert_eq!(decode("a%20b+c%2Fd%C3%A9&x=y;"), "a b+c/dé&x=y;".split('&').next().unwrap());
    }
}
