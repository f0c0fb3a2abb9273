//! Headers that precede the header of an entry and override fields of it: pax headers and GNU's long
//! names.
//!
//! Source: POSIX `pax`, "pax Header Block"; the manual of GNU tar, "Basic Tar Format". The tar crate
//! looks for the records of pax headers line by line, but a value may have several lines, so the
//! records that are read here count.

use std::borrow::Cow;
use std::io::Read;

use tar::{Entry, EntryType, Header};

use super::limited_reader::MAX_HEADERS;
use super::sparse::{self, SparseMap, SparseRecords};
use super::{BLOCK, HeaderError, numbers};

/// Records of pax headers that decide what an entry is. All others are ignored.
const SIZE: &[u8] = b"size";
const PATH: &[u8] = b"path";
const LINK: &[u8] = b"linkpath";

/// What precedes the name of an extended attribute. Programs in Go know no other spelling.
const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";

/// Records that a pax header for all entries may have: programs in Go ignore all others there, GNU tar and
/// Python apply them.
const GLOBAL: [&[u8]; 4] = [b"comment", b"charset", b"atime", b"ctime"];

/// What the extension headers of an entry override.
#[derive(Default)]
pub struct ExtensionHeaders {
    pub size: Option<u64>,
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    /// Extended attributes, each with its value.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
    pub is_sparse: bool,
    /// Where the map of a sparse file of pax is.
    pub sparse_map: Option<SparseMap>,
}

impl ExtensionHeaders {
    /// Parses the headers of one entry, the last of which is its own.
    pub fn parse(mut blocks: &[u8]) -> Result<Self, HeaderError> {
        let mut found = Self::default();
        while let Some((head, rest)) = blocks.split_first_chunk::<BLOCK>() {
            let header = Header::from_byte_slice(head);
            check_size_field(header)?;
            numbers::check_fields(head)?;
            let kind = header.entry_type();
            // The header of the entry itself. More of the map of a sparse file may follow it.
            if rest.is_empty() || !is_extension(kind) {
                if sparse::is_sparse_type(kind) {
                    sparse::check_old_map(head, rest)?;
                    found.is_sparse = true;
                }
                break;
            }
            let size = usize::try_from(header.entry_size()?).unwrap_or(usize::MAX);
            let padded = size.checked_next_multiple_of(BLOCK);
            let split = padded.and_then(|padded| rest.split_at_checked(padded));
            let (content, next) = split.ok_or(HeaderError::CutOff)?;
            // Python reads whole blocks, up to the first zero byte.
            if content.get(size).is_some_and(|b| *b != 0) {
                return Err(HeaderError::TextAfterEnd);
            }
            match kind {
                EntryType::GNULongName => set_name(&mut found.path, without_nul(&content[..size]))?,
                EntryType::GNULongLink => set_name(&mut found.link, without_nul(&content[..size]))?,
                _ => found.add_records(&content[..size])?,
            }
            blocks = next;
        }
        Ok(found)
    }

    /// Returns the name of the entry with this header.
    pub fn path_of<'a>(&'a self, header: &'a Header) -> Cow<'a, [u8]> {
        match &self.path {
            Some(path) => path.into(),
            None => header.path_bytes(),
        }
    }

    /// Returns the target of the link with this header.
    pub fn link_of<'a>(&'a self, header: &'a Header) -> Option<Cow<'a, [u8]>> {
        match &self.link {
            Some(link) => Some(link.into()),
            None => header.link_name_bytes(),
        }
    }

    fn add_records(&mut self, content: &[u8]) -> Result<(), HeaderError> {
        let records = records(content)?;
        let sparse = SparseRecords::parse(&records)?;
        let has_long_name = self.path.is_some();
        for (i, (key, value)) in records.iter().enumerate() {
            // Few headers have more than ten records.
            let is_repeated = records[..i].iter().any(|(earlier, _)| earlier == key);
            if is_repeated && !sparse::may_repeat(key) {
                let key = key.escape_ascii().to_string();
                return Err(HeaderError::TwoRecords { key });
            }
            check_value(key, value)?;
            match *key {
                PATH => set_name(&mut self.path, value)?,
                LINK => set_name(&mut self.link, value)?,
                SIZE => self.size = numbers::decimal(value),
                key => {
                    if let Some(name) = key.strip_prefix(ATTRIBUTE) {
                        self.attributes.push((name.to_vec(), value.to_vec()));
                    }
                }
            }
        }
        if let Some(sparse) = sparse {
            self.is_sparse = true;
            self.sparse_map = Some(sparse.map);
            // It replaces the path of the same header only.
            if let Some(name) = sparse.name {
                if !has_long_name {
                    self.path = None;
                }
                set_name(&mut self.path, name)?;
            }
        }
        Ok(())
    }
}

