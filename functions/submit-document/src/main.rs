//! `submit-document`: wiring.

use submit_document::{Config, SubmitDocument};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    runtime::start(async |environment| {
        let config = Config::read(&environment)?;
        let aws = runtime::aws::config(&environment).await;
        let function = SubmitDocument::new(&config, &aws)?;
        runtime::run(function, runtime::Deferral::new(&aws, &config.queue_url)).await
    })
    .await
}
