//! The services whose request is one document with its resource in a field.

use serde_json::Value;

use super::super::call::{Service, Target};
use super::target;

/// The targets of an operation of Secrets Manager, SQS, EventBridge, KMS or STS.
pub(super) fn targets(service: Service, action: &str, document: &Value) -> Vec<Target> {
    let permission = permission(service, action);
    match service {
        Service::EventBridge if action == "PutEvents" => events(&permission, document),
        Service::SecretsManager => vec![secret(&permission, document)],
        Service::Kms => vec![kms(&permission, document)],
        _ => {
            let field = match service {
                Service::Sqs => "QueueUrl",
                Service::EventBridge => "EventBusName",
                _ => "RoleArn",
            };
            text(document, field).map(|resource| target(&permission, resource)).into_iter().collect()
        }
    }
}

/// Batches of SQS need the permission of the single operation (SQS Developer Guide,
/// sqs-api-permissions-reference).
fn permission(service: Service, action: &str) -> String {
    let action = match service {
        Service::Sqs => action.strip_suffix("Batch").unwrap_or(action),
        _ => action,
    };
    format!("{}:{action}", service.prefix())
}

/// A PutEvents is authorised for each entry's bus, with its source and detail type as conditions
/// (EventBridge User Guide, eb-use-conditions).
fn events(permission: &str, document: &Value) -> Vec<Target> {
    let entries = document.get("Entries").and_then(Value::as_array);
    let entry = |entry: &Value| {
        let mut target = target(permission, text(entry, "EventBusName").unwrap_or("default"));
        note(&mut target, "events:source", entry.get("Source"));
        note(&mut target, "events:detail-type", entry.get("DetailType"));
        target
    };
    entries.into_iter().flatten().map(entry).collect()
}

/// Condition keys: Service Authorization Reference, list_awssecretsmanager.
fn secret(permission: &str, document: &Value) -> Target {
    let id = text(document, "SecretId").or_else(|| text(document, "Name")).unwrap_or("*");
    let mut target = target(permission, id);
    for (condition, field) in [
        ("secretsmanager:Name", "Name"),
        ("secretsmanager:VersionId", "VersionId"),
        ("secretsmanager:VersionStage", "VersionStage"),
        ("secretsmanager:KmsKeyId", "KmsKeyId"),
        ("secretsmanager:RecoveryWindowInDays", "RecoveryWindowInDays"),
        ("secretsmanager:ForceDeleteWithoutRecovery", "ForceDeleteWithoutRecovery"),
        ("secretsmanager:RotationLambdaARN", "RotationLambdaARN"),
        ("secretsmanager:RotateImmediately", "RotateImmediately"),
    ] {
        note(&mut target, condition, document.get(field));
    }
    for tag in document.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        if let Some(key) = text(tag, "Key") {
            note(&mut target, &format!("aws:RequestTag/{key}"), tag.get("Value"));
        }
    }
    target
}

/// `kms:EncryptionContext:<key>` (KMS Developer Guide, conditions-kms).
fn kms(permission: &str, document: &Value) -> Target {
    let mut target = target(permission, text(document, "KeyId").unwrap_or("*"));
    let context = document.get("EncryptionContext").and_then(Value::as_object);
    for (key, value) in context.into_iter().flatten() {
        note(&mut target, &format!("kms:EncryptionContext:{key}"), Some(value));
    }
    note(&mut target, "kms:EncryptionAlgorithm", document.get("EncryptionAlgorithm"));
    note(&mut target, "kms:SigningAlgorithm", document.get("SigningAlgorithm"));
    target
}

fn note(target: &mut Target, condition: &str, value: Option<&Value>) {
    let value = match value {
        Some(Value::String(value)) => value.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => return,
    };
    target.conditions.insert(condition.to_owned(), value);
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}
