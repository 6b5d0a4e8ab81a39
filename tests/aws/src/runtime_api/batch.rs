//! Which messages of a batch return to their queue.

use std::collections::BTreeSet;

use serde_json::Value;

/// The ids of the messages that become visible again after a function with `ReportBatchItemFailures`
/// has answered a batch from SQS. `answer` is the body, as the function gave it; `sent` are the ids of
/// the batch.
///
/// Lambda "treats a batch as a complete success if your function returns" an empty or null
/// `batchItemFailures` list, or an empty or null response, and "as a complete failure if your function
/// returns" invalid JSON, an empty or null `itemIdentifier`, an `itemIdentifier` with a bad key name,
/// or one with a message id that does not exist (Lambda Developer Guide, services-sqs-errorhandling,
/// "Success and failure conditions"). A list that is no list is read as a complete failure too: it is
/// not among the successes.
pub fn returning<'a>(answer: &[u8], sent: &[&'a str]) -> BTreeSet<&'a str> {
    failures(answer, sent).unwrap_or_else(|| sent.iter().copied().collect())
}

/// The reported messages; none where the answer is ill-formed.
fn failures<'a>(answer: &[u8], sent: &[&'a str]) -> Option<BTreeSet<&'a str>> {
    if answer.is_empty() {
        return Some(BTreeSet::new());
    }
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let list = match &answer {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(fields) => fields.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return None,
    };
    match list {
        Value::Null => Some(BTreeSet::new()),
        Value::Array(items) => items.iter().map(|item| message(item, sent)).collect(),
        _ => None,
    }
}

fn message<'a>(item: &Value, sent: &[&'a str]) -> Option<&'a str> {
    let id = item.get("itemIdentifier")?.as_str()?;
    sent.iter().copied().find(|&message| message == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answer: &str) -> Vec<&'static str> {
        returning(answer.as_bytes(), &["a", "b"]).into_iter().collect()
    }

    #[test]
    fn complete_successes() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures": null}"#, r#"{"batchItemFailures": []}"#] {
            assert!(after(answer).is_empty(), "{answer}");
        }
    }

    #[test]
    fn only_reported_messages_return() {
        assert_eq!(after(r#"{"batchItemFailures": [{"itemIdentifier": "b"}]}"#), ["b"]);
    }

    #[test]
    fn complete_failures() {
        for answer in [
            "{",
            "[]",
            r#"{"batchItemFailures": {}}"#,
            r#"{"batchItemFailures": [{"itemIdentifier": ""}]}"#,
            r#"{"batchItemFailures": [{"itemIdentifier": null}]}"#,
            r#"{"batchItemFailures": [{"messageId": "a"}]}"#,
            r#"{"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "none of ours"}]}"#,
        ] {
            assert_eq!(after(answer), ["a", "b"], "{answer}");
        }
    }
}
