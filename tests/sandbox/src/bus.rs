//! The event bus as a platform sees it: requests go on, what happened comes back.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, Target};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::clients::Clients;
use crate::emulator::{ACCOUNT, REGION};

const LISTENER: &str = "sandbox-listener";

/// Listens to everything that the functions announce, through a rule and a queue of its own.
pub struct Bus {
    clients: Clients,
    name: String,
    heard: Arc<Heard>,
    listening: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    events: Mutex<Vec<Value>>,
    count: watch::Sender<usize>,
}

impl Heard {
    fn events(&self) -> MutexGuard<'_, Vec<Value>> {
        self.events.lock().expect("no holder panics")
    }

    fn push(&self, event: Value) {
        let mut events = self.events();
        events.push(event);
        self.count.send_replace(events.len());
    }

    /// What `look` finds among the events, as soon as it finds something.
    async fn first<T>(&self, look: impl Fn(&[Value]) -> Option<T>) -> T {
        let mut count = self.count.subscribe();
        loop {
            count.borrow_and_update();
            if let Some(found) = look(&self.events()) {
                return found;
            }
            if count.changed().await.is_err() {
                // Nothing can come any more.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Bus {
    /// Begins to listen to the bus of this name.
    pub async fn listen(clients: &Clients, name: &str) -> Result<Self> {
        let queue = clients.sqs.create_queue().queue_name(LISTENER).send().await?;
        let queue = queue.queue_url.context("the emulator names no queue")?;
        let pattern = json!({"source": ["resistant-tenants"]}).to_string();
        let rule = clients.eventbridge.put_rule().name(LISTENER).event_bus_name(name);
        rule.event_pattern(pattern).send().await?;
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{LISTENER}");
        let target = Target::builder().id(LISTENER).arn(arn).build()?;
        clients.eventbridge.put_targets().rule(LISTENER).event_bus_name(name).targets(target).send().await?;
        let heard = Arc::new(Heard::default());
        let listening = tokio::spawn(listen(clients.sqs.clone(), queue, Arc::clone(&heard)));
        Ok(Self { clients: clients.clone(), name: name.to_owned(), heard, listening })
    }

    /// Takes its rule off the bus: a bus with rules cannot be deleted.
    pub async fn leave(&self) -> Result<()> {
        let events = &self.clients.eventbridge;
        events.remove_targets().rule(LISTENER).event_bus_name(&self.name).ids(LISTENER).send().await?;
        events.delete_rule().name(LISTENER).event_bus_name(&self.name).send().await?;
        Ok(())
    }

    /// Puts a request onto the bus; its detail-type is its `type`.
    pub async fn put(&self, request: &Value) -> Result<()> {
        let detail_type = request["type"].as_str().unwrap_or("Untyped");
        self.put_text(detail_type, &request.to_string()).await
    }

    /// Puts a detail onto the bus as it is.
    pub async fn put_text(&self, detail_type: &str, detail: &str) -> Result<()> {
        let entry = PutEventsRequestEntry::builder().event_bus_name(&self.name).source("journey");
        let entry = entry.detail_type(detail_type).detail(detail).build();
        let answer = self.clients.eventbridge.put_events().entries(entry).send().await?;
        ensure!(answer.failed_entry_count == 0, "the bus refuses the event: {:?}", answer.entries);
        Ok(())
    }

    /// All that was announced so far: the events themselves, without their envelopes.
    pub fn events(&self) -> Vec<Value> {
        self.heard.events().clone()
    }

    /// The event of this number, counted from 0, once there is one.
    pub async fn nth(&self, number: usize) -> Value {
        self.heard.first(|events| events.get(number).cloned()).await
    }

    /// The first event that is wanted, heard already or within `patience`.
    pub async fn wait_for(
        &self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let found = self.heard.first(|events| events.iter().find(|event| wanted(event)).cloned());
        match timeout(patience, found).await {
            Ok(event) => Ok(event),
            Err(_) => bail!("no {what} within {} s", patience.as_secs()),
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(sqs: aws_sdk_sqs::Client, queue: String, heard: Arc<Heard>) {
    loop {
        let receive = sqs.receive_message().queue_url(&queue).max_number_of_messages(10).wait_time_seconds(1);
        let Ok(answer) = receive.send().await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        for message in answer.messages.unwrap_or_default() {
            if let Some(event) = message.body.as_deref().and_then(detail) {
                heard.push(event);
            }
            let handle = message.receipt_handle.unwrap_or_default();
            drop(sqs.delete_message().queue_url(&queue).receipt_handle(handle).send().await);
        }
    }
}

fn detail(body: &str) -> Option<Value> {
    let mut envelope: Value = serde_json::from_str(body).ok()?;
    Some(envelope.get_mut("detail")?.take())
}
