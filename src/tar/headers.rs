//! Checks the headers of an entry against each other.
//!
//! Source: POSIX `pax`, "ustar Interchange Format"; the manual of GNU tar, "Basic Tar Format"; star(5);
//! and the readers of Go (`archive/tar`) and Rust (`tar`), which differ where those leave room.

use std::io::Read;

use tar::{Entry, EntryType, Header};

use super::extensions::{self, ExtensionHeaders};
use super::{BLOCK, HeaderError, numbers, sparse};

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
    // Python takes it for a pax header, as Solaris does; others for a file of an unknown type.
    if kind.as_byte() == b'X' {
        return Err(HeaderError::SolarisHeader);
    }
    if extensions.is_sparse && !kind.is_gnu_sparse() {
        // After a file with another header GNU tar loses its place.
        let is_posix = block_has(header, 257, b"ustar\x0000");
        if !(kind.is_file() && is_posix) {
            let defect = "it is not a file, or its header has another format";
            return Err(HeaderError::BadSparse { defect });
        }
    }
    // Go takes the next bytes for a header, the tar crate for content.
    if size > 0 && (kind.is_dir() || LINKS_AND_DEVICES.contains(&kind)) {
        return Err(HeaderError::NotAFile { size });
    }
    if (kind.is_file() || kind.is_gnu_sparse()) && is_ambiguous_directory(header, &extensions, size)
    {
        return Err(HeaderError::NamedAsDirectory);
    }
    if extensions.path.is_none() && has_ambiguous_prefix(header) {
        return Err(HeaderError::AmbiguousPrefix);
    }
    if kind.is_pax_global_extensions() {
        extensions::check_global(entry, headers)?;
    }
    if let Some(map) = extensions.sparse_map {
        sparse::check_map(map, entry, size)?;
    }
    Ok(extensions)
}

fn block_has(header: &Header, at: usize, text: &[u8]) -> bool {
    header.as_bytes()[at..].starts_with(text)
}

/// Whether a file is a directory for some readers, because of the slash at the end of its name: before there
/// was a type for directories, only that marked them. GNU tar still takes all such files for directories, Go
/// those of the type of that time, Python those whose own header has the name.
fn is_ambiguous_directory(header: &Header, extensions: &ExtensionHeaders, size: u64) -> bool {
    let is_named = |name: &[u8]| name.ends_with(b"/");
    let own = is_named(&header.path_bytes());
    let is_old = header.as_old().linkflag == [0];
    // The slash is that between a prefix and an empty name, where Python does not look.
    let is_prefix = header.as_old().name[0] == 0;
    match extensions.path.as_deref().map(is_named) {
        None => own && (size > 0 || !is_old || is_prefix),
        Some(is_overridden) => is_overridden || own && is_old,
    }
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
            let mut times = block[PREFIX..PREFIX + 24].chunks(12);
            block[PREFIX].is_ascii() && !times.all(|time| numbers::number(time).is_some())
        }
        // A format without a prefix, which Python knows in all formats.
        _ => true,
    }
}
