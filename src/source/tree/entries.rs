//! The entries of an archive by name, and where links in it lead.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::image::blob::Staged;
use crate::oci::Digest;

/// How many links may lead to a file (as many as Linux follows).
const MAX_LINKS: usize = 40;

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
    /// A file of a stream whose bytes are staged for another one.
    Known {
        /// Their digest.
        digest: Digest,
        /// How many there are.
        size: u64,
    },
    /// A symbolic link, relative to the directory that it is in.
    SymbolicLink(String),
    /// A hard link, relative to the root.
    HardLink(String),
}

/// The entry of that name, or that links of that name lead to; `used` gets all that lie on the way.
pub fn follow<'a>(
    entries: &'a HashMap<String, Entry>,
    name: &str,
    used: &mut HashSet<String>,
) -> Option<&'a Entry> {
    let mut name = normal("", name)?;
    for _ in 0..MAX_LINKS {
        let entry = entries.get(&name)?;
        used.insert(name.clone());
        match entry {
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
