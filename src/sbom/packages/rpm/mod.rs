//! The databases of rpm, in the three formats that distributions use.
//!
//! Each holds the headers of the installed packages as blobs: `sqlite` (Fedora, RHEL 9), `ndb` (openSUSE, SLES), and
//! `berkeley` (RHEL 8 and older, Amazon Linux 2). The crate `rpmdb` needs the C library of SQLite and files on a disk,
//! so these readers are ours: bounds are checked, and no page is visited twice.

mod berkeley;
mod header;
mod ndb;
mod sqlite;

use std::borrow::Cow;

use super::{FileFindings, claim_directory};

/// The size of the largest header of a package. That of a kernel with its sources has about 16 MiB.
const MAX_HEADER: usize = 64 << 20;

/// Reads the installed packages and their files.
pub fn read(path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    claim_directory(path, findings);
    // Headers do not overlap.
    let mut left = bytes.len();
    let mut add = |blob: Cow<'_, [u8]>| {
        left = left.checked_sub(blob.len())?;
        header::read(&blob, findings)
    };
    let is_read = if bytes.starts_with(sqlite::MAGIC) {
        sqlite::read(bytes, &mut add)
    } else if bytes.starts_with(ndb::MAGIC) {
        ndb::read(bytes, &mut add)
    } else if bytes.is_empty() {
        Some(())
    } else {
        berkeley::read(bytes, &mut add)
    };
    if is_read.is_none() {
        findings
            .skipped
            .get_or_insert("it is not a valid database of rpm");
    }
}

/// Receives the header of a package; none if it is not valid.
type Add<'a> = dyn FnMut(Cow<'_, [u8]>) -> Option<()> + 'a;

/// Returns the number of four bytes at a position, the highest first.
fn big(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*field)).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    /// A database that rpm has written, with twelve packages.
    fn database(name: &str) -> Vec<u8> {
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rpm/");
        let mut bytes = Vec::new();
        let file = File::open(format!("{fixtures}{name}.gz")).unwrap();
        GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_damaged_database_is_read_or_named_without_a_panic() {
        let mut random = fastrand::Rng::with_seed(7);
        for name in ["rpmdb.sqlite", "Packages", "Packages.db"] {
            let whole = database(name);
            let read = |bytes: &[u8]| {
                let mut findings = FileFindings::default();
                super::read(b"var/lib/rpm/x", bytes, &mut findings);
                (findings.packages().len(), findings.skipped.is_some())
            };
            assert_eq!(read(&whole), (12, false), "{name}");
            let mut damaged = 0;
            for _ in 0..300 {
                let mut bytes = whole.clone();
                for _ in 0..random.usize(1..20) {
                    // Most of it is data of packages; what is read first has the structure.
                    let end = [64, 4096, bytes.len()][random.usize(..3)];
                    let at = random.usize(..end);
                    bytes[at] = random.u8(..);
                }
                bytes.truncate(
                    random
                        .usize(whole.len() / 2..whole.len() * 3)
                        .min(whole.len()),
                );
                let (packages, is_skipped) = read(&bytes);
                assert!(packages <= 12, "{name}");
                damaged += usize::from(is_skipped);
            }
            assert!(damaged > 50, "{name}: {damaged}");
        }
    }
}
