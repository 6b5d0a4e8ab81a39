//! The vendor's own words in an error, made safe to keep and to print.

use serde::Deserialize;

/// The vendor's limit for `message`; longer texts are cut.
const LIMIT: usize = 512;

/// The length from which an unbroken run of token characters is taken for a secret. UUIDs (36) and
/// derived tenant names (32) pass; client secrets, assertions and tokens do not.
const SECRET_RUN: usize = 40;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    message: Option<String>,
    // The authorization server's form (RFC 6749, 5.2).
    error: Option<String>,
    error_description: Option<String>,
}

/// What a body says: `message`, or `error: error_description`, or the code and message of a storage
/// error in XML. Empty where it says nothing that is known to be meant for reading.
pub(crate) fn read(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Body>(body) {
        Ok(Body { message: Some(message), .. }) => message,
        Ok(Body { error: Some(error), error_description: Some(description), .. }) => {
            format!("{error}: {description}")
        }
        Ok(Body { error: Some(error), .. }) => error,
        Ok(_) => String::new(),
        Err(_) => storage_error(&String::from_utf8_lossy(body)),
    };
    without_secrets(
        &text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LIMIT).collect::<String>(),
    )
}

fn storage_error(xml: &str) -> String {
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => String::new(),
    }
}

fn without_secrets(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_alphanumeric() || "-_.~+=".contains(c) => run.push(c),
            other => {
                safe += if run.len() < SECRET_RUN { &run } else { "[withheld]" };
                run.clear();
                safe.extend(other);
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_form_is_read() {
        assert_eq!(read(br#"{"message":"Tenant name is taken"}"#), "Tenant name is taken");
        assert_eq!(read(br#"{"error":"invalid_client","error_description":"No."}"#), "invalid_client: No.");
        assert_eq!(read(br#"{"error":"invalid_scope"}"#), "invalid_scope");
        let xml = b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        assert_eq!(read(xml), "AccessDenied: Request has expired");
        for silent in [&b""[..], b"<html>Bad gateway</html>", b"{}", b"[1]", b"\xff"] {
            assert_eq!(read(silent), "");
        }
    }

    #[test]
    fn what_looks_like_a_token_is_withheld() {
        let token = format!("eyJ{}.eyJ{}.sig", "a".repeat(60), "b".repeat(60));
        let body =
            format!(r#"{{"message":"bad token {token}, tenant 0f8fad5b-d9cb-469f-a165-70867728950e"}}"#);
        assert_eq!(
            read(body.as_bytes()),
            "bad token [withheld], tenant 0f8fad5b-d9cb-469f-a165-70867728950e"
        );
    }

    #[test]
    fn long_texts_are_cut_and_stay_on_one_line() {
        let body = serde_json::json!({ "message": "a\nb ".repeat(300) }).to_string();
        let message = read(body.as_bytes());
        assert_eq!(message.chars().count(), 512);
        assert!(message.starts_with("a b a b "), "{message}");
    }
}
