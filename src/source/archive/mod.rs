//! Tar archives, in one forward pass.
//!
//! Of an uncompressed file only the headers are read; its layers stay where they are. A stream
//! cannot be read twice and its `manifest.json` may be its last entry, so everything that may be a
//! layer is staged as it flows by, and small JSON files are kept in memory.

mod bounded;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tar::EntryType;

use super::tree::{Entry, Tree, normal};
use super::{file_kind, sniff};
use crate::bytes::codec::{Encoding, ReadAhead, is_tar};
use crate::bytes::copy::{self, CopyError, Hashes, fill};
use crate::bytes::store::Store;
use crate::error::{Error, FileKind, InputName, Item, Problem, Subject};
use crate::oci::{Algorithm, DOCKER_FILE, Digest, INDEX_FILE, LAYOUT_FILE, MAX_CONFIG};
use crate::source::callbacks::Callbacks;
use crate::tar::headers::Member;
use crate::tar::limited_reader::BLOCK;
use crate::util::lock::lock;
use bounded::Bounded;

/// How much of a stream's JSON is kept in memory; what comes after is staged like a layer.
const MAX_DOCUMENTS: u64 = 64 << 20;

/// Files of the format that came before `manifest.json`; no reader needs them (image-spec of Docker,
/// v1.2).
pub const LEGACY: [&str; 3] = ["VERSION", "json", "repositories"];

/// Looks up the entries of an uncompressed archive of `size` bytes.
pub fn look_up(
    path: &Path,
    mut file: File,
    size: u64,
    callbacks: &dyn Callbacks,
) -> Result<Tree, Error> {
    file.rewind().map_err(Error::io("read", path))?;
    let input = InputName::from(path);
    let damaged = |problem: String| {
        let subject = Subject::from((&input, Item::Stream("tar archive")));
        Error::unreadable(subject)(io::Error::other(problem))
    };
    let mut headers = Bounded::default();
    let mut archive = tar::Archive::new(headers.of(file));
    let mut walk = archive
        .entries_with_seek()
        .map_err(|e| damaged(e.to_string()))?;
    let mut entries = HashMap::new();
    while let Some(entry) = headers.next(&mut walk) {
        let member = entry.map_err(damaged)?;
        let path = member.path_bytes();
        callbacks.entry(&path, member.header().entry_type());
        let (offset, len) = (member.position(), member.size());
        // Also of what nobody asks for: a stream ends there too, and even where only zeros behind the content are gone.
        if offset.checked_add(len).is_none_or(|end| end > size) {
            let name = String::from_utf8_lossy(&path);
            return Err(damaged(format!(
                "the entry {name:?} has {len} bytes from byte {offset} on, but the file ends at byte {size}"
            )));
        }
        if (offset + len).next_multiple_of(BLOCK as u64) > size {
            let name = String::from_utf8_lossy(&path);
            return Err(damaged(format!(
                "the file ends at byte {size}, within the last block of the entry {name:?}"
            )));
        }
        let Some(name) = name(&member) else { continue };
        let found = match link(&member) {
            Some(link) => link,
            None if !is_file(&member) => continue,
            None => Entry::Range { offset, len },
        };
        insert(&mut entries, name, found, callbacks).map_err(damaged)?;
    }
    headers.end(archive.into_inner()).map_err(damaged)?;
    Ok(Tree::archive(input, path, entries))
}

/// Reads an archive that is compressed, or comes through a pipe, to its end.
pub fn open_stream(
    input: InputName,
    mut file: impl Read + Send + 'static,
    callbacks: &dyn Callbacks,
    store: &Store<'_>,
) -> Result<Tree, Error> {
    let mut head = [0; 512];
    let n = fill(&mut file, &mut head).map_err(|source| {
        let action = "read";
        Error::new(&input, Problem::Io { action, source })
    })?;
    let head = head[..n].to_vec();
    let encoding = Encoding::sniff(&head);
    if encoding == Encoding::Plain && !is_tar(&head) {
        let found = match head.trim_ascii_start().starts_with(b"{") {
            true => FileKind::PipedJson,
            false => file_kind(&head),
        };
        return Err(Error::new(input, Problem::NotAnImage { found }));
    }
    let all = io::Cursor::new(head).chain(file);
    read_stream(input, all, encoding, callbacks, store)
}

