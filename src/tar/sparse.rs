//! Sparse files: those whose holes are left out, so that the stored bytes are not those of the file.
//!
//! Source: the manual of GNU tar, "Sparse Formats". The old format of GNU has a separate entry type. The
//! three versions for pax have records whose keys start with `GNU.sparse.`; the last of them also keeps
//! the real name there, because the path is a substitute for readers that do not know sparse files.

use std::io::{self, Read};

use tar::EntryType;

use super::extensions::Record;
use super::limited_reader::MAX_HEADERS;
use super::numbers::{self, decimal};
use super::{BLOCK, HeaderError};

/// What the records of a sparse file say.
pub struct SparseRecords<'a> {
    /// The real name.
    pub name: Option<&'a [u8]>,
    /// Where the map is.
    pub map: SparseMap,
}

/// Where the map of a sparse file is.
#[derive(Clone, Copy)]
pub enum SparseMap {
    /// In the records; the blocks have this many bytes.
    Records { stored: u64 },
    /// At the start of the content (version 1.0); the file has this many bytes with its holes.
    Content { size: u64 },
}

impl<'a> SparseRecords<'a> {
    /// Returns what the records of a pax header say about a sparse file; none if they do not mention one.
    ///
    /// Readers apply incomplete records in different ways: Go ignores a name without a map, Python and GNU tar
    /// take it; Python takes the size of a file without a map.
    pub fn parse(records: &[Record<'a>]) -> Result<Option<Self>, HeaderError> {
        let mut found = Found::default();
        for (key, value) in records {
            let Some(key) = key.strip_prefix(b"GNU.sparse.") else {
                continue;
            };
            found.is_any = true;
            found.add(key, value)?;
        }
        match found.is_any {
            true => found.finish().map(Some),
            false => Ok(None),
        }
    }
}

/// Whether a record may occur several times in a pax header.
pub fn may_repeat(key: &[u8]) -> bool {
    matches!(key, b"GNU.sparse.offset" | b"GNU.sparse.numbytes")
}

/// The records, each as it is.
#[derive(Default)]
struct Found<'a> {
    is_any: bool,
    version: [Option<u64>; 2],
    name: Option<&'a [u8]>,
    size: Option<u64>,
    real_size: Option<u64>,
    blocks: Option<u64>,
    /// The numbers of a map of version 0.0 or 0.1: offset and length of each block.
    map: Option<Vec<u64>>,
    is_list: bool,
}

fn bad<T>(defect: &'static str) -> Result<T, HeaderError> {
    Err(HeaderError::BadSparse { defect })
}

impl<'a> Found<'a> {
    fn add(&mut self, key: &[u8], value: &'a [u8]) -> Result<(), HeaderError> {
        if key == b"name" {
            self.name = Some(value);
            return Ok(());
        }
        if key == b"map" {
            let numbers = value.split(|b| *b == b',').map(decimal);
            self.map = match (numbers.collect(), &self.map) {
                (Some(numbers), None) => Some(numbers),
                _ => return bad("its map is not a list of numbers"),
            };
            self.is_list = true;
            return Ok(());
        }
        let Some(number) = decimal(value) else {
            return bad("one of them is not a number");
        };
        match key {
            b"major" => self.version[0] = Some(number),
            b"minor" => self.version[1] = Some(number),
            b"size" => self.size = Some(number),
            b"realsize" => self.real_size = Some(number),
            b"numblocks" => self.blocks = Some(number),
            b"offset" | b"numbytes" => {
                let map = self.map.get_or_insert_default();
                if self.is_list || map.len().is_multiple_of(2) != (key == b"offset") {
                    return bad("they are in the wrong order");
                }
                map.push(number);
            }
            _ => return bad("one of them is unknown"),
        }
        Ok(())
    }

    fn finish(self) -> Result<SparseRecords<'a>, HeaderError> {
        let map = match (self.version, self.map) {
            ([Some(1), Some(0)], None) => {
                match (self.name, self.real_size, self.size.or(self.blocks)) {
                    (Some(_), Some(size), None) => SparseMap::Content { size },
                    _ => return bad("version 1.0 has a name and a realsize only"),
                }
            }
            ([None, None], Some(map)) => {
                let (Some(size), Some(blocks), None) = (self.size, self.blocks, self.real_size)
                else {
                    return bad("a map has a size and numblocks with it");
                };
                if map.len() as u64 != blocks.saturating_mul(2) || !is_map(&map, size) {
                    return bad(WRONG_MAP);
                }
                let stored = stored(&map);
                SparseMap::Records { stored }
            }
            _ => return bad("they have neither a map nor a known version"),
        };
        Ok(SparseRecords {
            name: self.name,
            map,
        })
    }
}

/// Checks the map of a file that has `in_archive` bytes in the archive.
pub fn check_map(
    map: SparseMap,
    content: &mut impl Read,
    in_archive: u64,
) -> Result<(), HeaderError> {
    match map {
        SparseMap::Records { stored } if stored == in_archive => Ok(()),
        SparseMap::Records { .. } => bad(WRONG_MAP),
        SparseMap::Content { size } => check_content(content, in_archive, size),
    }
}