/// Checks the size field: octal digits, or a big-endian number after the bit 0x80 (GNU, star). Of the
/// latter the tar crate takes the last 64 bits, whatever precedes them.
fn check_size_field(header: &Header) -> Result<(), HeaderError> {
    let field = header.as_old().size;
    match field[0] & 0x80 == 0 {
        // The tar crate reports what is not a number at all.
        true if header.entry_size().is_err() || numbers::number(&field).is_some() => Ok(()),
        true => Err(numbers::bad_field("size", &field)),
        false if field[..4] == [0x80, 0, 0, 0] => Ok(()),
        false => Err(HeaderError::BadSize),
    }
}

/// Checks the value of a record that is not a text: Go refuses others, Python takes 0 for them.
fn check_value(key: &[u8], value: &[u8]) -> Result<(), HeaderError> {
    let is_good = match key {
        b"size" => numbers::decimal(value).is_some(),
        b"uid" | b"gid" => numbers::decimal(value).is_some_and(|id| u32::try_from(id).is_ok()),
        b"mtime" | b"atime" | b"ctime" => numbers::is_time(value),
        // Python ends both there, Go refuses them.
        b"uname" | b"gname" => !value.contains(&0),
        key => !key.is_empty() && !key.contains(&0),
    };
    let shown = |text: &[u8]| text.escape_ascii().to_string();
    match is_good {
        true => Ok(()),
        false => Err(HeaderError::BadPaxValue {
            key: shown(key),
            shown: shown(&value[..value.len().min(40)]),
        }),
    }
}

/// Whether a header of this type precedes the header of an entry.
pub fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions()
}

/// Sets a name, which must be the only one.
fn set_name(name: &mut Option<Vec<u8>>, value: &[u8]) -> Result<(), HeaderError> {
    // Some readers end the name there.
    if value.contains(&0) {
        return Err(HeaderError::NulInName);
    }
    match name.replace(value.to_owned()) {
        None if !value.is_empty() => Ok(()),
        _ => Err(HeaderError::TwoNames),
    }
}

fn without_nul(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    &name[..end]
}

/// A record of a pax header: key and value.
pub type Record<'a> = (&'a [u8], &'a [u8]);

/// Splits a pax header into its records: `<length> <key>=<value>\n`, the length that of the whole
/// record.
fn records(mut content: &[u8]) -> Result<Vec<Record<'_>>, HeaderError> {
    let mut records = Vec::new();
    while !content.is_empty() {
        let (record, rest) = split_record(content).ok_or_else(|| HeaderError::BadPaxRecord {
            shown: content[..content.len().min(40)].escape_ascii().to_string(),
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

/// Checks a pax header for all entries that follow, `headers` being all headers before its content.
/// `git archive` writes one with a comment. Sizes and names in it are applied by some readers and
/// ignored by others, the tar crate among them.
pub fn check_global<R: Read>(entry: &mut Entry<'_, R>, headers: &[u8]) -> Result<(), HeaderError> {
    if headers.len() >= 2 * BLOCK || entry.size() > MAX_HEADERS as u64 {
        return Err(HeaderError::MisplacedGlobal);
    }
    let mut content = Vec::new();
    entry.read_to_end(&mut content)?;
    // Keys of a vendor mean nothing to others, except those of sparse files and attributes.
    let is_harmless = |key: &[u8]| {
        let is_known = [&b"GNU."[..], b"SCHILY.", b"LIBARCHIVE."];
        let is_vendors =
            key.contains(&b'.') && !is_known.iter().any(|known| key.starts_with(known));
        GLOBAL.contains(&key) || is_vendors
    };
    let records = records(&content)?;
    for (key, value) in &records {
        check_value(key, value)?;
    }
    match records.iter().find(|(key, _)| !is_harmless(key)) {
        Some((key, _)) => Err(HeaderError::GlobalOverride {
            key: key.escape_ascii().to_string(),
        }),
        None => Ok(()),
    }
}
