//! The files in a zip archive that is in memory: as much as Java archives need.
//!
//! Source: APPNOTE.TXT of PKWARE. Archives of more than 4 GiB (zip64) and encrypted files are not read.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

use super::little;

/// The size of the record at the end of an archive, without its comment.
const END: usize = 22;

/// What a read costs besides its bytes: the time to start it.
const READ_COST: usize = 4096;

/// An archive in memory.
pub struct ZipArchive<'a> {
    bytes: &'a [u8],
    /// The bytes before the archive, such as a script that starts it.
    prefix: usize,
    /// The list of files.
    list: &'a [u8],
}

/// A file in an archive.
#[derive(Clone, Copy)]
pub struct ZipEntry<'a> {
    pub name: &'a [u8],
    method: u16,
    compressed: usize,
    header: usize,
    /// The size of its entry in the list.
    listed: usize,
}

impl<'a> ZipArchive<'a> {
    /// Reads the list of files; none if the archive is not valid.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let last = bytes.len().checked_sub(END)?;
        let first = last.saturating_sub(usize::from(u16::MAX));
        let is_end = |at: &usize| bytes[*at..].starts_with(b"PK\x05\x06");
        let end = (first..=last).rev().find(is_end)?;
        let record = &bytes[end..];
        let (size, offset) = (little(record, 12)?, little(record, 16)?);
        let start = end.checked_sub(size)?;
        let archive = Self {
            bytes,
            prefix: start.checked_sub(offset)?,
            list: &bytes[start..end],
        };
        let read: usize = archive.files().map(|file| file.listed).sum();
        (read == archive.list.len()).then_some(archive)
    }

    /// Returns the files, up to the first entry that is not valid. The list is not kept in memory: an archive can
    /// have a million files.
    pub fn files(&self) -> impl Iterator<Item = ZipEntry<'a>> {
        let mut rest = self.list;
        std::iter::from_fn(move || {
            let (file, next) = ZipEntry::split(rest)?;
            rest = next;
            Some(file)
        })
    }

    /// Returns the content of a file; none if it has more than `limit` bytes, more than are `left` for this and
    /// other reads, or is damaged. All that was read is taken off `left`, also by a read that fails.
    pub fn read(
        &self,
        file: &ZipEntry<'_>,
        limit: usize,
        left: &mut usize,
    ) -> Option<Cow<'a, [u8]>> {
        let limit = limit.min(*left);
        *left = left.saturating_sub(READ_COST);
        let header = self.bytes.get(self.prefix.checked_add(file.header)?..)?;
        let header = header.strip_prefix(b"PK\x03\x04").and(Some(header))?;
        let start = 30 + short(header, 26)? + short(header, 28)?;
        let data = header.get(start..)?.get(..file.compressed)?;
        let (content, is_valid): (Cow<'a, [u8]>, bool) = match file.method {
            0 => (data.into(), true),
            8 => {
                let mut content = Vec::new();
                let mut decoder = DeflateDecoder::new(data).take(limit as u64 + 1);
                let is_valid = decoder.read_to_end(&mut content).is_ok();
                (content.into(), is_valid)
            }
            _ => return None,
        };
        *left = left.saturating_sub(content.len());
        (is_valid && content.len() <= limit).then_some(content)
    }
}

impl<'a> ZipEntry<'a> {
    /// Splits the first file off the list.
    fn split(list: &'a [u8]) -> Option<(Self, &'a [u8])> {
        list.strip_prefix(b"PK\x01\x02")?;
        let (name, extra, comment) = (short(list, 28)?, short(list, 30)?, short(list, 32)?);
        let listed = 46 + name + extra + comment;
        let file = Self {
            name: list.get(46..)?.get(..name)?,
            method: u16::try_from(short(list, 10)?).ok()?,
            compressed: little(list, 20)?,
            header: little(list, 42)?,
            listed,
        };
        Some((file, list.get(listed..)?))
    }
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*field).into())
}
