//! The database `Packages` of RHEL 8 and older: a hash table of Berkeley DB.
//!
//! Source: `dbinc/db_page.h` of Berkeley DB. Pages have the order of bytes of the machine that has written them.

use std::borrow::Cow;

use super::{Add, MAX_HEADER, big};
use crate::sbom::packages::little;

/// The number of a hash table, at [`MAGIC_AT`].
const MAGIC: usize = 0x0006_1561;

const MAGIC_AT: usize = 12;

/// The size of the header of a page.
const PAGE_HEADER: usize = 26;

/// Types of pages.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

/// Types of values.
const KEY_OR_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    is_little: bool,
    /// The bytes of values on other pages that may still be read: those of the database, once.
    left: usize,
}

/// Reads the headers of all packages; none if the database is not valid.
pub fn read(bytes: &[u8], add: &mut Add<'_>) -> Option<()> {
    let is_little = little(bytes, MAGIC_AT)? == MAGIC;
    if !is_little && big(bytes, MAGIC_AT)? != MAGIC {
        return None;
    }
    let mut database = Database {
        bytes,
        page_size: 0,
        is_little,
        left: bytes.len(),
    };
    database.page_size = database.number(bytes, 20)?;
    if !(512..=65_536).contains(&database.page_size) || *bytes.get(24)? != 0 {
        return None;
    }
    for page in bytes.chunks_exact(database.page_size).skip(1) {
        if [HASH, HASH_UNSORTED].contains(&page[25]) {
            database.read_page(page, add)?;
        }
    }
    Some(())
}

impl<'a> Database<'a> {
    fn read_page(&mut self, page: &'a [u8], add: &mut Add<'_>) -> Option<()> {
        let entries = self.short(page, 20)?;
        let mut end = page.len();
        for entry in 0..entries {
            let start = self.short(page, PAGE_HEADER + 2 * entry)?;
            // Values are written from the end of a page on.
            let value = page.get(start..end)?;
            end = start;
            // A key comes before each value.
            if entry % 2 == 0 {
                continue;
            }
            match *value.first()? {
                OFF_PAGE => {
                    let (first, size) = (self.number(value, 4)?, self.number(value, 8)?);
                    add(Cow::Owned(self.overflow(first, size)?))?;
                }
                // The largest number of a package has four bytes.
                KEY_OR_DATA if value.len() > 5 => add(Cow::Borrowed(&value[1..]))?,
                _ => {}
            }
        }
        Some(())
    }

    /// Returns a value on separate pages.
    fn overflow(&mut self, first: usize, size: usize) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(size)?;
        if size > MAX_HEADER {
            return None;
        }
        let (mut value, mut next) = (Vec::new(), first);
        while value.len() < size {
            let start = next.checked_mul(self.page_size)?;
            let page = self.bytes.get(start..)?.get(..self.page_size)?;
            let part = page.get(PAGE_HEADER..)?.get(..self.short(page, 22)?)?;
            if page[25] != OVERFLOW || part.is_empty() {
                return None;
            }
            value.extend_from_slice(&part[..part.len().min(size - value.len())]);
            next = self.number(page, 16)?;
        }
        Some(value)
    }

    fn number(&self, bytes: &[u8], at: usize) -> Option<usize> {
        match self.is_little {
            true => little(bytes, at),
            false => big(bytes, at),
        }
    }

    fn short(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let field = *bytes.get(at..)?.first_chunk()?;
        Some(usize::from(match self.is_little {
            true => u16::from_le_bytes(field),
            false => u16::from_be_bytes(field),
        }))
    }
}
