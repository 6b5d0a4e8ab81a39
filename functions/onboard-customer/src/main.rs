//! `onboard-customer`: wiring.

use onboard_customer::{Config, OnboardCustomer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    runtime::start(async |environment| {
        let config = Config::read(&environment)?;
        let aws = runtime::aws::config(&environment).await;
        let function = OnboardCustomer::connect(&config, &aws).await?;
        runtime::run(function, runtime::Deferral::new(&aws, &config.queue_url)).await
    })
    .await
}
