//! What the vendor tells of a finished analysis, if it was asked to tell.
//!
//! It is a hint (vendor: receiving-results/webhooks): whose document it is and where its result is fetched, our
//! record says. Neither the host nor the status of a notification is used.

use serde::Deserialize;
use serde_json::Value;
use shared_core::document::{DocumentId, Look};

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To look, because it is time.
    Look(DocumentId),
    /// To look, because the vendor says that an analysis has finished.
    Finished(Finished),
    /// Nothing: the vendor tells of something that we did not submit.
    NotOurs,
}

/// A finished analysis, as the vendor tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) document_id: DocumentId,
    pub(crate) submission_id: String,
    pub(crate) tenant_id: String,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    tenant_id: String,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    id: String,
    #[serde(default)]
    query_id: Option<String>,
}

/// Reads a message; `None` where it is neither a look nor a notification.
pub(crate) fn read(message: &Value) -> Option<Asked> {
    let kind = message["type"].as_str()?;
    if kind == Look::TYPE {
        return serde_json::from_value::<Look>(message.clone())
            .ok()
            .map(|look| Asked::Look(look.document_id));
    }
    if !(kind.starts_with("documents.") && kind.ends_with(".finished")) {
        return None;
    }
    let Envelope { tenant_id, payload } = serde_json::from_value(message.clone()).ok()?;
    // A query id in another form is somebody's who submits to the same tenant beside us.
    let Some(document_id) = payload.query_id.and_then(|id| id.parse().ok()) else {
        return Some(Asked::NotOurs);
    };
    Some(Asked::Finished(Finished { document_id, submission_id: payload.id, tenant_id }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(kind: &str, query_id: &Value) -> Value {
        json!({
            "type": kind, "version": "1", "tenant_id": "t-1",
            "payload": {
                "id": "s-1", "status": "SUCCESS", "analysis_time": "2026-01-31T09:00:00Z", "query_id": query_id,
                "result_url": "/v2/submission/s-1/fraud"
            }
        })
    }

    #[test]
    fn a_notification_names_document_submission_and_tenant() {
        let id = "0a".repeat(32);
        for kind in ["fraud", "quality", "classification", "anything new"] {
            let kind = format!("documents.analysis.{kind}.finished");
            let finished = Finished {
                document_id: id.parse().unwrap(),
                submission_id: "s-1".to_owned(),
                tenant_id: "t-1".to_owned(),
            };
            assert_eq!(read(&told(&kind, &json!(id))), Some(Asked::Finished(finished)));
        }
    }

    #[test]
    fn what_we_did_not_submit_is_not_ours() {
        for query_id in [Value::Null, json!("somebody's own"), json!("0A".repeat(32))] {
            let told = told("documents.analysis.fraud.finished", &query_id);
            assert_eq!(read(&told), Some(Asked::NotOurs), "{query_id}");
        }
    }

    #[test]
    fn a_look_is_read_as_it_is_sent_and_anything_else_is_neither() {
        let id: DocumentId = "0b".repeat(32).parse().unwrap();
        let look = serde_json::from_str(&Look::at(id.clone()).to_json()).unwrap();
        assert_eq!(read(&look), Some(Asked::Look(id)));
        for other in [
            json!({"type": "DocumentLook"}),
            json!({"type": "DocumentLook", "document_id": "x"}),
            json!({"type": "documents.analysis.fraud.started"}),
            json!({"type": "documents.analysis.fraud.finished"}),
            json!({"type": 7}),
            json!([]),
        ] {
            assert_eq!(read(&other), None, "{other}");
        }
    }
}
