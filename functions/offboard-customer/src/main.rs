//! `offboard-customer`: wiring.

use offboard_customer::{Config, OffboardCustomer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    runtime::start(async |environment| {
        let config = Config::read(&environment)?;
        let aws = runtime::aws::config(&environment).await;
        let function = OffboardCustomer::connect(&config, &aws).await?;
        runtime::run(function, runtime::Deferral::new(&aws, &config.queue_url)).await
    })
    .await
}
