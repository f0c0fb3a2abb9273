//! What a program demands of the system that runs it: its dynamic linker and libraries, its level of x86-64,
//! and the program that it wraps.
//!
//! A layer is read forward only, and once: of each program the first bytes are kept, and the dynamic
//! section and its strings if they come later. What is further back than that is given up.
//!
//! Sources: the gABI, chapter 5 ("Dynamic Linking"), and the x86-64 psABI ("Program Property").

use std::io::{self, Read};
use std::ops::Range;

use object::Endianness;
use object::elf;
use object::read::ReadRef;
use object::read::elf::{Dyn, FileHeader, NoteIterator, ProgramHeader};

use super::wrappers::Wrapped;
use crate::bytes::fill;

/// The first bytes of a dynamically linked program. The strings of most are in them; those of a program that
/// exports more than some thousand symbols are not.
const FIRST: usize = 256 << 10;

/// The bytes that are kept of later parts.
const LATER: usize = 64 << 10;

/// The bytes of the names of libraries and directories. A file can name the same long text many times.
const MAX_TEXTS: usize = 32 << 10;

/// The size of the largest wrapper that is recognised.
const MAX_WRAPPER: u64 = 128 << 10;

/// What a program demands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// The level of x86-64, from 1 to 4, or 0 without a demand.
    pub level: u8,
    /// The path of the dynamic linker; empty for a static program.
    pub interpreter: Vec<u8>,
    /// The directories of libraries, as `DT_RUNPATH` or `DT_RPATH` has them.
    pub search_path: Vec<u8>,
    /// The names of libraries (`DT_NEEDED`); empty if they could not be read.
    pub needed: Vec<Vec<u8>>,
    pub wrapped: Option<Wrapped>,
}

impl Demands {
    /// Reads the demands of an executable ELF file of `size` bytes, whose first bytes are `head`.
    pub fn read(head: &[u8], file: &mut impl Read, size: u64) -> io::Result<Self> {
        match head.get(4) {
            Some(1) => read::<elf::FileHeader32<Endianness>>(head, file, size),
            Some(2) => read::<elf::FileHeader64<Endianness>>(head, file, size),
            _ => Ok(Self::default()),
        }
    }

    /// Returns the demands as bytes; none if there are no demands.
    pub fn to_bytes(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        let wrapped = self.wrapped.as_ref();
        let fields = [&*self.interpreter, &*self.search_path];
        let fields = fields.into_iter().chain(Wrapped::fields(wrapped));
        let fields = fields.chain(self.needed.iter().map(Vec::as_slice));
        let mut bytes = vec![self.level];
        bytes.extend(fields.collect::<Vec<_>>().join(&0));
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((level, bytes)) = bytes.split_first() else {
            return Self::default();
        };
        let mut fields = bytes.split(|b| *b == 0).map(<[u8]>::to_vec);
        let mut next = || fields.next().unwrap_or_default();
        Self {
            level: *level,
            interpreter: next(),
            search_path: next(),
            wrapped: Wrapped::of_fields(next(), &next()),
            needed: fields.collect(),
        }
    }
}

