//! The entries of an archive that is an image: so many, and none that some readers cannot read.

use std::io::Read;

use crate::tar::headers::{Headers, Member};
use crate::tar::limited_reader::Leashed;

/// The largest image has some hundred entries; each becomes a name in memory and perhaps a file.
const MAX_ENTRIES: usize = 65_536;

/// The names of all entries, and what links lead to: as many entries as there may be, each with two
/// names of 128 bytes, of which a digest takes 77 (`blobs/sha256/…`).
const MAX_NAMES: usize = 16 << 20;

/// Looks at the headers of each entry, and counts.
#[derive(Default)]
pub struct Bounded {
    headers: Headers,
    entries: usize,
    names: usize,
}

impl Bounded {
    /// A reader for the archive whose headers are looked at.
    pub fn of<R>(&self, input: R) -> Leashed<R> {
        self.headers.of(input)
    }

    /// The next entry, or what is wrong with it.
    pub fn next<'a, R: Read>(
        &mut self,
        entries: &mut tar::Entries<'a, R>,
    ) -> Option<Result<Member<'a, R>, String>> {
        let member = self.headers.next(entries)?;
        Some(member.and_then(|member| self.count(member)))
    }

    /// Makes sure that the archive ends where its last entry was.
    pub fn end(&self, rest: impl Read) -> Result<(), String> {
        self.headers.end(rest)
    }

    fn count<'a, R: Read>(&mut self, member: Member<'a, R>) -> Result<Member<'a, R>, String> {
        let path = member.path_bytes();
        // Nobody saves space with them here, and readers differ in what they know of them.
        if member.is_sparse() {
            let name = String::from_utf8_lossy(&path);
            return Err(format!("the entry {name:?} is a sparse file"));
        }
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(format!("it has more than {MAX_ENTRIES} entries"));
        }
        self.names += path.len() + member.link_name_bytes().map_or(0, |link| link.len());
        if self.names > MAX_NAMES {
            let problem = "the names of its entries have more than";
            return Err(format!("{problem} {MAX_NAMES} bytes"));
        }
        drop(path);
        Ok(member)
    }
}
