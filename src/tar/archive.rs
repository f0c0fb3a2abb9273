//! The entries of an archive, each with headers that agree.

use std::borrow::Cow;
use std::io::{self, Read, Seek};

use super::extensions::ExtensionHeaders;
use super::limited_reader::{HeaderRecorder, LimitedReader};
use super::{BLOCK, EntryKind, TarError, headers};
use crate::bytes::fill;

/// An archive that is read from its beginning to its end.
pub struct TarArchive<R: Read> {
    archive: tar::Archive<LimitedReader<R>>,
    recorder: HeaderRecorder,
    /// How many entries were read.
    entries: usize,
}

impl<R: Read> TarArchive<R> {
    /// Starts to read an archive.
    pub fn new(input: R) -> Self {
        let recorder = HeaderRecorder::default();
        Self {
            archive: tar::Archive::new(recorder.reader(input)),
            recorder,
            entries: 0,
        }
    }

    /// Iterates over the entries. Content that the caller does not read is read and dropped.
    pub fn entries(&mut self) -> io::Result<TarEntries<'_, R>> {
        Ok(TarEntries {
            entries: self.archive.entries()?,
            recorder: &self.recorder,
            count: &mut self.entries,
        })
    }

    /// Iterates over the entries. Content that the caller does not read is skipped.
    pub fn entries_with_seek(&mut self) -> io::Result<TarEntries<'_, R>>
    where
        R: Seek,
    {
        Ok(TarEntries {
            entries: self.archive.entries_with_seek()?,
            recorder: &self.recorder,
            count: &mut self.entries,
        })
    }

    /// Checks that the archive ends after its last entry: with two blocks of zeros, or with the file.
    pub fn finish(self) -> Result<(), TarError> {
        let mut rest = self.archive.into_inner();
        let mut block = [0; BLOCK];
        let n = fill(&mut rest, &mut block)?;
        match block == [0; BLOCK] && (n == 0 || n == BLOCK) {
            true => Ok(()),
            false => Err(TarError::NotTheEnd {
                number: self.entries,
            }),
        }
    }
}

/// An iterator over the entries of an archive. It ends after an error: where readers
/// disagree about headers, they also disagree about the entries that follow.
pub struct TarEntries<'a, R: Read> {
    entries: tar::Entries<'a, LimitedReader<R>>,
    recorder: &'a HeaderRecorder,
    count: &'a mut usize,
}

impl<'a, R: Read> Iterator for TarEntries<'a, R> {
    type Item = Result<TarEntry<'a, R>, TarError>;

    fn next(&mut self) -> Option<Self::Item> {
        // A layer can have a million entries, of almost a kilobyte each: the headers are checked
        // before the entry is moved, once.
        let mut next = self.recorder.record(|| self.entries.next())?;
        *self.count += 1;
        let checked = match &mut next {
            Ok(entry) => headers::check(entry, &self.recorder.headers()),
            Err(_) => Ok(ExtensionHeaders::default()),
        };
        Some(match (next, checked) {
            (Ok(entry), Ok(extensions)) => Ok(TarEntry { entry, extensions }),
            (Ok(entry), Err(source)) => Err(TarError::BadHeaders {
                name: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
                source,
            }),
            (Err(source), _) => Err(TarError::Unreadable {
                number: *self.count,
                source,
            }),
        })
    }
}

/// An entry whose headers agree. Reading it gives its content.
pub struct TarEntry<'a, R: Read> {
    entry: tar::Entry<'a, LimitedReader<R>>,
    extensions: ExtensionHeaders,
}

impl<R: Read> TarEntry<'_, R> {
    /// The name, as the archive has it.
    pub fn path(&self) -> Cow<'_, [u8]> {
        self.extensions.path_of(self.entry.header())
    }

    /// The name as text for messages.
    pub fn shown_path(&self) -> String {
        String::from_utf8_lossy(&self.path()).into_owned()
    }

    /// Returns the type; a file of the oldest format whose name ends with a slash is a directory.
    pub fn kind(&self) -> EntryKind {
        let header = self.entry.header();
        let is_old = header.as_old().linkflag == [0];
        match EntryKind::of(header.entry_type()) {
            EntryKind::File if is_old && self.path().ends_with(b"/") => EntryKind::Directory,
            kind => kind,
        }
    }

    /// The byte that is the type in the header.
    pub fn type_byte(&self) -> u8 {
        self.entry.header().entry_type().as_byte()
    }

    /// The target of a link.
    pub fn link_target(&self) -> Option<Cow<'_, [u8]>> {
        self.extensions.link_of(self.entry.header())
    }

    /// The extended attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let attributes = self.extensions.attributes.iter();
        attributes.map(|(name, value)| (&**name, &**value))
    }

    /// Whether the file is executable.
    pub fn is_executable(&self) -> bool {
        let mode = self.entry.header().mode();
        mode.is_ok_and(|mode| mode & 0o111 != 0)
    }

    /// Whether its owner may execute the file, which is the only mode that Nix keeps.
    pub fn is_owner_executable(&self) -> bool {
        let mode = self.entry.header().mode();
        mode.is_ok_and(|mode| mode & 0o100 != 0)
    }

    /// The bytes of the content. Those of a sparse file of GNU include its holes.
    pub fn size(&self) -> u64 {
        self.entry.size()
    }

    /// The bytes of the content that are in the archive, for an entry whose size no pax header
    /// overrides.
    pub fn stored_size(&self) -> u64 {
        self.entry.header().entry_size().unwrap_or(0)
    }

    /// Whether holes are left out, in the dialect of GNU or of pax. The bytes that are read are then not
    /// the content of the file.
    pub fn is_sparse(&self) -> bool {
        self.extensions.is_sparse
    }

    /// Where the content starts in the archive.
    pub fn position(&self) -> u64 {
        self.entry.raw_file_position()
    }

    /// Checks that the content and its padding are in a file of `end` bytes, so that it can be read
    /// later: a stream would end there too, even where only zeros are missing.
    pub fn check_end(&self, end: u64) -> Result<(), TarError> {
        let (offset, size) = (self.position(), self.size());
        match offset.checked_add(size) {
            Some(content) if content <= end => {
                match content.next_multiple_of(BLOCK as u64) <= end {
                    true => Ok(()),
                    false => Err(TarError::PaddingCutOff {
                        name: self.shown_path(),
                        end,
                    }),
                }
            }
            _ => Err(TarError::CutOff {
                name: self.shown_path(),
                size,
                offset,
                end,
            }),
        }
    }
}

impl<R: Read> Read for TarEntry<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.entry.read(buf)
    }
}
