//! The headers of a tar archive, held against each other: of an image as a whole, or of one layer.
//!
//! Readers of archives differ in what they make of headers that are wrong or contradict each other,
//! and what one of them does not see can be hidden there from whoever inspects an image (as in
//! CVE-2025-62518). No tool that writes images writes such headers, so they are refused.

use std::borrow::Cow;
use std::io::{self, Read};

use tar::{Entry, EntryType, Header};

use crate::bytes::copy::fill;
use crate::tar::limited_reader::{BLOCK, Leash, Leashed, MAX_HEADERS};

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
const PAX_SPARSE_NAME: &[u8] = b"GNU.sparse.name";

/// Looks at the headers of each entry.
#[derive(Default)]
pub struct Headers {
    leash: Leash,
    entries: usize,
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
        // A layer can have a million entries, of almost a kilobyte each: this one is looked at where
        // it is, and moved once.
        let mut next = self.leash.next(entries);
        self.entries += usize::from(next.is_some());
        let said = match &mut next {
            None => return None,
            Some(Err(e)) => return Some(Err(format!("its entry {}: {e}", self.entries))),
            Some(Ok(entry)) => check(entry, &self.leash.headers()).map_err(|problem| {
                let path = entry.path_bytes();
                format!("the entry {:?} {problem}", String::from_utf8_lossy(&path))
            }),
        };
        match said {
            Ok(said) => next?.ok().map(|entry| Ok(Member { entry, said })),
            Err(problem) => Some(Err(problem)),
        }
    }

    /// Makes sure that the archive ends where its last entry was; `rest` is what comes behind.
    pub fn end(&self, mut rest: impl Read) -> Result<(), String> {
        let mut block = [0; BLOCK];
        let n = fill(&mut rest, &mut block).map_err(|e| e.to_string())?;
        // An end is two blocks of zeros, or that of the file. Behind a single one Go's reader sees
        // damage, most others an end, and some go on.
        match block == [0; BLOCK] && (n == 0 || n == BLOCK) {
            true => Ok(()),
            false => Err(format!(
                "a block of zeros is behind its entry {}, but not the end",
                self.entries
            )),
        }
    }
}

/// An entry whose headers agree. Its names are those here: the tar crate looks for records of pax
/// headers line by line, and values may have several.
pub struct Member<'a, R: Read> {
    entry: Entry<'a, R>,
    said: Said,
}

impl<R: Read> Member<'_, R> {
    /// Its name.
    pub fn path_bytes(&self) -> Cow<'_, [u8]> {
        self.said.path_of(self.entry.header())
    }

    /// What it links to, if it is a link.
    pub fn link_name_bytes(&self) -> Option<Cow<'_, [u8]>> {
        match &self.said.link {
            Some(link) => Some(link.into()),
            None => self.entry.header().link_name_bytes(),
        }
    }

    /// Its own header.
    pub fn header(&self) -> &Header {
        self.entry.header()
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.entry.size()
    }

    /// Whether holes of it are left out, in the dialect of GNU or of pax. What is read of it then is
    /// not what it is unpacked to.
    pub fn is_sparse(&self) -> bool {
        self.said.is_sparse
    }

    /// Where its content starts.
    pub fn position(&self) -> u64 {
        self.entry.raw_file_position()
    }
}

impl<R: Read> Read for Member<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.entry.read(buf)
    }
}

