//! Detects what a file is by its first bytes.

use std::io::{self, Cursor, Read};

use crate::bytes::codec::Encoding;
use crate::bytes::fill;
use crate::error::FileKind;

/// What a file is that is not an image, by its first bytes.
pub(super) fn file_kind(head: &[u8]) -> FileKind {
    match head {
        [] => FileKind::Empty,
        [b'{' | b'[', ..] => FileKind::Json,
        [0x7f, b'E', b'L', b'F', ..] => FileKind::Elf,
        [b'#', b'!', ..] => FileKind::Script,
        _ if Encoding::sniff(head) == Encoding::Gzip => FileKind::Gzip,
        _ if Encoding::sniff(head) == Encoding::Zstd => FileKind::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', ..] => FileKind::Xz,
        [b'B', b'Z', b'h', ..] => FileKind::Bzip2,
        [b'P', b'K', 3, 4, ..] => FileKind::Zip,
        _ if head.iter().all(|b| *b == 0) => FileKind::Zeros,
        _ => FileKind::Other,
    }
}

/// The head of a file, its encoding, and its stream from the first byte on.
pub(super) fn sniff<R: Read>(mut input: R) -> io::Result<(Vec<u8>, Encoding, impl Read + use<R>)> {
    let mut head = vec![0; 512];
    let n = fill(&mut input, &mut head)?;
    head.truncate(n);
    let encoding = Encoding::sniff(&head);
    let stream = Cursor::new(head.clone()).chain(input);
    Ok((head, encoding, stream))
}
