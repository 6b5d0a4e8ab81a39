//! What a rule is checked in: a server with one secret's name, and a client of AWS's own SDK.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_parts::secrets::{Rotation, SecretsManager, Settings};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{Builder, Region};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretOutput;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::operation::get_secret_value::builders::GetSecretValueFluentBuilder;
use aws_sdk_secretsmanager::operation::put_secret_value::builders::PutSecretValueFluentBuilder;
use aws_sdk_secretsmanager::operation::rotate_secret::builders::RotateSecretFluentBuilder;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::builders::UpdateSecretVersionStageFluentBuilder;
use aws_sdk_secretsmanager::types::RotationRulesType;

use crate::account::AccountServer;
use crate::function::Function;
use crate::sdk;

pub(crate) const ONE: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const TWO: &str = "22222222-2222-2222-2222-222222222222";
pub(crate) const THREE: &str = "33333333-3333-3333-3333-333333333333";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:rotate";
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose rules are checked.
pub(crate) enum Server {
    /// The server of this package.
    Ours(Box<SecretsManager>),
    /// Its rules without its HTTP, rotations and clock: the account that the laboratory uses.
    Account(Arc<AccountServer>),
    /// Somebody else's. It can be called, and nothing else.
    Other,
}

/// One rule's surroundings.
pub(crate) struct House {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) function: Arc<Function>,
    url: String,
    server: Server,
}

impl House {
    pub(crate) async fn ours(name: &str) -> Result<Self> {
        let server = SecretsManager::start(Settings::default()).await?;
        let (url, client) = (server.url().to_owned(), client(server.url()));
        let function = Arc::new(Function::new(client.clone()));
        server.set_lambda(&Function::serve(&function).await?);
        Ok(Self { client, name: name.to_owned(), function, url, server: Server::Ours(Box::new(server)) })
    }

    pub(crate) async fn account(name: &str) -> Result<Self> {
        let (server, url) = AccountServer::start(|url| Arc::new(Function::new(client(url)))).await?;
        let function = Arc::clone(&server.function);
        Ok(Self {
            client: client(&url),
            name: name.to_owned(),
            function,
            url,
            server: Server::Account(server),
        })
    }

    /// Names of secrets never meet there: each rule, and each run, has one of its own.
    pub(crate) fn other(url: &str, run: u32, name: &str) -> Self {
        let client = client(url);
        let function = Arc::new(Function::new(client.clone()));
        let name = format!("{run}/{name}/s");
        Self { client, name, function, url: url.to_owned(), server: Server::Other }
    }

    /// A second one of the same kind, with nothing in it.
    pub(crate) async fn another(&self, name: &str) -> Result<Self> {
        match &self.server {
            Server::Ours(_) => Self::ours(name).await,
            Server::Account(_) => Self::account(name).await,
            Server::Other => bail!("there is one server"),
        }
    }

    /// A client of another region.
    pub(crate) fn abroad(&self, region: &'static str) -> Client {
        Client::from_conf(config(&self.url).region(Region::new(region)).build())
    }

    // --- What only ours can ----------------------------------------------------------------------

    /// Lets time pass.
    pub(crate) fn advance(&self, by: Duration) -> Result<()> {
        match &self.server {
            Server::Ours(server) => server.advance(by),
            Server::Account(server) => server.advance(by),
            Server::Other => bail!("its clock cannot be moved"),
        }
        Ok(())
    }

    /// Waits until no rotation runs.
    pub(crate) async fn rotations_ended(&self) -> Result<()> {
        match &self.server {
            Server::Ours(server) => server.rotations_ended().await,
            Server::Account(server) => server.rotations_ended().await,
            Server::Other => bail!("it calls no function"),
        }
        Ok(())
    }

    /// Runs the rotations that are due.
    pub(crate) async fn rotate_due(&self) -> Result<Vec<Rotation>> {
        match &self.server {
            Server::Ours(server) => Ok(server.rotate_due().await),
            Server::Account(server) => Ok(server.rotate_due().await),
            Server::Other => bail!("it calls no function"),
        }
    }

    /// Runs a rotation that got stuck once more.
    pub(crate) async fn retry(&self) -> Result<Rotation> {
        match &self.server {
            Server::Ours(server) => server.retry_rotation(&self.name).await,
            Server::Account(server) => server.retry(&self.name).await,
            Server::Other => bail!("it calls no function"),
        }
    }

