//! The files of an input, whatever holds them: a directory, or an archive that was looked up or read
//! as a stream.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::blob::{Content, Staged};
use crate::error::Error;
use crate::spec::{Document, LAYOUT_FILE};

/// How many links may lead to a file (as many as Linux follows).
const MAX_LINKS: usize = 40;

/// Files by name.
pub struct Tree {
    input: Arc<str>,
    files: Files,
}

enum Files {
    Directory(PathBuf),
    Archive {
        path: Arc<Path>,
        entries: HashMap<String, Entry>,
    },
}

/// An entry of an archive.
pub enum Entry {
    /// Bytes that lie in the archive.
    Range {
        /// Where they start.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// A small file of a stream, kept in memory.
    Document(Arc<[u8]>),
    /// A large file of a stream, staged.
    Staged(Arc<Staged>),
    /// A symbolic link, relative to the directory that it is in.
    SymbolicLink(String),
    /// A hard link, relative to the root.
    HardLink(String),
}

/// A file that was found.
pub struct Found {
    /// Its bytes.
    pub content: Content,
    /// How many there are.
    pub size: u64,
}

impl Tree {
    /// The files of a directory.
    pub fn directory(path: &Path) -> Result<Self, Error> {
        // Links in the output must lead to the blobs themselves, from wherever it is read.
        let root = path.canonicalize().map_err(Error::io("read", path))?;
        let tree = Self {
            input: path.display().to_string().into(),
            files: Files::Directory(root),
        };
        if tree.has(LAYOUT_FILE)? {
            return Ok(tree);
        }
        Err(Error::NotAnImage {
            input: tree.input.to_string(),
            found: format!("a directory without the file {LAYOUT_FILE:?}"),
            hint: None,
        })
    }

    /// The entries of an archive.
    pub fn archive(path: &Path, entries: HashMap<String, Entry>) -> Self {
        Self {
            input: path.display().to_string().into(),
            files: Files::Archive {
                path: path.into(),
                entries,
            },
        }
    }

    /// The name of the input, for messages.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The same, to be kept.
    pub fn shared_input(&self) -> Arc<str> {
        self.input.clone()
    }

    /// Whether there is a file of that name.
    pub fn has(&self, name: &str) -> Result<bool, Error> {
        Ok(self.find(name)?.is_some())
    }

    /// Looks a file up. In a directory `name` must be safe to be joined to a path: a fixed name or
    /// [`Digest::blob_path`](crate::spec::Digest::blob_path).
    pub fn find(&self, name: &str) -> Result<Option<Found>, Error> {
        match &self.files {
            Files::Directory(root) => {
                let path = root.join(name);
                match path.metadata() {
                    Ok(metadata) if metadata.is_file() => Ok(Some(Found {
                        content: Content::File(path.into()),
                        size: metadata.len(),
                    })),
                    Ok(_) => Ok(None),
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(Error::io("read", &path)(e)),
                }
            }
            Files::Archive { path, entries } => {
                Ok(follow(entries, name).map(|entry| match entry {
                    Entry::Range { offset, len } => Found {
                        content: Content::Range {
                            path: path.clone(),
                            offset: *offset,
                            len: *len,
                        },
                        size: *len,
                    },
                    Entry::Document(bytes) => Found {
                        content: Content::Bytes(bytes.clone()),
                        size: bytes.len() as u64,
                    },
                    Entry::Staged(staged) => Found {
                        content: Content::Staged(staged.clone()),
                        size: staged.original.1,
                    },
                    Entry::SymbolicLink(_) | Entry::HardLink(_) => unreachable!("followed"),
                }))
            }
        }
    }

    /// The bytes of a small file.
    pub fn bytes(&self, name: &str, limit: u64) -> Result<Option<Arc<[u8]>>, Error> {
        let Some(found) = self.find(name)? else {
            return Ok(None);
        };
        if found.size > limit {
            return Err(Error::DocumentTooLarge {
                input: self.input.to_string(),
                document: name.to_owned(),
                size: found.size,
                limit,
            });
        }
        if let Content::Bytes(bytes) = found.content {
            return Ok(Some(bytes));
        }
        let mut bytes = Vec::new();
        found
            .content
            .open()
            // The limit holds although the file may grow while it is read.
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|e| self.corrupt(name.to_owned(), &e))?;
        Ok(Some(bytes.into()))
    }

    /// Parses `raw`, which the input calls `name`.
    pub fn parse<T: DeserializeOwned>(
        &self,
        name: &str,
        raw: Arc<[u8]>,
    ) -> Result<Document<T>, Error> {
        Document::parse(raw).map_err(|e| self.bad(name, e.to_string()))
    }

    /// The error for a document that does not say what it must.
    pub fn bad(&self, document: &str, problem: impl Into<String>) -> Error {
        Error::BadDocument {
            input: self.input.to_string(),
            document: document.to_owned(),
            problem: problem.into(),
        }
    }

    /// The error for bytes that cannot be read.
    pub fn corrupt(&self, what: String, problem: &std::io::Error) -> Error {
        Error::Corrupt {
            input: self.input.to_string(),
            what,
            problem: problem.to_string(),
        }
    }
}

fn follow<'a>(entries: &'a HashMap<String, Entry>, name: &str) -> Option<&'a Entry> {
    let mut name = normal("", name)?;
    for _ in 0..MAX_LINKS {
        match entries.get(&name)? {
            Entry::SymbolicLink(target) => {
                let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
                name = normal(parent, target)?;
            }
            Entry::HardLink(target) => name = normal("", target)?,
            entry => return Some(entry),
        }
    }
    None
}

/// `path`, seen from the directory `base`, without `.`, `..` and empty parts; nothing if it leads
/// out of the archive.
pub fn normal(base: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { base };
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn names_are_seen_from_the_root() {
        for (base, path, expected) in [
            ("", "./a//b/", Some("a/b")),
            ("", "/a", Some("a")),
            ("a/b", "../c", Some("a/c")),
            ("a", "/c", Some("c")),
            ("a", "../../etc/passwd", None),
        ] {
            assert_eq!(normal(base, path).as_deref(), expected);
        }
    }
}
