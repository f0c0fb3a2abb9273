//! The headers of a tar archive, held against each other.
//!
//! Readers of archives differ in what they make of headers that are wrong or contradict each other,
//! and what one of them does not see can be hidden there from whoever inspects an image (as in
//! CVE-2025-62518). No tool that writes images writes such headers, so they are refused.

use std::borrow::Cow;
use std::io::Read;

use tar::{Entry, EntryType, Header};

use crate::leash::{BLOCK, Leash, Leashed, MAX_HEADERS};

/// The largest image has some hundred entries; each becomes a name in memory and perhaps a file.
const MAX_ENTRIES: usize = 65_536;

/// The names of all entries, and what links lead to: as many entries as there may be, each with two
/// names of 128 bytes, of which a digest takes 77 (`blobs/sha256/…`).
const MAX_NAMES: usize = 16 << 20;

const LINKS_AND_DEVICES: [EntryType; 5] = [
    EntryType::Link,
    EntryType::Symlink,
    EntryType::Char,
    EntryType::Block,
    EntryType::Fifo,
];

/// What pax headers say that decides what an entry is. Everything else in them is ignored.
const PAX_SIZE: &[u8] = b"size";
const PAX_PATH: &[u8] = b"path";
const PAX_LINK: &[u8] = b"linkpath";
const PAX_SPARSE: &[u8] = b"GNU.sparse.";

/// Looks at the headers of each entry, and counts.
#[derive(Default)]
pub struct Headers {
    leash: Leash,
    entries: usize,
    names: usize,
}

impl Headers {
    /// A reader for the archive whose headers are looked at.
    pub fn of<R>(&self, input: R) -> Leashed<R> {
        self.leash.on(input)
    }

    /// The next entry, or what is wrong with its headers.
    pub fn next<'a, R: Read>(
        &mut self,
        entries: &mut tar::Entries<'a, R>,
    ) -> Option<Result<Member<'a, R>, String>> {
        let entry = self.leash.next(entries)?;
        self.entries += 1;
        Some(match entry {
            Ok(_) if self.entries > MAX_ENTRIES => {
                Err(format!("it has more than {MAX_ENTRIES} entries"))
            }
            Ok(entry) => self.member(entry),
            Err(e) => Err(format!("its entry {}: {e}", self.entries)),
        })
    }

    fn member<'a, R: Read>(&mut self, mut entry: Entry<'a, R>) -> Result<Member<'a, R>, String> {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let wrong = |problem: String| format!("the entry {name:?} {problem}");
        let kind = entry.header().entry_type();
        if kind.is_gnu_sparse() {
            return Err(wrong("is a sparse file".to_owned()));
        }
        let headers = self.leash.headers();
        let said = Said::by(&headers).map_err(&wrong)?;
        let header = entry.header();
        let own_size = header.entry_size().map_err(|e| wrong(e.to_string()))?;
        if entry.size() != said.size.unwrap_or(own_size) {
            let problem = "has headers that contradict each other about its size";
            return Err(wrong(problem.to_owned()));
        }
        // Go takes what comes next for a header, the tar crate for content.
        let has_no_content = kind.is_dir() || LINKS_AND_DEVICES.contains(&kind);
        if has_no_content && entry.size() > 0 {
            let size = entry.size();
            return Err(wrong(format!("has {size} bytes, but is no file")));
        }
        let own = |name: Cow<'_, [u8]>| name.into_owned();
        let path = said.path.unwrap_or_else(|| own(header.path_bytes()));
        let link = said.link.or_else(|| header.link_name_bytes().map(own));
        if kind.is_pax_global_extensions() {
            global(&mut entry, &headers).map_err(wrong)?;
        }
        self.names += path.len() + link.as_ref().map_or(0, Vec::len);
        if self.names > MAX_NAMES {
            let problem = "the names of its entries have more than";
            return Err(format!("{problem} {MAX_NAMES} bytes"));
        }
        Ok(Member { entry, path, link })
    }
}

/// An entry whose headers agree. Its names are those here: the tar crate looks for records of pax
/// headers line by line, and values may have several.
pub struct Member<'a, R: Read> {
    pub entry: Entry<'a, R>,
    pub path: Vec<u8>,
    pub link: Option<Vec<u8>>,
}

