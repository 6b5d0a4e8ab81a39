//! `reconcile-tenants`: wiring.

use reconcile_tenants::Desk;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    runtime::start(async |environment| {
        let aws = runtime::aws::config(&environment).await;
        runtime::run_direct(Desk::new(&environment, aws)).await
    })
    .await
}
