//! Sizes as people write them.

/// The units, with their numbers of bytes.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("MB", 1000 * 1000),
    ("GB", 1000 * 1000 * 1000),
    ("TB", 1000 * 1000 * 1000 * 1000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Parses a number of bytes, or a decimal number with a unit. The case of the unit does not matter. A part of
/// a byte is cut off.
pub fn parse(text: &str) -> Result<u64, String> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(number_end.unwrap_or(text.len()));
    let unit = unit.trim_start();
    let factor = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit));
    factor
        .and_then(|(_, factor)| bytes(number, *factor))
        .ok_or_else(|| {
            "expected bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB".to_owned()
        })
}

/// Returns `number` × `factor` without the errors of floating-point numbers.
fn bytes(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let scale = 10_u128.checked_pow(fraction.len().try_into().ok()?)?;
    let whole = u128::from(whole.parse::<u64>().ok()?) * u128::from(factor);
    let part = fraction.parse::<u128>().ok()?.checked_mul(factor.into())? / scale;
    u64::try_from(whole.checked_add(part)?).ok()
}
