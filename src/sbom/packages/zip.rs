//! The files in a zip archive that is in memory: as much as Java archives need.
//!
//! Source: APPNOTE.TXT of PKWARE. Archives of more than 4 GiB (zip64) and encrypted files are not read.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

/// The size of the record at the end of an archive, without its comment.
const END: usize = 22;

/// An archive in memory.
pub struct ZipArchive<'a> {
    bytes: &'a [u8],
    /// The bytes before the archive, such as a script that starts it.
    prefix: usize,
    files: Vec<ZipEntry<'a>>,
}

/// A file in an archive.
#[derive(Clone, Copy)]
pub struct ZipEntry<'a> {
    pub name: &'a [u8],
    method: u16,
    compressed: usize,
    header: usize,
}

impl<'a> ZipArchive<'a> {
    /// Reads the list of files; none if the archive is not valid.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let last = bytes.len().checked_sub(END)?;
        let first = last.saturating_sub(usize::from(u16::MAX));
        let is_end = |at: &usize| bytes[*at..].starts_with(b"PK\x05\x06");
        let end = (first..=last).rev().find(is_end)?;
        let record = &bytes[end..];
        let (size, offset) = (number(record, 12)?, number(record, 16)?);
        let start = end.checked_sub(size)?;
        let mut archive = Self {
            bytes,
            prefix: start.checked_sub(offset)?,
            files: Vec::new(),
        };
        let mut rest = &bytes[start..end];
        while !rest.is_empty() {
            let (file, next) = ZipEntry::split(rest)?;
            archive.files.push(file);
            rest = next;
        }
        Some(archive)
    }

    pub fn files(&self) -> &[ZipEntry<'a>] {
        &self.files
    }

    /// Returns the content of a file; none if it has more than `limit` bytes or is damaged.
    pub fn read(&self, file: &ZipEntry<'_>, limit: usize) -> Option<Cow<'a, [u8]>> {
        let header = self.bytes.get(self.prefix.checked_add(file.header)?..)?;
        let header = header.strip_prefix(b"PK\x03\x04").and(Some(header))?;
        let start = 30 + short(header, 26)? + short(header, 28)?;
        let data = header.get(start..)?.get(..file.compressed)?;
        let content: Cow<'a, [u8]> = match file.method {
            0 => data.into(),
            8 => {
                let mut content = Vec::new();
                let more = limit as u64 + 1;
                let mut decoder = DeflateDecoder::new(data).take(more);
                decoder.read_to_end(&mut content).ok()?;
                content.into()
            }
            _ => return None,
        };
        (content.len() <= limit).then_some(content)
    }
}

impl<'a> ZipEntry<'a> {
    /// Splits the first file off the list.
    fn split(list: &'a [u8]) -> Option<(Self, &'a [u8])> {
        list.strip_prefix(b"PK\x01\x02")?;
        let (name, extra, comment) = (short(list, 28)?, short(list, 30)?, short(list, 32)?);
        let file = Self {
            name: list.get(46..)?.get(..name)?,
            method: u16::try_from(short(list, 10)?).ok()?,
            compressed: number(list, 20)?,
            header: number(list, 42)?,
        };
        Some((file, list.get(46 + name + extra + comment..)?))
    }
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*field).into())
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*field)).ok()
}
