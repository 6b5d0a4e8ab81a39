//! The encoding of keys in S3's notifications: that of HTML forms, where `+` is a space.

/// Decodes a key.
///
/// # Errors
/// The rule that it breaks: a `%` that two hex digits do not follow, or bytes that are no UTF-8.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (byte, after) = hex(after).ok_or("form-encoded, with two hex digits after each `%`")?;
                bytes.push(byte);
                rest = after;
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| "UTF-8 once it is decoded")
}

fn hex(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = text.split_at_checked(2)?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(digits[0])? * 16 + digit(digits[1])?;
    Some((u8::try_from(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn keys_come_back_as_they_were() {
        let cases = [
            ("acme/eu-1/a.pdf", "acme/eu-1/a.pdf"),
            ("a+b", "a b"),
            ("a%2Bb", "a+b"),
            ("a%20b", "a b"),
            ("100%25.pdf", "100%.pdf"),
            ("%2525", "%25"),
            ("%5Bx%5D%28y%29", "[x](y)"),
            ("%F0%9F%A6%80.pdf", "🦀.pdf"),
            ("%c3%a9", "é"),
            ("é", "é"),
            ("folder/", "folder/"),
            ("%2F%00", "/\0"),
            ("", ""),
        ];
        for (encoded, key) in cases {
            assert_eq!(decode(encoded).as_deref(), Ok(key), "{encoded}");
        }
    }

    #[test]
    fn the_longest_key_comes_back() {
        let key = "🦀".repeat(256);
        let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!((key.len(), decode(&encoded).as_deref()), (1024, Ok(key.as_str())));
    }

    #[test]
    fn what_is_no_key_breaks_a_rule_and_never_panics() {
        for broken in ["%", "a%", "a%2", "%zz", "%+1", "%é1", "%2é"] {
            assert!(decode(broken).unwrap_err().contains("hex"), "{broken}");
        }
        for bytes in ["%FF", "%C3", "%C3+", "a%F0%9F%A6", "%ED%A0%80"] {
            assert!(decode(bytes).unwrap_err().contains("UTF-8"), "{bytes}");
        }
    }
}
