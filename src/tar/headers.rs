//! Checks the headers of an entry against each other.
//!
//! Source: POSIX `pax`, "ustar Interchange Format"; the manual of GNU tar, "Basic Tar Format"; star(5);
//! and the readers of Go (`archive/tar`) and Rust (`tar`), which differ where those leave room.

use std::io::Read;

use tar::{Entry, EntryType, Header};

use super::extensions::{self, ExtensionHeaders};
use super::{BLOCK, HeaderError};

const LINKS_AND_DEVICES: [EntryType; 5] = [
    EntryType::Link,
    EntryType::Symlink,
    EntryType::Char,
    EntryType::Block,
    EntryType::Fifo,
];

/// Whether a file starts with the header of a tar entry: old archives (v7) have no magic, but all
/// headers have a checksum.
pub fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <[u8; BLOCK]>::try_from(head) else {
        return false;
    };
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(i, b)| u32::from(if (148..156).contains(&i) { b' ' } else { *b }))
        .sum();
    let found = Header::from_byte_slice(&block).cksum();
    found.is_ok_and(|found| found == sum)
}

/// Checks an entry, `headers` being all headers before its content. Returns what the extension headers
/// override.
pub fn check<R: Read>(
    entry: &mut Entry<'_, R>,
    headers: &[u8],
) -> Result<ExtensionHeaders, HeaderError> {
    let extensions = ExtensionHeaders::parse(headers)?;
    let (header, size) = (entry.header(), entry.size());
    let kind = header.entry_type();
    // The tar crate knows extension headers only in the formats that have them, Go in all.
    if extensions::is_extension(kind) {
        return Err(HeaderError::MisplacedExtension);
    }
    // An entry with only its own header cannot contradict itself.
    if headers.len() > BLOCK && !kind.is_gnu_sparse() {
        let own = header.entry_size()?;
        if size != extensions.size.unwrap_or(own) {
            return Err(HeaderError::ContradictorySizes);
        }
    }
    // Go takes the next bytes for a header, the tar crate for content.
    if size > 0 && (kind.is_dir() || LINKS_AND_DEVICES.contains(&kind)) {
        return Err(HeaderError::NotAFile { size });
    }
    // Before there was a type for directories, the slash marked them. Go and GNU tar still accept that.
    if size > 0 && kind.is_file() && extensions.path_of(header).ends_with(b"/") {
        return Err(HeaderError::NamedAsDirectory { size });
    }
    if extensions.path.is_none() && has_ambiguous_prefix(header) {
        return Err(HeaderError::AmbiguousPrefix);
    }
    if kind.is_pax_global_extensions() {
        extensions::check_global(entry, headers)?;
    }
    Ok(extensions)
}

/// Whether readers disagree about how much of the prefix field belongs to the name.
fn has_ambiguous_prefix(header: &Header) -> bool {
    const PREFIX: usize = 345;
    let block = header.as_bytes();
    if block[PREFIX] == 0 {
        return false;
    }
    match (&block[257..263], &block[263..265]) {
        // Star has a shorter prefix, followed by times.
        (b"ustar\0", b"00") => {
            block[508..] == *b"tar\0"
                && !block[PREFIX..PREFIX + 131].contains(&0)
                && block[PREFIX + 131] != 0
        }
        // A version that the tar crate does not know, so that it ignores the prefix.
        (b"ustar\0", _) => true,
        // GNU has two times there. If they are not numbers, Go takes text for a prefix, because its
        // writer once wrote such headers.
        (b"ustar ", b" \0") => {
            let times = block[PREFIX..PREFIX + 24].chunks(12);
            block[PREFIX].is_ascii() && !times.into_iter().all(is_octal)
        }
        _ => false,
    }
}

fn is_octal(field: &[u8]) -> bool {
    let text = field.split(|b| *b == 0).next().unwrap_or_default();
    let digits = text.trim_ascii();
    digits.iter().all(|b| (b'0'..=b'7').contains(b))
}
