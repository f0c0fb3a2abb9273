//! Files in which `sbom` finds packages: databases, archives, programs and texts.
//!
//! The findings do not depend on the sizes of the parts in which a file is read, and take memory in proportion to it.

use polyarch::internals::sbom::FileSearch;

/// A path for each kind of file, which one byte chooses.
const PATHS: &[&str] = &[
    "lib/apk/db/installed",
    "var/lib/dpkg/status",
    "var/lib/dpkg/info/x.list",
    "var/lib/dpkg/status.d/x.md5sums",
    "etc/os-release",
    "usr/lib/python3/site-packages/x-1.dist-info/METADATA",
    "usr/lib/python3/site-packages/x-1.dist-info/RECORD",
    "app/node_modules/x/package.json",
    "var/lib/rpm/rpmdb.sqlite",
    "app/x.jar",
    "bin/program",
];

/// Parts must have the first bytes of a program, as the parts of a layer do.
const PART: usize = 512;

/// Searches a file.
pub fn packages(bytes: &[u8]) {
    let Some((choice, content)) = bytes.split_first() else {
        return;
    };
    let path = PATHS[usize::from(*choice) % PATHS.len()];
    let search = |part: usize| {
        let mut search = FileSearch::new(path.as_bytes(), content.len() as u64);
        for bytes in content.chunks(part) {
            if !search.add(bytes) {
                break;
            }
        }
        search.finish()
    };
    let whole = search(content.len().max(1));
    assert_eq!(format!("{whole:?}"), format!("{:?}", search(PART)));
}
