//! How the AWS SDKs are set up.

use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;

use crate::{Environment, telemetry};

/// The configuration of every client.
///
/// Region and credentials come from the environment, where Lambda puts them, and nowhere else: the
/// default chain would look for files and metadata services at a cold start. Endpoints follow
/// `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`. The function's name goes into the user
/// agent, so that CloudTrail shows which function called. All services share one HTTPS client.
pub async fn config(environment: &Environment) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(EnvironmentVariableRegionProvider::new())
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        .http_client(Counted(https()))
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    let name = environment.get("AWS_LAMBDA_FUNCTION_NAME").and_then(|name| AppName::new(name).ok());
    if let Some(name) = name {
        loader = loader.app_name(name);
    }
    loader.load().await
}

/// What the SDKs take where none is given.
fn https() -> SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::AwsLc)).build_https()
}

/// An HTTP client that tells of each request, repeats included: each is paid for.
#[derive(Debug)]
struct Counted<T>(T);

impl HttpClient for Counted<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Counted(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_base_client_config(components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.validate_final_config(components, config)
    }
}

impl HttpConnector for Counted<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        tracing::debug!(target: telemetry::AWS, "Called AWS.");
        self.0.call(request)
    }
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
