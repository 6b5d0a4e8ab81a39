//! Nothing is left over, and nothing has leaked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::report::{Report, Seen, seen};
use crate::sandbox::{ORGANIZATION_SECRET, SECRET_PREFIX, Sandbox};

pub(super) async fn nothing_is_left(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("Nothing is left");
    report.expect("the queues before the functions are empty", empty_queues(sandbox)).await;
    report.expect("no dead letter, no undelivered request", no_dead_letters(sandbox)).await;
    report.expect("the vendor's audit is clean", async { clean_vendor(sandbox) }).await;
    report.expect("every secret is in its recovery window", async { no_living_secret(sandbox) }).await;
    report.expect("no secret is in a log line, an event or a table", no_leak(sandbox)).await;
    tell_calls(sandbox, report);
    let reach = async { organization_key_out_of_reach(sandbox) };
    report.expect("only the control plane has read the organization's key", reach).await;
}

/// What each function asked of AWS, by service.
fn tell_calls(sandbox: &Sandbox, report: &Report) {
    let mut counts = BTreeMap::<_, BTreeMap<_, usize>>::new();
    for call in sandbox.calls.calls() {
        *counts
            .entry(call.caller.unwrap_or_default())
            .or_default()
            .entry(call.service.prefix())
            .or_default() += 1;
    }
    for (function, services) in counts {
        let services: Vec<_> = services.iter().map(|(service, count)| format!("{service} {count}")).collect();
        report.tell("aws calls", &format!("{function}: {}", services.join(", ")));
    }
}

fn organization_key_out_of_reach(sandbox: &Sandbox) -> Result<Seen<()>> {
    let mut readers = BTreeSet::new();
    for call in sandbox.calls.calls() {
        if call.targets.iter().any(|target| target.resource.contains(ORGANIZATION_SECRET)) {
            readers.insert(call.caller.unwrap_or_default());
        }
    }
    ensure!(!readers.is_empty(), "nobody has, or the calls were not recorded");
    let others: Vec<_> = readers.iter().filter(|name| name.ends_with("submit-document")).collect();
    ensure!(others.is_empty(), "{others:?}");
    Ok(seen(readers.into_iter().collect::<Vec<_>>().join(", ")))
}

async fn empty_queues(sandbox: &Sandbox) -> Result<Seen<()>> {
    sandbox.quiet().await?;
    Ok(seen(format!("{} queues", sandbox.stack.queues().len())))
}

pub(crate) async fn no_dead_letters(sandbox: &Sandbox) -> Result<Seen<()>> {
    for (name, queue) in sandbox.stack.dead_letters() {
        let count = sandbox.messages(queue).await?;
        ensure!(count == 0, "{count} {name}");
    }
    Ok(seen(format!("{} queues", sandbox.stack.dead_letters().len())))
}

fn clean_vendor(sandbox: &Sandbox) -> Result<Seen<()>> {
    let audit = sandbox.simulator.audit();
    ensure!(audit.clean, "{audit:?}");
    let state = sandbox.simulator.state();
    let (tenants, applications) = (state.tenants.len(), state.applications.len());
    Ok(seen(format!("{tenants} tenants and {applications} applications came and went")))
}

fn no_living_secret(sandbox: &Sandbox) -> Result<Seen<()>> {
    let secrets = sandbox.secrets.secrets();
    let own = secrets.iter().filter(|secret| secret.name.starts_with(&format!("{SECRET_PREFIX}/")));
    let (waiting, living): (Vec<_>, Vec<_>) = own.partition(|secret| secret.deletion.is_some());
    ensure!(living.is_empty(), "{:?}", living.iter().map(|secret| &secret.name).collect::<Vec<_>>());
    Ok(seen(format!("{} secrets", waiting.len())))
}

async fn no_leak(sandbox: &Sandbox) -> Result<Seen<()>> {
    let secrets = secret_texts(sandbox);
    ensure!(!secrets.is_empty(), "there was no secret to look for");
    let log = sandbox.log()?;
    let events = serde_json::to_string(&sandbox.bus.events())?;
    let tables = tables(sandbox).await?;
    for (place, text) in [("log", &log), ("events", &events), ("tables", &tables)] {
        let found = secrets.iter().filter(|secret| text.contains(secret.as_str())).count();
        ensure!(found == 0, "{found} secret values are in the {place}");
    }
    let lines = log.lines().count();
    Ok(seen(format!(
        "{} secret texts, {lines} log lines, {} events",
        secrets.len(),
        sandbox.bus.events().len()
    )))
}

/// The telling parts of every secret value: what is long and not in the clear anyway.
fn secret_texts(sandbox: &Sandbox) -> Vec<String> {
    let mut texts = Vec::new();
    for secret in sandbox.secrets.secrets() {
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let value = sandbox.secrets.reveal(&secret.name, label).unwrap_or_default();
            let value: serde_json::Value = serde_json::from_str(&value).unwrap_or_default();
            for field in ["private_key", "client_secret"] {
                let text = value[field].as_str().unwrap_or_default();
                texts.extend(
                    text.lines().filter(|line| !line.starts_with('-') && line.len() > 15).map(str::to_owned),
                );
            }
        }
    }
    texts
}

async fn tables(sandbox: &Sandbox) -> Result<String> {
    let mut text = String::new();
    for table in [&sandbox.stack.customers_table_name, &sandbox.stack.documents_table_name] {
        let mut pages = sandbox.aws.dynamodb.scan().table_name(table).into_paginator().send();
        while let Some(page) = pages.next().await {
            text.push_str(&format!("{:?}", page?.items));
        }
    }
    Ok(text)
}
