//! The files of a layer, as they flow by.

use std::borrow::Cow;
use std::io;

use crate::flow::Stream;
use crate::leash::{Leash, Leashed};

/// An entry of a layer, whose content may be read.
pub type Entry<'a, 'b> = tar::Entry<'a, Leashed<&'b mut dyn Stream>>;

/// Shows `look` each entry of a layer. What it does not read of one is skipped.
pub fn walk<'b>(
    layer: &'b mut dyn Stream,
    mut look: impl FnMut(&mut Entry<'_, 'b>) -> io::Result<()>,
) -> io::Result<()> {
    let leash = Leash::default();
    let mut archive = tar::Archive::new(leash.on(layer));
    let mut entries = archive.entries_with_seek()?;
    while let Some(entry) = leash.next(&mut entries) {
        look(&mut entry?)?;
    }
    Ok(())
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
    use super::clean;

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
