//! Taking out what looks like a secret.
//!
//! Requests carry no secrets. This is for those that do: what is refused is shown to people, and a
//! producer's mistake must not become a leak. It errs on the side of taking out too much.

use serde_json::Value;

/// What stands in a secret's place.
pub const REPLACEMENT: &str = "[redacted]";

/// Parts of names whose values are taken for secrets, in lower case without separators.
const SECRET_NAMES: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "privatekey",
    "authorization",
    "assertion",
    "apikey",
    "accesskey",
    "signature",
    "cookie",
];

/// How deep JSON inside of JSON texts is followed: an envelope in an envelope in a queue.
const NESTING: u32 = 4;

/// Whether a field of this name is taken for a secret.
pub fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_NAMES.iter().any(|secret| plain.contains(secret))
}

/// A field's value, redacted by the field's name and by its own looks.
pub fn field(name: &str, value: &Value) -> Value {
    if is_secret_name(name) && !value.is_null() { REPLACEMENT.into() } else { json(value, NESTING) }
}

/// A text, redacted: as JSON where it is JSON, else by its looks.
pub fn text(text: &str) -> String {
    nested(text, NESTING)
}

/// A text, with only what is a key or token by its own looks taken out: for lines and messages of
/// our own, which may name a secret without holding one.
pub fn by_looks(text: &str) -> String {
    tokens(&pem_blocks(text))
}

fn nested(text: &str, depth: u32) -> String {
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    if depth > 0
        && looks_like_json
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        let redacted = json(&value, depth - 1);
        // Untouched, it stays as it was written, white space and all.
        return if redacted == value { text.to_owned() } else { redacted.to_string() };
    }
    plain(text)
}

