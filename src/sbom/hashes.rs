//! Hashes as Nix writes them, in its base 32.

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

#[cfg(test)]
mod tests {
    use super::nix_sha256;

    #[test]
    fn a_hash_is_written_as_nix_writes_it() {
        // `nix hash to-base32` of the SHA-256 of nothing.
        let hash = crate::oci::Digest::of(b"");
        let byte = |i: usize| u8::from_str_radix(&hash.hex()[2 * i..2 * i + 2], 16).unwrap();
        let bytes: [u8; 32] = std::array::from_fn(byte);
        let expected = "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
        assert_eq!(nix_sha256(&bytes), expected);
    }
}
