//! A document that nobody works on any more.

use anyhow::{Context, Result};

use super::queues::lose_messages;
use super::records::{document, set_back};
use super::{CELL, DRIFTING};
use crate::journey::PATIENCE;
use crate::journey::documents::{about, put};
use crate::pdf::pdf;
use crate::sandbox::Sandbox;

/// The look at its result is lost before there is one, and a day goes by.
pub(super) async fn get_stuck(sandbox: &Sandbox) -> Result<()> {
    let usual = sandbox.simulator.settings();
    let never = simulator::Settings { result_delay_ms: u32::MAX, ..usual.clone() };
    sandbox.simulator.set_settings(never);
    let submitted = submitted(sandbox).await;
    let lost = lose_messages(sandbox, &sandbox.stack.results_queue_url).await;
    sandbox.simulator.set_settings(usual);
    let (id, ()) = (submitted?, lost?);
    set_back(sandbox, &sandbox.stack.documents_table_name, document(&id), &["record", "first_seen"]).await
}

/// Drops a document, and gives its id once it is submitted.
async fn submitted(sandbox: &Sandbox) -> Result<String> {
    let key = format!("{DRIFTING}/{CELL}/stuck.pdf");
    let version = put(sandbox, &key, &pdf("stuck", 1, 0)).await?;
    let submitted =
        sandbox.bus.wait_for("submission", PATIENCE, |event| about(event, &key, &version)).await?;
    Ok(submitted["document_id"].as_str().context("no document")?.to_owned())
}