fn read_stream(
    input: InputName,
    file: impl Read + Send + 'static,
    encoding: Encoding,
    callbacks: &dyn Callbacks,
    store: &Store<'_>,
) -> Result<Tree, Error> {
    let outer = Damage::default();
    // Whatever stumbles over a damaged stream, the stream is to blame.
    let damaged = |item: Item, source: io::Error| {
        let (item, source) = match outer.take() {
            Some(outer) => (Item::Stream(encoding.name()), outer),
            None => (item, source),
        };
        Error::unreadable((&input, item))(source)
    };
    let broken = |e: io::Error| damaged(Item::Stream("tar archive"), e);
    let refused = |problem: String| broken(io::Error::other(problem));

    let mut stream = Watched {
        input: ReadAhead::start(move || encoding.decode(file)).map_err(broken)?,
        damage: outer.clone(),
    };
    let mut head = [0; 512];
    let n = fill(&mut stream, &mut head).map_err(broken)?;
    if !is_tar(&head[..n]) {
        let content = Box::new(file_kind(&head[..n]));
        let found = FileKind::Compressed(encoding.name(), content);
        return Err(Error::new(&input, Problem::NotAnImage { found }));
    }

    let mut headers = Bounded::default();
    let mut archive = tar::Archive::new(headers.of(head.chain(&mut stream)));
    let mut walk = archive.entries().map_err(broken)?;
    let mut entries = HashMap::new();
    let mut documents = 0;
    while let Some(entry) = headers.next(&mut walk) {
        let mut entry = entry.map_err(refused)?;
        callbacks.entry(&entry.path_bytes(), entry.header().entry_type());
        let (name, link) = (name(&entry), link(&entry));
        let basename = name.as_deref().and_then(|name| name.rsplit('/').next());
        let is_ignored = basename.is_none_or(|name| LEGACY.contains(&name));
        let (name, found) = match (name, link) {
            (Some(name), Some(link)) => (name, link),
            (None, _) => {
                skip(&mut entry).map_err(broken)?;
                continue;
            }
            (Some(_), None) if is_ignored || !is_file(&entry) => {
                skip(&mut entry).map_err(broken)?;
                continue;
            }
            (Some(name), None) => {
                let size = entry.size();
                let room = MAX_CONFIG.min(MAX_DOCUMENTS - documents);
                let claim = claim(&name);
                let found = take(entry, room, claim.as_ref(), store).map_err(|broken| {
                    let blame = |e: io::Error| damaged(Item::Entry((&*name).into()), e);
                    broken.blame(blame, store.directory())
                })?;
                let read = match &found {
                    Entry::Document(bytes) => {
                        documents += bytes.len() as u64;
                        bytes.len() as u64
                    }
                    Entry::Staged(staged) => staged.original.1,
                    Entry::Known { size, .. } => *size,
                    _ => size,
                };
                if read != size {
                    return Err(refused(format!(
                        "the entry {name:?} ends after {read} of {size} bytes"
                    )));
                }
                (name, found)
            }
        };
        insert(&mut entries, name, found, callbacks).map_err(refused)?;
    }
    // The checksum of the stream comes after the end of the archive.
    headers.end(archive.into_inner()).map_err(refused)?;
    io::copy(&mut stream, &mut io::sink()).map_err(broken)?;
    let path = Path::new("");
    Ok(Tree::archive(input, path, entries))
}

