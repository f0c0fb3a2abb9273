//! Random layers that break no rule of docs/verify.md, so that every program can unpack them.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use tar::EntryType;

use crate::support::blocks::{entry, pax, record};
use crate::support::*;

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Directory,
    File,
    Other,
}

/// The files of an image so far.
#[derive(Clone, Default)]
pub struct Tree(BTreeMap<String, Node>);

impl Tree {
    fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.0
            .retain(|name, _| name != path && !name.starts_with(&below));
    }

    /// A random path of a kind; for directories also the root, which is empty.
    fn pick(&self, rng: &mut Rng, kind: impl Fn(Node) -> bool) -> Option<String> {
        let all: Vec<&String> = (self.0.iter())
            .filter(|(_, node)| kind(**node))
            .map(|(name, _)| name)
            .collect();
        rng.choice(all).cloned()
    }
}

/// A layer that is being written.
struct Layer {
    blocks: Vec<u8>,
    /// No name appears twice, and nothing replaces a directory with new entries.
    names: BTreeSet<String>,
    /// What all names start with: some tools write `./`.
    prefix: &'static str,
    /// Long names are in pax headers; otherwise in those of GNU.
    is_pax: bool,
}

/// A random layer above a tree, which it changes.
pub fn layer(rng: &mut Rng, tree: &mut Tree) -> Vec<u8> {
    let mut layer = Layer::new(rng);
    if layer.prefix == "./" && rng.bool() {
        layer.write(rng, "", EntryType::Directory, "", &[]);
    }
    let below = tree.clone();
    for _ in 0..rng.usize(..14) {
        match rng.u8(..8) {
            0 => layer.delete(rng, tree, &below),
            1 => layer.empty(rng, tree, &below),
            2 => layer.replace(rng, tree, &below),
            _ => layer.add(rng, tree),
        }
    }
    layer.finish(rng)
}

/// A layer with one executable file.
pub fn program(rng: &mut Rng, tree: &mut Tree, name: &str, content: &[u8]) -> Vec<u8> {
    let mut layer = Layer::new(rng);
    for (at, _) in name.match_indices('/') {
        tree.0.insert(name[..at].to_owned(), Node::Directory);
    }
    tree.0.insert(name.to_owned(), Node::File);
    layer.write(rng, name, EntryType::Regular, "", content);
    layer.finish(rng)
}

impl Layer {
    fn new(rng: &mut Rng) -> Self {
        Self {
            blocks: Vec::new(),
            names: BTreeSet::new(),
            prefix: rng.choice(["", "./", "/"]).unwrap(),
            is_pax: rng.bool(),
        }
    }

    /// Two blocks of zeros, and sometimes more of them, as GNU tar writes.
    fn finish(mut self, rng: &mut Rng) -> Vec<u8> {
        self.blocks.extend([0; 1024]);
        if rng.bool() {
            self.blocks
                .resize(self.blocks.len().next_multiple_of(10_240), 0);
        }
        self.blocks
    }

    fn is_touched(&self, path: &str) -> bool {
        let below = format!("{path}/");
        (self.names.range(path.to_owned()..))
            .take_while(|name| name.starts_with(path))
            .any(|name| name == path || name.starts_with(&below))
    }

    /// Adds an entry at a new path, sometimes in directories that have no entry.
    fn add(&mut self, rng: &mut Rng, tree: &mut Tree) {
        let parent = tree.pick(rng, |node| node == Node::Directory);
        let mut path = parent.filter(|path| rng.bool() && path.len() < 1000);
        for _ in 0..=rng.usize(..3) / 2 {
            let name = name(rng);
            let next = path.map_or_else(|| name.clone(), |path| format!("{path}/{name}"));
            if tree.0.contains_key(&next) || self.is_touched(&next) {
                return;
            }
            path = Some(next);
        }
        let path = path.unwrap();
        for (at, _) in path.match_indices('/') {
            let parent = path[..at].to_owned();
            if tree.0.insert(parent.clone(), Node::Directory).is_none() {
                self.names.insert(parent);
            }
        }
        self.put(rng, tree, path);
    }

    /// Adds an entry of a random type.
    fn put(&mut self, rng: &mut Rng, tree: &mut Tree, path: String) {
        let other = tree.pick(rng, |node| node == Node::File);
        let (node, kind, target, content) = match (rng.u8(..10), other) {
            (0..=2, _) => (Node::Directory, EntryType::Directory, String::new(), vec![]),
            (3, _) => {
                let target = rng.choice(["x", "/etc/passwd", "../..", "gone/ä", "."]);
                (
                    Node::Other,
                    EntryType::Symlink,
                    target.unwrap().to_owned(),
                    vec![],
                )
            }
            (4, _) => (Node::Other, EntryType::Fifo, String::new(), vec![]),
            (5 | 6, Some(target)) if target != path => {
                let target = format!("{}{target}", rng.choice(["", "/", "./"]).unwrap());
                (Node::File, EntryType::Link, target, vec![])
            }
            _ => {
                let len = rng.choice([0, 1, 512, 700, 9_000, 300_000]).unwrap();
                (
                    Node::File,
                    EntryType::Regular,
                    String::new(),
                    noise(rng.u64(..), len),
                )
            }
        };
        self.write(rng, &path, kind, &target, &content);
        self.names.insert(path.clone());
        tree.0.insert(path, node);
    }