/// Holds an entry against what its headers say.
fn check<R: Read>(entry: &mut Entry<'_, R>, headers: &[u8]) -> Result<Said, String> {
    let said = Said::by(headers)?;
    let (header, size) = (entry.header(), entry.size());
    let kind = header.entry_type();
    // The tar crate knows them only in the formats that have them, Go in all.
    if is_extension(kind) {
        return Err("is a header of another entry, in a format that has none".to_owned());
    }
    // Without others its own header is all that there is.
    if headers.len() > BLOCK && !kind.is_gnu_sparse() {
        let own = header.entry_size().map_err(|e| e.to_string())?;
        if size != said.size.unwrap_or(own) {
            return Err("has headers that contradict each other about its size".to_owned());
        }
    }
    // Go takes what comes next for a header, the tar crate for content.
    if size > 0 && (kind.is_dir() || LINKS_AND_DEVICES.contains(&kind)) {
        return Err(format!("has {size} bytes, but is no file"));
    }
    // Before there was a type for directories, this was how to tell them. Go and GNU tar remember
    // that.
    if size > 0 && kind.is_file() && said.path_of(header).ends_with(b"/") {
        return Err(format!("has {size} bytes, but the name of a directory"));
    }
    if said.path.is_none() && has_doubtful_prefix(header) {
        return Err("has a name of which some readers take more than others".to_owned());
    }
    if kind.is_pax_global_extensions() {
        global(entry, headers)?;
    }
    Ok(said)
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions()
}

/// Whether it depends on the reader how much of the first part of a long name counts.
fn has_doubtful_prefix(header: &Header) -> bool {
    const PREFIX: usize = 345;
    let block = header.as_bytes();
    if block[PREFIX] == 0 {
        return false;
    }
    match (&block[257..263], &block[263..265]) {
        // Star has a prefix that is shorter, and times behind it.
        (b"ustar\0", b"00") => {
            block[508..] == *b"tar\0"
                && !block[PREFIX..PREFIX + 131].contains(&0)
                && block[PREFIX + 131] != 0
        }
        // Of no version that the tar crate knows, so that it takes no prefix.
        (b"ustar\0", _) => true,
        // GNU has two times there. If they are none, Go takes what is text for a prefix, as its
        // writer once made it.
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

/// What the extension headers before a header say of the entry.
#[derive(Default)]
struct Said {
    size: Option<u64>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    is_sparse: bool,
}

impl Said {
    /// Reads the headers of one entry.
    fn by(mut blocks: &[u8]) -> Result<Self, String> {
        let mut said = Self::default();
        while let Some((head, rest)) = blocks.split_first_chunk::<BLOCK>() {
            let header = Header::from_byte_slice(head);
            check_size_field(header)?;
            let kind = header.entry_type();
            // The one of the entry itself. Behind it may be more of the map of a sparse file.
            if rest.is_empty() || !is_extension(kind) {
                said.is_sparse |= kind.is_gnu_sparse();
                break;
            }
            let size = header.entry_size().map_err(|e| e.to_string())?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let padded = size.checked_next_multiple_of(BLOCK);
            let split = padded.and_then(|padded| rest.split_at_checked(padded));
            let (content, next) = split.ok_or("has headers that are cut off")?;
            match kind {
                EntryType::GNULongName => put(&mut said.path, without_nul(&content[..size]))?,
                EntryType::GNULongLink => put(&mut said.link, without_nul(&content[..size]))?,
                _ => said.hear(&content[..size])?,
            }
            blocks = next;
        }
        Ok(said)
    }

    /// The name of the entry whose own header this is.
    fn path_of<'a>(&'a self, header: &'a Header) -> Cow<'a, [u8]> {
        match &self.path {
            Some(path) => path.into(),
            None => header.path_bytes(),
        }
    }

    fn hear(&mut self, content: &[u8]) -> Result<(), String> {
        let mut real_name = None;
        for (key, value) in records(content)? {
            self.is_sparse |= key.starts_with(PAX_SPARSE);
            match key {
                PAX_SPARSE_NAME => put(&mut real_name, value)?,
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
        // That of the path is for readers who do not know sparse files.
        if real_name.is_some() {
            self.path = real_name;
        }
        Ok(())
    }
}

/// The first, and only, name that is said.
fn put(name: &mut Option<Vec<u8>>, value: &[u8]) -> Result<(), String> {
    // Some readers end the name there.
    if value.contains(&0) {
        return Err("has a name with a zero byte".to_owned());
    }
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
    let end = name.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    &name[..end]
}
