//! A look at a document's result, as the message that asks for it.

use serde::{Deserialize, Serialize};

use super::DocumentId;

/// The message between the function that submits and the one that collects. Its attempt is the look's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "DocumentLook")]
pub struct Look {
    /// The document.
    pub document_id: DocumentId,
}

impl Look {
    /// The message's `type`.
    pub const TYPE: &str = "DocumentLook";

    /// A look at the result of this document.
    pub fn at(document_id: DocumentId) -> Self {
        Self { document_id }
    }

    /// As it is sent.
    pub fn to_json(&self) -> String {
        format!(r#"{{"type":"{}","document_id":"{}"}}"#, Self::TYPE, self.document_id.as_str())
    }
}
