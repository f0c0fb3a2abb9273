//! Tar archives that a strict reader refuses, or that have features which few tools write: headers of every
//! format, extension headers of every kind, sparse files of every dialect, and a few wrong bytes in them.

use arbitrary::Unstructured;

use super::Dice;

/// Texts for a numeric field of a header.
const NUMBERS: [&[u8]; 22] = [
    b"0000000\0",
    b"0000644\0",
    b"644\0",
    b"   644 \0",
    b"644    ",
    b"",
    b"        ",
    b"+1\0",
    b"-1\0",
    b"0x10\0",
    b"0o17\0",
    b"1_0\0",
    b"9\0",
    b"1\0x\0",
    b"\0\x001\0",
    b"1 2\0",
    b"\x80\0\0\0\0\0\0\x01",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x81\0\0\0\0\0\0\x01",
    b"\xc0\0\0\0\0\0\0\x01",
    b"7777777 ",
    b"\t1\0",
];

/// Texts for a name.
const NAMES: [&[u8]; 12] = [
    b"file",
    b"directory/",
    b"directory/file",
    b"./file",
    b"/file",
    b"manifest.json",
    b"",
    b"a//b",
    b"a/../b",
    b"\xff\xfe",
    b"a\\b\n",
    b"GNUSparseFile.0/file",
];

const KEYS: [&str; 32] = [
    "path",
    "linkpath",
    "size",
    "uid",
    "gid",
    "mtime",
    "atime",
    "ctime",
    "uname",
    "gname",
    "comment",
    "charset",
    "hdrcharset",
    "SCHILY.xattr.user.x",
    "SCHILY.devmajor",
    "LIBARCHIVE.xattr.x",
    "GNU.sparse.name",
    "GNU.sparse.size",
    "GNU.sparse.realsize",
    "GNU.sparse.major",
    "GNU.sparse.minor",
    "GNU.sparse.map",
    "GNU.sparse.offset",
    "GNU.sparse.numbytes",
    "GNU.sparse.numblocks",
    "GNU.volume.filename",
    "GNU.dumpdir",
    "mode",
    "devmajor",
    "type",
    "",
    "SCHILY.realsize",
];

const VALUES: [&str; 26] = [
    "4",
    "0",
    "1",
    "512",
    "x",
    "y/",
    "../x",
    "",
    "-1",
    "+1",
    "1.5",
    "1.5.5",
    "1.",
    "abc",
    " 1",
    "1 ",
    "1_0",
    "0x1",
    "1\n2",
    "1\0",
    "BINARY",
    "0,4",
    "0,0",
    "4,0,0,4",
    "18446744073709551615",
    "007",
];

/// Generates an archive.
pub fn unusual_archive(u: &mut Unstructured<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=u.up_to(2) {
        entry(u, &mut bytes);
    }
    // Readers that lost their place find this one, or do not.
    file(u, &mut bytes, b"last");
    bytes.resize(bytes.len() + 1024, 0);
    if u.rarely() {
        super::spoil(u, &mut bytes);
    }
    bytes
}

fn entry(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..u.up_to(3) {
        match u.up_to(9) {
            0..=3 => pax(u, bytes, b'x'),
            4 => pax(u, bytes, b'g'),
            5 => pax(u, bytes, b'X'),
            6 => long(u, bytes, b'L'),
            7 => long(u, bytes, b'K'),
            8 => sparse(u, bytes),
            _ => {}
        }
    }
    let name = u.one_of(&NAMES);
    file(u, bytes, name);
}

/// A header of a format, with this type, name and size.
fn header(u: &mut Unstructured<'_>, kind: u8, name: &[u8], size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    let mut set = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    set(0, &name[..name.len().min(100)]);
    set(100, b"0000644\0");
    set(108, b"0001000\0");
    set(116, b"0000100\0");
    set(124, format!("{size:011o}\0").as_bytes());
    set(136, b"14724650000\0");
    set(156, &[kind]);
    let magic = u.one_of(&[
        &b"ustar\x0000"[..],
        b"ustar  \0",
        b"ustar\x0000",
        b"ustar  \0",
        b"ustar\0\0\0",
        b"\0\0\0\0\0\0\0\0",
    ]);
    set(257, magic);
    if magic != [0; 8] {
        set(265, b"user");
        set(297, b"group");
        set(329, b"0000000\0");
        set(337, b"0000000\0");
    }
    block
}

