//! Names of store paths and packages.

use crate::check::consistency::without_system;

/// The store directories of Nix and Guix, whose names have the same form.
const STORES: [&str; 2] = ["nix/store/", "gnu/store/"];

/// The number of characters of the hash in a store path.
const HASH: usize = 32;

/// Directories that have most of an image of a distribution, so that their bytes are counted for one more
/// directory; the longest first.
const DEEP: [&str; 2] = ["usr/local/", "usr/"];

/// Whether a path (with a leading slash) is in a store.
pub fn is_in_store(path: &str) -> bool {
    let path = path.strip_prefix('/');
    path.is_some_and(|path| STORES.iter().any(|store| path.starts_with(store)))
}

/// Returns the part of a path that its bytes are counted for: the store path, or else the first two
/// directories; below `/usr` and `/usr/local` two more.
pub fn group(path: &[u8]) -> &[u8] {
    let end_of = |from: usize| {
        let next = path[from..].iter().position(|b| *b == b'/');
        next.map(|at| from + at)
    };
    if let Some(store) = STORES
        .iter()
        .find(|store| path.starts_with(store.as_bytes()))
    {
        return &path[..end_of(store.len()).unwrap_or(path.len())];
    }
    let deep = DEEP.iter().find(|deep| path.starts_with(deep.as_bytes()));
    let from = deep.map_or(0, |deep| deep.len());
    match end_of(from) {
        None => &path[..from.saturating_sub(1)],
        Some(first) => &path[..end_of(first + 1).unwrap_or(first)],
    }
}

/// Returns the name in a store path (with a leading slash): the part after its hash.
pub fn store_name(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let name = STORES.iter().find_map(|store| path.strip_prefix(store))?;
    let (hash, name) = name.split_at_checked(HASH)?;
    let is_hash = hash
        .bytes()
        .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    let name = name.strip_prefix('-')?;
    (is_hash && !name.is_empty() && !name.contains('/')).then_some(name)
}

/// Splits a name into package and version as Nix does: the version starts after the first dash that is
/// not followed by a letter.
pub fn package(name: &str) -> (String, String) {
    let name = without_system(name).into_owned();
    let dashes = name.match_indices('-').map(|(at, _)| at);
    let is_version = |at: &usize| {
        let next = name[at + 1..].chars().next();
        next.is_some_and(|c| !c.is_alphabetic())
    };
    match dashes.into_iter().find(is_version) {
        Some(at) => (name[..at].to_owned(), name[at + 1..].to_owned()),
        None => (name, String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_for_store_paths_and_directories() {
        for (path, expected) in [
            ("nix/store/abc-x/bin/x", "nix/store/abc-x"),
            ("nix/store/abc-x", "nix/store/abc-x"),
            ("gnu/store/abc-x/lib", "gnu/store/abc-x"),
            ("bin/hello", "bin"),
            ("usr/lib/x/y/z", "usr/lib/x"),
            ("usr/lib/x/y", "usr/lib/x"),
            ("usr/lib/x", "usr/lib"),
            ("usr/x", "usr"),
            ("usr/local/lib/python3.12/os.py", "usr/local/lib/python3.12"),
            ("usr/local/bin/x", "usr/local/bin"),
            ("usr/local/x", "usr/local"),
            ("opt/x/y/z", "opt/x"),
            ("file", ""),
        ] {
            assert_eq!(group(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }

    #[test]
    fn packages_have_names_and_versions() {
        let path =
            "/nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz-hello-aarch64-unknown-linux-gnu-1.0";
        let name = store_name(path).unwrap();
        assert_eq!(name, "hello-aarch64-unknown-linux-gnu-1.0");
        for (name, package_name, version) in [
            (name, "hello", "1.0"),
            ("glibc-2.40-66-dev", "glibc", "2.40-66-dev"),
            ("python3-3.12.8", "python3", "3.12.8"),
            ("hello-customisation-layer", "hello-customisation-layer", ""),
            ("gcc-libs-aarch64-unknown-linux-musl", "gcc-libs", ""),
        ] {
            let expected = (package_name.to_owned(), version.to_owned());
            assert_eq!(package(name), expected);
        }
        for other in [
            "/nix/store/short-x",
            "/bin/x",
            "/nix/store/.links",
            "/nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz-",
        ] {
            assert_eq!(store_name(other), None, "{other}");
        }
    }
}
