//! Names in an archive: normalised, resolved, and recognised as whiteouts.

use std::borrow::Cow;

/// What a whiteout deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whiteout {
    /// What the layers below have at a name.
    Name,
    /// Everything that they have in a directory.
    Contents,
}

/// Returns what an entry called `name`, which is [`clean`], deletes from the layers below, and where;
/// none if it is not a whiteout.
///
/// Source: image-spec `layer.md`, "Whiteouts". Other names that start with `.wh..wh.` are metadata of
/// AUFS (`.wh..wh.plnk`), which runtimes leave out.
pub fn whiteout(name: &[u8]) -> Option<(Whiteout, Cow<'_, [u8]>)> {
    let start = name.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let (directory, base) = name.split_at(start);
    let parent = directory.strip_suffix(b"/").unwrap_or(directory);
    match base.strip_prefix(b".wh.")? {
        b".wh..opq" => Some((Whiteout::Contents, parent.into())),
        base if base.is_empty() || base.starts_with(b".wh.") => None,
        base => Some((Whiteout::Name, [directory, base].concat().into())),
    }
}

/// Returns a name relative to the root directory, without empty parts and `.`; none if it has a `..`.
pub fn clean(name: &[u8]) -> Option<Cow<'_, [u8]>> {
    let parts = || name.split(|b| *b == b'/');
    if parts().any(|part| part == b"..") {
        return None;
    }
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let name = name.strip_prefix(b"/").unwrap_or(name);
    let is_empty = |part: &[u8]| part.is_empty() || part == b".";
    if !name.split(|b| *b == b'/').any(is_empty) {
        return Some(name.into());
    }
    let parts: Vec<&[u8]> = parts().filter(|part| !is_empty(part)).collect();
    Some(parts.join(&b'/').into())
}

/// Returns `path`, relative to the directory `base`, as a path from the root, without empty parts, `.`
/// and `..`; none if it leads out of the archive.
pub fn resolve(base: &str, path: &str) -> Option<String> {
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
    use super::{Whiteout, clean, resolve, whiteout};

    #[test]
    fn a_whiteout_names_the_path_that_it_deletes() {
        use Whiteout::{Contents, Name};
        for (name, expected) in [
            (".wh.a", Some((Name, "a"))),
            ("usr/lib/.wh.a", Some((Name, "usr/lib/a"))),
            (".wh..wh..opq", Some((Contents, ""))),
            ("usr/lib/.wh..wh..opq", Some((Contents, "usr/lib"))),
            ("a/.wh..hidden", Some((Name, "a/.hidden"))),
            // Metadata of AUFS, and names that delete nothing.
            (".wh..wh.aufs", None),
            ("a/.wh..wh.plnk", None),
            (".wh..wh..opq2", None),
            ("a/.wh.", None),
            // Names like those of whiteouts.
            ("a/wh.b", None),
            ("a/b.wh.c", None),
            (".wh.a/b", None),
        ] {
            let found = whiteout(name.as_bytes());
            let found = found.as_ref().map(|(kind, path)| (*kind, &**path));
            let expected = expected.map(|(kind, path)| (kind, path.as_bytes()));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn names_are_normalised() {
        for (name, expected) in [
            ("a/b", Some("a/b")),
            ("./a/b/", Some("a/b")),
            ("/a/b", Some("a/b")),
            (".//a/./b//", Some("a/b")),
            ("./", Some("")),
            ("/", Some("")),
            ("a/../b", None),
            ("a/..b", Some("a/..b")),
        ] {
            assert_eq!(
                clean(name.as_bytes()).as_deref(),
                expected.map(str::as_bytes),
                "{name}"
            );
        }
    }

    #[test]
    fn paths_are_resolved_from_the_root() {
        for (base, path, expected) in [
            ("", "./a//b/", Some("a/b")),
            ("", "/a", Some("a")),
            ("a/b", "../c", Some("a/c")),
            ("a", "/c", Some("c")),
            ("a", "../../etc/passwd", None),
        ] {
            assert_eq!(resolve(base, path).as_deref(), expected);
        }
    }
}
