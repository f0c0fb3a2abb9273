//! Archives that are compressed or come through a pipe: read once, from their beginning to their end.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::rc::Rc;

use super::{insert, link, name};
use crate::bytes::codec::{Encoding, ReadAhead};
use crate::bytes::{Algorithms, VerifiedReader, Verify, fill};
use crate::error::{Error, FileKind, InputName, Item, Problem, Subject};
use crate::image::Content;
use crate::oci::{Algorithm, Digest, LEGACY_DOCKER_FILES, MAX_CONFIG};
use crate::source::callbacks::Callbacks;
use crate::source::tree::{ArchiveEntry, Tree, TreeFile};
use crate::source::{Stager, file_kind, sniff};
use crate::tar::{
    BLOCK, EntryKind, EntryLimits, NameBudget, TarArchive, TarError, UnpackRules, is_tar,
};

/// The bytes of JSON of a stream that are kept in memory; later documents are staged like layers.
const MAX_DOCUMENTS: u64 = 64 << 20;

/// Reads an archive that is compressed, or comes through a pipe, to its end.
pub fn open_stream(
    input: InputName,
    mut file: impl Read + Send + 'static,
    callbacks: &dyn Callbacks,
    stager: &Stager<'_>,
) -> Result<Tree, Error> {
    let mut head = [0; BLOCK];
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
    read_stream(input, all, encoding, callbacks, stager)
}

fn read_stream(
    input: InputName,
    file: impl Read + Send + 'static,
    encoding: Encoding,
    callbacks: &dyn Callbacks,
    stager: &Stager<'_>,
) -> Result<Tree, Error> {
    let failure = StreamFailure::default();
    // Where the stream cannot be read, any other problem is only a consequence.
    let stream_first = |error: Error| match failure.take() {
        Some(failure) => Error::unreadable((&input, Item::Stream(encoding.name())))(failure),
        None => error,
    };
    let not_read = |e: io::Error| {
        let archive = Item::Stream("tar archive");
        stream_first(Error::unreadable((&input, archive))(e))
    };
    let bad_tar = |e: TarError| not_read(e.into());

    let mut stream = StreamReader {
        input: ReadAhead::start(move || encoding.decode(file)).map_err(not_read)?,
        failure: failure.clone(),
    };
    let mut head = [0; BLOCK];
    let n = fill(&mut stream, &mut head).map_err(not_read)?;
    if !is_tar(&head[..n]) {
        let content = Box::new(file_kind(&head[..n]));
        let found = FileKind::Compressed(encoding.name(), content);
        return Err(Error::new(&input, Problem::NotAnImage { found }));
    }

    let mut limits = EntryLimits::default();
    let names = NameBudget::default();
    let mut rules = UnpackRules::new(&names);
    let mut archive = TarArchive::new(head.chain(&mut stream));
    let mut entries = HashMap::new();
    let mut documents = 0;
    for entry in archive.entries().map_err(not_read)? {
        let mut entry = entry.map_err(bad_tar)?;
        limits.count(&entry).map_err(bad_tar)?;
        rules.check(&entry);
        callbacks.entry(&entry.path(), entry.kind());
        let (name, link) = (name(&entry), link(&entry));
        let basename = name.as_deref().and_then(|name| name.rsplit('/').next());
        let is_ignored = basename.is_none_or(|name| LEGACY_DOCKER_FILES.contains(&name));
        let (name, found) = match (name, link) {
            (Some(name), Some(link)) => (name, link),
            (None, _) => {
                skip(&mut entry).map_err(not_read)?;
                continue;
            }
            (Some(_), None) if is_ignored || entry.kind() != EntryKind::File => {
                skip(&mut entry).map_err(not_read)?;
                continue;
            }
            (Some(name), None) => {
                let size = entry.size();
                let room = MAX_CONFIG.min(MAX_DOCUMENTS - documents);
                let file = take(entry, &name, &input, room, stager).map_err(stream_first)?;
                if let Content::Bytes(bytes) = &file.content {
                    documents += bytes.len() as u64;
                }
                if file.size != size {
                    return Err(bad_tar(TarError::EndsEarly {
                        name,
                        read: file.size,
                        size,
                    }));
                }
                (name, ArchiveEntry::File(file))
            }
        };
        insert(&mut entries, name, found, callbacks).map_err(bad_tar)?;
    }
    // The checksum of the stream comes after the end of the archive.
    archive.finish().map_err(bad_tar)?;
    callbacks.defects(rules.finish());
    io::copy(&mut stream, &mut io::sink()).map_err(not_read)?;
    Ok(Tree::archive(input, entries))
}

/// Keeps a JSON file of at most `room` bytes in memory, and any file that is too small to be a tar, of
/// which an archive can have very many. Stages other files.
fn take(
    entry: impl Read,
    name: &str,
    input: &InputName,
    room: u64,
    stager: &Stager<'_>,
) -> Result<TreeFile, Error> {
    let subject = Subject::from((input, Item::Entry(name.into())));
    let unreadable = |e| subject.unreadable(e);
    let (head, encoding, mut file) = sniff(entry).map_err(unreadable)?;
    let is_json = matches!(head.trim_ascii_start().first(), Some(b'{' | b'['));
    let mut bytes = Vec::new();
    if is_json || head.len() < BLOCK {
        (&mut file)
            .take(room + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 <= room {
            return Ok(TreeFile {
                size: bytes.len() as u64,
                content: Content::Bytes(bytes.into()),
            });
        }
    }
    let digest = named_digest(name);
    let algorithm = digest.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let reader = VerifiedReader {
        bytes: Box::new(io::Cursor::new(bytes).chain(file)),
        encoding,
        algorithms: Algorithms {
            blob: algorithm,
            ..Algorithms::SHA256
        },
        observer: stager.observer(),
        // A name proves nothing: the digest that is computed is compared with those of documents.
        owner: &subject,
    };
    stager.stage(reader, digest.as_ref())
}

/// Returns the digest that the name of a layer contains: `<hex>/layer.tar` or `<hex>.tar` in a
/// docker-archive, `blobs/<algorithm>/<hex>` in a layout.
fn named_digest(name: &str) -> Option<Digest> {
    if let Some(hex) = name.strip_prefix("blobs/sha512/") {
        return format!("sha512:{hex}").parse().ok();
    }
    let word = |word: &str| {
        let hex = word.strip_suffix(".tar").unwrap_or(word);
        format!("sha256:{hex}").parse().ok()
    };
    name.split('/').find_map(word)
}

/// Reads an entry to its end, so that the next bytes are a header.
fn skip(entry: &mut impl Read) -> io::Result<()> {
    io::copy(entry, &mut io::sink()).map(drop)
}

/// Why a stream could not be read. Readers in between replace errors, or take them for the end.
#[derive(Clone, Default)]
struct StreamFailure(Rc<Cell<Option<io::Error>>>);

impl StreamFailure {
    fn take(&self) -> Option<io::Error> {
        self.0.take()
    }
}

/// A reader that keeps the error of its input.
struct StreamReader<R> {
    input: R,
    failure: StreamFailure,
}

impl<R: Read> Read for StreamReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.input.read(buf).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let kind = error.kind();
            self.failure.0.set(Some(error));
            kind.into()
        })
    }
}
