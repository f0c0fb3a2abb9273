//! Layers on top of each other: the paths that a container has.
//!
//! Sources: image-spec `layer.md`, "Applying Changesets", and what runtimes do with two entries for one path:
//! the later one counts, and only a directory joins a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::tar::Whiteout;

/// The longest path that Linux opens, in bytes.
pub const MAX_PATH: usize = 4095;

/// The paths of a container, relative to the root directory. Directories are there even if no layer has an
/// entry for them, and nothing is below a path that is not a directory.
pub struct MergedTree<'a, L> {
    nodes: BTreeMap<&'a [u8], Node<L>>,
    /// A directory that is in the tree: entries beside each other look for it only once.
    known: Option<&'a [u8]>,
    pub contradictions: Contradictions<'a>,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<L> {
    Directory,
    /// Anything else.
    Leaf(L),
}

impl<L> Default for MergedTree<'_, L> {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::new(),
            known: None,
            contradictions: Contradictions::default(),
        }
    }
}

impl<'a, L> MergedTree<'a, L> {
    /// Deletes what the layers below have. The whiteouts of a layer come before its other entries, because
    /// they do not delete anything of the layer itself.
    pub fn delete(&mut self, path: &[u8], whiteout: Whiteout) {
        self.remove_below(path);
        match (whiteout, self.nodes.get_mut(path)) {
            (Whiteout::Name, _) => {
                self.nodes.remove(path);
                self.contradictions.directories.remove(path);
            }
            (Whiteout::Contents, Some(node)) => *node = Node::Directory,
            (Whiteout::Contents, None) => {}
        }
    }

    /// Adds a directory, which joins one that is there.
    pub fn add_directory(&mut self, path: &'a [u8]) {
        self.add_parents(path);
        self.nodes.insert(path, Node::Directory);
    }

    /// Adds anything else, which replaces what is there.
    pub fn add(&mut self, path: &'a [u8], leaf: L) {
        self.add_parents(path);
        if let Some(Node::Directory) = self.nodes.insert(path, Node::Leaf(leaf)) {
            self.remove_below(path);
            self.contradictions.directories.remove(path);
        }
    }

    /// Adds the directories above a path, in place of anything else there.
    fn add_parents(&mut self, path: &'a [u8]) {
        let ends = (0..path.len()).rev().filter(|end| path[*end] == b'/');
        let mut parents = ends.map(|end| &path[..end]);
        let direct = parents.clone().next();
        if direct.is_none() || direct == self.known {
            return;
        }
        self.known = direct;
        let is_there = |parent| match self.nodes.insert(parent, Node::Directory) {
            None => false,
            Some(Node::Directory) => true,
            Some(Node::Leaf(_)) => {
                self.contradictions.directories.insert(parent);
                true
            }
        };
        // What is above something in the tree is a directory.
        parents.any(is_there);
    }

    fn remove_below(&mut self, path: &[u8]) {
        self.known = None;
        self.contradictions.remove_below(path);
        let below: Vec<&[u8]> = self.below(path).map(|(path, _)| path).collect();
        for path in below {
            self.nodes.remove(path);
        }
    }

    /// Returns what is not a directory at a path.
    pub fn leaf(&self, path: &[u8]) -> Option<&L> {
        match self.nodes.get(path)? {
            Node::Directory => None,
            Node::Leaf(leaf) => Some(leaf),
        }
    }

    /// Returns what is not a directory at a path.
    pub fn leaf_mut(&mut self, path: &[u8]) -> Option<&mut L> {
        match self.nodes.get_mut(path)? {
            Node::Directory => None,
            Node::Leaf(leaf) => Some(leaf),
        }
    }

    /// Returns what is at a path and below it, sorted by the bytes of whole paths.
    pub fn at_and_below(&self, path: &[u8]) -> impl Iterator<Item = (&'a [u8], &Node<L>)> {
        let itself = self
            .nodes
            .get_key_value(path)
            .map(|(path, node)| (*path, node));
        itself.into_iter().chain(self.below(path))
    }

    fn below(&self, path: &[u8]) -> impl Iterator<Item = (&'a [u8], &Node<L>)> {
        let (start, end) = bounds(path);
        let range = (bound(&start), bound(&end));
        let range = self.nodes.range::<[u8], _>(range);
        range.map(|(path, node)| (*path, node))
    }

    /// Returns everything but directories, sorted.
    pub fn into_leaves(self) -> impl Iterator<Item = (&'a [u8], L)> {
        self.nodes
            .into_iter()
            .filter_map(|(path, node)| match node {
                Node::Directory => None,
                Node::Leaf(leaf) => Some((path, leaf)),
            })
    }
}

/// Directories that took the place of a link or file because of an entry below it. Runtimes disagree about these:
/// containerd follows the link, Docker replaces it in some cases, and a file is an error.
#[derive(Default)]
pub struct Contradictions<'a> {
    directories: BTreeSet<&'a [u8]>,
}

impl<'a> Contradictions<'a> {
    /// Whether a path is one of them, below one or above one.
    pub fn concern(&self, path: &[u8]) -> bool {
        let ends = (0..path.len()).filter(|end| path[*end] == b'/');
        let mut at_or_above = ends.map(|end| &path[..end]).chain([path]);
        at_or_above.any(|other| self.directories.contains(other))
            || self.below(path).next().is_some()
    }

