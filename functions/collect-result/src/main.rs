//! `collect-result`: wiring.

use collect_result::{CollectResult, Config};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    runtime::start(async |environment| {
        let config = Config::read(&environment)?;
        let aws = runtime::aws::config(&environment).await;
        let function = CollectResult::new(&config, &aws)?;
        runtime::run(function, runtime::Deferral::new(&aws, &config.queue_url)).await
    })
    .await
}
