//! The SDK's client of Secrets Manager, as every test here has it.

use aws_sdk_secretsmanager::config::{BehaviorVersion, Builder, Config, Credentials, Region};

/// For a server at this URL.
pub(crate) fn config(url: &str) -> Builder {
    let credentials =
        Credentials::builder().access_key_id("id").secret_access_key("key").provider_name("test").build();
    Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(url)
}
