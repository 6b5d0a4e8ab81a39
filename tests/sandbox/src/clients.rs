//! The AWS SDK's clients for the sandbox itself. Nothing is taken from the caller's environment or
//! profile, so that no sandbox ever talks to a real account.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};

use crate::emulator::REGION;

/// One client for each service that the sandbox looks into.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each field is the client of its service")]
pub struct Clients {
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub eventbridge: aws_sdk_eventbridge::Client,
    pub s3: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sqs: aws_sdk_sqs::Client,
}

macro_rules! config {
    ($service:ident, $endpoint:expr) => {
        $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "sandbox"))
            .endpoint_url($endpoint)
    };
}

impl Clients {
    /// Clients of the emulator and of the Secrets Manager server.
    pub fn new(emulator: &str, secrets: &str) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(config!(aws_sdk_dynamodb, emulator).build()),
            eventbridge: aws_sdk_eventbridge::Client::from_conf(
                config!(aws_sdk_eventbridge, emulator).build(),
            ),
            s3: aws_sdk_s3::Client::from_conf(config!(aws_sdk_s3, emulator).force_path_style(true).build()),
            secrets: aws_sdk_secretsmanager::Client::from_conf(
                config!(aws_sdk_secretsmanager, secrets).build(),
            ),
            sqs: aws_sdk_sqs::Client::from_conf(config!(aws_sdk_sqs, emulator).build()),
        }
    }
}
