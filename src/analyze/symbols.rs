//! Debug symbols in programs and libraries: how many of their bytes are sections that `strip` takes out.
//!
//! A file flows by once. The table of its sections stands at its end, where most linkers write it, or
//! right behind the other headers, where that of Go does. So the beginning of a file and the end of it
//! are enough. The names of the sections can stand anywhere; what is not loaded into memory is what
//! `strip` takes out, but for a few bytes.

use std::ops::Range;

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, SHF_ALLOC, SHT_NOBITS, SHT_NULL};
use object::read::ReadRef;
use object::read::elf::{FileHeader, SectionHeader};

/// What a stripped program may have: the name of its compiler, where its symbols are.
const LEAST: u64 = 4096;

/// The beginning and the end of a file.
#[derive(Clone, Copy)]
pub struct Ends<'a> {
    /// The beginning, whatever there is of it.
    pub head: &'a [u8],
    /// The end, whatever there is of it.
    pub tail: &'a [u8],
    /// The bytes of the whole file.
    pub size: u64,
}

impl<'a> ReadRef<'a> for Ends<'a> {
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

/// The bytes of symbols that `strip` takes out of an ELF file; none where there is no telling.
pub fn bytes(file: Ends<'_>) -> Option<u64> {
    match file.head.get(4)? {
        1 => of::<FileHeader32<Endianness>>(file),
        2 => of::<FileHeader64<Endianness>>(file),
        _ => None,
    }
}

fn of<E: FileHeader<Endian = Endianness>>(file: Ends<'_>) -> Option<u64> {
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
    // No file has more of them than it has bytes, but a header can say so.
    (sum >= LEAST && sum <= file.size).then_some(sum)
}