    fn below(&self, path: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        let (start, end) = bounds(path);
        let range = (bound(&start), bound(&end));
        self.directories.range::<[u8], _>(range).copied()
    }

    fn remove_below(&mut self, path: &[u8]) {
        let below: Vec<&[u8]> = self.below(path).collect();
        for path in below {
            self.directories.remove(path);
        }
    }
}

/// Returns the bounds of what is below a path, in the order of bytes.
fn bounds(path: &[u8]) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    match path {
        [] => (Bound::Excluded(Vec::new()), Bound::Unbounded),
        // The names below `a` start with `a/`, and `0` is the byte after `/`.
        _ => (
            Bound::Included([path, b"/"].concat()),
            Bound::Excluded([path, b"0"].concat()),
        ),
    }
}

fn bound(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tree = MergedTree<'static, u8>;

    #[track_caller]
    fn expect(tree: &Tree, expected: &[(&str, Node<u8>)]) {
        let all = tree
            .at_and_below(b"")
            .map(|(path, node)| (std::str::from_utf8(path).unwrap(), *node));
        assert_eq!(all.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_later_entry_replaces_what_is_there() {
        use Node::{Directory, Leaf};
        let mut tree = Tree::default();
        tree.add(b"a/b/c", 1);
        tree.add(b"a/b-c", 2);
        tree.add(b"a/b0", 3);
        let all = [
            ("a", Directory),
            ("a/b", Directory),
            ("a/b-c", Leaf(2)),
            ("a/b/c", Leaf(1)),
            ("a/b0", Leaf(3)),
        ];
        expect(&tree, &all);
        tree.add_directory(b"a/b");
        expect(&tree, &all);
        // A file over a directory, a directory over a file, a file below a file.
        tree.add(b"a/b", 4);
        tree.add_directory(b"a/b0");
        tree.add(b"a/b-c/d", 5);
        expect(
            &tree,
            &[
                ("a", Directory),
                ("a/b", Leaf(4)),
                ("a/b-c", Directory),
                ("a/b-c/d", Leaf(5)),
                ("a/b0", Directory),
            ],
        );
        tree.add(b"a/b-c/e", 6);
        tree.add(b"a/b-c", 7);
        tree.add(b"a/b-c/f", 8);
        assert_eq!(tree.leaf(b"a/b-c/e"), None);
        assert_eq!(tree.leaf(b"a/b-c/f"), Some(&8));
        assert_eq!(tree.leaf(b"a/b-c"), None);
    }

    #[test]
    fn whiteouts_delete_a_name_or_the_contents_of_a_directory() {
        use Node::{Directory, Leaf};
        let full = || {
            let mut tree = Tree::default();
            for path in [&b"a/b/c"[..], b"a/b.c", b"d"] {
                tree.add(path, 1);
            }
            tree
        };
        let mut tree = full();
        tree.delete(b"a/b", Whiteout::Name);
        expect(
            &tree,
            &[("a", Directory), ("a/b.c", Leaf(1)), ("d", Leaf(1))],
        );
        tree.add(b"a/b/c", 2);
        assert_eq!(tree.leaf(b"a/b/c"), Some(&2));
        let mut tree = full();
        tree.delete(b"a/b", Whiteout::Contents);
        tree.delete(b"d", Whiteout::Contents);
        expect(
            &tree,
            &[
                ("a", Directory),
                ("a/b", Directory),
                ("a/b.c", Leaf(1)),
                ("d", Directory),
            ],
        );
        tree.delete(b"", Whiteout::Contents);
        expect(&tree, &[]);
    }

    #[test]
    fn entries_below_a_link_or_file_are_remembered() {
        let mut tree = Tree::default();
        tree.add(b"a/link", 1);
        tree.add(b"a/link/b/c", 2);
        tree.add(b"a/other", 3);
        for (path, expected) in [
            ("a/link", true),
            ("a/link/b/c", true),
            ("a", true),
            ("", true),
            ("a/other", false),
            ("a/lin", false),
            ("b", false),
        ] {
            assert_eq!(
                tree.contradictions.concern(path.as_bytes()),
                expected,
                "{path}"
            );
        }
        // What replaces all of it is clear again.
        for replace in [
            |tree: &mut Tree| tree.delete(b"a/link", Whiteout::Name),
            |tree: &mut Tree| tree.delete(b"a", Whiteout::Contents),
            |tree: &mut Tree| tree.add(b"a/link", 4),
            |tree: &mut Tree| tree.add(b"a", 4),
        ] {
            let mut tree = Tree::default();
            tree.add(b"a/link", 1);
            tree.add(b"a/link/b", 2);
            replace(&mut tree);
            assert!(!tree.contradictions.concern(b"a/link"));
        }
        // An entry of a directory replaces a link for every runtime.
        let mut tree = Tree::default();
        tree.add(b"a/link", 1);
        tree.add_directory(b"a/link");
        tree.add(b"a/link/b", 2);
        assert!(!tree.contradictions.concern(b"a/link"));
    }
}
