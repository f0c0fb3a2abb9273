//! Debug symbols in programs and libraries: how many of their bytes are sections that `strip` removes.
//!
//! A file is read only once. Most linkers write the section table at its end; that of Go writes it
//! after the other headers: the two ends of a file are enough. The names of the sections can be
//! anywhere, so they are not used: `strip` removes the sections that are not loaded into memory, except for a few bytes.

use std::ops::Range;

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, SHF_ALLOC, SHT_NOBITS, SHT_NULL};
use object::read::ReadRef;
use object::read::elf::{FileHeader, SectionHeader};

/// The bytes that a stripped program may still have: the name of its compiler, the place of its symbols.
const LEAST: u64 = 4096;

/// The beginning and the end of a file.
#[derive(Clone, Copy)]
pub struct FileEnds<'a> {
    pub head: &'a [u8],
    pub tail: &'a [u8],
    /// The size of the whole file.
    pub size: u64,
}

impl<'a> ReadRef<'a> for FileEnds<'a> {
    fn len(self) -> Result<u64, ()> {
        Ok(self.size)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        let part = |bytes: &'a [u8], start: u64| {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            let end = from.checked_add(usize::try_from(size).ok()?)?;
            bytes.get(from..end)
        };
        let tail_start = self.size - self.tail.len() as u64;
        part(self.head, 0)
            .or_else(|| part(self.tail, tail_start))
            .ok_or(())
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let size = range.end.checked_sub(range.start).ok_or(())?;
        let bytes = self.read_bytes_at(range.start, size)?;
        let end = bytes.iter().position(|b| *b == delimiter).ok_or(())?;
        Ok(&bytes[..end])
    }
}

/// Returns the number of bytes that `strip` removes from an ELF file; `None` if the headers are not in
/// the two ends.
pub fn strippable_bytes(file: FileEnds<'_>) -> Option<u64> {
    match file.head.get(4)? {
        1 => unloaded_bytes::<FileHeader32<Endianness>>(file),
        2 => unloaded_bytes::<FileHeader64<Endianness>>(file),
        _ => None,
    }
}

fn unloaded_bytes<E: FileHeader<Endian = Endianness>>(file: FileEnds<'_>) -> Option<u64> {
    let header = E::parse(file).ok()?;
    let endian = header.endian().ok()?;
    let names = usize::from(header.e_shstrndx(endian).0);
    let mut sum: u64 = 0;
    for (i, section) in header
        .section_headers(endian, file)
        .ok()?
        .iter()
        .enumerate()
    {
        let is_loaded = section.sh_flags(endian).contains(SHF_ALLOC);
        let has_bytes = ![SHT_NULL, SHT_NOBITS].contains(&section.sh_type(endian));
        if !is_loaded && has_bytes && i != names {
            sum = sum.checked_add(section.sh_size(endian).into())?;
        }
    }
    // A header can claim sections larger than the file.
    (sum >= LEAST && sum <= file.size).then_some(sum)
}
