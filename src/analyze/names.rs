//! What the names of files say: store paths, packages, and files that few images need.

use crate::check::consistency::without_system;

/// The store directories of Nix and Guix, whose names have the same form.
const STORES: [&str; 2] = ["nix/store/", "gnu/store/"];

/// Characters of the hash in a store path.
const HASH: usize = 32;

/// How much of a path is what its bytes are counted for: a store path, or else the first two
/// directories.
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
    match end_of(0) {
        None => b"",
        Some(first) => &path[..end_of(first + 1).unwrap_or(first)],
    }
}

/// The name in a store path (with a leading slash): what stands behind its hash.
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

/// The name of a package and its version, as Nix tells them apart: the version starts behind the
/// first dash that no letter follows.
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

/// Files that few images need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Anything else.
    Other,
    /// Debug symbols.
    Debug,
    /// Static libraries.
    StaticLibrary,
    /// Headers.
    Header,
    /// Manual pages and other documentation.
    Documentation,
    /// Translations and locale data.
    Locale,
    /// Compiled Python.
    Pyc,
}

/// What a file is, by its path and its first bytes.
pub fn kind(path: &[u8], head: &[u8]) -> Kind {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let extension = name.rsplit(|b| *b == b'.').next().unwrap_or_default();
    let has = |directory: &[u8]| path.windows(directory.len()).any(|part| part == directory);
    match extension {
        b"debug" | b"dwo" | b"dwp" => return Kind::Debug,
        b"a" if head.starts_with(b"!<arch>\n") => return Kind::StaticLibrary,
        b"h" | b"hh" | b"hpp" | b"hxx" if has(b"include/") => return Kind::Header,
        b"pyc" => return Kind::Pyc,
        _ => {}
    }
    if has(b"lib/debug/") {
        return Kind::Debug;
    }
    if !has(b"share/") && !has(b"lib/locale/") {
        return Kind::Other;
    }
    let any = |directories: &[&[u8]]| directories.iter().any(|directory| has(directory));
    if any(&[
        b"share/man/",
        b"share/doc/",
        b"share/info/",
        b"share/gtk-doc/",
    ]) {
        Kind::Documentation
    } else if any(&[b"share/locale/", b"share/i18n/", b"lib/locale/"]) {
        Kind::Locale
    } else {
        Kind::Other
    }
}

/// The name of the source of a `.pyc`, and whether it is in the directory above.
pub fn source_of(pyc: &[u8]) -> Option<(Vec<u8>, bool)> {
    let stem = pyc.strip_suffix(b".pyc")?;
    // module.cpython-311.pyc, module.cpython-311.opt-1.pyc
    let cached = stem.windows(9).position(|part| part == b".cpython-");
    let module = cached.map_or(stem, |at| &stem[..at]);
    Some(([module, b".py"].concat(), cached.is_some()))
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
            ("usr/lib/x/y", "usr/lib"),
            ("usr/lib/x", "usr/lib"),
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

    #[test]
    fn files_are_known_by_their_names() {
        for (path, expected) in [
            ("usr/share/man/man1/ls.1.gz", Kind::Documentation),
            ("nix/store/x-y/include/a/b.h", Kind::Header),
            ("home/b.h", Kind::Other),
            ("usr/lib/locale/locale-archive", Kind::Locale),
            ("usr/lib/debug/.build-id/ab/cd", Kind::Debug),
            ("a/__pycache__/b.cpython-312.pyc", Kind::Pyc),
            ("usr/lib/libc.a", Kind::StaticLibrary),
        ] {
            assert_eq!(kind(path.as_bytes(), b"!<arch>\n"), expected, "{path}");
        }
        assert_eq!(kind(b"usr/lib/libc.a", b"GROUP ("), Kind::Other);
    }

    #[test]
    fn compiled_python_has_a_source() {
        let of = |name: &str| source_of(name.as_bytes()).unwrap();
        assert_eq!(of("a.cpython-312.pyc"), (b"a.py".to_vec(), true));
        assert_eq!(of("a.cpython-312.opt-2.pyc"), (b"a.py".to_vec(), true));
        assert_eq!(of("a.b.pyc"), (b"a.b.py".to_vec(), false));
    }
}
