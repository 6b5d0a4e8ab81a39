//! `infra/data-plane.yaml`, held to `infra/template.yaml`: a document is treated in the same way in every region.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::collections::{BTreeMap, BTreeSet};

use sandbox::{places, python, stack};
use serde_json::{Value, json};

/// What names the control plane's things, in place of what the control plane's own template makes.
const BY_ARN: [(&str, &str, &str); 3] = [
    ("CUSTOMERS_TABLE", "CustomersTable", "CustomersTableArn"),
    ("DOCUMENTS_TABLE", "DocumentsTable", "DocumentsTableArn"),
    ("EVENT_BUS_NAME", "Bus", "BusArn"),
];

const FUNCTIONS: [&str; 2] = ["SubmitDocument", "CollectResult"];

/// The control plane's template, and the data plane's.
async fn templates() -> (Value, Value) {
    let python = python::interpreter().await.unwrap();
    (stack::template(&python).await.unwrap(), stack::data_plane_template(&python).await.unwrap())
}

fn entries<'a>(template: &'a Value, section: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    template[section].as_object().unwrap().iter()
}

/// Without a part that is not to be compared.
fn without(value: &Value, pointer: &str) -> Value {
    let mut value = value.clone();
    let (parent, part) = pointer.rsplit_once('/').unwrap();
    if let Some(parent) = value.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(part);
    }
    value
}

/// What our metrics are of. Functions take their bus's name for the stack's, and the bus is the control plane's.
fn metrics_stack(name: &Value) -> String {
    json!({ "Name": "Stack", "Value": name }).to_string()
}

/// A resource with its metrics named as the control plane names its own.
fn said_at_home(resource: &Value) -> Value {
    let own = metrics_stack(&json!({ "Ref": "AWS::StackName" }));
    let text = resource.to_string();
    assert!(!text.contains(&own), "an alarm on metrics that nothing here writes: {text}");
    let bus = json!({ "Fn::Select": [1, { "Fn::Split": ["/", { "Ref": "BusArn" }] }] });
    serde_json::from_str(&text.replace(&metrics_stack(&bus), &own)).unwrap()
}

#[tokio::test]
async fn every_resource_is_as_the_control_plane_has_it() {
    let (home, abroad) = templates().await;
    // What differs has tests of its own below; a key says what it encrypts, and waits for no control plane.
    let differs = BTreeMap::from([
        ("DataKey", vec!["/Properties/Description", "/DependsOn"]),
        ("SubmitDocument", vec!["/Properties/Environment/Variables"]),
        ("CollectResult", vec!["/Properties/Environment/Variables"]),
        ("SubmitDocumentRole", vec!["/Properties/Policies"]),
        ("CollectResultRole", vec!["/Properties/Policies"]),
    ]);
    for (name, resource) in entries(&abroad, "Resources") {
        let mut pair = [home["Resources"][name].clone(), said_at_home(resource)];
        for pointer in differs.get(name.as_str()).into_iter().flatten() {
            pair = pair.map(|one| without(&one, pointer));
        }
        assert_eq!(pair[1], pair[0], "{name}");
    }
    for (name, parameter) in entries(&abroad, "Parameters").filter(|(name, _)| !name.ends_with("Arn")) {
        let pair = [&home["Parameters"][name], parameter].map(|one| without(one, "/Description"));
        assert_eq!(pair[1], pair[0], "{name}");
    }
    let pair = [&home, &abroad]
        .map(|one| without(&one["Globals"], "/Function/Environment/Variables/EVENT_BUS_NAME"));
    assert_eq!(pair[1], pair[0]);
}

/// What the control plane has of the kinds that documents pass through is here too, or is not about documents.
#[tokio::test]
async fn nothing_of_a_document_s_way_is_left_out() {
    let (home, abroad) = templates().await;
    let about = |name: &str| {
        ["Submi", "Result", "DocumentsBucket", "SubmitDocument", "VendorNotifier"]
            .iter()
            .any(|part| name.contains(part))
    };
    for section in ["Resources", "Outputs"] {
        let there: BTreeSet<_> = entries(&abroad, section).map(|(name, _)| name).collect();
        for (name, _) in entries(&home, section).filter(|(name, _)| about(name)) {
            assert!(there.contains(name), "{name}");
        }
    }
}

