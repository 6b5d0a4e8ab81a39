//! AWS as the tests need it, where no emulator is good enough.
//!
//! | module | holds |
//! |---|---|
//! | [`secrets`] | Secrets Manager by its documented rules, with a rotation that calls its function |
//! | [`proxy`] | a reverse proxy that records the action and resources of each call and can hold, cut and answer calls |
//! | [`signature`] | the region that a request is signed for |
//! | [`runtime_api`] | Lambda's Runtime API over real `bootstrap` binaries, to kill and freeze; an Invoke API before them |

pub mod proxy;
pub mod runtime_api;
pub mod secrets;
pub mod signature;

use aws_config::{BehaviorVersion, Region, SdkConfig};

/// What the SDK's clients need for a server of tests at this URL.
pub async fn sdk_config(url: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .test_credentials()
        .endpoint_url(url)
        .load()
        .await
}