    /// A path that only the layers below have.
    fn old(
        &self,
        rng: &mut Rng,
        tree: &Tree,
        below: &Tree,
        is: impl Fn(Node) -> bool,
    ) -> Option<String> {
        let path = below.pick(rng, is)?;
        (tree.0.contains_key(&path) && !self.is_touched(&path)).then_some(path)
    }

    fn delete(&mut self, rng: &mut Rng, tree: &mut Tree, below: &Tree) {
        let Some(path) = self.old(rng, tree, below, |_| true) else {
            return;
        };
        let at = path.rfind('/').map_or(0, |at| at + 1);
        if path.len() - at > 251 {
            return;
        }
        let whiteout = format!("{}.wh.{}", &path[..at], &path[at..]);
        self.write(rng, &whiteout, EntryType::Regular, "", &[]);
        self.names.insert(path.clone());
        tree.remove(&path);
    }

    /// An opaque whiteout removes the contents of a directory.
    fn empty(&mut self, rng: &mut Rng, tree: &mut Tree, below: &Tree) {
        let Some(path) = self.old(rng, tree, below, |node| node == Node::Directory) else {
            return;
        };
        self.write(
            rng,
            &format!("{path}/.wh..wh..opq"),
            EntryType::Regular,
            "",
            &[],
        );
        self.names.insert(path.clone());
        tree.remove(&path);
        tree.0.insert(path, Node::Directory);
    }

    fn replace(&mut self, rng: &mut Rng, tree: &mut Tree, below: &Tree) {
        let Some(path) = self.old(rng, tree, below, |_| true) else {
            return;
        };
        if tree.0[&path] == Node::Directory && rng.bool() {
            self.write(rng, &path, EntryType::Directory, "", &[]);
            self.names.insert(path);
            return;
        }
        tree.remove(&path);
        self.put(rng, tree, path);
    }

    fn write(&mut self, rng: &mut Rng, path: &str, kind: EntryType, target: &str, content: &[u8]) {
        let slash = if kind == EntryType::Directory {
            "/"
        } else {
            ""
        };
        let path = format!("{}{path}{slash}", self.prefix);
        let mut records = String::new();
        let mut header = tar::Header::new_ustar();
        for (key, text, long) in [
            ("path", &*path, EntryType::GNULongName),
            ("linkpath", target, EntryType::GNULongLink),
        ] {
            if text.len() <= 100 && rng.u8(..10) != 0 {
                let (at, field) = if key == "path" {
                    (0, text)
                } else {
                    (157, text)
                };
                header.as_mut_bytes()[at..at + field.len()].copy_from_slice(field.as_bytes());
            } else if self.is_pax && !text.is_empty() {
                records += &record(key, text);
            } else if !text.is_empty() {
                let text = [text.as_bytes(), b"\0"].concat();
                let name = blocks::header("././@LongLink", long, text.len() as u64);
                self.blocks.extend(entry(&name, &text));
            }
        }
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        let executable = rng.choice([0o755, 0o700, 0o1777, 0o4755]).unwrap();
        let data = rng.choice([0o644, 0o444, 0o600, 0o755]).unwrap();
        // The program of an image and directories can be executed by all.
        let is_plain = kind == EntryType::Regular && !content.starts_with(b"\x7fELF");
        header.set_mode(if is_plain { data } else { executable });
        header.set_uid(rng.choice([0, 0, 1000, 65_534]).unwrap());
        header.set_gid(rng.choice([0, 0, 100, 65_534]).unwrap());
        header.set_mtime(rng.choice([0, 1, 1_700_000_000]).unwrap());
        if self.is_pax {
            if rng.u8(..4) == 0 {
                records += &record("mtime", "1.5");
            }
            if rng.u8(..4) == 0 && matches!(kind, EntryType::Regular | EntryType::Directory) {
                records += &record("SCHILY.xattr.user.x", "y");
            }
        }
        header.set_cksum();
        if !records.is_empty() {
            self.blocks.extend(pax(EntryType::XHeader, &records));
        }
        self.blocks.extend(entry(&header, content));
    }
}

fn name(rng: &mut Rng) -> String {
    match rng.u8(..12) {
        0 => "n".repeat(rng.usize(90..=255)),
        1 => format!("größe-{}", rng.u8(..)),
        2 => format!("with space {}", rng.u8(..)),
        3 => format!(".hidden:{}=%", rng.u8(..)),
        4 => format!("README.{}\u{1f980}", rng.u8(..)),
        _ => format!("{}{}", rng.lowercase(), rng.u8(..)),
    }
}
