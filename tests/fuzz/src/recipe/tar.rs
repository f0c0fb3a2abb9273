//! Tar archives of any entries, with any headers.

use arbitrary::Unstructured;

use super::{Dice, spoil};

/// An entry to write.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: Vec<u8>,
    /// The type flag.
    pub kind: u8,
    pub link: Vec<u8>,
    pub content: Vec<u8>,
}

impl Entry {
    /// Returns a regular file.
    pub fn file(name: impl Into<Vec<u8>>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            kind: b'0',
            link: Vec::new(),
            content: content.into(),
        }
    }

    /// Returns a link, symbolic (`2`) or hard (`1`).
    pub fn link(name: impl Into<Vec<u8>>, kind: u8, to: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            link: to.into(),
            ..Self::file(name, [])
        }
    }
}

/// Returns a valid archive of files.
pub fn plain(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        put(
            &mut bytes,
            &Entry::file(*name, *content),
            content.len() as u64,
        );
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// Returns an archive of entries, sometimes reordered, with others between them, or truncated.
pub fn archive(u: &mut Unstructured<'_>, mut entries: Vec<Entry>) -> Vec<u8> {
    while u.rarely() && !entries.is_empty() {
        let (a, b) = (u.up_to(entries.len() - 1), u.up_to(entries.len() - 1));
        match u.up_to(4) {
            0 => entries.swap(a, b),
            1 => entries.push(entries[a].clone()),
            2 => drop(entries.remove(a)),
            3 => {
                // A link instead of the file.
                let moved = Entry {
                    name: b"moved".to_vec(),
                    ..entries[a].clone()
                };
                let target = u.one_of(&["moved", "./moved", "../moved", "/moved", "loop", ""]);
                let kind = b'1' + u.up_to(1) as u8;
                entries[a] = Entry::link(entries[a].name.clone(), kind, target);
                entries.insert(b, moved);
            }
            _ => {
                let entry = stranger(u);
                entries.insert(a, entry);
            }
        }
    }
    let mut bytes = Vec::new();
    for entry in &entries {
        let size = match u.rarely() {
            false => entry.content.len() as u64,
            true => *u.one_of(&[&0, &1, &513, &0xffff_ffff, &0o777_7777_7777, &(1 << 62)]),
        };
        if u.rarely() {
            records(u, &mut bytes, entry);
        }
        put(&mut bytes, entry, size);
    }
    bytes.resize(bytes.len() + 1024, 0);
    if u.rarely() {
        spoil(u, &mut bytes);
    }
    bytes
}

/// Generates an entry that archives of images do not have.
fn stranger(u: &mut Unstructured<'_>) -> Entry {
    let names = [
        "../../escaped",
        "/escaped",
        "loop",
        "blobs",
        "manifest.json",
        "index.json",
        "./",
    ];
    let kinds = b"0\x005123467SLKgxMVXDZ";
    Entry {
        name: match u.up_to(3) {
            0 => u.blob(120),
            1 => vec![b'x'; 300],
            _ => u.one_of(&names).into(),
        },
        kind: kinds[u.up_to(kinds.len() - 1)],
        link: u.one_of(&["loop", "../..", "/etc/passwd", "", "\0"]).into(),
        content: u.blob(64),
    }
}

/// Writes a pax extended header before an entry.
fn records(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, entry: &Entry) {
    let key = u.one_of(&[
        "path",
        "size",
        "linkpath",
        "uid",
        "GNU.sparse.major",
        "mtime",
        "",
    ]);
    let value = match u.up_to(4) {
        0 => String::from_utf8_lossy(&entry.name).into_owned(),
        1 => "../../../../escaped".to_owned(),
        2 => u.arbitrary::<u64>().unwrap_or(0).to_string(),
        3 => "-1".to_owned(),
        _ => u.text(),
    };
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len() + 1;
    while len != rest.len() + len.to_string().len() {
        len += 1;
    }
    let mut text = format!("{len}{rest}").into_bytes();
    if u.rarely() {
        spoil(u, &mut text);
    }
    let len = text.len() as u64;
    let kind = *u.one_of(&[&b'x', &b'g', &b'X']);
    let header = Entry {
        kind,
        ..Entry::file("pax", text)
    };
    put(bytes, &header, len);
}

fn put(bytes: &mut Vec<u8>, entry: &Entry, size: u64) {
    for (kind, text) in [(b'L', &entry.name), (b'K', &entry.link)] {
        if text.len() > 100 {
            let long = Entry {
                kind,
                ..Entry::file("././@LongLink", text.clone())
            };
            put(bytes, &long, text.len() as u64);
        }
    }
    let mut header = tar::Header::new_gnu();
    let old = header.as_old_mut();
    let fill = |field: &mut [u8], text: &[u8]| {
        let len = text.len().min(field.len());
        field[..len].copy_from_slice(&text[..len]);
    };
    fill(&mut old.name, &entry.name);
    fill(&mut old.linkname, &entry.link);
    old.linkflag = [entry.kind];
    header.set_mode(0o755);
    header.set_size(size);
    header.set_cksum();
    bytes.extend(header.as_bytes());
    bytes.extend(&entry.content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
}
