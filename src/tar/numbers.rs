//! Numbers in the fields of a header and in the records of a pax header: those that all readers read alike.
//!
//! Source: POSIX `pax`, "ustar Interchange Format" (octal digits, ended by a space or a zero byte); the manual of
//! GNU tar, "Extensions" (base 256); and the readers: Go's takes a zero byte before the digits, Python's ends
//! there, and takes signs, `0o` and underscores, GNU's takes base 64 after a sign.

use super::HeaderError;

/// A field of a header: its name in messages, where it is, and its numbers.
struct Field {
    name: &'static str,
    start: usize,
    end: usize,
    min: i64,
    max: i64,
}

impl Field {
    const fn new(name: &'static str, start: usize, len: usize, min: i64, max: i64) -> Self {
        let end = start + len;
        Self {
            name,
            start,
            end,
            min,
            max,
        }
    }
}

/// The numeric fields of all formats. Linux has IDs of 32 bits; a time may be before 1970. The tar crate
/// checks the size.
const FIELDS: [Field; 6] = [
    Field::new("mode", 100, 8, 0, i64::MAX),
    Field::new("UID", 108, 8, 0, u32::MAX as i64),
    Field::new("GID", 116, 8, 0, u32::MAX as i64),
    Field::new("time", 136, 12, i64::MIN, i64::MAX),
    Field::new("major device number", 329, 8, 0, u32::MAX as i64),
    Field::new("minor device number", 337, 8, 0, u32::MAX as i64),
];

/// Checks the numeric fields of a header except its size.
pub fn check_fields(block: &[u8]) -> Result<(), HeaderError> {
    for field in &FIELDS {
        let text = &block[field.start..field.end];
        // As almost all tools write it; a layer can have a million headers.
        if let [digits @ .., 0 | b' '] = text
            && digits.iter().all(|digit| digit & !7 == b'0')
        {
            continue;
        }
        let number = number(text).filter(|number| (field.min..=field.max).contains(number));
        if number.is_none() {
            return Err(bad_field(field.name, text));
        }
    }
    Ok(())
}

/// Returns the error for a field that is not a number.
pub fn bad_field(name: &'static str, text: &[u8]) -> HeaderError {
    let shown = text.escape_ascii().to_string();
    HeaderError::BadField { name, shown }
}

/// Parses a field.
pub fn number(field: &[u8]) -> Option<i64> {
    match field {
        [0x80 | 0xff, rest @ ..] => base_256(field[0] == 0xff, rest),
        _ => octal(field),
    }
}

/// Octal digits after spaces, before a space, a zero byte or the end. A field of zero bytes is 0.
fn octal(field: &[u8]) -> Option<i64> {
    let start = field.iter().position(|b| *b != b' ')?;
    let field = &field[start..];
    let len = field
        .iter()
        .take_while(|b| (b'0'..=b'7').contains(b))
        .count();
    let (digits, rest) = field.split_at(len);
    // Bytes after a zero byte do not count, but Go must find that one right after the digits.
    let is_ended = match (len, rest.first()) {
        (1.., Some(0)) => true,
        _ => rest.iter().all(|b| *b == 0 || *b == b' ' && len > 0),
    };
    let digit = |number: i64, digit: &u8| {
        let more = number.checked_mul(8)?;
        more.checked_add(i64::from(digit - b'0'))
    };
    digits.iter().try_fold(0, digit).filter(|_| is_ended)
}

/// The bytes after the first one, big-endian: positive numbers fill up with 0, negative ones with 0xff.
fn base_256(is_negative: bool, bytes: &[u8]) -> Option<i64> {
    let fill = if is_negative { 0xff } else { 0 };
    let split = bytes.len().saturating_sub(8);
    let (high, low) = bytes.split_at(split);
    let mut number = [fill; 8];
    number[8 - low.len()..].copy_from_slice(low);
    let number = i64::from_be_bytes(number);
    let is_whole = high.iter().all(|b| *b == fill) && (number < 0) == is_negative;
    is_whole.then_some(number)
}

/// Parses a number without a sign in a pax header. Go and GNU tar have 63 bits for it.
pub fn decimal(text: &[u8]) -> Option<u64> {
    let is_digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| is_digits)?;
    let number: i64 = text.parse().ok()?;
    u64::try_from(number).ok()
}

/// Whether a text is a time in a pax header: seconds since 1970 with an optional fraction.
pub fn is_time(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let mut parts = text.splitn(2, |b| *b == b'.');
    let seconds = parts.next().and_then(decimal);
    let has_fraction = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit);
    seconds.is_some() && parts.next().is_none_or(has_fraction)
}

#[cfg(test)]
mod tests {
    use super::{decimal, is_time, number};

    #[test]
    fn fields_that_readers_read_alike_are_numbers() {
        for (field, expected) in [
            (&b"0000644\0"[..], 0o644),
            (b"   644 \0", 0o644),
            (b"644     ", 0o644),
            (b"77777777", 0o77_777_777),
            (b"\0\0\0\0\0\0\0\0", 0),
            (b"644\0old\0", 0o644),
            (b"\x80\0\0\0\0\0\x01\0", 256),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", i64::MAX),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", -1),
        ] {
            assert_eq!(number(field), Some(expected), "{}", field.escape_ascii());
        }
    }

    #[test]
    fn fields_that_some_readers_read_in_another_way_are_refused() {
        for field in [
            &b"\x00000644\0"[..],
            b"+644\0\0\0\0",
            b"-1\0\0\0\0\0\0",
            b"0x10\0\0\0\0",
            b"0o17\0\0\0\0",
            b"1_0\0\0\0\0\0",
            b"8\0\0\0\0\0\0\0",
            b"1 2\0\0\0\0\0",
            b"1 \0\x32\0\0\0\0",
            b"\t1\0\0\0\0\0\0",
            b"        ",
            b"abc\0\0\0\0\0",
            b"\x81\0\0\0\0\0\0\x01",
            b"\xc0\0\0\0\0\0\0\x01",
            b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
            b"\xff\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(number(field), None, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn records_have_decimal_numbers() {
        assert_eq!(decimal(b"007"), Some(7));
        for text in [
            &b""[..],
            b"+1",
            b"-1",
            b" 1",
            b"1_0",
            b"0x1",
            b"9223372036854775808",
        ] {
            assert_eq!(decimal(text), None);
        }
        for text in [&b"1"[..], b"1.5", b"-1.5", b"1."] {
            assert!(is_time(text));
        }
        for text in [
            &b""[..],
            b".5",
            b"1.5.5",
            b"+1",
            b"1e5",
            b"nan",
            b"9223372036854775808",
        ] {
            assert!(!is_time(text));
        }
    }
}
