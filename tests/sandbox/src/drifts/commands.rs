//! What an operator does who is given a finding: runs the commands that it names, as they stand there.

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_sqs::types::MessageAttributeValue;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::customers::{ended_as, leave};
use super::reconciliation::Finding;
use super::secrets::overlap_passes;
use crate::journey::PATIENCE;
use crate::sandbox::Sandbox;

/// The customer whose tenant was there before.
const IMPORTED: &str = "imported";

/// The overlap passes, and then the clean-up comes.
async fn clean_up(sandbox: &Sandbox) -> Result<()> {
    overlap_passes().await;
    let scheduled = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    sandbox.invoke("reconcile-tenants", &scheduled).await.map(drop)
}

/// Runs the commands of a finding, one after the other, each to the end of what it began.
pub(super) async fn run(sandbox: &Sandbox, finding: &Finding) -> Result<()> {
    // A command stands behind a colon; what stands in another one's `$(…)` does not.
    let commands: Vec<_> = finding.action().split(": aws ").skip(1).map(Command).collect();
    ensure!(!commands.is_empty(), "it names no command");
    for command in &commands {
        command.run(sandbox).await.with_context(|| format!("aws {}", command.name()))?;
    }
    Ok(())
}

/// A command of the AWS CLI: service, operation, options, and perhaps words behind it.
struct Command<'a>(&'a str);

impl<'a> Command<'a> {
    async fn run(&self, sandbox: &Sandbox) -> Result<()> {
        match self.name().as_str() {
            "lambda invoke" => self.invoke(sandbox).await,
            "events put-events" => self.put_events(sandbox).await,
            "secretsmanager restore-secret" => self.restore_secret(sandbox).await,
            "secretsmanager delete-secret" => self.delete_secret(sandbox).await,
            "secretsmanager update-secret-version-stage" => self.move_label(sandbox).await,
            "sqs send-message" => self.look(sandbox).await,
            "sqs start-message-move-task" => self.move_messages(sandbox).await,
            _ => bail!("nobody here knows it"),
        }
    }

    /// The service and the operation.
    fn name(&self) -> String {
        self.0.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// What follows an option, without its quotes.
    fn option(&self, name: &str) -> Result<&'a str> {
        let missing = || format!("it has no {name}");
        let (_, value) = self.0.split_once(&format!("{name} ")).with_context(missing)?;
        match value.strip_prefix('\'') {
            Some(quoted) => quoted.split('\'').next(),
            None => value.split_whitespace().next(),
        }
        .with_context(missing)
    }

    /// What the functions do for operators.
    async fn invoke(&self, sandbox: &Sandbox) -> Result<()> {
        let mut payload: Value = serde_json::from_str(self.option("--payload")?)?;
        let function = self.option("--function-name")?;
        let reconcile_tenants = format!("{}-reconcile-tenants", sandbox.stack.bus_name);
        match payload["type"].as_str().unwrap_or_default() {
            "SecretRotationRequested" => {
                ensure!(function == sandbox.stack.rotate_secret_arn, "another function");
                sandbox.invoke("rotate-secret", &payload).await?;
                let ended = timeout(PATIENCE, sandbox.secrets.rotations_ended()).await;
                ended.context("the rotation does not end")?;
                clean_up(sandbox).await
            }
            "CustomerRestoreRequested" => {
                ensure!(function == reconcile_tenants, "another function");
                sandbox.invoke("reconcile-tenants", &payload).await?;
                clean_up(sandbox).await
            }
            "TenantImportRequested" => {
                ensure!(function == reconcile_tenants, "another function");
                // Whose a tenant is the operator has to say.
                payload["customer_id"] = IMPORTED.into();
                sandbox.invoke("reconcile-tenants", &payload).await?;
                let request_id = payload["request_id"].as_str().context("no request id")?;
                ended_as(sandbox, "CustomerOnboarded", request_id).await?;
                leave(sandbox, IMPORTED).await
            }
            other => bail!("nobody here knows {other}"),
        }
    }

