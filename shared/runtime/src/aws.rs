//! How the AWS SDKs are set up.

use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};

use crate::Environment;

/// The configuration of every client.
///
/// Region and credentials come from the environment, where Lambda puts them, and nowhere else: the
/// default chain would look for files and metadata services at a cold start. Endpoints follow
/// `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`. The function's name goes into the user
/// agent, so that CloudTrail shows which function called.
pub async fn config(environment: &Environment) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    let name = environment.get("AWS_LAMBDA_FUNCTION_NAME").and_then(|name| AppName::new(name).ok());
    if let Some(name) = name {
        loader = loader.app_name(name);
    }
    loader.load().await
}

/// Without them a lost connection would cost the whole invocation. An attempt ends when its
/// response has begun, so a body that streams for long is not cut by it.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(15))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_function_s_name_and_our_limits_are_in_it() {
        let environment = Environment::of([("AWS_LAMBDA_FUNCTION_NAME", "rotate-secret")]);
        let config = config(&environment).await;
        assert_eq!(config.app_name().unwrap().to_string(), "rotate-secret");
        assert_eq!(config.retry_config().unwrap().max_attempts(), 3);
        assert_eq!(config.timeout_config().unwrap().operation_timeout(), Some(Duration::from_secs(15)));
    }

    #[tokio::test]
    async fn a_name_that_a_user_agent_cannot_hold_is_left_out() {
        let environment = Environment::of([("AWS_LAMBDA_FUNCTION_NAME", "stack name (1)")]);
        assert!(config(&environment).await.app_name().is_none());
    }
}