    // --- Calls -----------------------------------------------------------------------------------

    /// Version ONE, with the value `one`.
    pub(crate) async fn create(&self) -> Result<CreateSecretOutput> {
        let create = self.client.create_secret().name(&self.name).client_request_token(ONE);
        Ok(create.secret_string("one").send().await?)
    }

    pub(crate) fn put(&self, token: &str, value: &str) -> PutSecretValueFluentBuilder {
        let put = self.client.put_secret_value().secret_id(&self.name);
        put.client_request_token(token).secret_string(value)
    }

    pub(crate) fn get(&self) -> GetSecretValueFluentBuilder {
        self.client.get_secret_value().secret_id(&self.name)
    }

    pub(crate) fn label(&self, label: &str) -> UpdateSecretVersionStageFluentBuilder {
        self.client.update_secret_version_stage().secret_id(&self.name).version_stage(label)
    }

    /// With a function and a schedule of 30 days.
    pub(crate) fn rotate(&self, token: &str) -> RotateSecretFluentBuilder {
        self.rotate_by(RotationRulesType::builder().automatically_after_days(30).build())
            .client_request_token(token)
    }

    pub(crate) fn rotate_by(&self, rules: RotationRulesType) -> RotateSecretFluentBuilder {
        let rotate = self.client.rotate_secret().secret_id(&self.name).rotation_lambda_arn(FUNCTION);
        rotate.rotation_rules(rules)
    }

    /// Rotates and waits for the end, whatever it is.
    pub(crate) async fn rotated(&self, token: &str) -> Result<()> {
        self.rotate(token).send().await?;
        self.rotations_ended().await
    }

    pub(crate) async fn described(&self) -> Result<DescribeSecretOutput> {
        Ok(self.client.describe_secret().secret_id(&self.name).send().await?)
    }

    /// A request as the SDK would not make it. Gives the status and the body.
    pub(crate) async fn raw(&self, operation: &str, body: serde_json::Value) -> Result<(u16, String)> {
        let request = reqwest::Client::builder().no_proxy().build()?.post(&self.url);
        let request = request
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=id/20250101/us-east-1/secretsmanager/aws4_request",
            );
        let answer = request.body(body.to_string()).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    // --- What must be so -------------------------------------------------------------------------

    /// Which versions have which labels, each version's sorted and set apart by blanks.
    pub(crate) async fn labelled(&self, expected: &[(&str, &str)]) -> Result<()> {
        let described = self.described().await?;
        let versions = described.version_ids_to_stages.unwrap_or_default().into_iter();
        let found: BTreeMap<String, String> = versions
            .map(|(id, mut labels)| {
                labels.sort();
                (id, labels.join(" "))
            })
            .filter(|(_, labels)| !labels.is_empty())
            .collect();
        let expected = expected.iter().map(|&(id, labels)| (id.to_owned(), labels.to_owned())).collect();
        ensure!(found == expected, "labels are {found:?}, not {expected:?}");
        Ok(())
    }

    /// What the label's version holds.
    pub(crate) async fn holds(&self, label: &str, value: &str) -> Result<()> {
        let read = self.get().version_stage(label).send().await?;
        ensure!(read.secret_string() == Some(value), "{label} holds {:?}", read.secret_string());
        Ok(())
    }
}

/// The request must be refused with one of these codes (`A|B`), or any where none is given.
pub(crate) fn refused<T, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E>>,
    codes: &str,
) -> Result<()> {
    let error = match result {
        Ok(_) => bail!("it was not refused"),
        Err(error) => error,
    };
    let status = error.raw_response().context("it was not answered")?.status().as_u16();
    ensure!((400..500).contains(&status), "it failed with status {status}");
    let code = error.code().unwrap_or_default();
    ensure!(codes.is_empty() || codes.split('|').any(|legal| legal == code), "{code}: {:?}", error.message());
    Ok(())
}

/// A length, range or pattern. The pages give these as constraints of a field, and not which of the
/// two errors follows.
pub(crate) const MALFORMED: &str = "InvalidParameterException|ValidationException";

fn client(url: &str) -> Client {
    Client::from_conf(config(url).build())
}

fn config(url: &str) -> Builder {
    sdk::config(url).retry_config(RetryConfig::disabled())
}