fn read<T: FileHeader<Endian = Endianness>>(
    head: &[u8],
    file: &mut impl Read,
    size: u64,
) -> io::Result<Demands> {
    let mut demands = Demands::default();
    let (Ok(header), Ok(endianness)) = header::<T>(head) else {
        return Ok(demands);
    };
    let headers = header.program_headers(endianness, head);
    let headers = headers.unwrap_or_default().to_vec();
    let of_type = |kind| {
        let headers = headers.iter();
        headers.filter(move |header| header.p_type(endianness) == kind)
    };
    let mut parts = FileParts {
        file,
        first: head.to_vec(),
        later: Vec::new(),
        position: head.len() as u64,
        size,
    };
    if let Some(interpreter) = of_type(elf::PT_INTERP).next() {
        parts.extend_first(FIRST)?;
        let mut ranges = vec![interpreter.file_range(endianness)];
        ranges.extend(of_type(elf::PT_DYNAMIC).map(|header| header.file_range(endianness)));
        ranges.sort_unstable_by_key(|range| std::cmp::Reverse(range.0));
        let mut strings = None;
        while let Some((offset, size)) = ranges.pop() {
            parts.load(offset, size)?;
            if strings.is_none() {
                strings = strings_range::<T>(endianness, &headers, &parts);
                ranges.extend(
                    strings
                        .clone()
                        .map(|range| (range.start, range.end - range.start)),
                );
                ranges.sort_unstable_by_key(|range| std::cmp::Reverse(range.0));
            }
        }
        let data = &parts;
        if let Ok(Some(path)) = interpreter.interpreter(endianness, data) {
            demands.interpreter = path.to_vec();
        }
        add_libraries::<T>(&mut demands, endianness, &headers, data);
        if size <= MAX_WRAPPER && demands.interpreter.starts_with(b"/nix/store/") {
            demands.wrapped = Wrapped::of_binary(&parts.first);
        }
    }
    for header in of_type(elf::PT_NOTE) {
        let notes = header.data(endianness, &parts).ok();
        let notes = notes.and_then(|data| {
            let align = header.p_align(endianness);
            NoteIterator::<T>::new(endianness, align, data).ok()
        });
        for note in notes.into_iter().flatten().flatten() {
            let properties = note.gnu_properties(endianness).into_iter().flatten();
            for property in properties.flatten() {
                if property.pr_type() == elf::GNU_PROPERTY_X86_ISA_1_NEEDED {
                    let levels = property.data_u32(endianness).unwrap_or(0) & 0xf;
                    demands.level = (u32::BITS - levels.leading_zeros()) as u8;
                }
            }
        }
    }
    Ok(demands)
}

fn header<T: FileHeader<Endian = Endianness>>(
    head: &[u8],
) -> (Result<&T, ()>, Result<Endianness, ()>) {
    let header = object::pod::from_bytes::<T>(head).map(|(header, _)| header);
    let endianness = header.and_then(|header| header.endian().map_err(|_| ()));
    (header, endianness)
}

/// The value of a tag of the dynamic section.
fn dynamic<'a, T: FileHeader<Endian = Endianness>>(
    endianness: Endianness,
    headers: &[T::ProgramHeader],
    data: impl ReadRef<'a>,
    tag: elf::DynamicTag,
) -> Vec<u64> {
    let mut sections = headers.iter().filter_map(|header| {
        let section = header.dynamic(endianness, data).ok()??;
        Some(section.iter())
    });
    let entries = sections.next().into_iter().flatten();
    let entries = entries.take_while(|entry| entry.d_tag(endianness) != elf::DT_NULL);
    let entries = entries.filter(|entry| entry.d_tag(endianness) == tag);
    entries
        .map(|entry| entry.d_val(endianness).into())
        .collect()
}

/// Returns the range in the file of the strings that the dynamic section names.
fn strings_range<'a, T: FileHeader<Endian = Endianness>>(
    endianness: Endianness,
    headers: &[T::ProgramHeader],
    data: impl ReadRef<'a>,
) -> Option<Range<u64>> {
    let values = |tag| dynamic::<T>(endianness, headers, data, tag);
    let address = *values(elf::DT_STRTAB).first()?;
    let size = *values(elf::DT_STRSZ).first()?;
    let mut loaded = headers.iter().filter(|header| {
        let start: u64 = header.p_vaddr(endianness).into();
        let end = start.saturating_add(header.p_filesz(endianness).into());
        header.p_type(endianness) == elf::PT_LOAD && (start..end).contains(&address)
    });
    let segment = loaded.next()?;
    let start = address - segment.p_vaddr(endianness).into();
    let start = start.checked_add(segment.p_offset(endianness).into())?;
    Some(start..start.checked_add(size)?)
}

