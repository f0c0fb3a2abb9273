//! Sparse files: those whose holes are left out, so that the stored bytes are not those of the file.
//!
//! Source: the manual of GNU tar, "Sparse Formats". The old format of GNU has a separate entry type. The
//! three versions for pax have records whose keys start with `GNU.sparse.`; the last of them also keeps
//! the real name there, because the path is a substitute for readers that do not know sparse files.

use tar::EntryType;

/// The key of the real name.
pub const REAL_NAME: &[u8] = b"GNU.sparse.name";

/// Whether an entry with this record in its pax header is sparse.
pub fn is_sparse_record(key: &[u8]) -> bool {
    key.starts_with(b"GNU.sparse.")
}

/// Whether an entry of this type is sparse.
pub fn is_sparse_type(kind: EntryType) -> bool {
    kind.is_gnu_sparse()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::bytes::LayerStream;
    use crate::tar::walk;

    impl LayerStream for Cursor<&[u8]> {}

    /// The name of the one entry of a layer, and whether it is sparse.
    fn walked(blocks: &[u8]) -> (Vec<u8>, bool) {
        let mut found = Vec::new();
        walk(&mut Cursor::new(blocks), |entry| {
            found.push((entry.path().into_owned(), entry.is_sparse()));
            Ok(())
        })
        .unwrap();
        found.remove(0)
    }

    #[test]
    fn sparse_files_of_each_dialect_are_recognised() {
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
}
