//! The database `rpmdb.sqlite`: the column `blob` of the table `Packages`.
//!
//! Source: "Database File Format" of SQLite. Only what this table needs is read: its b-tree, with overflow pages.

use std::borrow::Cow;

use super::{Add, MAX_HEADER, big};

pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// Types of pages of a b-tree of a table.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// The size of the header of the database, which is on the first page.
const DATABASE_HEADER: usize = 100;

struct Database<'a> {
    bytes: &'a [u8],
    page_size: usize,
    /// The bytes of a page that are used.
    usable: usize,
    /// The pages that may still be visited: each of the database once.
    left: usize,
}

/// Reads the headers of all packages; none if the database is not valid.
pub fn read(bytes: &[u8], add: &mut Add<'_>) -> Option<()> {
    let page_size = match short(bytes, 16)? {
        1 => 65_536,
        size => size,
    };
    let usable = page_size.checked_sub(usize::from(*bytes.get(20)?))?;
    if page_size < 512 || usable < 480 {
        return None;
    }
    let mut database = Database {
        bytes,
        page_size,
        usable,
        left: bytes.len() / page_size,
    };
    let mut root = None;
    database.table(1, &mut |record| {
        let mut columns = Record::of(&record)?;
        let (kind, name) = (columns.next()?, columns.next()?);
        let root_page = columns.nth(1)?;
        if kind.bytes == b"table" && name.bytes == b"Packages" {
            root = Some(root_page.integer()?);
        }
        Some(())
    })?;
    database.left = bytes.len() / page_size;
    database.table(root?, &mut |record| {
        let blob = Record::of(&record)?.nth(1)?;
        add(Cow::Borrowed(blob.bytes))
    })
}

impl<'a> Database<'a> {
    /// Passes the records of a table to `add`, which is on the page `root`.
    fn table(
        &mut self,
        root: usize,
        add: &mut dyn FnMut(Cow<'a, [u8]>) -> Option<()>,
    ) -> Option<()> {
        let mut next = vec![root];
        while let Some(number) = next.pop() {
            let page = self.page(number)?;
            let header = if number == 1 { DATABASE_HEADER } else { 0 };
            let cells = short(page, header + 3)?;
            let kind = *page.get(header)?;
            let pointers = header + if kind == INTERIOR { 12 } else { 8 };
            let cell = |i: usize| page.get(short(page, pointers + 2 * i)?..);
            match kind {
                INTERIOR => {
                    // The last one is visited first.
                    next.push(big(page, header + 8)?);
                    for i in (0..cells).rev() {
                        next.push(big(cell(i)?, 0)?);
                    }
                }
                LEAF => {
                    for i in 0..cells {
                        add(self.record(cell(i)?)?)?;
                    }
                }
                _ => return None,
            }
            // All of these are on other pages.
            if next.len() > self.left {
                return None;
            }
        }
        Some(())
    }

    /// Returns a page; none if more pages are visited than there are.
    fn page(&mut self, number: usize) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let start = number.checked_sub(1)?.checked_mul(self.page_size)?;
        self.bytes.get(start..)?.get(..self.page_size)
    }

    /// Returns the record of a cell on a leaf, which may continue on other pages.
    fn record(&mut self, cell: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let (size, cell) = varint(cell)?;
        let (_row, cell) = varint(cell)?;
        let largest = self.usable - 35;
        if size <= largest {
            return Some(cell.get(..size)?.into());
        } else if size > MAX_HEADER {
            return None;
        }
        // The sizes of section 1.6 of the format.
        let smallest = (self.usable - 12) * 32 / 255 - 23;
        let here = smallest + (size - smallest) % (self.usable - 4);
        let here = if here <= largest { here } else { smallest };
        let mut record = cell.get(..here)?.to_vec();
        let mut next = big(cell, here)?;
        while record.len() < size {
            let page = self.page(next)?;
            let part = (size - record.len()).min(self.usable - 4);
            record.extend_from_slice(page.get(4..4 + part)?);
            next = big(page, 0)?;
        }
        Some(record.into())
    }
}

/// A value of a record.
struct Value<'a> {
    kind: usize,
    bytes: &'a [u8],
}

impl Value<'_> {
    fn integer(&self) -> Option<usize> {
        match self.kind {
            8 => Some(0),
            9 => Some(1),
            1..=6 => {
                let add = |sum: usize, byte: &u8| Some(sum.checked_mul(256)? + usize::from(*byte));
                self.bytes.iter().try_fold(0, add)
            }
            _ => None,
        }
    }
}

/// The values of a record.
struct Record<'a> {
    kinds: &'a [u8],
    values: &'a [u8],
}

impl<'a> Record<'a> {
    fn of(record: &'a [u8]) -> Option<Self> {
        let (size, rest) = varint(record)?;
        let (kinds, values) = record.split_at_checked(size)?;
        let kinds = kinds.get(record.len() - rest.len()..)?;
        Some(Self { kinds, values })
    }
}

impl<'a> Iterator for Record<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let (kind, rest) = varint(self.kinds)?;
        self.kinds = rest;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            kind => kind.checked_sub(12)? / 2,
        };
        let (bytes, rest) = self.values.split_at_checked(size)?;
        self.values = rest;
        Some(Value { kind, bytes })
    }
}

/// Splits a number off that has seven bits in each byte, the highest first.
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0_usize;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        number = number << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[i + 1..]));
        }
    }
    None
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*field).into())
}