fn push(bytes: &mut Vec<u8>, mut block: [u8; 512], content: &[u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes.extend(block);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}

/// A field of a header that is not what it should be.
fn damage(u: &mut Unstructured<'_>, block: &mut [u8; 512]) {
    const FIELDS: [(usize, usize); 16] = [
        (0, 100),
        (100, 8),
        (108, 8),
        (116, 8),
        (124, 12),
        (136, 12),
        (156, 1),
        (157, 100),
        (257, 8),
        (265, 32),
        (297, 32),
        (329, 8),
        (337, 8),
        (345, 155),
        (482, 13),
        (500, 12),
    ];
    let (at, len) = FIELDS[u.up_to(FIELDS.len() - 1)];
    let text: Vec<u8> = match u.up_to(5) {
        0 => u.one_of(&NAMES).to_vec(),
        1 => u.blob(len),
        2 => vec![u.up_to(255) as u8; len],
        _ => {
            let number = u.one_of(&NUMBERS);
            match number.first() {
                // A number of the whole field.
                Some(first @ 0x80..) => {
                    let fill = if *first == 0xff { 0xff } else { 0 };
                    let mut text = vec![fill; len];
                    text[0] = *first;
                    text[len - 1] = number[7];
                    text
                }
                _ => number.to_vec(),
            }
        }
    };
    let len = len.min(text.len());
    block[at..at + len].copy_from_slice(&text[..len]);
    if u.up_to(1) == 0 {
        // The rest of the field.
        let end = FIELDS
            .iter()
            .find(|(start, _)| *start == at)
            .map_or(at, |(start, len)| start + len);
        block[at + len..end].fill(0);
    }
}

fn file(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, name: &[u8]) {
    let kinds = b"000000\0\x005512346S7";
    let kind = if name == b"last" {
        b'0'
    } else {
        kinds[u.up_to(kinds.len() - 1)]
    };
    // Content that is a header: a reader that takes it for one finds an entry.
    let content = match u.up_to(2) {
        0 => b"data".to_vec(),
        1 => Vec::new(),
        _ => {
            let mut hidden = Vec::new();
            let block = header(u, b'0', b"hidden", 0);
            push(&mut hidden, block, b"");
            hidden
        }
    };
    let is_file = matches!(kind, b'0' | 0 | b'7' | b'S') && !name.ends_with(b"/");
    let size = if is_file || u.rarely() {
        content.len()
    } else {
        0
    };
    let mut block = header(u, kind, name, size);
    if matches!(kind, b'1' | b'2') {
        let target = u.one_of(&NAMES);
        block[157..157 + target.len()].copy_from_slice(target);
    }
    if kind == b'S' {
        block[386..410].copy_from_slice(b"00000000000\x0000000000004\0");
        block[483..495].copy_from_slice(b"00000000004\0");
        block[124..136].copy_from_slice(b"00000000004\0");
    }
    if name != b"last" {
        for _ in 0..u.up_to(5).saturating_sub(3) {
            damage(u, &mut block);
        }
    }
    push(bytes, block, if is_file { &content } else { b"" });
}

fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len() + 1;
    while len != rest.len() + len.to_string().len() {
        len += 1;
    }
    format!("{len}{rest}")
}

fn pax(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, kind: u8) {
    let mut records = String::new();
    for _ in 0..=u.up_to(2) {
        records += &record(u.one_of(&KEYS), u.one_of(&VALUES));
    }
    let mut content = records.into_bytes();
    if u.rarely() {
        super::spoil(u, &mut content);
    }
    extension(u, bytes, kind, &content);
}

fn extension(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    let mut block = header(u, kind, b"extension", content.len());
    if u.rarely() {
        damage(u, &mut block);
    }
    push(bytes, block, content);
}

/// A long name of GNU, whose size may not be that of its text.
fn long(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, kind: u8) {
    let text = match u.up_to(6) {
        0 => b"long/name\0".to_vec(),
        1 => b"long/name".to_vec(),
        2 => [vec![b'n'; 103], vec![0]].concat(),
        3 => [vec![b'n'; 511], vec![0]].concat(),
        _ => u.one_of(&NAMES).to_vec(),
    };
    let size = match u.up_to(3) {
        0 => u.up_to(text.len() + 2),
        _ => text.len(),
    };
    let block = header(u, kind, b"././@LongLink", size);
    push(bytes, block, &text);
}

/// Records of a sparse file of pax; a file follows.
fn sparse(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) {
    let records: &[(&str, &str)] = match u.up_to(2) {
        0 => &[
            ("GNU.sparse.size", "8"),
            ("GNU.sparse.numblocks", "1"),
            ("GNU.sparse.offset", "4"),
            ("GNU.sparse.numbytes", "4"),
        ],
        1 => &[
            ("GNU.sparse.size", "8"),
            ("GNU.sparse.numblocks", "1"),
            ("GNU.sparse.name", "real"),
            ("GNU.sparse.map", "4,4"),
        ],
        _ => &[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "real"),
            ("GNU.sparse.realsize", "8"),
        ],
    };
    let mut text = String::new();
    for (key, value) in records {
        if u.rarely() {
            continue;
        }
        let value = if u.rarely() { u.one_of(&VALUES) } else { value };
        text += &record(key, value);
    }
    extension(u, bytes, b'x', text.as_bytes());
    if text.contains("major") && u.up_to(7) > 0 {
        let mut map = b"1\n4\n4\n".to_vec();
        if u.rarely() {
            super::spoil(u, &mut map);
        }
        map.resize(512, 0);
        map.extend(b"data");
        let block = header(u, b'0', b"GNUSparseFile.0/real", map.len());
        push(bytes, block, &map);
    } else {
        let block = header(u, b'0', b"GNUSparseFile.0/real", 4);
        push(bytes, block, b"data");
    }
}
