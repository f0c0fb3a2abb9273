//! Detects what a file is by its first bytes.

use std::io::{self, Cursor, Read};

use crate::bytes::codec::Encoding;
use crate::bytes::fill;
use crate::error::FileKind;

/// What a file is that is not an image, by its first bytes.
pub fn file_kind(head: &[u8]) -> FileKind {
    match head {
        [] => FileKind::Empty,
        [b'{' | b'[', ..] => json_kind(head),
        [0x7f, b'E', b'L', b'F', ..] => FileKind::Elf,
        [b'#', b'!', ..] => FileKind::Script,
        _ if Encoding::sniff(head) == Encoding::Gzip => FileKind::Gzip,
        _ if Encoding::sniff(head) == Encoding::Zstd => FileKind::Zstd,
        _ if Encoding::undefined(head) == Some("xz") => FileKind::Xz,
        _ if Encoding::undefined(head) == Some("bzip2") => FileKind::Bzip2,
        _ if Encoding::undefined(head) == Some("lz4") => FileKind::Lz4,
        [b'P', b'K', 3, 4, ..] => FileKind::Zip,
        _ if head.iter().all(|b| *b == 0) => FileKind::Zeros,
        _ if is_dockerfile(head) => FileKind::Dockerfile,
        _ => FileKind::Other,
    }
}

/// What a JSON document is, of which `head` is at least the start.
fn json_kind(head: &[u8]) -> FileKind {
    let has = |key: &str| {
        let quoted = format!("\"{key}\"");
        head.windows(quoted.len()).any(|at| at == quoted.as_bytes())
    };
    match has("schemaVersion") || has("Config") && has("Layers") {
        true => FileKind::Manifest,
        false => FileKind::Json,
    }
}

/// Whether the first instruction is FROM, which only ARG and comments may precede (Dockerfile reference,
/// section FROM).
fn is_dockerfile(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines().map(str::trim);
    let starts = |line: &str, word: &str| {
        let start = line.split_whitespace().next();
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let first = lines.find(|l| !l.is_empty() && !l.starts_with('#') && !starts(l, "ARG"));
    first.is_some_and(|line| starts(line, "FROM"))
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
