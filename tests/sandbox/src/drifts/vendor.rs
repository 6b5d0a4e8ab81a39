//! What somebody does at the vendor by hand: with the organization's credential, past every function.

use std::time::SystemTime;

use anyhow::{Context, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::CELL;
use super::reconciliation::Finding;
use super::secrets::current_application;
use crate::sandbox::Sandbox;

const SCOPES: &str = "tenants.read tenants.write tenants.applications.read tenants.applications.write";

/// Somebody who is logged in at the vendor.
struct Desk {
    http: reqwest::Client,
    tenants: String,
    token: String,
}

impl Desk {
    async fn open(sandbox: &Sandbox) -> Result<Self> {
        let http = reqwest::Client::new();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion(sandbox)?),
            ("scope", SCOPES),
        ];
        let answer = http.post(sandbox.simulator.organization_token_url()).form(&form).send().await?;
        let answer: Value = answer.error_for_status().context("no token")?.json().await?;
        let token = answer["access_token"].as_str().context("no token in the answer")?.to_owned();
        let tenants = format!("{}/tenants-api/v0/tenants", sandbox.simulator.base_url());
        Ok(Self { http, tenants, token })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<()> {
        let request = self.http.post(format!("{}{path}", self.tenants)).bearer_auth(&self.token);
        request.json(body).send().await?.error_for_status()?;
        Ok(())
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let request = self.http.delete(format!("{}{path}", self.tenants)).bearer_auth(&self.token);
        request.send().await?.error_for_status()?;
        Ok(())
    }
}

/// The organization's proof of itself.
fn assertion(sandbox: &Sandbox) -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let id = sandbox.simulator.organization_client_id();
    let claims = json!({
        "iss": id, "sub": id, "aud": sandbox.simulator.organization_token_url(), "iat": now, "exp": now + 60,
        "jti": format!("by-hand-{}", sandbox.simulator.state().calls.len())
    });
    let key = EncodingKey::from_rsa_pem(sandbox.simulator.organization_private_key_pem().as_bytes())?;
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key)?)
}

/// Somebody makes a tenant of this name.
pub(super) async fn make_tenant(sandbox: &Sandbox, name: &str) -> Result<()> {
    Desk::open(sandbox).await?.post("", &json!({ "name": name })).await
}

/// Somebody makes an application in our tenant.
pub(super) async fn intrude(sandbox: &Sandbox) -> Result<()> {
    let application = json!({
        "cell": CELL, "scopes": ["documents.submissions.read", "documents.submissions.write"],
        "auth_method": { "type": "CLIENT_SECRET" }
    });
    let path = format!("/{}/applications", our_tenant(sandbox)?);
    Desk::open(sandbox).await?.post(&path, &application).await
}

/// Somebody deletes our tenant and what is in it.
pub(super) async fn delete_our_tenant(sandbox: &Sandbox) -> Result<()> {
    delete_tenant(sandbox, &our_tenant(sandbox)?).await
}

/// Somebody deletes the application that AWSCURRENT names.
pub(super) async fn delete_our_application(sandbox: &Sandbox) -> Result<()> {
    let path = format!("/{}/applications/{}", our_tenant(sandbox)?, current_application(sandbox)?);
    Desk::open(sandbox).await?.delete(&path).await
}

/// The tenant that was found is deleted.
pub(super) async fn delete_found_tenant(sandbox: &Sandbox, finding: &Finding) -> Result<()> {
    delete_tenant(sandbox, finding.about("tenant_id")?).await
}

/// The application that was found is deleted.
pub(super) async fn delete_found_application(sandbox: &Sandbox, finding: &Finding) -> Result<()> {
    let path = format!("/{}/applications/{}", finding.about("tenant_id")?, finding.about("application_id")?);
    Desk::open(sandbox).await?.delete(&path).await
}

/// The vendor deletes no tenant that has applications.
async fn delete_tenant(sandbox: &Sandbox, id: &str) -> Result<()> {
    let desk = Desk::open(sandbox).await?;
    for one in sandbox.applications(id) {
        desk.delete(&format!("/{id}/applications/{}", one.id)).await?;
    }
    desk.delete(&format!("/{id}")).await
}

/// The tenant of the application that AWSCURRENT names.
pub(super) fn our_tenant(sandbox: &Sandbox) -> Result<String> {
    let current = current_application(sandbox)?;
    let mut applications = sandbox.simulator.state().applications.into_iter();
    let ours = applications.find(|one| one.id == current);
    Ok(ours.context("AWSCURRENT names no application of the vendor's")?.tenant)
}
