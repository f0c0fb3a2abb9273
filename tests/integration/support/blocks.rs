//! Tar archives written block by block, such as no tool writes.

use tar::{EntryType, Header};

use super::tar_header;

/// The blocks of an entry: its header, and its content filled up with zeros.
pub fn entry(header: &Header, content: &[u8]) -> Vec<u8> {
    let mut blocks = header.as_bytes().to_vec();
    blocks.extend_from_slice(content);
    blocks.resize(blocks.len().next_multiple_of(512), 0);
    blocks
}

pub fn header(name: &str, kind: EntryType, size: u64) -> Header {
    let mut header = tar_header(name, size);
    header.set_entry_type(kind);
    header.set_cksum();
    header
}

/// The header of a regular file after a change of its bytes, with the right checksum.
pub fn changed(name: &str, size: u64, change: impl FnOnce(&mut [u8])) -> Header {
    let mut header = tar_header(name, size);
    change(header.as_mut_bytes());
    header.set_cksum();
    header
}

/// A record of a pax header with its correct length.
pub fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len();
    while len != rest.len() + len.to_string().len() {
        len = rest.len() + len.to_string().len();
    }
    format!("{len}{rest}")
}

pub fn pax(kind: EntryType, records: &str) -> Vec<u8> {
    entry(
        &header("pax", kind, records.len() as u64),
        records.as_bytes(),
    )
}

/// Entries that readers understand in different ways, each with the problem that is reported. Most contain
/// an entry `hidden`, which only some readers see.
pub fn ambiguous() -> Vec<(Vec<u8>, &'static str)> {
    let hidden = entry(&tar_header("hidden", 4), b"evil");
    let len = hidden.len() as u64;
    let swallowed = |name: &str, kind| [entry(&header(name, kind, len), &hidden)].concat();
    let prefixed = |magic: &[u8; 8], prefix: &[u8]| {
        let header = changed("x", 4, |block| {
            block[257..265].copy_from_slice(magic);
            block[345..345 + prefix.len()].copy_from_slice(prefix);
        });
        entry(&header, b"evil")
    };
    let name = "has a name of which some readers take more than others";
    let not_the_end = "a block of zeros follows its entry 1, but not the end";
    let first = entry(&tar_header("x", 0), b"");
    let long = [&[b'a'; 131][..], b"14724650000\0"].concat();
    let mut star = prefixed(b"ustar\x0000", &long);
    star[508..512].copy_from_slice(b"tar\0");
    let star = entry(
        &changed("", 0, |block| block.copy_from_slice(&star[..512])),
        b"evil",
    );
    let mut without_format = pax(EntryType::XHeader, &record("path", "hidden"));
    let plain = changed("pax", 15, |block| {
        block[156] = b'x';
        block[257..265].fill(0);
    });
    without_format[..512].copy_from_slice(plain.as_bytes());
    let old = changed("x/", len, |block| {
        block[156] = 0;
        block[257..265].fill(0);
    });
    vec![
        (
            swallowed("x", EntryType::Symlink),
            "the entry \"x\" has 1024 bytes, but is not a file",
        ),
        (
            swallowed("x", EntryType::Link),
            "the entry \"x\" has 1024 bytes, but is not a file",
        ),
        (
            swallowed("x", EntryType::Directory),
            "the entry \"x\" has 1024 bytes, but is not a file",
        ),
        (
            entry(&old, &hidden),
            "the entry \"x/\" is a file with the name of a directory, which some readers take for one",
        ),
        // Only GNU tar takes it for a directory.
        (
            entry(&header("x/", EntryType::Regular, 0), b""),
            "the entry \"x/\" is a file with the name of a directory, which some readers take for one",
        ),
        ([&first[..], &[0; 512], &hidden].concat(), not_the_end),
        ([&first[..], &[0; 700]].concat(), not_the_end),
        (prefixed(b"ustar\0\0\0", b"hidden"), name),
        (prefixed(b"ustar  \0", b"hidden"), name),
        (prefixed(b"ustar  \0", b"00000000000\0hidden"), name),
        (star, name),
        // Python takes it for a prefix in every format.
        (prefixed(b"\0\0\0\0\0\0\0\0", b"hidden"), name),
        // Python reads a long name up to the first zero byte.
        (
            [
                entry(&header("long", EntryType::GNULongName, 1), b"xhidden\0"),
                first.clone(),
            ]
            .concat(),
            "the entry \"x\" has a header with text after its end, which some readers take for a part of it",
        ),
        (
            entry(
                &changed("x", 0, |block| {
                    block[108..116].copy_from_slice(b"\x001750\0\0\0")
                }),
                b"",
            ),
            "the entry \"x\" has the UID \"\\x001750\\x00\\x00\\x00\", which is not a number that all readers read alike",
        ),
        (
            entry(
                &changed("x", 0, |block| {
                    block[100..108].copy_from_slice(b"+644\0\0\0\0")
                }),
                b"",
            ),
            "the entry \"x\" has the mode \"+644\\x00\\x00\\x00\\x00\", which is not a number that all readers read alike",
        ),
        (
            [without_format, first.clone()].concat(),
            "the entry \"pax\" is a header of another entry, in a format without such headers",
        ),
        (
            [
                pax(EntryType::XHeader, &record("path", "hidden\0x")),
                first.clone(),
            ]
            .concat(),
            "has a name with a zero byte",
        ),
        (
            [
                entry(&header("long", EntryType::GNULongName, 9), b"hidden\0x\0"),
                first.clone(),
            ]
            .concat(),
            "has a name with a zero byte",
        ),
        // The tar crate ignores the sizes after a value of several lines.
        (
            [
                pax(
                    EntryType::XHeader,
                    &(record("comment", "a\nb") + &record("size", "0")),
                ),
                entry(&tar_header("x", len), &hidden),
            ]
            .concat(),
            "the entry \"x\" has headers that contradict each other about its size",
        ),
        (
            [pax(EntryType::XHeader, "99 path=hidden\n"), first.clone()].concat(),
            "the entry \"x\" has a pax header with a record of another length than it says: \"99 path=hidden\\n\"",
        ),
        (
            [pax(EntryType::XHeader, "path hidden\n"), first].concat(),
            "the entry \"x\" has a pax header with a record of another length than it says: \"path hidden\\n\"",
        ),
    ]
}
