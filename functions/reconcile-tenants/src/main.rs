//! `reconcile-tenants`: wiring.

use reconcile_tenants::{Config, ReconcileTenants};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    runtime::start(async |environment| {
        let config = Config::read(&environment)?;
        let aws = runtime::aws::config(&environment).await;
        let function = ReconcileTenants::connect(&config, &aws).await?;
        runtime::run_direct(function).await
    })
    .await
}
