//! What several operations read in the same way.

use serde::Deserialize;

use super::error::Refusal;
use super::versions::SecretValue;

/// `{"Key": …, "Value": …}`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

/// The two forms of a secret's value.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ValueFields {
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

/// "SecretString … Maximum length of 65536" (API_PutSecretValue), in bytes by the quota "Secret value
/// size" (User Guide, reference_limits).
const LARGEST_VALUE: usize = 65_536;

impl ValueFields {
    /// The value, where there is one. "You must include SecretBinary or SecretString, but not both"
    /// (API_PutSecretValue; API_CreateSecret allows neither).
    pub(super) fn read(self) -> Result<Option<SecretValue>, Refusal> {
        let value = match (self.secret_string, self.secret_binary) {
            (Some(_), Some(_)) => {
                return Err(Refusal::parameter("You can't specify both SecretString and SecretBinary."));
            }
            (Some(text), None) => SecretValue::Text(text),
            (None, Some(binary)) => SecretValue::Binary(binary),
            (None, None) => return Ok(None),
        };
        let length = match &value {
            SecretValue::Text(text) => text.len(),
            SecretValue::Binary(base64) => base64.len() / 4 * 3,
        };
        if (1..=LARGEST_VALUE).contains(&length) {
            Ok(Some(value))
        } else {
            Err(Refusal::validation(format!("The secret's value must have 1 to {LARGEST_VALUE} bytes.")))
        }
    }
}

/// "If you generate a raw HTTP request to the Secrets Manager service endpoint, then you must generate
/// a ClientRequestToken and include it in the request"; 32 to 64 characters
/// (API_PutSecretValue, ClientRequestToken).
pub(super) fn client_request_token(token: Option<String>) -> Result<String, Refusal> {
    let token = token.ok_or_else(|| {
        Refusal::parameter("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
    })?;
    if (32..=64).contains(&token.len()) {
        Ok(token)
    } else {
        Err(Refusal::parameter("ClientRequestToken must be 32-64 characters long."))
    }
}

/// "The secret name can contain ASCII letters, numbers, and the following characters: /_+=.@-",
/// 1 to 512 characters (API_CreateSecret, Name).
pub(super) fn secret_name(name: &str) -> Result<(), Refusal> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if (1..=512).contains(&name.len()) && name.bytes().all(legal) {
        Ok(())
    } else {
        Err(Refusal::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ))
    }
}

/// A page's size and where it begins. The token is the index of the first item.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Paging {
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Paging {
    /// One page of `all`, and the token of the next: "MaxResults … Minimum value of 1. Maximum value
    /// of 100" (API_ListSecrets, API_ListSecretVersionIds).
    pub(super) fn page<T>(&self, all: Vec<T>) -> Result<(Vec<T>, Option<String>), Refusal> {
        let size = self.max_results.unwrap_or(100);
        if !(1..=100).contains(&size) {
            return Err(Refusal::validation("MaxResults must be between 1 and 100."));
        }
        let start = match &self.next_token {
            Some(token) => {
                token.parse().ok().filter(|&start| start <= all.len()).ok_or_else(Refusal::next_token)?
            }
            None => 0,
        };
        let end = start + size;
        let next = (end < all.len()).then(|| end.to_string());
        Ok((all.into_iter().skip(start).take(size).collect(), next))
    }
}
