//! Paths as a tree: a million of them cost some forty bytes each, and their numbers can be compared.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The number of a path. Which one it gets depends on who comes first: no output may.
pub type Node = u32;

/// The root directory.
pub const ROOT: Node = 0;

/// Linux has no longer paths; of what has one only the size counts.
pub const MAX_PATH: usize = 4096;

/// What a node costs besides its name: itself, its place in the table, and what of it is seen from
/// above where files are compared.
const NODE_COST: usize = 40;

/// Paths, each once.
pub struct Paths {
    nodes: Vec<Entry>,
    names: Vec<u8>,
    table: HashTable<Node>,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct Entry {
    parent: Node,
    start: u32,
    len: u16,
}

impl Default for Paths {
    fn default() -> Self {
        let root = Entry {
            parent: ROOT,
            start: 0,
            len: 0,
        };
        Self {
            nodes: vec![root],
            names: Vec::new(),
            table: HashTable::new(),
            hasher: RandomState::new(),
        }
    }
}

impl Paths {
    /// The number of a path without anything that means nothing; none where there is no room for it
    /// in `budget` bytes.
    pub fn intern(&mut self, path: &[u8], budget: usize) -> Option<Node> {
        if path.len() > MAX_PATH {
            return None;
        }
        let mut node = ROOT;
        for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            node = self.child_or_new(node, name, budget)?;
        }
        Some(node)
    }

    /// The number of a name in a directory, which may be a new one.
    pub fn child_or_new(&mut self, parent: Node, name: &[u8], budget: usize) -> Option<Node> {
        if let Some(node) = self.child(parent, name) {
            return Some(node);
        }
        if self.cost() + NODE_COST + name.len() > budget {
            return None;
        }
        let node = Node::try_from(self.nodes.len()).ok()?;
        self.nodes.push(Entry {
            parent,
            start: u32::try_from(self.names.len()).ok()?,
            len: u16::try_from(name.len()).ok()?,
        });
        self.names.extend_from_slice(name);
        let hash = self.hasher.hash_one((parent, name));
        let Self {
            nodes,
            names,
            table,
            hasher,
        } = self;
        table.insert_unique(hash, node, |node| {
            let entry = nodes[*node as usize];
            hasher.hash_one((entry.parent, entry.name(names)))
        });
        Some(node)
    }

    /// The number of a name in a directory, if anything has it.
    pub fn child(&self, parent: Node, name: &[u8]) -> Option<Node> {
        let hash = self.hasher.hash_one((parent, name));
        let is = |node: &Node| {
            let entry = self.nodes[*node as usize];
            entry.parent == parent && entry.name(&self.names) == name
        };
        self.table.find(hash, is).copied()
    }

    /// The directory that a path is in; the root is in itself.
    pub fn parent(&self, node: Node) -> Node {
        self.nodes[node as usize].parent
    }

    /// The last part of a path.
    pub fn name(&self, node: Node) -> &[u8] {
        self.nodes[node as usize].name(&self.names)
    }

    /// The path as text, from the root on: another one for each path.
    pub fn show(&self, mut node: Node) -> String {
        let mut parts = Vec::new();
        while node != ROOT {
            parts.push(text(self.name(node)));
            node = self.parent(node);
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The bytes that all of it takes, about.
    pub fn cost(&self) -> usize {
        self.nodes.len() * NODE_COST + self.names.len()
    }
}

impl Entry {
    fn name(self, names: &[u8]) -> &[u8] {
        &names[self.start as usize..][..usize::from(self.len)]
    }
}

/// A name as text, and no two names as the same: bytes that are no UTF-8 are written as `\xff`, and so
/// is a backslash where it would read like one of those.
fn text(name: &[u8]) -> Cow<'_, str> {
    let is_plain = |text: &str| !text.contains(r"\x");
    if let Some(text) = std::str::from_utf8(name).ok().filter(|text| is_plain(text)) {
        return text.into();
    }
    let mut shown = String::new();
    for chunk in name.utf8_chunks() {
        for (i, part) in chunk.valid().split('\\').enumerate() {
            match i {
                0 => {}
                _ if reads_like_a_byte(part) => shown.push_str(r"\x5c"),
                _ => shown.push('\\'),
            }
            shown.push_str(part);
        }
        let bytes = chunk.invalid().iter();
        shown.extend(bytes.map(|byte| format!(r"\x{byte:02x}")));
    }
    shown.into()
}

/// Whether what stands behind a backslash makes it one that [`text`] wrote: of ASCII it writes none
/// but the backslash itself.
fn reads_like_a_byte(behind: &str) -> bool {
    let digits = behind.strip_prefix('x').and_then(|text| text.get(..2));
    let digits = digits.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let byte = digits.and_then(|text| u8::from_str_radix(text, 16).ok());
    byte.is_some_and(|byte| byte == b'\\' || !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MUCH: usize = 1 << 20;

    #[test]
    fn a_path_has_one_number_and_a_number_one_path() {
        let mut paths = Paths::default();
        let a = paths.intern(b"nix/store/x/bin/a", MUCH).unwrap();
        let b = paths.intern(b"nix/store/x/bin/b", MUCH).unwrap();
        assert_ne!(a, b);
        assert_eq!(paths.intern(b"nix/store/x/bin/a", MUCH), Some(a));
        assert_eq!(paths.parent(a), paths.parent(b));
        assert_eq!(paths.show(b), "/nix/store/x/bin/b");
        assert_eq!(paths.show(ROOT), "/");
        assert_eq!(paths.child(paths.parent(a), b"b"), Some(b));
        assert_eq!(paths.child(paths.parent(a), b"c"), None);
        assert_eq!(paths.len(), 7);
    }

    #[test]
    fn no_two_names_read_the_same() {
        for (name, shown) in [
            (&b"plain"[..], "plain"),
            ("ü€".as_bytes(), "ü€"),
            (b"a\xffb", r"a\xffb"),
            (b"a\xfeb", r"a\xfeb"),
            // The beginning of a character of three bytes.
            (b"\xe2\x82", r"\xe2\x82"),
            (br"a\xffb", r"a\x5cxffb"),
            (br"a\x5cxffb", r"a\x5cx5cxffb"),
            // As systemd names units.
            (br"system-a\x2db", r"system-a\x2db"),
            (br"\", r"\"),
            (b"\\x\xff", r"\x\xff"),
            ("\\xü".as_bytes(), r"\xü"),
        ] {
            assert_eq!(text(name), shown);
        }
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut paths = Paths::default();
        let known = paths.intern(b"a", MUCH).unwrap();
        let full = paths.cost();
        assert_eq!(paths.intern(b"b", full), None);
        assert_eq!(paths.intern(b"a", full), Some(known));
        assert_eq!(paths.intern(&[b'a'; MAX_PATH + 1], MUCH), None);
    }
}