/// Checks the map of the old format of GNU: four blocks in the header of the entry, and 21 in each block after it.
///
/// Python parses the numbers after the end of the map too, and takes an invalid one for the end of the archive.
pub fn check_old_map(header: &[u8], more: &[u8]) -> Result<(), HeaderError> {
    const NUMBER: usize = 12;
    const IN_HEADER: std::ops::Range<usize> = 386..386 + 4 * 2 * NUMBER;
    const IN_BLOCK: std::ops::Range<usize> = 0..21 * 2 * NUMBER;
    let more = more.chunks_exact(BLOCK).map(|block| &block[IN_BLOCK]);
    for numbers in [&header[IN_HEADER]].into_iter().chain(more) {
        // A number that is absent ends the map.
        let absent = numbers.chunks(NUMBER).position(|number| number[0] == 0);
        let end = absent.map_or(numbers.len(), |number| number * NUMBER);
        let (map, rest) = numbers.split_at(end);
        if !map
            .chunks(NUMBER)
            .all(|number| numbers::number(number).is_some())
        {
            return bad(WRONG_MAP);
        }
        if rest.iter().any(|byte| *byte != 0) {
            return bad("text follows the end of its map");
        }
    }
    Ok(())
}

/// Checks a map at the start of the content: the number of blocks, and the offset and the length of each, one
/// per line.
fn check_content(content: &mut impl Read, in_archive: u64, size: u64) -> Result<(), HeaderError> {
    let mut blocks = MapReader {
        content,
        block: [0; BLOCK],
        read: 0,
    };
    let Some(count) = blocks.number()? else {
        return bad(WRONG_MAP);
    };
    let mut map = Vec::new();
    for _ in 0..count.saturating_mul(2) {
        match blocks.number()? {
            Some(number) if map.len() < MAX_HEADERS => map.push(number),
            _ => return bad(WRONG_MAP),
        }
    }
    let taken = blocks.read.next_multiple_of(BLOCK) as u64;
    match is_map(&map, size) && taken.saturating_add(stored(&map)) == in_archive {
        true => Ok(()),
        false => bad(WRONG_MAP),
    }
}

/// The bytes of the blocks of a map.
fn stored(map: &[u64]) -> u64 {
    let lengths = map.chunks(2).filter_map(|block| block.get(1));
    lengths.fold(0, |sum, length| sum.saturating_add(*length))
}

const WRONG_MAP: &str = "its map is wrong";

/// Reads the lines of a map.
struct MapReader<'a, R> {
    content: &'a mut R,
    block: [u8; BLOCK],
    /// The number of bytes that were taken.
    read: usize,
}

impl<R: Read> MapReader<'_, R> {
    /// Returns the number in the next line; none if it is not one.
    fn number(&mut self) -> io::Result<Option<u64>> {
        let mut line = Vec::new();
        loop {
            let at = self.read % BLOCK;
            if at == 0 {
                self.content.read_exact(&mut self.block)?;
            }
            self.read += 1;
            match self.block[at] {
                b'\n' => return Ok(decimal(&line)),
                // Longer than any number.
                _ if line.len() > 20 => return Ok(None),
                byte => line.push(byte),
            }
        }
    }
}

/// Whether blocks, each with an offset and a length, are in order and within a file of this size.
fn is_map(map: &[u64], size: u64) -> bool {
    let mut end = 0;
    map.len().is_multiple_of(2)
        && map.chunks(2).all(|block| {
            let is_next = block[0] >= end;
            end = block[0].saturating_add(block[1]);
            is_next && end <= size
        })
}

/// Whether an entry of this type is sparse.
pub fn is_sparse_type(kind: EntryType) -> bool {
    kind.is_gnu_sparse()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::bytes::LayerStream;
    use crate::tar::walk;

    impl LayerStream for Cursor<&[u8]> {}

    /// The name of the one entry of a layer, and whether it is sparse.
    fn walked(blocks: &[u8]) -> (Vec<u8>, bool) {
        let mut found = Vec::new();
        walk(&mut Cursor::new(blocks), |entry| {
            found.push((entry.path().into_owned(), entry.is_sparse()));
            Ok(())
        })
        .unwrap();
        found.remove(0)
    }

    #[test]
    fn sparse_files_of_each_dialect_are_recognised() {
        let file = |records: &[(&str, &[u8])], content: &[u8]| {
            let mut tar = tar::Builder::new(Vec::new());
            tar.append_pax_extensions(records.iter().copied()).unwrap();
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, "x", content).unwrap();
            tar.into_inner().unwrap()
        };
        let of = |name: &str, is_sparse| (name.as_bytes().to_vec(), is_sparse);
        assert_eq!(walked(&file(&[], b"abcd")), of("x", false));
        let time = file(&[("mtime", b"1.5")], b"abcd");
        assert_eq!(walked(&time), of("x", false));
        let size: (&str, &[u8]) = ("GNU.sparse.size", b"9");
        let blocks: (&str, &[u8]) = ("GNU.sparse.numblocks", b"1");
        let version_0_0 = [
            size,
            blocks,
            ("GNU.sparse.offset", b"5"),
            ("GNU.sparse.numbytes", b"4"),
        ];
        assert_eq!(walked(&file(&version_0_0, b"abcd")), of("x", true));
        let version_0_1 = [
            size,
            blocks,
            ("GNU.sparse.name", b"y"),
            ("GNU.sparse.map", b"5,4"),
        ];
        assert_eq!(walked(&file(&version_0_1, b"abcd")), of("y", true));
        let version_1_0: [(&str, &[u8]); 4] = [
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"y"),
            ("GNU.sparse.realsize", b"9"),
        ];
        let content = [&b"1\n5\n4\n"[..], &[0; 506], b"abcd"].concat();
        assert_eq!(walked(&file(&version_1_0, &content)), of("y", true));

        let mut header = tar::Header::new_gnu();
        header.set_path("z").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(0);
        header.as_gnu_mut().unwrap().set_real_size(0);
        header.set_cksum();
        assert_eq!(walked(header.as_bytes()), of("z", true));
    }
}
