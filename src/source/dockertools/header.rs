//! Headers of tar entries with the same bytes as those of Python's `tarfile` in its default format.
//!
//! `tarfile` writes POSIX ustar headers, and in front of one a pax extended header with a record for each
//! field that does not fit or is not ASCII. It never splits a name between the fields `name` and `prefix`.
//! Source: `TarInfo.create_pax_header` of CPython 3.8 to 3.14, which agree; texts of a file system are
//! decoded as UTF-8, where a byte that is not UTF-8 counts as one character (PEP 383).

use super::conf::Owner;
use crate::source::ustar::{TypeFlag, finish, limit, put_number, record};
use crate::tar::BLOCK;

const NAME: usize = 100;
const OWNER_NAME: usize = 32;

/// The first numbers that do not fit into a field of 8 bytes, and into one of 12.
const MAX_ID: u64 = limit(8);
const MAX_LARGE: u64 = limit(12);

/// An entry of a layer.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    /// The name; that of a directory has no slash at the end.
    pub name: &'a [u8],
    pub kind: TypeFlag,
    pub mode: u32,
    /// The size in bytes; 0 for all but regular files.
    pub size: u64,
    /// The target of a symbolic link.
    pub target: &'a [u8],
}

impl Header<'_> {
    /// Appends the blocks of the header.
    pub fn write(&self, owner: &Owner, out: &mut Vec<u8>) {
        let with_slash;
        let name = match self.kind {
            TypeFlag::Directory => {
                with_slash = [self.name, b"/"].concat();
                &with_slash
            }
            _ => self.name,
        };
        let mtime = u64::try_from(owner.mtime).ok().filter(|n| *n < MAX_LARGE);
        let mut records = Records::default();
        records.add_text("path", name, NAME);
        records.add_text("linkpath", self.target, NAME);
        records.add_text("uname", owner.uname.as_bytes(), OWNER_NAME);
        records.add_text("gname", owner.gname.as_bytes(), OWNER_NAME);
        for (key, number, limit) in [
            ("uid", owner.uid, MAX_ID),
            ("gid", owner.gid, MAX_ID),
            ("size", self.size, MAX_LARGE),
        ] {
            if number >= limit {
                records.add(key, number.to_string().as_bytes());
            }
        }
        if mtime.is_none() {
            records.add("mtime", owner.mtime.to_string().as_bytes());
        }
        records.write(out);
        let start = out.len();
        out.resize(start + BLOCK, 0);
        let block = &mut out[start..];
        put_text(&mut block[..NAME], name);
        put_number(&mut block[100..108], u64::from(self.mode & 0o7777));
        put_number(&mut block[108..116], owner.uid);
        put_number(&mut block[116..124], owner.gid);
        put_number(&mut block[124..136], self.size);
        put_number(&mut block[136..148], mtime.unwrap_or(0));
        put_text(&mut block[157..257], self.target);
        put_text(&mut block[265..297], owner.uname.as_bytes());
        put_text(&mut block[297..329], owner.gname.as_bytes());
        finish(block, self.kind as u8);
    }
}

/// The records of a pax extended header.
#[derive(Default)]
struct Records {
    bytes: Vec<u8>,
    /// Whether a value is not UTF-8.
    is_binary: bool,
}

impl Records {
    /// Adds a text, if it does not fit or is not ASCII.
    fn add_text(&mut self, key: &str, text: &[u8], max: usize) {
        if text.len() > max || !text.is_ascii() {
            self.is_binary |= std::str::from_utf8(text).is_err();
            self.add(key, text);
        }
    }

    fn add(&mut self, key: &str, value: &[u8]) {
        self.bytes.extend(record(key, value));
    }