fn json(value: &Value, depth: u32) -> Value {
    match value {
        Value::Object(object) => {
            let redacted = object.iter().map(|(name, value)| {
                let secret = is_secret_name(name) && !value.is_null();
                (name.clone(), if secret { REPLACEMENT.into() } else { json(value, depth) })
            });
            Value::Object(redacted.collect())
        }
        Value::Array(list) => list.iter().map(|item| json(item, depth)).collect(),
        Value::String(text) => nested(text, depth).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Texts that are not JSON, or are broken JSON: three shapes of secrets.
fn plain(text: &str) -> String {
    named_values(&by_looks(text))
}

/// `-----BEGIN …-----` up to and with its `-----END …-----`, or all that follows where it has none.
fn pem_blocks(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find("-----BEGIN ") {
        kept.push_str(&rest[..start]);
        kept.push_str(REPLACEMENT);
        rest = match rest[start..].find("-----END ") {
            None => "",
            Some(end) => {
                let after = &rest[start + end + "-----END ".len()..];
                after.find("-----").map_or("", |dashes| &after[dashes + 5..])
            }
        };
    }
    kept + rest
}

/// JSON Web Tokens, by their three parts, and anything after the word `Bearer` or `Basic`.
fn tokens(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut after_scheme = false;
    for piece in text.split_inclusive(|c: char| !is_token_char(c)) {
        let word = piece.trim_end_matches(|c| !is_token_char(c));
        if is_jwt(word) || (after_scheme && is_credential(word)) {
            kept.push_str(REPLACEMENT);
            kept.push_str(&piece[word.len()..]);
        } else {
            kept.push_str(piece);
        }
        after_scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
    }
    kept
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.+/=~".contains(c)
}

/// Not a word of prose, as in "Basic authentication".
fn is_credential(word: &str) -> bool {
    word.len() >= 8 && word[1..].bytes().any(|byte| !byte.is_ascii_lowercase())
}

fn is_jwt(word: &str) -> bool {
    let from = word.find("eyJ");
    from.is_some_and(|from| word[from..].split('.').filter(|part| part.len() >= 4).count() >= 2)
}

/// `name: value`, `name=value`, `"name": "value"` where the name is a secret's.
fn named_values(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find([':', '=']) {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        kept.push_str(&rest[..=at]);
        rest = after;
        if is_secret_name(last_word(before)) {
            let value = value_length(after);
            if value.1 > value.0 {
                kept.push_str(&after[..value.0]);
                kept.push_str(REPLACEMENT);
                rest = &after[value.1..];
            }
        }
    }
    kept + rest
}

/// The name before a colon or equals sign, without its quotes.
fn last_word(text: &str) -> &str {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'' || c == '\\');
    let start = text.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-' || c == '.'));
    start.map_or(text, |start| &text[start + text[start..].chars().next().map_or(1, char::len_utf8)..])
}

/// Where a value starts and ends: in its quotes, or up to a separator.
fn value_length(text: &str) -> (usize, usize) {
    let lead = text.len() - text.trim_start_matches(|c: char| c.is_whitespace() || c == '\\').len();
    let value = &text[lead..];
    let Some(quote) = value.chars().next().filter(|c| *c == '"' || *c == '\'') else {
        let end = value.find(|c: char| c.is_whitespace() || ",;&}])\"'".contains(c)).unwrap_or(value.len());
        return (lead, lead + end);
    };
    let inner = &value[1..];
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    (lead + 1, lead + 1 + end.unwrap_or(inner.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n";

    #[test]
    fn secret_names_are_known_in_every_spelling() {
        for name in [
            "client_secret",
            "clientSecret",
            "Client-Secret",
            "password",
            "ACCESS_TOKEN",
            "private_key",
            "PrivateKey",
            "Authorization",
            "client_assertion",
            "x-api-key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["customer_id", "reason", "cells", "key", "actor"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn json_is_redacted_at_any_depth_and_inside_of_texts() {
        let inner = json!({"a": [{"client_secret": "hunter2"}]}).to_string();
        let message = json!({"Message": inner, "customer_id": "acme"}).to_string();
        let redacted = text(&json!({"Records": [{"body": message}]}).to_string());
        assert!(!redacted.contains("hunter2") && redacted.contains("acme"), "{redacted}");
        assert!(redacted.contains(REPLACEMENT), "{redacted}");
    }

    #[test]
    fn a_whole_object_under_a_secret_name_goes() {
        assert_eq!(text(r#"{"secret":{"a":"hunter2"}}"#), r#"{"secret":"[redacted]"}"#);
    }

    #[test]
    fn what_holds_no_secret_stays_as_it_was_written() {
        for clean in
            ["{ \"customer_id\" : \"acme\",\n \"n\": 1.50 }", "not json at all: a=b", "", "{", "é:ü=🦀"]
        {
            assert_eq!(text(clean), clean);
        }
    }

    #[test]
    fn values_are_known_by_their_looks() {
        for value in [json!({"reason": format!("see {JWT}.")}), json!({"reason": PEM}), json!([PEM, JWT])] {
            let redacted = text(&value.to_string());
            assert!(!redacted.contains("eyJzdWI") && !redacted.contains("MIIEvQ"), "{redacted}");
        }
        assert_eq!(text("Authorization: Bearer abcdefgh12345678"), "Authorization: [redacted] [redacted]");
        assert_eq!(text("use Basic dXNlcjpwYXNzd29yZA== now"), "use Basic [redacted] now");
        assert_eq!(text("Bearer abcdefg8, Bearer abcdef7"), "Bearer [redacted], Bearer abcdef7");
        assert_eq!(text("Basic Authentication, bearer tokens"), "Basic Authentication, bearer tokens");
    }

    #[test]
    fn a_cut_json_web_token_is_known_by_two_of_its_parts() {
        let (unsigned, _) = JWT.rsplit_once('.').unwrap();
        assert_eq!(text(&format!("see {unsigned}")), format!("see {REPLACEMENT}"));
        let (header, _) = unsigned.split_once('.').unwrap();
        assert_eq!(text(header), header, "a header alone says nothing of anybody");
        assert_eq!(text("eyJx.abcd eyJx.abc"), format!("{REPLACEMENT} eyJx.abc"), "parts of four and more");
    }

    #[test]
    fn the_name_of_a_value_is_one_word_with_all_its_dots_and_dashes() {
        for name in ["secret.value", "token-of-acme", "password_2", "old.client-secret"] {
            assert_eq!(text(&format!("{name}=hunter2 ")), format!("{name}={REPLACEMENT} "));
        }
        for clean in ["the token of customer: acme", "no secret in (eu-1)cell=us-1", "token, actor=ops"] {
            assert_eq!(text(clean), clean, "a word before the name does not make it secret");
        }
    }

    #[test]
    fn broken_json_is_redacted_too() {
        let cases = [
            r#"{"client_secret": "hunter2", "#,
            r#"{"client_secret":"hunt\"er2"#,
            r#"{'password': 'hunter2'"#,
            "password=hunter2&x=1",
            "token = hunter2, next",
            r#"{\"client_secret\": \"hunter2\""#,
        ];
        for case in cases {
            let redacted = text(case);
            assert!(!redacted.contains("er2") && redacted.contains(REPLACEMENT), "{case} -> {redacted}");
        }
    }

    #[test]
    fn a_quoted_value_ends_with_its_quotes() {
        for value in ["a", "ab", r#"a\"b"#, r"ab\\"] {
            let broken = format!(r#"{{"password": "{value}", "n": 1"#);
            assert_eq!(text(&broken), r#"{"password": "[redacted]", "n": 1"#, "{broken}");
        }
        // An empty one hides nothing, and nothing of what follows.
        let empty = r#"password = "", user = "bob" and then"#;
        assert_eq!(text(empty), empty);
    }

    #[test]
    fn a_cut_pem_block_is_taken_to_its_end() {
        assert_eq!(text(&format!("a {}", &PEM[..40])), "a [redacted]");
        assert_eq!(text(&format!("a {PEM}b {PEM}c")), "a [redacted]\nb [redacted]\nc");
    }

    #[test]
    fn texts_in_any_script_do_not_panic() {
        for text_in in [
            "ключ: значение",
            "密码=秘密 token=秘密",
            "\u{feff}{\"a\":1}",
            "ü\"token\":\"ü\"ü",
            "token:",
            "=",
            "🦀=",
        ] {
            let _ = text(text_in);
        }
    }
}
