//! Paths as a tree: a million paths take about forty bytes each, and are compared by number.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// The number of a path. It depends on the order in which paths are added, so no output may depend on
/// it.
pub type PathId = u32;

/// The root directory.
pub const ROOT: PathId = 0;

/// The longest path that Linux opens. Only the size of files with a longer one counts.
pub const MAX_PATH: usize = 4096;

/// The memory for a path besides its name: its node, its place in the table, and its state where layers
/// are compared.
const NODE_COST: usize = 40;

/// A set of paths.
pub struct PathTree {
    nodes: Vec<PathNode>,
    names: Vec<u8>,
    table: HashTable<PathId>,
    hasher: RandomState,
}

#[derive(Clone, Copy)]
struct PathNode {
    parent: PathId,
    start: u32,
    len: u16,
}

impl Default for PathTree {
    fn default() -> Self {
        let root = PathNode {
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

impl PathTree {
    /// Adds a path, which is clean; none if the tree would exceed `budget` bytes.
    pub fn intern(&mut self, path: &[u8], budget: usize) -> Option<PathId> {
        if path.len() > MAX_PATH {
            return None;
        }
        let mut node = ROOT;
        for name in path.split(|b| *b == b'/').filter(|name| !name.is_empty()) {
            node = self.child_or_new(node, name, budget)?;
        }
        Some(node)
    }

    /// Adds a name in a directory.
    pub fn child_or_new(&mut self, parent: PathId, name: &[u8], budget: usize) -> Option<PathId> {
        if let Some(node) = self.child(parent, name) {
            return Some(node);
        }
        if self.cost() + NODE_COST + name.len() > budget {
            return None;
        }
        let node = PathId::try_from(self.nodes.len()).ok()?;
        self.nodes.push(PathNode {
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

    /// Returns the path of a name in a directory, if it was added.
    pub fn child(&self, parent: PathId, name: &[u8]) -> Option<PathId> {
        let hash = self.hasher.hash_one((parent, name));
        let is = |node: &PathId| {
            let entry = self.nodes[*node as usize];
            entry.parent == parent && entry.name(&self.names) == name
        };
        self.table.find(hash, is).copied()
    }

    /// Returns the parent directory of a path; that of the root is the root.
    pub fn parent(&self, node: PathId) -> PathId {
        self.nodes[node as usize].parent
    }

    /// Returns the last part of a path.
    pub fn name(&self, node: PathId) -> &[u8] {
        self.nodes[node as usize].name(&self.names)
    }

    /// Returns the absolute path as text, a different one for each path.
    pub fn show(&self, mut node: PathId) -> String {
        let mut parts = Vec::new();
        while node != ROOT {
            parts.push(text(self.name(node)));
            node = self.parent(node);
        }
        parts.reverse();
        format!("/{}", parts.join("/"))
    }

    /// Returns the number of paths.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the memory that the tree takes, in bytes, estimated.
    pub fn cost(&self) -> usize {
        self.nodes.len() * NODE_COST + self.names.len()
    }
}

impl PathNode {
    fn name(self, names: &[u8]) -> &[u8] {
        &names[self.start as usize..][..usize::from(self.len)]
    }
}

/// Returns a name as text, a different one for each name: bytes that are not UTF-8 are written as `\xff`,
/// and so is a backslash that would read like one of those.
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

/// Whether a backslash and what follows it read like a byte that [`text`] wrote; the only ASCII byte that
/// it writes is the backslash itself.
fn reads_like_a_byte(rest: &str) -> bool {
    let digits = rest.strip_prefix('x').and_then(|text| text.get(..2));
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
        let mut paths = PathTree::default();
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
    fn a_full_tree_takes_no_new_paths() {
        let mut paths = PathTree::default();
        let known = paths.intern(b"a", MUCH).unwrap();
        let full = paths.cost();
        assert_eq!(paths.intern(b"b", full), None);
        assert_eq!(paths.intern(b"a", full), Some(known));
        assert_eq!(paths.intern(&[b'a'; MAX_PATH + 1], MUCH), None);
    }
}
