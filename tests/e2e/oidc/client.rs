//! Our token requests before a certified OpenID provider that nobody here wrote.
//!
//! `NODE` names the Node to run, and `target/oidc` holds the provider and its modules; `.ci/run oidc`
//! sees to both.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use resistant::{ApplicationKey, DataPlane, Endpoints, OrganizationCredential, Vendor};
use serde_json::{Value, json};
use shared_core::credential::{Authentication, Credential};
use shared_core::ids::{ClientId, Generation};
use shared_core::place::{Cell, Stage};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

const ORGANIZATION_SERVER: &str = "aus17c172cLOCWEyk417";
const CELL_SERVER: &str = "aus2un1hkrKhPjir4417";
const CLIENT_SECRET: &str = "a-secret-of-no-importance-to-anyone";

#[tokio::main]
async fn main() -> Result<()> {
    let organization = simulator::Vendor::new(simulator::Options::default(), "http://127.0.0.1")?;
    let key = ApplicationKey::generate()?;
    let (mut provider, base) = provider(&order(&organization, &key)).await?;
    let checked = check(&base, &organization, &key).await;
    provider.kill().await.context("the provider cannot be ended")?;
    checked
}

async fn check(base: &str, organization: &simulator::Vendor, key: &ApplicationKey) -> Result<()> {
    let vendor = Vendor::new(Endpoints::local(Stage::Production, base)?)?;
    let control = vendor.endpoints().organization("")?;
    let credential = json!({
        "client_id": organization.organization_client_id(),
        "private_key": organization.organization_private_key_pem(),
    });
    let credential = OrganizationCredential::from_secret_value(&credential.to_string())?;
    vendor.control_plane(&control, &credential).warm().await.context("RS256 is not accepted")?;
    println!("accepted: the organization's assertion, RS256");
    replayed(base, ORGANIZATION_SERVER).await?;

    let application = |client_id: &str, authentication| data_plane(&vendor, client_id, authentication);
    application("application", key.authentication())?.warm().await.context("ES256 is not accepted")?;
    println!("accepted: an application's assertion, ES256");
    replayed(base, CELL_SERVER).await?;

    let other = application("application", under_the_same_id(key, &ApplicationKey::generate()?)?)?;
    ensure!(!other.client_accepted().await?, "another key was accepted");
    println!("refused:  an assertion of another key under the same key id");

    let secret = Authentication::ClientSecret { client_secret: CLIENT_SECRET.to_owned().into() };
    application("basic", secret)?.warm().await.context("HTTP Basic is not accepted")?;
    println!("accepted: HTTP Basic with a client secret");
    Ok(())
}

/// Sends the form of the last granted request once more, as somebody who overheard it would.
async fn replayed(base: &str, server: &str) -> Result<()> {
    let form: Value =
        serde_json::from_str(&reqwest::get(format!("{base}/_last/{server}")).await?.text().await?)?;
    ensure!(form["client_assertion"].is_string(), "there is no assertion to send again: {form}");
    let url = format!("{base}/oauth2/{server}/v1/token");
    let answer = reqwest::Client::new().post(url).form(&form).send().await?;
    ensure!(answer.status() == 401, "a replayed assertion is answered {}", answer.status());
    println!("refused:  the same assertion again");
    Ok(())
}

fn data_plane(vendor: &Vendor, client_id: &str, authentication: Authentication) -> Result<DataPlane> {
    let credential: Credential = vendor.endpoints().cell(Cell::Eu1)?.credential(
        "tenant".parse()?,
        "application".parse()?,
        client_id.parse::<ClientId>()?,
        authentication,
        Generation::default(),
        "2026-01-01T00:00:00Z".parse()?,
    );
    Ok(vendor.data_plane(&credential)?)
}

fn under_the_same_id(registered: &ApplicationKey, other: &ApplicationKey) -> Result<Authentication> {
    match other.authentication() {
        Authentication::KeyPair { private_key, .. } => {
            Ok(Authentication::KeyPair { key_id: registered.key_id(), private_key })
        }
        Authentication::ClientSecret { .. } => bail!("a key is no client secret"),
    }
}

/// Whom the provider shall know.
fn order(organization: &simulator::Vendor, key: &ApplicationKey) -> Value {
    let public = key.public();
    let documents = ["submissions.read", "submissions.write"];
    json!({
        "organization": {
            "client_id": organization.organization_client_id(),
            "private_key": organization.organization_private_key_pem(),
            "server": ORGANIZATION_SERVER,
            "scopes": ["tenants.read", "tenants.write", "tenants.applications.read", "tenants.applications.write"],
        },
        "application": {
            "client_id": "application",
            "key_id": public.key_id(),
            "x": public.x(),
            "y": public.y(),
            "server": CELL_SERVER,
            "scopes": documents,
        },
        "basic": { "client_id": "basic", "client_secret": CLIENT_SECRET, "server": CELL_SERVER, "scopes": documents },
    })
}

/// Starts the provider and returns its base URL. It ends with its standard input, so with us.
async fn provider(order: &Value) -> Result<(Child, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/oidc");
    let node = std::env::var("NODE").unwrap_or_else(|_| "node".to_owned());
    let mut command = Command::new(node);
    command
        .arg("provider.mjs")
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut provider = command.spawn().context("Node cannot be started")?;
    let input = provider.stdin.as_mut().context("no way to tell the provider")?;
    input.write_all(format!("{order}\n").as_bytes()).await?;
    let output = provider.stdout.take().context("no way to hear the provider")?;
    let port = BufReader::new(output).lines().next_line().await?.context("the provider did not start")?;
    Ok((provider, format!("http://127.0.0.1:{port}")))
}
