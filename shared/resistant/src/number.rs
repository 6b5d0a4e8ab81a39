//! Key numbers on the wire. The vendor takes a public key's coordinates as JSON integers, about 78
//! digits long; a float or a 64-bit path would corrupt them silently, so they are text until they
//! are JSON.

use serde_json::value::RawValue;

/// A big-endian number in decimal, without leading zeros.
pub(crate) fn decimal(big_endian: &[u8]) -> String {
    // Base 10^9 digits, the least significant first.
    const BASE: u64 = 1_000_000_000;
    let mut digits: Vec<u32> = vec![0];
    for byte in big_endian {
        let mut carry = u64::from(*byte);
        for digit in &mut digits {
            let value = u64::from(*digit) * 256 + carry;
            *digit = (value % BASE) as u32;
            carry = value / BASE;
        }
        if carry > 0 {
            digits.push(carry as u32);
        }
    }
    let mut text = String::new();
    for (position, digit) in digits.iter().rev().enumerate() {
        text += &if position == 0 { digit.to_string() } else { format!("{digit:09}") };
    }
    text
}

/// Decimal text as a JSON integer, digit for digit.
pub(crate) fn json_integer(decimal: &str) -> Box<RawValue> {
    RawValue::from_string(decimal.to_owned()).expect("decimal digits without leading zeros are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_at_every_size() {
        assert_eq!(decimal(&[]), "0");
        assert_eq!(decimal(&[0, 0]), "0");
        assert_eq!(decimal(&[0, 0, 1, 0]), "256");
        assert_eq!(decimal(&1_000_000_000_u64.to_be_bytes()), "1000000000");
        assert_eq!(decimal(&u64::MAX.to_be_bytes()), u64::MAX.to_string());
        assert_eq!(decimal(&u128::MAX.to_be_bytes()), u128::MAX.to_string());
        // 10^27 + 1: a base-10^9 digit of zeros inside.
        assert_eq!(
            decimal(&1_000_000_000_000_000_000_000_000_001_u128.to_be_bytes()),
            "1000000000000000000000000001"
        );
        // 2^256 - 1 has 78 digits.
        let largest = decimal(&[0xff; 32]);
        assert_eq!(largest, "115792089237316195423570985008687907853269984665640564039457584007913129639935");
        assert_eq!(largest.len(), 78);
    }

    #[test]
    fn leading_zero_bytes_change_nothing() {
        let mut bytes = [0_u8; 32];
        bytes[2..].copy_from_slice(&[0xab; 30]);
        assert_eq!(decimal(&bytes), decimal(&[0xab; 30]));
        assert!(!decimal(&bytes).starts_with('0'));
    }

    #[test]
    fn json_keeps_every_digit() {
        let number = decimal(&[0xff; 32]);
        assert_eq!(serde_json::to_string(&json_integer(&number)).unwrap(), number);
    }
}
