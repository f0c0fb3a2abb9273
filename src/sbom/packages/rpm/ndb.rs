//! The database `Packages.db` of openSUSE: pages with slots, and a blob for each slot that is used.
//!
//! Source: `lib/backend/ndb/rpmpkg.c` of rpm.

use std::borrow::Cow;

use super::Add;
use crate::sbom::packages::little;

pub const MAGIC: &[u8] = b"RpmP";

const PAGE: usize = 4096;

/// The size of a slot, and the unit of positions.
const BLOCK: usize = 16;

/// The size of the header of a blob.
const BLOB_HEADER: usize = 16;

/// Reads the headers of all packages; none if the database is not valid.
pub fn read(bytes: &[u8], add: &mut Add<'_>) -> Option<()> {
    let pages = little(bytes, 12)?;
    let slots = bytes.get(..pages.checked_mul(PAGE)?)?;
    // The header of the database takes two of them.
    for slot in slots.chunks_exact(BLOCK).skip(2) {
        let (package, position) = (little(slot, 4)?, little(slot, 8)?);
        if !slot.starts_with(b"Slot") || position == 0 {
            continue;
        }
        let blob = bytes.get(position.checked_mul(BLOCK)?..)?;
        let is_of_slot = blob.starts_with(b"BlbS") && little(blob, 4)? == package;
        let blob = blob.get(BLOB_HEADER..)?.get(..little(blob, 12)?)?;
        add(Cow::Borrowed(is_of_slot.then_some(blob)?))?;
    }
    Some(())
}