fn add_libraries<'a, T: FileHeader<Endian = Endianness>>(
    demands: &mut Demands,
    endianness: Endianness,
    headers: &[T::ProgramHeader],
    data: impl ReadRef<'a>,
) {
    let Some(strings) = strings_range::<T>(endianness, headers, data) else {
        return;
    };
    let mut size = 0;
    let mut texts = |tag| {
        let offsets = dynamic::<T>(endianness, headers, data, tag).into_iter();
        let texts = offsets.map(|offset| {
            let start = strings.start.checked_add(offset)?;
            let text = data.read_bytes_at_until(start..strings.end, 0).ok()?;
            size += text.len();
            (size <= MAX_TEXTS).then(|| text.to_vec())
        });
        texts.collect::<Option<Vec<_>>>()
    };
    let lists = [elf::DT_NEEDED, elf::DT_RUNPATH, elf::DT_RPATH].map(&mut texts);
    let [Some(needed), Some(runpath), Some(rpath)] = lists else {
        return;
    };
    demands.needed = needed;
    // The linker ignores DT_RPATH beside DT_RUNPATH.
    let search_path = runpath.into_iter().next().or(rpath.into_iter().next());
    demands.search_path = search_path.unwrap_or_default();
}

/// The parts of a file that were read.
struct FileParts<'a, R> {
    file: &'a mut R,
    first: Vec<u8>,
    /// Parts that come later, with their offset.
    later: Vec<(u64, Vec<u8>)>,
    /// How much of the file was read.
    position: u64,
    size: u64,
}

impl<R: Read> FileParts<'_, R> {
    /// Reads the first bytes of the file, up to `end`.
    fn extend_first(&mut self, end: usize) -> io::Result<()> {
        let end = usize::try_from(self.size).map_or(end, |size| size.min(end));
        let start = self.first.len();
        if start < end {
            self.first.resize(end, 0);
            let n = fill(self.file, &mut self.first[start..])?;
            self.first.truncate(start + n);
            self.position = self.first.len() as u64;
        }
        Ok(())
    }

    /// Reads a later part of the file, unless it is too long or was passed already.
    fn load(&mut self, offset: u64, size: u64) -> io::Result<()> {
        let is_used = |(_, part): &(u64, Vec<u8>)| part.len();
        let left = LATER - self.later.iter().map(is_used).sum::<usize>();
        let end = offset.saturating_add(size);
        if offset < self.position || end > self.size || size > left as u64 {
            return Ok(());
        }
        let distance = offset - self.position;
        let mut skipped = (&mut *self.file).take(distance);
        io::copy(&mut skipped, &mut io::sink())?;
        let mut part = vec![0; size as usize];
        let n = fill(self.file, &mut part)?;
        part.truncate(n);
        self.later.push((offset, part));
        self.position = end;
        Ok(())
    }
}

impl<'a, R> ReadRef<'a> for &'a FileParts<'_, R> {
    fn len(self) -> Result<u64, ()> {
        Ok(self.size)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        let parts = self.later.iter().map(|(start, part)| (*start, &**part));
        let mut parts = std::iter::once((0, &*self.first)).chain(parts);
        let found = parts.find_map(|(start, part)| {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            part.get(from..from.checked_add(usize::try_from(size).ok()?)?)
        });
        found.ok_or(())
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let parts = self.later.iter().map(|(start, part)| (*start, &**part));
        let mut parts = std::iter::once((0, &*self.first)).chain(parts);
        let found = parts.find_map(|(start, part)| {
            let from = usize::try_from(range.start.checked_sub(start)?).ok()?;
            let rest = part.get(from..)?;
            let end = rest.iter().position(|b| *b == delimiter)?;
            Some(&rest[..end])
        });
        found.ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_are_kept_as_bytes() {
        let demands = Demands {
            level: 3,
            interpreter: b"/lib/ld.so".to_vec(),
            search_path: b"/a:/b".to_vec(),
            needed: vec![b"libz.so.1".to_vec(), b"libc.so.6".to_vec()],
            wrapped: Some(Wrapped {
                program: b"/x".to_vec(),
                sets_libraries: true,
            }),
        };
        let only_level = Demands {
            level: 2,
            ..Demands::default()
        };
        for demands in [demands, Demands::default()] {
            assert_eq!(Demands::from_bytes(&demands.to_bytes()), demands);
        }
        // An empty list is one empty field.
        assert_eq!(Demands::from_bytes(&only_level.to_bytes()), only_level);
    }
}
