//! What the emulator does not check about `infra/template.yaml`, checked on the template itself.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::collections::{BTreeMap, BTreeSet};

use sandbox::{functions, places, python, stack};
use serde_json::{Map, Value, json};
use shared_core::request::ReconciliationRequest;

const FOURTEEN_DAYS: u64 = 14 * 24 * 60 * 60;

async fn template() -> Value {
    let python = python::interpreter().await.unwrap();
    stack::template(&python).await.unwrap()
}

/// The properties of every resource of a type, by logical id.
fn resources<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let all = template["Resources"].as_object().unwrap().iter();
    let those = all.filter(|(_, resource)| resource["Type"] == kind);
    those.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect()
}

/// The logical id in `!GetAtt Name.Arn`.
fn named(arn: &Value) -> &str {
    arn["Fn::GetAtt"][0].as_str().unwrap_or_else(|| panic!("{arn} names no resource"))
}

#[tokio::test]
async fn every_queue_of_a_function_keeps_what_fails() {
    let template = template().await;
    let queues = resources(&template, "AWS::SQS::Queue");
    let mut fed = 0;
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        for event in function["Events"].as_object().into_iter().flat_map(Map::values) {
            let source = &event["Properties"];
            assert_eq!(event["Type"], "SQS", "{name}");
            assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
            // The emulator stops polling where this is not a literal.
            assert!(source["ScalingConfig"]["MaximumConcurrency"].is_u64(), "{name}");
            let queue = queues[named(&source["Queue"])];
            let timeout = function["Timeout"].as_u64().unwrap();
            assert_eq!(queue["VisibilityTimeout"], 6 * timeout, "{name}");
            assert!(queue["RedrivePolicy"]["maxReceiveCount"].is_u64(), "{name}");
            let dead_letters = named(&queue["RedrivePolicy"]["deadLetterTargetArn"]);
            assert!(queues.contains_key(dead_letters), "{name}");
            fed += 1;
        }
    }
    assert_eq!(fed, 4, "every function has a queue that is not called directly");
    for (name, queue) in queues {
        assert_eq!(queue["MessageRetentionPeriod"], FOURTEEN_DAYS, "{name}");
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{name}");
    }
}

/// The doctor judges each queue by the time limit of its function.
#[tokio::test]
async fn the_doctor_is_told_of_every_queue_and_its_function() {
    let template = template().await;
    let functions = resources(&template, "AWS::Serverless::Function");
    let mut fed = BTreeSet::new();
    for function in functions.values() {
        let name = function["FunctionName"]["Fn::Sub"].as_str().unwrap();
        let name = name.trim_start_matches("${AWS::StackName}-");
        for event in function["Events"].as_object().into_iter().flat_map(Map::values) {
            let queue = named(&event["Properties"]["Queue"]);
            fed.insert(format!("{name} {} ${{{queue}}}", function["Timeout"]));
        }
    }
    let told =
        functions["ReconcileTenants"]["Environment"]["Variables"]["FUNCTION_QUEUES"]["Fn::Sub"].as_str();
    assert_eq!(told.unwrap().split(',').map(str::to_owned).collect::<BTreeSet<_>>(), fed);
}

#[tokio::test]
async fn each_service_may_send_for_its_own_source_only() {
    let template = template().await;
    for (name, policy) in resources(&template, "AWS::SQS::QueuePolicy") {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            let statement = statement.get("Fn::If").map_or(statement, |branches| &branches[1]);
            assert_eq!(statement["Action"], "sqs:SendMessage", "{name}");
            assert!(statement["Principal"]["Service"].is_string(), "{name}");
            assert!(!statement["Condition"]["ArnEquals"]["aws:SourceArn"].is_null(), "{name}: {statement}");
        }
    }
    let permission = &template["Resources"]["RotateSecretPermission"]["Properties"];
    assert_eq!(permission["Principal"], "secretsmanager.amazonaws.com");
    assert_eq!(permission["SourceAccount"], json!({"Ref": "AWS::AccountId"}));
}

