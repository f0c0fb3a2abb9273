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
/// Source: image-spec `layer.md`, "Whiteouts".
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

/// Whether an entry called `name`, which is [`clean`], is metadata of AUFS (the directory `.wh..wh.plnk`).
/// Runtimes leave it out.
pub fn is_aufs_metadata(name: &[u8]) -> bool {
    let base = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
    let is_reserved = |name: &[u8]| name.starts_with(b".wh..wh.");
    (is_reserved(name) || is_reserved(base)) && base != b".wh..wh..opq"
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

/// Returns a name as containerd and podman take it: relative to the root directory, which `..` does not leave.
pub fn normal(name: &[u8]) -> Cow<'_, [u8]> {
    if let Some(name) = clean(name) {
        return name;
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in name.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join(&b'/').into()
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
    use super::{Whiteout, clean, is_aufs_metadata, normal, resolve, whiteout};

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
        for (name, expected) in [("a/../b", "b"), ("../../a", "a"), ("a/..", "")] {
            assert_eq!(&*normal(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }

    #[test]
    fn metadata_of_aufs_is_recognised() {
        for (name, expected) in [
            (".wh..wh.aufs", true),
            (".wh..wh.plnk/1.2", true),
            ("a/.wh..wh.plnk", true),
            (".wh..wh..opq", false),
            ("a/.wh..wh..opq", false),
            ("a/.wh.b", false),
        ] {
            assert_eq!(is_aufs_metadata(name.as_bytes()), expected, "{name}");
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
