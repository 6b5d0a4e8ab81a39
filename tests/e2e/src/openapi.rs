//! The events' schemas as EventBridge's schema registry takes them.
//!
//! Of the two forms that it takes, JSON Schema of draft 4 and OpenAPI 3, this is OpenAPI 3.0: the one that its own
//! discovery writes, with the envelope as `AWSEvent` and the event's detail beside it, and that code bindings are made
//! of. OpenAPI 3.0 knows no `const`, no list of types and no `null`; an event never holds a `null`.

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use shared_core::event::SOURCE;
use shared_core::event::catalogue::EventType;

/// A schema's name in the registry, as discovery would name it. A later version stands beside the first.
pub fn name(event: &EventType) -> String {
    match event.version {
        "1" => format!("{SOURCE}@{}", event.name),
        later => format!("{SOURCE}@{}.v{later}", event.name),
    }
}

/// An event's schema as an OpenAPI document.
///
/// # Errors
/// Where the schema has something that is not known here.
pub fn document(event: &EventType) -> Result<Value> {
    let mut schemas = Map::new();
    for (name, definition) in event.schema["$defs"].as_object().into_iter().flatten() {
        schemas.insert(name.clone(), converted(definition).with_context(|| name.clone())?);
    }
    schemas.insert(event.name.to_owned(), converted(&event.schema).context(event.name)?);
    schemas.insert("AWSEvent".to_owned(), envelope(event));
    Ok(json!({
        "openapi": "3.0.0",
        "info": { "title": event.name, "version": format!("{}.0.0", event.version) },
        "paths": {},
        "components": { "schemas": schemas }
    }))
}

/// What EventBridge puts around it. A request may come from any source.
fn envelope(event: &EventType) -> Value {
    let text = json!({ "type": "string" });
    let mut envelope = json!({
        "type": "object",
        "required": ["detail-type", "resources", "detail", "id", "source", "time", "region", "version", "account"],
        "x-amazon-events-detail-type": event.name,
        "properties": {
            "detail": { "$ref": format!("#/components/schemas/{}", event.name) },
            "account": text, "detail-type": text, "id": text, "region": text, "source": text, "version": text,
            "resources": { "type": "array", "items": text },
            "time": { "type": "string", "format": "date-time" }
        }
    });
    if !event.inbound {
        envelope["x-amazon-events-source"] = SOURCE.into();
    }
    envelope
}

fn converted(schema: &Value) -> Result<Value> {
    let own = schema.as_object().context("a schema that is no object")?;
    if let Some(place) = own.get("$ref").and_then(Value::as_str) {
        // OpenAPI 3.0 passes over what stands beside a reference.
        return Ok(json!({ "$ref": place.replace("#/$defs/", "#/components/schemas/") }));
    }
    let mut converted = Map::new();
    for (key, value) in own {
        let (key, value) = match key.as_str() {
            "$schema" | "$id" | "$defs" => continue,
            "const" => {
                converted.extend(words(&[value])?);
                continue;
            }
            "anyOf" | "oneOf" => {
                converted.extend(alternatives(key, value)?);
                continue;
            }
            "type" => ("type", one_type(value)?),
            "format" => ("format", format(value).into()),
            "examples" => ("example", value[0].clone()),
            "items" | "additionalProperties" => (key.as_str(), self::converted(value)?),
            "properties" => {
                let fields = value.as_object().context("no fields")?.iter();
                let fields = fields.map(|(name, field)| Ok((name.clone(), self::converted(field)?)));
                ("properties", fields.collect::<Result<_>>()?)
            }
            "title" | "description" | "required" | "default" | "pattern" | "minimum" | "maximum"
            | "minLength" | "maxLength" | "minItems" | "maxItems" | "uniqueItems" => {
                (key.as_str(), value.clone())
            }
            other => bail!("it is not known what becomes of `{other}`"),
        };
        converted.insert(key.to_owned(), value);
    }
    Ok(Value::Object(converted))
}

/// Fixed texts.
fn words(words: &[&Value]) -> Result<[(String, Value); 2]> {
    if let Some(other) = words.iter().find(|word| !word.is_string()) {
        bail!("{other} is no text");
    }
    Ok([("type".to_owned(), "string".into()), ("enum".to_owned(), json!(words))])
}

fn alternatives(key: &str, value: &Value) -> Result<Map<String, Value>> {
    let all = value.as_array().context("no alternatives")?;
    let all: Vec<&Value> = all.iter().filter(|one| one["type"] != "null").collect();
    let fixed: Vec<&Value> = all.iter().filter_map(|one| one.get("const")).collect();
    match all.as_slice() {
        [only] => converted(only)?.as_object().cloned().context("no object"),
        _ if fixed.len() == all.len() => Ok(words(&fixed)?.into_iter().collect()),
        _ => {
            let all = all.into_iter().map(converted).collect::<Result<Vec<_>>>()?;
            Ok(Map::from_iter([(key.to_owned(), json!(all))]))
        }
    }
}

fn one_type(value: &Value) -> Result<Value> {
    let Some(all) = value.as_array() else { return Ok(value.clone()) };
    let [only] = all.iter().filter(|one| *one != "null").collect::<Vec<_>>()[..] else {
        bail!("{value} is more than one type");
    };
    Ok(only.clone())
}

/// OpenAPI knows no unsigned numbers: the next larger ones take them.
fn format(value: &Value) -> &str {
    match value.as_str().unwrap_or_default() {
        "uint8" | "uint16" => "int32",
        "uint32" | "uint64" => "int64",
        other => other,
    }
}

/// The template that uploads them: one registry, with one schema for each version of each type.
///
/// # Errors
/// As of [`document`].
pub fn template(events: &[EventType]) -> Result<String> {
    let mut template = HEAD.to_owned();
    for event in events {
        let asks = if event.inbound { "is asked for" } else { "is announced" };
        let content = serde_json::to_string(&document(event)?)?.replace('\'', "''");
        template.push_str(&format!(
            "
  {name}V{version}:
    Type: AWS::EventSchemas::Schema
    Properties:
      RegistryName: !GetAtt Registry.RegistryName
      SchemaName: {schema}
      Description: What {asks} by {name}, version {version}.
      Type: OpenApi3
      Content: '{content}'
",
            name = event.name,
            version = event.version,
            schema = name(event),
        ));
    }
    Ok(template)
}

const HEAD: &str = "\
# The events' schemas for EventBridge's schema registry. Generated: events/README.md says how.
AWSTemplateFormatVersion: '2010-09-09'
Description: The schemas of the events that resistant-tenants takes and announces

Parameters:
  RegistryName:
    Description: The registry to be made. Each account and region has one of a name.
    Type: String
    Default: resistant-tenants
    AllowedPattern: '[0-9A-Za-z_.-]{1,64}'

Resources:
  Registry:
    Type: AWS::EventSchemas::Registry
    Properties:
      RegistryName: !Ref RegistryName
      Description: Events about customers, their credentials and their documents.
";