#[tokio::test]
async fn what_holds_data_is_kept_encrypted_and_recoverable() {
    let template = template().await;
    for kind in ["AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"] {
        for name in resources(&template, kind).into_keys() {
            let resource = &template["Resources"][name];
            assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{name}");
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{name}");
        }
    }
    for (name, table) in resources(&template, "AWS::DynamoDB::Table") {
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{name}");
        assert_eq!(table["DeletionProtectionEnabled"], true, "{name}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{name}");
        assert_eq!(named(&table["SSESpecification"]["KMSMasterKeyId"]), "DataKey", "{name}");
    }
    assert_eq!(
        template["Resources"]["DocumentsBucket"]["Properties"]["VersioningConfiguration"]["Status"],
        "Enabled"
    );
    for (name, bucket) in resources(&template, "AWS::S3::Bucket") {
        let blocks = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
        assert!(blocks.len() == 4 && blocks.values().all(|block| block == true), "{name}");
        let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
        assert_eq!(
            named(&encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]),
            "DataKey",
            "{name}"
        );
        let policy = &template["Resources"][format!("{name}Policy")]["Properties"]["PolicyDocument"];
        let tls = &policy["Statement"][0];
        assert_eq!((&tls["Effect"], &tls["Action"]), (&json!("Deny"), &json!("s3:*")), "{name}");
        assert_eq!(tls["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}), "{name}");
    }
}

/// The properties by which CloudFormation replaces one, of those with data (AWS: CloudFormation's reference of each
/// type, "Update requires: Replacement").
const REPLACING: [(&str, &[&str]); 3] = [
    (
        "AWS::DynamoDB::Table",
        &[
            "TableName",
            "KeySchema",
            "AttributeDefinitions",
            "LocalSecondaryIndexes",
            "ImportSourceSpecification",
        ],
    ),
    ("AWS::S3::Bucket", &["BucketName", "BucketNamePrefix", "BucketNamespace"]),
    ("AWS::KMS::Key", &["KeySpec", "KeyUsage", "MultiRegion", "Origin"]),
];

#[tokio::test]
async fn no_parameter_replaces_or_removes_what_holds_data() {
    let template = template().await;
    let parameters = template["Parameters"].as_object().unwrap();
    let mut seen = 0;
    for (kind, replacing) in REPLACING {
        for (name, resource) in resources(&template, kind) {
            assert!(template["Resources"][name]["Condition"].is_null(), "{name} is not always there");
            for property in replacing.iter().map(|property| &resource[*property]) {
                let text = property.to_string();
                for parameter in parameters.keys() {
                    let forms = [format!("{{\"Ref\":\"{parameter}\"}}"), format!("${{{parameter}}}")];
                    assert!(forms.iter().all(|form| !text.contains(form)), "{parameter} replaces {name}");
                }
                assert!(!text.contains("Fn::If"), "{name}: {text}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 7, "tables, buckets and keys");
}

#[tokio::test]
async fn a_second_stack_over_the_same_secret_would_have_a_parameter_of_the_same_name() {
    let template = template().await;
    let name = &template["Resources"]["ControlPlane"]["Properties"]["Name"]["Fn::Join"];
    let secret = json!({"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "OrganizationSecretArn"}]}]});
    assert_eq!(*name, json!(["/", ["/resistant-tenants/control-plane", secret]]));
    // What Systems Manager takes in a name, an ARN may have no other characters than.
    let pattern = template["Parameters"]["OrganizationSecretArn"]["AllowedPattern"].as_str().unwrap();
    assert!(pattern.ends_with(":secret:[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"), "{pattern}");
}

#[tokio::test]
async fn every_function_is_built_here_and_has_a_role_of_its_own() {
    let template = template().await;
    let declared = resources(&template, "AWS::Serverless::Function");
    let code: BTreeSet<_> = declared.values().map(|function| function["CodeUri"].as_str().unwrap()).collect();
    let built: Vec<_> = functions::NAMES.iter().map(|name| format!("../target/lambda/{name}/")).collect();
    assert_eq!(code, built.iter().map(String::as_str).collect());
    let roles: BTreeSet<_> = declared.values().map(|function| named(&function["Role"])).collect();
    assert_eq!(roles.len(), declared.len());
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        assert!(role["ManagedPolicyArns"].is_null(), "{name}");
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap() {
            let statement = statement.get("Fn::If").map_or(statement, |branches| &branches[1]);
            // Listing secrets has no resources, and neither has tracing.
            let unbound = ["ListSecrets", "Trace"].iter().any(|sid| statement["Sid"] == *sid);
            assert_eq!(statement["Resource"] == "*", unbound, "{name}: {statement}");
            assert!(!statement["Action"].to_string().contains('*'), "{name}: {statement}");
        }
    }
}

#[tokio::test]
async fn only_the_control_plane_may_sign_for_the_organization_and_only_as_the_vendor_verifies() {
    let template = template().await;
    let mut may = BTreeSet::new();
    for (name, role) in resources(&template, "AWS::IAM::Role") {
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        for statement in statements.iter().filter(|statement| statement.to_string().contains("kms:Sign\"")) {
            let branches = &statement["Fn::If"];
            assert_eq!(branches[0], "HasOrganizationKey", "{name}");
            assert_eq!(branches[1]["Action"], "kms:Sign", "{name}");
            let keys = json!({"Fn::Split": [",", {"Ref": "OrganizationKeyArns"}]});
            assert_eq!(branches[1]["Resource"], keys, "{name}");
            let algorithm = json!({"kms:SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"});
            assert_eq!(branches[1]["Condition"], json!({"StringEquals": algorithm}), "{name}");
            may.insert(name);
        }
    }
    assert_eq!(
        may,
        BTreeSet::from([
            "OffboardCustomerRole",
            "OnboardCustomerRole",
            "ReconcileTenantsRole",
            "RotateSecretRole"
        ])
    );
}

#[tokio::test]
async fn the_schedule_of_the_reconciliation_sends_a_request_that_the_function_takes() {
    let template = template().await;
    let target = &template["Resources"]["ReconciliationRule"]["Properties"]["Targets"][0];
    assert_eq!(target["InputTransformer"]["InputPathsMap"], json!({"id": "$.id"}));
    let input = target["InputTransformer"]["InputTemplate"]["Fn::Sub"].as_str().unwrap();
    let event = "17793124-05d4-b198-2fde-7ededc63b103";
    for mode in template["Parameters"]["ReconciliationMode"]["AllowedValues"].as_array().unwrap() {
        let input = input.replace("${ReconciliationMode}", mode.as_str().unwrap()).replace("<id>", event);
        let request = ReconciliationRequest::parse(&serde_json::from_str(&input).unwrap()).unwrap();
        assert_eq!(request.request_id.as_str(), format!("schedule-{event}"));
        assert_eq!(json!(request.mode), *mode);
    }
    let function = &template["Resources"]["ReconcileTenants"]["Properties"];
    assert_eq!(function["ReservedConcurrentExecutions"], 1, "what is unfinished has one writer");
}

#[tokio::test]
async fn parameters_are_checked_explained_and_none_is_for_local_runs() {
    let template = template().await;
    let readme = std::fs::read_to_string(places::workspace().join("infra/README.md")).unwrap();
    for (name, parameter) in template["Parameters"].as_object().unwrap() {
        let checks = ["AllowedPattern", "AllowedValues", "MinValue"];
        assert!(checks.iter().any(|check| !parameter[check].is_null()), "{name} takes anything");
        assert!(parameter["Description"].is_string(), "{name}");
        let default = match &parameter["Default"] {
            Value::Null => "required".to_owned(),
            Value::String(text) if text.is_empty() => "none".to_owned(),
            Value::String(text) => format!("`{text}`"),
            number => number.to_string(),
        };
        assert!(
            readme.contains(&format!("| `{name}` | {default} |")),
            "README.md: {name}, default {default}"
        );
    }
    let text = template.to_string();
    for forbidden in ["RESISTANT_LOCAL_URL", "AWS_ENDPOINT_URL", "127.0.0.1", "localhost"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
}