    /// Writes the extended header, unless there are no records.
    fn write(self, out: &mut Vec<u8>) {
        const BINARY: &[u8] = b"21 hdrcharset=BINARY\n";
        if self.bytes.is_empty() {
            return;
        }
        let charset = if self.is_binary { BINARY } else { b"" };
        let start = out.len();
        out.resize(start + BLOCK, 0);
        let block = &mut out[start..];
        put_text(&mut block[..NAME], b"././@PaxHeader");
        for field in [100..108, 108..116, 116..124, 136..148] {
            put_number(&mut block[field], 0);
        }
        let size = charset.len() + self.bytes.len();
        put_number(&mut block[124..136], size as u64);
        finish(block, b'x');
        out.extend(charset);
        out.extend(self.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
}

/// Writes a text with a question mark for each character that is not ASCII, as much of it as fits.
fn put_text(field: &mut [u8], text: &[u8]) {
    if text.is_ascii() {
        let n = text.len().min(field.len());
        field[..n].copy_from_slice(&text[..n]);
        return;
    }
    for (field, c) in field.iter_mut().zip(characters(text)) {
        *field = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?');
    }
}

/// Returns the characters of a text as Python decodes it: each byte that is not UTF-8 is one from U+DC80
/// on.
pub fn characters(text: &[u8]) -> impl Iterator<Item = u32> {
    text.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(u32::from);
        let invalid = chunk.invalid().iter().map(|b| 0xdc00 + u32::from(*b));
        valid.chain(invalid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Digest;

    fn header(name: &[u8], size: u64, owner: &Owner) -> Vec<u8> {
        let mut blocks = Vec::new();
        let header = Header {
            name,
            kind: TypeFlag::Regular,
            mode: 0o444,
            size,
            target: b"",
        };
        header.write(owner, &mut blocks);
        blocks
    }

    fn root() -> Owner {
        Owner {
            uid: 0,
            gid: 0,
            uname: "root".to_owned(),
            gname: "root".to_owned(),
            mtime: 1,
        }
    }

    #[test]
    fn numbers_that_do_not_fit_get_a_record() {
        let records = |owner: &Owner, size| {
            let blocks = header(b"/x", size, owner);
            let text = String::from_utf8_lossy(&blocks[..blocks.len() - BLOCK]).into_owned();
            text.get(BLOCK..)
                .unwrap_or_default()
                .trim_end_matches('\0')
                .to_owned()
        };
        assert_eq!(records(&root(), MAX_LARGE - 1), "");
        assert_eq!(records(&root(), MAX_LARGE), "19 size=8589934592\n");
        let late = Owner {
            mtime: 1 << 33,
            uid: MAX_ID,
            ..root()
        };
        assert_eq!(records(&late, 0), "15 uid=2097152\n20 mtime=8589934592\n");
        let early = Owner {
            mtime: -1,
            ..root()
        };
        assert_eq!(records(&early, 0), "12 mtime=-1\n");
    }

    /// A file of 8 GiB is too much for a test; the digests are of headers by Python's `TarInfo.tobuf`.
    #[test]
    fn headers_of_huge_files_are_those_of_python() {
        let owner = |id: u64, name: &str, mtime| Owner {
            uid: id,
            gid: id,
            uname: name.to_owned(),
            gname: name.to_owned(),
            mtime,
        };
        for (size, owner, expected) in [
            (
                (1 << 33) - 1,
                root(),
                "e965dcffe972e1adf0b97b805eaee88d37633f94724d695a6d2e1c8e669ba2e1",
            ),
            (
                1 << 33,
                root(),
                "e75739be7c7a28c3139d86227361170603fe959d5a4c10ee81790047f329a6e9",
            ),
            (
                1 << 63,
                owner(u64::MAX, "ü", -1),
                "be9e4683e63ceb68f94b72490e5eace6896b6c1b3ab0cfd5c76081682cfd488e",
            ),
        ] {
            let found = Digest::of(&header(b"/nix/store/x", size, &owner));
            assert_eq!(found.hex(), expected, "{size}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_characters_after_the_surrogates() {
        let found: Vec<u32> = characters(b"a\xff\xc3\xa4\xed\xa0\x80").collect();
        assert_eq!(found, [0x61, 0xdcff, 0xe4, 0xdced, 0xdca0, 0xdc80]);
    }
}
