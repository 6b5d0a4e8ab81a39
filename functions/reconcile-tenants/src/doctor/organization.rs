//! The organization: its secret, its token, what that opens.

use lifecycle::ConnectError;
use resistant::{CallError, ControlPlane, OrganizationCredential, Tenant, TokenError};
use shared_core::ids::ClientId;
use vault::VaultError;

use super::Site;
use super::check::{Check, Code};

const SCOPES: &str = "ask the vendor to grant the organization's client tenants.read, tenants.write, tenants.applications.read \
     and tenants.applications.write";
const EGRESS: &str = "let the function reach https://eu.id.resistant.ai and https://api.tenants.resistant.ai (egress, proxy, \
     DNS); look at https://resistantai.statuspage.io";

/// What was found out about the organization.
#[derive(Default)]
pub(super) struct Organization {
    pub(super) checks: Vec<Check>,
    /// Whose client it is.
    pub(super) client_id: Option<ClientId>,
    /// What the vendor lists.
    pub(super) tenants: Option<Vec<Tenant>>,
}

/// `ORGANIZATION_SECRET`, `ORGANIZATION_TOKEN` and `ORGANIZATION_SCOPES`: each needs the one before.
pub(super) async fn examine(site: &Site<'_>) -> Organization {
    let mut found = Organization::default();
    let credential = match secret(site).await {
        Ok(credential) => credential,
        Err(check) => {
            found.checks.push(check);
            found.skip(&[Code::OrganizationToken, Code::OrganizationScopes], Code::OrganizationSecret);
            return found;
        }
    };
    let form = if credential.signs_remotely() { "a key in KMS" } else { "an RSA key" };
    let seen = format!("readable: client `{}` with {form}", credential.client_id());
    found.checks.push(Check::ok(Code::OrganizationSecret, seen));
    found.client_id = Some(credential.client_id().clone());
    let (Some(vendor), Some(control)) = (&site.vendor, &site.premises.control) else {
        found.skip(&[Code::OrganizationToken, Code::OrganizationScopes], Code::StageConsistent);
        return found;
    };
    let plane = vendor.control_plane(control, &credential);
    match plane.warm().await {
        Ok(()) => found
            .checks
            .push(Check::ok(Code::OrganizationToken, format!("a token from {}", control.token_url()))),
        Err(error) => {
            found.checks.push(no_token(&error, control.token_url()));
            found.skip(&[Code::OrganizationScopes], Code::OrganizationToken);
            return found;
        }
    }
    match listed(&plane).await {
        Ok((check, tenants)) => {
            found.checks.push(check);
            found.tenants = Some(tenants);
        }
        Err(error) => found.checks.push(not_opened(&error)),
    }
    found
}

impl Organization {
    fn skip(&mut self, codes: &[Code], before: Code) {
        let next_step = format!("first what {} says", before.as_str());
        self.checks.extend(codes.iter().map(|code| Check::skipped(*code, "not tried", &next_step)));
    }
}

async fn secret(site: &Site<'_>) -> Result<OrganizationCredential, Check> {
    let code = Code::OrganizationSecret;
    let (Some(id), Some(vault)) = (&site.premises.organization_secret_id, &site.vault) else {
        return Err(Check::skipped(code, "its variables cannot be used", "first what CONFIGURATION says"));
    };
    let replace = format!(
        "put a value of one of the two forms: aws secretsmanager put-secret-value --secret-id {id} --secret-string \
         file://organization.json (infra/README.md, The organization's key)"
    );
    lifecycle::Organization::credential(id, vault, &site.keys).await.map_err(|error| match &error {
        ConnectError::Vault(VaultError::Missing(_)) => Check::problem(
            code,
            format!("there is no secret `{id}`, or it has no value that is text"),
            "aws secretsmanager create-secret, as infra/README.md, Deploy shows it; its ARN is the parameter OrganizationSecretArn",
        ),
        ConnectError::Vault(VaultError::ScheduledForDeletion(_)) => Check::problem(
            code,
            "it waits for its deletion",
            format!("aws secretsmanager restore-secret --secret-id {id}"),
        ),
        ConnectError::Client(_) | ConnectError::Vault(_) | ConnectError::Credential(_) => {
            Check::failed(code, "secretsmanager:GetSecretValue", &error, &replace)
        }
    })
}

/// Which part of a token request was not taken.
fn no_token(error: &TokenError, token_url: &str) -> Check {
    let code = Code::OrganizationToken;
    match error {
        TokenError::InvalidClient { .. } => Check::problem(
            code,
            format!("the client or its signature is refused at {token_url}: {error}"),
            "first what CLOCK_SKEW says, if that is a problem; else compare client id and public key with what the \
             vendor has for this stage (infra/README.md, Changing the organization's key)",
        ),
        TokenError::Refused { message, .. } if message.starts_with("invalid_scope") => {
            Check::problem(code, format!("the scopes are refused: {error}"), SCOPES)
        }
        TokenError::Refused { .. } => Check::problem(
            code,
            format!("the request is refused at {token_url}: {error}"),
            "compare OrganizationTokenUrl with the Tenant Management token URL that the vendor named for this stage",
        ),
        TokenError::Throttled => Check::warning(code, error.to_string(), "ask again in a minute"),
        TokenError::NotSent { .. } | TokenError::Unclear { .. } => Check::failed(code, "", error, EGRESS),
        TokenError::Signing { .. } | TokenError::Unsigned => Check::failed(
            code,
            "kms:Sign",
            error,
            "give the ARN of the key that the secret names to the parameter OrganizationKeyArns; it must be RSA, \
             enabled, and of usage SIGN_VERIFY",
        ),
    }
}

/// Reads tenants, and the applications of one. What would write is not tried.
async fn listed(plane: &ControlPlane) -> Result<(Check, Vec<Tenant>), CallError> {
    let tenants = plane.all_tenants().await?;
    let applications = match tenants.first() {
        Some(tenant) => {
            plane.applications(&tenant.id).await?;
            "tenants and applications can be read"
        }
        None => "tenants can be read, and there is none whose applications could be",
    };
    let seen = format!("{applications}; {} tenants are listed; what writes was not tried", tenants.len());
    Ok((Check::ok(Code::OrganizationScopes, seen), tenants))
}

fn not_opened(error: &CallError) -> Check {
    let code = Code::OrganizationScopes;
    match error {
        CallError::Forbidden { operation, .. } => {
            let scope = if *operation == "getTenants" { "tenants.read" } else { "tenants.applications.read" };
            Check::problem(code, format!("the scope {scope} is missing, most likely: {error}"), SCOPES)
        }
        CallError::Unauthorized { .. } => Check::problem(
            code,
            format!(
                "Tenant Management does not take the token, so it is one for another API or stage: {error}"
            ),
            "compare OrganizationTokenUrl with the Tenant Management token URL that the vendor named for this stage",
        ),
        CallError::Throttled { .. } => Check::warning(code, error.to_string(), "ask again in a minute"),
        _ => Check::failed(code, "", error, EGRESS),
    }
}
