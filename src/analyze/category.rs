//! Categories of files that few images need, by path.

/// The category of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileCategory {
    /// None of the following.
    Other,
    DebugSymbols,
    StaticLibrary,
    Header,
    /// Manual pages and other documentation.
    Documentation,
    /// Translations and locale data.
    Locale,
    /// Compiled Python.
    Pyc,
}

impl FileCategory {
    /// The category of a file, by its path and its first bytes.
    pub fn of(path: &[u8], head: &[u8]) -> Self {
        let name = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let extension = name.rsplit(|b| *b == b'.').next().unwrap_or_default();
        let has = |directory: &[u8]| path.windows(directory.len()).any(|part| part == directory);
        match extension {
            b"debug" | b"dwo" | b"dwp" => return Self::DebugSymbols,
            b"a" if head.starts_with(b"!<arch>\n") => return Self::StaticLibrary,
            b"h" | b"hh" | b"hpp" | b"hxx" if has(b"include/") => return Self::Header,
            b"pyc" => return Self::Pyc,
            _ => {}
        }
        if has(b"lib/debug/") {
            return Self::DebugSymbols;
        }
        if !has(b"share/") && !has(b"lib/locale/") {
            return Self::Other;
        }
        let any = |directories: &[&[u8]]| directories.iter().any(|directory| has(directory));
        if any(&[
            b"share/man/",
            b"share/doc/",
            b"share/info/",
            b"share/gtk-doc/",
        ]) {
            Self::Documentation
        } else if any(&[b"share/locale/", b"share/i18n/", b"lib/locale/"]) {
            Self::Locale
        } else {
            Self::Other
        }
    }
}

/// Returns the name of the source of a `.pyc`, and whether it is in the directory above.
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
    fn files_are_categorised_by_their_paths() {
        for (path, expected) in [
            ("usr/share/man/man1/ls.1.gz", FileCategory::Documentation),
            ("nix/store/x-y/include/a/b.h", FileCategory::Header),
            ("home/b.h", FileCategory::Other),
            ("usr/lib/locale/locale-archive", FileCategory::Locale),
            ("usr/lib/debug/.build-id/ab/cd", FileCategory::DebugSymbols),
            ("a/__pycache__/b.cpython-312.pyc", FileCategory::Pyc),
            ("usr/lib/libc.a", FileCategory::StaticLibrary),
        ] {
            assert_eq!(
                FileCategory::of(path.as_bytes(), b"!<arch>\n"),
                expected,
                "{path}"
            );
        }
        assert_eq!(
            FileCategory::of(b"usr/lib/libc.a", b"GROUP ("),
            FileCategory::Other
        );
    }

    #[test]
    fn the_source_of_compiled_python_is_named() {
        let of = |name: &str| source_of(name.as_bytes()).unwrap();
        assert_eq!(of("a.cpython-312.pyc"), (b"a.py".to_vec(), true));
        assert_eq!(of("a.cpython-312.opt-2.pyc"), (b"a.py".to_vec(), true));
        assert_eq!(of("a.b.pyc"), (b"a.b.py".to_vec(), false));
    }
}
