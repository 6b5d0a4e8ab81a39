//! What is recorded of a call.

use std::collections::BTreeMap;
use std::fmt;

/// An AWS service, by its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon EventBridge.
    EventBridge,
    /// AWS KMS.
    Kms,
    /// AWS Lambda.
    Lambda,
    /// Amazon S3.
    S3,
    /// AWS Secrets Manager.
    SecretsManager,
    /// Amazon SQS.
    Sqs,
    /// AWS STS.
    Sts,
}

impl Service {
    /// The prefix of the service's actions in policies.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::EventBridge => "events",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::S3 => "s3",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    /// The SDK's standard variable for the service's endpoint.
    pub fn endpoint_variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::EventBridge => "AWS_ENDPOINT_URL_EVENTBRIDGE",
            Self::Kms => "AWS_ENDPOINT_URL_KMS",
            Self::Lambda => "AWS_ENDPOINT_URL_LAMBDA",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}

/// One thing that a call touches, in the terms of a policy. A transaction touches several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The action that a policy has to allow, such as `dynamodb:PutItem` or `s3:GetObjectVersion`.
    pub permission: String,
    /// The table (with `/index/…`), secret id, queue URL, key id, bus, function, or bucket and key.
    pub resource: String,
    /// An item's key: `pk` or `pk/sk`.
    pub key: Option<String>,
    /// What conditions may look at, by their condition keys, such as `kms:EncryptionContext:cell`.
    pub conditions: BTreeMap<String, String>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is held, or on its way.
    Pending,
    /// The upstream answered, and the caller has the answer.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The AWS error code, where the answer is an error that names one.
        error: Option<String>,
    },
    /// The upstream answered, and the caller never learnt it.
    Lost {
        /// The HTTP status of the answer.
        status: u16,
    },
    /// It never reached the upstream: the connection was cut.
    Cut,
    /// It never reached the upstream: the proxy answered.
    Invented {
        /// The HTTP status that the proxy gave.
        status: u16,
    },
    /// The upstream could not be reached, or broke off.
    Unreachable,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its place in the order of arrival over all listeners, from 1.
    pub number: u64,
    /// The service.
    pub service: Service,
    /// The API action, such as `TransactWriteItems`.
    pub action: String,
    /// What it touches. Empty where the request does not say.
    pub targets: Vec<Target>,
    /// The name after `app/` in the user agent: the function.
    pub caller: Option<String>,
    /// The region that it is signed for.
    pub region: Option<String>,
    /// The X-Ray trace that it belongs to, as its header says.
    pub trace: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}:{}",
            self.number,
            self.caller.as_deref().unwrap_or("-"),
            self.service,
            self.action
        )?;
        for target in &self.targets {
            write!(f, " {}", target.resource)?;
            if let Some(key) = &target.key {
                write!(f, " {key}")?;
            }
        }
        write!(f, " {:?}", self.outcome)
    }
}