    /// A request on the bus, which has to end well.
    async fn put_events(&self, sandbox: &Sandbox) -> Result<()> {
        let entries: Vec<Value> = serde_json::from_str(self.option("--entries")?)?;
        for entry in entries {
            ensure!(entry["EventBusName"] == sandbox.stack.bus_name.as_str(), "another bus: {entry}");
            let text = |field: &str| entry[field].as_str().with_context(|| format!("no {field}: {entry}"));
            sandbox.bus.put_text(text("DetailType")?, text("Detail")?).await?;
            let request: Value = serde_json::from_str(text("Detail")?)?;
            let end = match text("DetailType")? {
                "CustomerOnboardingRequested" => "CustomerOnboarded",
                "CustomerOffboardingRequested" => "CustomerOffboarded",
                other => bail!("nobody here knows how {other} ends"),
            };
            ended_as(sandbox, end, request["request_id"].as_str().context("no request id")?).await?;
        }
        Ok(())
    }

    async fn restore_secret(&self, sandbox: &Sandbox) -> Result<()> {
        let restore = sandbox.aws.secrets.restore_secret().secret_id(self.option("--secret-id")?);
        restore.send().await?;
        Ok(())
    }

    async fn delete_secret(&self, sandbox: &Sandbox) -> Result<()> {
        let delete = sandbox.aws.secrets.delete_secret().secret_id(self.option("--secret-id")?);
        delete.send().await?;
        Ok(())
    }

    async fn move_label(&self, sandbox: &Sandbox) -> Result<()> {
        let update = sandbox.aws.secrets.update_secret_version_stage().secret_id(self.option("--secret-id")?);
        let update = update.version_stage(self.option("--version-stage")?);
        let update = update.move_to_version_id(self.option("--move-to-version-id")?);
        update.remove_from_version_id(self.option("--remove-from-version-id")?).send().await?;
        Ok(())
    }

    /// A look at a document's result, which has to have one.
    async fn look(&self, sandbox: &Sandbox) -> Result<()> {
        ensure!(self.0.contains("OutputKey==`ResultsQueueUrl`"), "another queue");
        let (body, attempt) = (self.option("--message-body")?, self.option("--message-attributes")?);
        let number = attempt.strip_prefix("attempt={DataType=Number,StringValue=");
        let number = number.and_then(|rest| rest.strip_suffix('}')).context("no number of the look")?;
        let attempt = MessageAttributeValue::builder().data_type("Number").string_value(number).build()?;
        let send = sandbox.aws.sqs.send_message().queue_url(&sandbox.stack.results_queue_url);
        send.message_body(body).message_attributes("attempt", attempt).send().await?;
        let look: Value = serde_json::from_str(body)?;
        let ended = |event: &Value| {
            event["type"] == "DocumentAnalyzed" && event["document_id"] == look["document_id"]
        };
        sandbox.bus.wait_for("verdict", PATIENCE, ended).await.map(drop)
    }

    /// What StartMessageMoveTask does, which the emulator has not: every message goes back to the queue that it
    /// failed in.
    async fn move_messages(&self, sandbox: &Sandbox) -> Result<()> {
        let (sqs, from) = (&sandbox.aws.sqs, self.option("--queue-url")?);
        let places = sandbox.stack.dead_letters().into_iter().zip(sandbox.stack.queues());
        let mut places = places.filter(|((_, dead_letters), _)| *dead_letters == from);
        let (_, (_, to)) = places.next().context("nothing fails into this queue")?;
        while sandbox.messages(from).await? > 0 {
            for message in sqs.receive_message().queue_url(from).send().await?.messages.unwrap_or_default() {
                sqs.send_message().queue_url(to).set_message_body(message.body).send().await?;
                sqs.delete_message()
                    .queue_url(from)
                    .set_receipt_handle(message.receipt_handle)
                    .send()
                    .await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Command;

    #[test]
    fn options_are_read_with_and_without_quotes() {
        let command = Command("lambda invoke --function-name f --payload '{\"a\": 1}' /dev/stdout");
        assert_eq!(command.option("--function-name").unwrap(), "f");
        assert_eq!(command.option("--payload").unwrap(), "{\"a\": 1}");
        assert!(command.option("--entries").is_err());
    }
}
