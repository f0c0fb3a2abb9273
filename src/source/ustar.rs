//! The parts of tar headers that the writers of Go and of Python make in the same way: POSIX ustar blocks, and
//! records of pax extended headers.

use crate::tar::BLOCK;

/// The type of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TypeFlag {
    Regular = b'0',
    Symlink = b'2',
    Directory = b'5',
}

/// Returns the first number that does not fit into a field of `len` bytes: octal digits, and a NUL.
pub const fn limit(len: usize) -> u64 {
    1 << (3 * (len - 1))
}

/// Writes a number in octal, and a NUL; zero where it does not fit, because then a pax record has it.
pub fn put_number(field: &mut [u8], number: u64) {
    let Some((end, digits)) = field.split_last_mut() else {
        return;
    };
    *end = 0;
    let mut left = match number >> (3 * digits.len()) {
        0 => number,
        _ => 0,
    };
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (left & 7) as u8;
        left >>= 3;
    }
}

/// Completes a header with magic, version, type and checksum.
pub fn finish(block: &mut [u8], type_flag: u8) {
    debug_assert_eq!(block.len(), BLOCK);
    block[156] = type_flag;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum = block.iter().map(|b| u64::from(*b)).sum();
    // Seven bytes, and the space that is there already.
    put_number(&mut block[148..155], sum);
}

/// Returns a pax record, `LENGTH KEY=VALUE\n`, whose length counts itself.
pub fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    let mut record = format!("{length} {key}=").into_bytes();
    record.extend_from_slice(value);
    record.push(b'\n');
    record
}

#[cfg(test)]
mod tests {
    use super::record;

    #[test]
    fn the_length_of_a_record_counts_itself() {
        for (len, expected) in [
            (1, 9),
            (2, 11),
            (90, 99),
            (91, 101),
            (988, 998),
            (989, 999),
            (990, 1001),
        ] {
            let record = record("path", &vec![b'x'; len]);
            assert_eq!(record.len(), expected);
            let text = String::from_utf8(record).unwrap();
            assert!(text.starts_with(&format!("{expected} path=x")));
        }
    }
}