#[tokio::test]
async fn the_functions_are_told_the_same_but_for_what_the_control_plane_has() {
    let (home, abroad) = templates().await;
    for function in FUNCTIONS {
        let variables = |template: &Value| {
            let mut all =
                template["Globals"]["Function"]["Environment"]["Variables"].as_object().unwrap().clone();
            let own = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
            all.extend(own.as_object().unwrap().clone());
            all
        };
        let mut expected = variables(&home);
        for (variable, made, given) in BY_ARN {
            if let Some(value) = expected.get_mut(variable) {
                assert_eq!(*value, json!({ "Ref": made }));
                *value = json!({ "Ref": given });
            }
        }
        assert_eq!(variables(&abroad), expected, "{function}");
    }
}

fn statements(template: &Value, function: &str) -> Vec<Value> {
    let policy =
        &template["Resources"][format!("{function}Role")]["Properties"]["Policies"][0]["PolicyDocument"];
    policy["Statement"].as_array().unwrap().clone()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

#[tokio::test]
async fn a_role_may_do_what_it_may_at_home_and_only_to_what_is_its_own() {
    let (home, abroad) = templates().await;
    for function in FUNCTIONS {
        let actions = |template: &Value| -> BTreeSet<String> {
            let all = statements(template, function);
            all.iter()
                .flat_map(|one| list(&one["Action"]))
                .map(|action| action.as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(actions(&abroad), actions(&home), "{function}");
        for statement in statements(&abroad, function) {
            let service =
                list(&statement["Action"])[0].as_str().unwrap().split(':').next().unwrap().to_owned();
            for resource in list(&statement["Resource"]) {
                assert_eq!(resource == "*", statement["Sid"] == "Trace", "{function}: {statement}");
                let given = resource["Ref"].as_str();
                match service.as_str() {
                    "dynamodb" => assert!(matches!(given, Some("CustomersTableArn" | "DocumentsTableArn"))),
                    "events" => assert_eq!(given, Some("BusArn")),
                    "secretsmanager" => {
                        let arn = resource["Fn::Sub"].as_str().unwrap();
                        let own = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:${SecretPrefix}/*/credential";
                        assert!(arn.starts_with(own), "{arn}");
                    }
                    _ => {}
                }
            }
            if service == "kms" {
                let via = statement["Condition"]["StringEquals"]["kms:ViaService"].to_string();
                let (key, through) = match statement["Resource"]["Ref"].as_str() {
                    Some(key) => (key, "dynamodb"),
                    None => (statement["Resource"]["Fn::GetAtt"][0].as_str().unwrap(), "s3.${AWS::Region}"),
                };
                assert!(["TablesKeyArn", "DataKey"].contains(&key) && via.contains(through), "{statement}");
            }
        }
    }
}

#[tokio::test]
async fn each_parameter_is_checked_and_told_of() {
    let (home, abroad) = templates().await;
    let readme = std::fs::read_to_string(places::workspace().join("infra/README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Regions\n").expect("infra/README.md has a section on regions");
    let (section, _) = section.split_once("\n## ").unwrap();
    for (name, parameter) in entries(&abroad, "Parameters") {
        let checks = ["AllowedPattern", "AllowedValues", "MinValue"];
        assert!(checks.iter().any(|check| !parameter[check].is_null()), "{name} takes anything");
        let told = !home["Parameters"][name].is_null() || section.contains(&format!("{name}="));
        assert!(told, "{name} is in no command of the section");
    }
    assert!(section.contains("`CredentialCacheSeconds`") && section.contains("`SecretPrefix`"));
    let text = abroad.to_string();
    for forbidden in ["RESISTANT_LOCAL_URL", "AWS_ENDPOINT_URL", "127.0.0.1", "localhost"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
}
