//! Headers of tar entries with the same bytes as those of Go's `archive/tar`.
//!
//! The digest of a layer is that of Go's bytes, so each choice that a tar writer has must be made
//! as Go makes it: POSIX ustar where everything fits (a long name may be split at a slash), else a
//! pax extended header in front, with a record for each field that does not fit. Go's third choice,
//! the GNU format, is only for a mode of more than 21 bits, which no file has and which is refused.

use std::collections::BTreeMap;

use crate::source::ustar::{TypeFlag, finish, limit, put_number, record};
use crate::tar::BLOCK;

const NAME: usize = 100;
const PREFIX: usize = 155;

/// Go's limit for a pax extended header.
const MAX_RECORDS: usize = 1 << 20;

/// The fields of a header. The time of modification is one second after the epoch, as that of all files
/// in a Nix store.
#[derive(Debug)]
pub struct GoHeader<'a> {
    /// nix2container gives the name of a directory no slash at the end.
    pub name: &'a [u8],
    pub kind: TypeFlag,
    pub link: &'a [u8],
    pub size: u64,
    pub mode: i64,
    pub uid: i64,
    pub gid: i64,
    pub uname: &'a str,
    pub gname: &'a str,
}

/// Why a header cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum GoHeaderError {
    #[error("the size {0} does not fit")]
    Size(u64),
    #[error("the mode {0:o} does not fit")]
    Mode(i64),
    #[error("the root directory cannot be a regular file")]
    RootIsFile,
    #[error("its {0} contains a NUL")]
    Nul(&'static str),
    #[error("its name or its owner is too long")]
    TooLong,
}

impl GoHeader<'_> {
    /// Returns the blocks of the header.
    pub fn bytes(&self) -> Result<Vec<u8>, GoHeaderError> {
        let size = i64::try_from(self.size).map_err(|_| GoHeaderError::Size(self.size))?;
        let texts = [
            ("path", self.name, NAME),
            ("linkpath", self.link, NAME),
            ("uname", self.uname.as_bytes(), 32),
            ("gname", self.gname.as_bytes(), 32),
        ];
        if self.kind == TypeFlag::Regular && self.name.ends_with(b"/") {
            return Err(GoHeaderError::RootIsFile);
        }
        if !fits(self.mode, 8) {
            return Err(GoHeaderError::Mode(self.mode));
        }

        let split = split(self.name);
        let mut ustar = true;
        let mut records = BTreeMap::new();
        for (key, text, len) in texts {
            if text.contains(&0) {
                return Err(GoHeaderError::Nul(key));
            }
            if !text.is_ascii() || text.len() > len {
                ustar &= key == "path" && split.is_some();
                records.insert(key, text.to_vec());
            }
        }
        for (key, number, len) in [
            ("uid", self.uid, 8),
            ("gid", self.gid, 8),
            ("size", size, 12),
        ] {
            if !fits(number, len) {
                ustar = false;
                records.insert(key, number.to_string().into_bytes());
            }
        }

        let mut blocks = Vec::new();
        let (prefix, name) = match split {
            Some(parts) if ustar => parts,
            _ => (&b""[..], self.name),
        };
        if !ustar {
            self.put_records(&records, &mut blocks)?;
        }
        let mut block = [0; BLOCK];
        put_text(&mut block[..NAME], name);
        put_number(&mut block[100..108], unsigned(self.mode));
        put_number(&mut block[108..116], unsigned(self.uid));
        put_number(&mut block[116..124], unsigned(self.gid));
        put_number(&mut block[124..136], self.size);
        put_number(&mut block[136..148], 1);
        put_text(&mut block[157..257], self.link);
        put_text(&mut block[265..297], self.uname.as_bytes());
        put_text(&mut block[297..329], self.gname.as_bytes());
        put_number(&mut block[329..337], 0);
        put_number(&mut block[337..345], 0);
        put_text(&mut block[345..500], prefix);
        finish(&mut block, self.kind as u8);
        blocks.extend_from_slice(&block);
        Ok(blocks)
    }

    /// Writes the pax extended header, a separate entry that is named after this one.
    fn put_records(
        &self,
        records: &BTreeMap<&str, Vec<u8>>,
        blocks: &mut Vec<u8>,
    ) -> Result<(), GoHeaderError> {
        let mut data = Vec::new();
        for (key, value) in records {
            data.extend(record(key, value));
        }
        if data.len() > MAX_RECORDS {
            return Err(GoHeaderError::TooLong);
        }
        let slash = self.name.iter().rposition(|b| *b == b'/');
        let (directory, file) = self.name.split_at(slash.map_or(0, |i| i + 1));
        let mut name = ascii(&clean_path(&[directory, b"PaxHeaders.0/", file].concat()));
        name.truncate(NAME);
        while name.ends_with(b"/") {
            name.pop();
        }
        let mut block = [0; BLOCK];
        put_text(&mut block[..NAME], &name);
        put_number(&mut block[100..108], 0);
        put_number(&mut block[108..116], 0);
        put_number(&mut block[116..124], 0);
        put_number(&mut block[124..136], data.len() as u64);
        put_number(&mut block[136..148], 0);
        finish(&mut block, b'x');
        blocks.extend_from_slice(&block);
        blocks.extend_from_slice(&data);
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
        Ok(())
    }
}

