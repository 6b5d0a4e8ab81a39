//! What was received, kept with the event that refuses it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::redact;

/// A text that was received and refused, so that its sender can find it: redacted, and cut so that
/// the event stays below the bus's limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Original {
    /// The text, with whatever looks like a secret replaced by `[redacted]`.
    pub text: String,
    /// Whether the text goes on beyond what is kept.
    pub truncated: bool,
    /// How many bytes were received.
    pub size_bytes: u64,
    /// SHA-256 of all the bytes received, in lower-case hex.
    pub sha256: String,
}

impl Original {
    /// How much is kept: this many bytes as JSON text, quotes and escapes counted, so that no text
    /// whatever makes an event too large for the bus.
    pub const LIMIT_BYTES: usize = 64 * 1024;

    /// Keeps a received text.
    pub fn new(received: &str) -> Self {
        // Beyond any limit of an envelope nothing is parsed only to be thrown away.
        let mut text = redact::text(received);
        let end = fitting(&text, Self::LIMIT_BYTES);
        let truncated = end < text.len();
        text.truncate(end);
        Self {
            text,
            truncated,
            size_bytes: received.len() as u64,
            sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(received.as_bytes())),
        }
    }
}

/// Where to cut so that the text takes at most so many bytes as a JSON string.
fn fitting(text: &str, limit: usize) -> usize {
    let mut used = 2;
    for (at, c) in text.char_indices() {
        used += match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            c if u32::from(c) < 0x20 => 6,
            c => c.len_utf8(),
        };
        if used > limit {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_kept_whole() {
        let original = Original::new("{\"a\":1}");
        assert_eq!(
            (original.text.as_str(), original.truncated, original.size_bytes),
            ("{\"a\":1}", false, 7)
        );
        assert_eq!(original.sha256, "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862");
    }

    #[test]
    fn no_text_takes_more_than_the_limit_as_json() {
        for piece in ["x", " ", "\"", "\u{1}", "é", "🦀", "\\n\n"] {
            let original = Original::new(&piece.repeat(100_000));
            let length = serde_json::to_string(&original.text).unwrap().len();
            assert!(original.truncated && length <= Original::LIMIT_BYTES, "{piece:?}: {length}");
            assert!(length > Original::LIMIT_BYTES - 8, "{piece:?}: {length}");
        }
    }

    #[test]
    fn the_hash_is_of_all_that_was_received() {
        let (a, b) = (format!("{}a", "x".repeat(70_000)), format!("{}b", "x".repeat(70_000)));
        assert_eq!(Original::new(&a).text, Original::new(&b).text);
        assert_ne!(Original::new(&a).sha256, Original::new(&b).sha256);
    }
}
