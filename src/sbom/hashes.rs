//! Hashes as Nix writes them: in base 16, 32 and 64.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The digits of Nix's base 32: no `e`, `o`, `t` and `u`, so that no hash has a swear word.
const DIGITS: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

/// Whether a byte is a digit of Nix's base 32.
pub const IS_DIGIT: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < DIGITS.len() {
        table[DIGITS[i] as usize] = true;
        i += 1;
    }
    table
};

/// Returns a SHA-256 as a narinfo file has it. Nix's base 32 starts with the last bits.
pub fn nix_sha256(hash: &[u8; 32]) -> String {
    let digit = |place: usize| {
        let (byte, bit) = (place * 5 / 8, place * 5 % 8);
        let next = hash.get(byte + 1).copied().unwrap_or(0);
        let pair = u16::from_le_bytes([hash[byte], next]);
        char::from(DIGITS[usize::from(pair >> bit) & 31])
    };
    let digits: String = (0..52).rev().map(digit).collect();
    format!("sha256:{digits}")
}

/// Parses a SHA-256 of Nix: `sha256:` with base 16 or 32, `sha256-` with base 64, or the object with
/// `algorithm`, `format` and `hash` of newer versions.
pub fn parse_sha256(value: &Value) -> Option<[u8; 32]> {
    match value {
        Value::String(text) => match text.strip_prefix("sha256:") {
            Some(digits) => parse_digits(digits),
            None => parse_digits(text.strip_prefix("sha256-")?),
        },
        Value::Object(parts) if parts.get("algorithm")? == "sha256" => {
            parse_digits(parts.get("hash")?.as_str()?)
        }
        _ => None,
    }
}

/// The base follows from the number of digits.
fn parse_digits(digits: &str) -> Option<[u8; 32]> {
    match digits.len() {
        64 => {
            let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
            let bytes = (0..32).map(|i| byte(2 * i)).collect::<Option<Vec<u8>>>()?;
            bytes.try_into().ok()
        }
        52 => parse_base32(digits.as_bytes()),
        _ => BASE64_STANDARD.decode(digits).ok()?.try_into().ok(),
    }
}

fn parse_base32(digits: &[u8]) -> Option<[u8; 32]> {
    let mut hash = [0_u8; 32];
    for (place, digit) in digits.iter().rev().enumerate() {
        let value = DIGITS.iter().position(|known| known == digit)?;
        let (byte, bit) = (place * 5 / 8, place * 5 % 8);
        let [low, high] = (u16::try_from(value).ok()? << bit).to_le_bytes();
        hash[byte] |= low;
        match hash.get_mut(byte + 1) {
            Some(next) => *next |= high,
            None if high == 0 => {}
            None => return None,
        }
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hash_is_read_in_every_form_that_nix_writes() {
        // `nix hash to-base16`, `to-base32` and `to-sri` of the SHA-256 of nothing.
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let base32 = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
        let base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        let hash = parse_sha256(&json!(format!("sha256:{hex}"))).unwrap();
        assert_eq!(nix_sha256(&hash), format!("sha256:{base32}"));
        for form in [
            json!(format!("sha256:{base32}")),
            json!(format!("sha256-{base64}")),
            json!({ "algorithm": "sha256", "format": "base64", "hash": base64 }),
        ] {
            assert_eq!(parse_sha256(&form), Some(hash), "{form}");
        }
        for bad in [
            json!(format!("sha256:{}", "z".repeat(52))),
            json!(format!("sha256:e{}", &base32[1..])),
            json!("sha512:00"),
            json!(hex),
            json!({ "algorithm": "sha512", "hash": base64 }),
            json!(7),
        ] {
            assert_eq!(parse_sha256(&bad), None, "{bad}");
        }
    }
}
