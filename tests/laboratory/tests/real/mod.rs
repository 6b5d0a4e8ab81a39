//! What the fast forms are compared with: DynamoDB, and the vendor as the simulator.
#![allow(dead_code, reason = "each test uses a part of it")]

use aws_config::SdkConfig;
use aws_parts::sdk_config;
use resistant::{ControlPlane, Endpoints, OrganizationCredential, Vendor};
use shared_core::place::Stage;
use simulator::{Options, Settings, Simulator};
use tokio::task::JoinSet;

/// DynamoDB without tables, for as long as the second lives.
pub(crate) async fn dynamodb() -> (SdkConfig, JoinSet<()>) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let aws = sdk_config(&format!("http://{}", listener.local_addr().unwrap())).await;
    let database = dynoxide::Database::memory().unwrap();
    let mut server = JoinSet::new();
    server.spawn(dynoxide::server::serve_on(listener, database));
    (aws, server)
}

/// The simulator, and the ways to it.
pub(crate) async fn simulator_with(settings: Settings) -> (Simulator, Vendor, ControlPlane) {
    let simulator = Simulator::start(Options { settings, ..Options::default() }).await.unwrap();
    let endpoints = Endpoints::local(Stage::Production, simulator.base_url()).unwrap();
    let vendor = Vendor::new(endpoints.clone()).unwrap();
    let secret = serde_json::json!({
        "client_id": simulator.organization_client_id(),
        "private_key": simulator.organization_private_key_pem(),
    });
    let organization = OrganizationCredential::from_secret_value(&secret.to_string()).unwrap();
    let token_url = "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token";
    let control = vendor.control_plane(&endpoints.organization(token_url).unwrap(), &organization);
    (simulator, vendor, control)
}
