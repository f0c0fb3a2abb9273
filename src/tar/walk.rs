//! The files of a layer, as they flow by.

use std::borrow::Cow;
use std::io;

use crate::bytes::copy::LayerStream;
use crate::tar::headers::{Headers, Member};
use crate::tar::limited_reader::Leashed;

/// An entry of a layer, whose content may be read.
pub type Entry<'a, 'b> = Member<'a, Leashed<&'b mut dyn LayerStream>>;

/// Shows `look` each entry of a layer. What it does not read of one is skipped.
///
/// An error is the end: where the headers say different things to different readers, what comes
/// behind may be anything. Sparse files are shown, but what can be read of them is not what they are.
pub fn walk<'b>(
    layer: &'b mut dyn LayerStream,
    mut look: impl FnMut(&mut Entry<'_, 'b>) -> io::Result<()>,
) -> io::Result<()> {
    let mut headers = Headers::default();
    let mut archive = tar::Archive::new(headers.of(layer));
    let mut entries = archive.entries_with_seek()?;
    loop {
        match &mut headers.next(&mut entries) {
            Some(Ok(entry)) => look(entry)?,
            Some(Err(problem)) => return Err(io::Error::other(std::mem::take(problem))),
            None => break,
        }
    }
    headers.end(archive.into_inner()).map_err(io::Error::other)
}

/// What a whiteout deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whiteout {
    /// What the layers below have at a name.
    Name,
    /// All that they have in a directory.
    Contents,
}

/// What an entry called `name`, which is [`clean`], deletes from the layers below, and where; none if
/// it is no whiteout.
///
/// Source: image-spec `layer.md`, "Whiteouts". Other names that start with `.wh..wh.` are notes of
/// AUFS to itself (`.wh..wh.plnk`), which runtimes leave out.
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

/// A name, seen from the root directory, without anything that means nothing; none where it leads
/// out of that.
pub fn clean(name: &[u8]) -> Option<Cow<'_, [u8]>> {
    let parts = || name.split(|b| *b == b'/');
    if parts().any(|part| part == b"..") {
        return None;
    }
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let name = name.strip_prefix(b"./").unwrap_or(name);
    let name = name.strip_prefix(b"/").unwrap_or(name);
    let means_nothing = |part: &[u8]| part.is_empty() || part == b".";
    if !name.split(|b| *b == b'/').any(means_nothing) {
        return Some(name.into());
    }
    let parts: Vec<&[u8]> = parts().filter(|part| !means_nothing(part)).collect();
    Some(parts.join(&b'/').into())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{Whiteout, clean, walk, whiteout};
    use crate::bytes::copy::LayerStream;

    impl LayerStream for Cursor<&[u8]> {}

    /// Of the one entry of a layer: its name and whether it is sparse.
    fn walked(blocks: &[u8]) -> (Vec<u8>, bool) {
        let mut found = Vec::new();
        walk(&mut Cursor::new(blocks), |entry| {
            found.push((entry.path_bytes().into_owned(), entry.is_sparse()));
            Ok(())
        })
        .unwrap();
        found.remove(0)
    }

    #[test]
    fn a_sparse_file_is_told_from_others_in_each_dialect() {
        let file = |records: &[(&str, &[u8])]| {
            let mut tar = tar::Builder::new(Vec::new());
            tar.append_pax_extensions(records.iter().copied()).unwrap();
            let mut header = tar::Header::new_ustar();
            header.set_size(4);
            tar.append_data(&mut header, "x", &b"abcd"[..]).unwrap();
            tar.into_inner().unwrap()
        };
        let of = |name: &str, is_sparse| (name.as_bytes().to_vec(), is_sparse);
        assert_eq!(walked(&file(&[])), of("x", false));
        assert_eq!(walked(&file(&[("mtime", b"1.5")])), of("x", false));
        let old = file(&[("GNU.sparse.size", b"9")]);
        assert_eq!(walked(&old), of("x", true));
        let new = file(&[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"y")]);
        assert_eq!(walked(&new), of("y", true));

        let mut header = tar::Header::new_gnu();
        header.set_path("z").unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_size(0);
        header.as_gnu_mut().unwrap().set_real_size(0);
        header.set_cksum();
        assert_eq!(walked(header.as_bytes()), of("z", true));
    }

    #[test]
    fn a_whiteout_names_what_it_deletes() {
        use Whiteout::{Contents, Name};
        for (name, expected) in [
            (".wh.a", Some((Name, "a"))),
            ("usr/lib/.wh.a", Some((Name, "usr/lib/a"))),
            (".wh..wh..opq", Some((Contents, ""))),
            ("usr/lib/.wh..wh..opq", Some((Contents, "usr/lib"))),
            ("a/.wh..hidden", Some((Name, "a/.hidden"))),
            // Of AUFS, and what deletes nothing.
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
    fn a_name_has_one_form() {
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
}