/// What the extension headers before a header say of the entry.
#[derive(Default)]
struct Said {
    size: Option<u64>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Said {
    /// Reads the headers of one entry.
    fn by(mut blocks: &[u8]) -> Result<Self, String> {
        let mut said = Self::default();
        while let Some((head, rest)) = blocks.split_first_chunk::<BLOCK>() {
            let header = Header::from_byte_slice(head);
            check_size_field(header)?;
            if rest.is_empty() {
                break;
            }
            let size = header.entry_size().map_err(|e| e.to_string())?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let padded = size.checked_next_multiple_of(BLOCK);
            let split = padded.and_then(|padded| rest.split_at_checked(padded));
            let (content, next) = split.ok_or("has headers that are cut off")?;
            match header.entry_type() {
                EntryType::GNULongName => put(&mut said.path, without_nul(&content[..size]))?,
                EntryType::GNULongLink => put(&mut said.link, without_nul(&content[..size]))?,
                EntryType::XHeader => said.hear(&content[..size])?,
                _ => {}
            }
            blocks = next;
        }
        Ok(said)
    }

    fn hear(&mut self, content: &[u8]) -> Result<(), String> {
        for (key, value) in records(content)? {
            match key {
                PAX_PATH => put(&mut self.path, value)?,
                PAX_LINK => put(&mut self.link, value)?,
                PAX_SIZE => {
                    let size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                    let shown = value.escape_ascii();
                    let bad = || format!("has the size \"{shown}\" in its pax header");
                    if self.size.replace(size.ok_or_else(bad)?).is_some() {
                        return Err("has two sizes".to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The first, and only, name that is said.
fn put(name: &mut Option<Vec<u8>>, value: &[u8]) -> Result<(), String> {
    match name.replace(value.to_owned()) {
        None if !value.is_empty() => Ok(()),
        _ => Err("has two names, or an empty one, in its headers".to_owned()),
    }
}

/// What a pax header says: key and value.
type Record<'a> = (&'a [u8], &'a [u8]);

/// The records of a pax header: `<length> <key>=<value>\n`, the length that of the whole record.
fn records(mut content: &[u8]) -> Result<Vec<Record<'_>>, String> {
    let mut records = Vec::new();
    while !content.is_empty() {
        let (record, rest) = split_record(content).ok_or_else(|| {
            let shown = content[..content.len().min(40)].escape_ascii();
            format!("has a pax header with a record of another length than it says: \"{shown}\"")
        })?;
        if record.0.starts_with(PAX_SPARSE) {
            return Err("is a sparse file".to_owned());
        }
        records.push(record);
        content = rest;
    }
    Ok(records)
}

fn split_record(content: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let digits = content.iter().position(|b| !b.is_ascii_digit())?;
    let len: usize = std::str::from_utf8(&content[..digits]).ok()?.parse().ok()?;
    let (record, rest) = content.split_at_checked(len)?;
    let pair = record
        .get(digits..)?
        .strip_prefix(b" ")?
        .strip_suffix(b"\n")?;
    let equals = pair.iter().position(|b| *b == b'=')?;
    Some(((&pair[..equals], &pair[equals + 1..]), rest))
}

/// A pax header for all entries that follow. Git writes one, with a comment; what it could say of
/// sizes and names, some readers apply and others (the tar crate among them) do not.
fn global<R: Read>(entry: &mut Entry<'_, R>, headers: &[u8]) -> Result<(), String> {
    if headers.len() >= 2 * BLOCK || entry.size() > MAX_HEADERS as u64 {
        return Err("is a global pax header in the wrong place, or too large".to_owned());
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content).map_err(|e| e.to_string())?;
    let decisive = [PAX_SIZE, PAX_PATH, PAX_LINK];
    match records(&content)?
        .iter()
        .find(|(key, _)| decisive.contains(key))
    {
        Some((key, _)) => Err(format!(
            "is a global pax header that says the {} of other entries",
            key.escape_ascii()
        )),
        None => Ok(()),
    }
}

/// A size is octal digits, or a big-endian number behind the bit 0x80 (GNU, star). Of the latter the
/// tar crate takes the last 64 bits, whatever comes before.
fn check_size_field(header: &Header) -> Result<(), String> {
    let field = header.as_old().size;
    match field[0] & 0x80 == 0 || field[..4] == [0x80, 0, 0, 0] {
        true => Ok(()),
        false => Err("has a size that is negative or has more than 64 bits".to_owned()),
    }
}

fn without_nul(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"\0").unwrap_or(name)
}