/// Returns the shortest path to the same place, by its name alone, as Go's `path.Clean` does.
pub fn clean_path(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    let path = parts.join(&b'/');
    match (rooted, path.is_empty()) {
        (true, _) => [b"/", &path[..]].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => path,
    }
}

/// Splits a name that is too long for its field, as ustar allows: at the last slash with no more in
/// front of it than the prefix field holds.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME || !name.is_ascii() {
        return None;
    }
    let head = &name[..name.len().min(PREFIX + 1)];
    let i = head.iter().rposition(|b| *b == b'/').filter(|i| *i > 0)?;
    let (prefix, rest) = (&name[..i], &name[i + 1..]);
    (!rest.is_empty() && rest.len() <= NAME).then_some((prefix, rest))
}

/// Writes the ASCII characters of a text that fit; if any are left out, a pax record has the text.
fn put_text(field: &mut [u8], text: &[u8]) {
    let text = ascii(text);
    let n = text.len().min(field.len());
    field[..n].copy_from_slice(&text[..n]);
    // A name that was cut at a slash would be taken for a directory.
    if text.len() > n && field[n - 1] == b'/' {
        let end = field.iter().rposition(|b| *b != b'/').map_or(0, |i| i + 1);
        field[end] = 0;
    }
}

fn ascii(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(u8::is_ascii).collect()
}

/// Returns a number for a field; one that is negative does not fit.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn fits(number: i64, len: usize) -> bool {
    unsigned(number) < limit(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Digest;

    /// The digests are those of headers that Go 1.19 writes; a test that makes such files would be slow.
    #[test]
    fn a_size_too_large_for_the_header_gets_a_pax_record() {
        for (size, len, expected) in [
            (
                (8 << 30) - 1,
                BLOCK,
                "662c2dd6c6f25a38d0e35e4e61d39cf5eefa0737247b9ece086baa9a6f135ff6",
            ),
            (
                8 << 30,
                3 * BLOCK,
                "44ec5165f78c1e98126d0a6d11ade423455afe05fd668f393a83afa453b67bff",
            ),
        ] {
            let header = GoHeader {
                name: b"/big",
                kind: TypeFlag::Regular,
                link: b"",
                size,
                mode: 0o444,
                uid: 0,
                gid: 0,
                uname: "root",
                gname: "root",
            };
            let bytes = header.bytes().unwrap();
            assert_eq!((bytes.len(), Digest::of(&bytes).hex()), (len, expected));
        }
    }
}
