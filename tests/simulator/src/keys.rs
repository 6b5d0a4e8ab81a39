//! How an application authenticates: public keys whose numbers come as JSON integers of 78 to 925
//! digits, or a secret made here.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// `auth_method` as sent. The numbers stay text: no float and no 64-bit integer touches them.
#[derive(Deserialize)]
pub(crate) struct AuthMethod {
    r#type: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    e: Option<Box<RawValue>>,
    n: Option<Box<RawValue>>,
    x: Option<Box<RawValue>>,
    y: Option<Box<RawValue>>,
}

/// What is kept of it.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    Rsa { kid: String, n: Number },
    Ec { kid: String, x: Number, y: Number },
    Secret(String),
}

/// A whole number that is not negative: its digits as sent, and its big-endian bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) digits: String,
    pub(crate) bytes: Vec<u8>,
}

impl Number {
    /// Takes plain decimal digits: no sign, point or exponent, and no quotes around them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && text.len() <= 5000 && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| Self { digits: text.to_owned(), bytes: big_endian(text) })
    }

    /// The bytes with zeros before them, to the size of a P-256 coordinate.
    fn coordinate(&self) -> Option<[u8; 32]> {
        let mut padded = [0; 32];
        let start = 32_usize.checked_sub(self.bytes.len())?;
        padded[start..].copy_from_slice(&self.bytes);
        Some(padded)
    }

    fn bits(&self) -> usize {
        self.bytes.first().map_or(0, |first| self.bytes.len() * 8 - first.leading_zeros() as usize)
    }
}

fn big_endian(digits: &str) -> Vec<u8> {
    let mut little = Vec::<u8>::new();
    for digit in digits.bytes() {
        let mut carry = u32::from(digit - b'0');
        for byte in &mut little {
            carry += u32::from(*byte) * 10;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            little.push(carry.to_le_bytes()[0]);
        }
    }
    little.reverse();
    little
}

impl AuthMethod {
    /// Checks it by its `type`; the error is the vendor's message.
    pub(crate) fn accept(self, rsa_2048: bool) -> Result<Authentication, String> {
        match self.r#type.as_deref() {
            Some("CLIENT_SECRET") => Ok(Authentication::Secret(crate::fresh::token(48))),
            Some("RSA") => self.rsa(rsa_2048),
            Some("EC") => self.ec(),
            other => Err(format!("auth_method.type: {} is not known", other.unwrap_or("nothing"))),
        }
    }

    fn rsa(self, rsa_2048: bool) -> Result<Authentication, String> {
        let kid = self.kid_for("RS256")?;
        let n = number("n", self.n.as_deref())?;
        if number("e", self.e.as_deref())?.digits != "65537" {
            return Err("auth_method.e: must be 65537".to_owned());
        }
        let least = if rsa_2048 { 2048 } else { 2049 };
        if n.bits() < least {
            return Err(format!("auth_method.n: {} bits are too few", n.bits()));
        }
        Ok(Authentication::Rsa { kid, n })
    }

    fn ec(self) -> Result<Authentication, String> {
        let kid = self.kid_for("ES256")?;
        let (x, y) = (number("x", self.x.as_deref())?, number("y", self.y.as_deref())?);
        on_the_curve(&x, &y).ok_or("auth_method.x, auth_method.y: no point of P-256")?;
        Ok(Authentication::Ec { kid, x, y })
    }

    fn kid_for(&self, alg: &str) -> Result<String, String> {
        if self.alg.as_deref() != Some(alg) {
            return Err(format!("auth_method.alg: must be {alg}"));
        }
        let kid = self.kid.clone().filter(|kid| !kid.is_empty());
        kid.ok_or_else(|| "auth_method.kid: is missing".to_owned())
    }
}

fn number(name: &str, raw: Option<&RawValue>) -> Result<Number, String> {
    let raw = raw.ok_or_else(|| format!("auth_method.{name}: is missing"))?;
    Number::parse(raw.get()).ok_or_else(|| format!("auth_method.{name}: must be an integer"))
}

fn on_the_curve(x: &Number, y: &Number) -> Option<()> {
    let point = [&[4_u8][..], &x.coordinate()?, &y.coordinate()?].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok().map(|_| ())
}

impl Authentication {
    /// The `credentials` of the one answer that shows them.
    pub(crate) fn credentials(&self) -> Value {
        match self {
            Self::Rsa { kid, .. } => json!({ "type": "RSA", "alg": "RS256", "kid": kid }),
            Self::Ec { kid, .. } => json!({ "type": "EC", "alg": "ES256", "kid": kid }),
            Self::Secret(secret) => json!({ "type": "CLIENT_SECRET", "client_secret": secret }),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ec { .. } => "EC",
            Self::Secret(_) => "CLIENT_SECRET",
        }
    }

    /// The key numbers, as they were sent.
    pub(crate) fn digits(&self) -> Vec<String> {
        match self {
            Self::Rsa { n, .. } => vec![n.digits.clone()],
            Self::Ec { x, y, .. } => vec![x.digits.clone(), y.digits.clone()],
            Self::Secret(_) => Vec::new(),
        }
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        match self {
            Self::Rsa { kid, .. } | Self::Ec { kid, .. } => Some(kid),
            Self::Secret(_) => None,
        }
    }

    /// The key that assertions are checked with.
    pub(crate) fn key(&self) -> Option<(Algorithm, DecodingKey)> {
        match self {
            Self::Rsa { n, .. } => {
                Some((Algorithm::RS256, DecodingKey::from_rsa_raw_components(&n.bytes, &[1, 0, 1])))
            }
            Self::Ec { x, y, .. } => {
                let text = |number: &Number| Some(URL_SAFE_NO_PAD.encode(number.coordinate()?));
                let key = DecodingKey::from_ec_components(&text(x)?, &text(y)?).ok()?;
                Some((Algorithm::ES256, key))
            }
            Self::Secret(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_digits_become_bytes() {
        assert_eq!(Number::parse("65537").map(|n| n.bytes), Some(vec![1, 0, 1]));
        let two_to_256_less_1 =
            "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(Number::parse(two_to_256_less_1).map(|n| n.bytes), Some(vec![255; 32]));
        assert_eq!(Number::parse("0").map(|n| n.bytes.len()), Some(0));
    }

    #[test]
    fn a_number_in_any_other_form_is_none() {
        for text in ["", "-1", "1e77", "1.0", "\"12\"", "null"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }
}