/// Keeps a JSON file of at most `room` bytes (and what is too small to be a tar, of which an archive
/// can have very many), stages anything else.
fn take(
    entry: impl Read,
    room: u64,
    claim: Option<&Digest>,
    store: &Store<'_>,
) -> Result<Entry, CopyError> {
    let (head, encoding, mut input) = sniff(entry).map_err(CopyError::Read)?;
    let is_json = matches!(head.trim_ascii_start().first(), Some(b'{' | b'['));
    let mut bytes = Vec::new();
    if is_json || head.len() < 512 {
        (&mut input)
            .take(room + 1)
            .read_to_end(&mut bytes)
            .map_err(CopyError::Read)?;
        if bytes.len() as u64 <= room {
            return Ok(Entry::Document(bytes.into()));
        }
    }
    let input = io::Cursor::new(bytes).chain(input);
    // Another image, or another entry, is about to have it. It is hashed all the same: a name is no
    // proof.
    let hashes = Hashes {
        blob: claim.map_or(Algorithm::Sha256, Digest::algorithm),
        ..Hashes::SHA256
    };
    let is_claimed = |claim: &Digest| claim.algorithm() == Algorithm::Sha256 && !store.claim(claim);
    if encoding == Encoding::Plain && claim.is_some_and(is_claimed) {
        let none = &mut io::sink();
        let flow = copy::verified(input, encoding, hashes, none, &mut io::sink(), None)?;
        let (digest, size) = flow.blob;
        return Ok(Entry::Known { digest, size });
    }
    // What is compressed is kept as it is, even if layers are to be decompressed: whether it is a
    // layer is not known yet, and compression cannot be undone and done again to the same bytes.
    let target = match encoding {
        Encoding::Plain => store.compression().target(Encoding::Plain),
        compressed => compressed,
    };
    let staged = store.put(input, encoding, target, hashes)?;
    Ok(Entry::Staged(staged))
}

/// The digest that a layer has by its name: `<hex>/layer.tar` or `<hex>.tar` in a docker-archive,
/// `blobs/<algorithm>/<hex>` in a layout.
fn claim(name: &str) -> Option<Digest> {
    if let Some(hex) = name.strip_prefix("blobs/sha512/") {
        return format!("sha512:{hex}").parse().ok();
    }
    let word = |word: &str| {
        let hex = word.strip_suffix(".tar").unwrap_or(word);
        format!("sha256:{hex}").parse().ok()
    };
    name.split('/').find_map(word)
}

/// Adds an entry. One that is there twice replaces the first, as it does where an archive is
/// unpacked; but which of two documents says what the image is, readers do not agree on: skopeo
/// takes the first, Docker the last.
fn insert(
    entries: &mut HashMap<String, Entry>,
    name: String,
    found: Entry,
    callbacks: &dyn Callbacks,
) -> Result<(), String> {
    let decides = [DOCKER_FILE, INDEX_FILE, LAYOUT_FILE].contains(&&*name);
    // Who looks at all entries says so in other words, and goes on.
    if decides && entries.contains_key(&name) && !callbacks.reads_all() {
        return Err(format!("it has the entry {name:?} twice"));
    }
    entries.insert(name, found);
    Ok(())
}

/// Reads an entry to its end, so that the next thing to be read is a header.
fn skip(entry: &mut impl Read) -> io::Result<()> {
    io::copy(entry, &mut io::sink()).map(drop)
}

/// The name of an entry, seen from the root. Names that are no UTF-8 or lead out of the archive
/// cannot be meant by any document.
fn name<R: Read>(member: &Member<'_, R>) -> Option<String> {
    normal("", std::str::from_utf8(&member.path_bytes()).ok()?)
}

fn is_file<R: Read>(member: &Member<'_, R>) -> bool {
    matches!(
        member.header().entry_type(),
        EntryType::Regular | EntryType::Continuous
    )
}

fn link<R: Read>(member: &Member<'_, R>) -> Option<Entry> {
    let target = || String::from_utf8(member.link_name_bytes()?.into_owned()).ok();
    match member.header().entry_type() {
        EntryType::Symlink => target().map(Entry::SymbolicLink),
        EntryType::Link => target().map(Entry::HardLink),
        _ => None,
    }
}

/// What was wrong with a stream, for those who only see that it ended.
#[derive(Clone, Default)]
struct Damage(Arc<Mutex<Option<io::Error>>>);

impl Damage {
    fn take(&self) -> Option<io::Error> {
        lock(&self.0).take()
    }
}

struct Watched<R> {
    input: R,
    damage: Damage,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.input.read(buf).map_err(|error| {
            let seen = io::Error::new(error.kind(), error.to_string());
            *lock(&self.damage.0) = Some(error);
            seen
        })
    }
}
