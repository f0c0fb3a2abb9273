//! The names of the entries of a layer, in little memory.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The names of the entries of all layers that are read at the same time: at most 20 MiB, and the largest
/// layers of nixpkgs have a tenth of them.
const MAX_NAMES: usize = 1 << 20;

/// The number of names that may still be kept.
#[derive(Debug)]
pub struct NameBudget(AtomicUsize);

impl Default for NameBudget {
    fn default() -> Self {
        Self(AtomicUsize::new(MAX_NAMES))
    }
}

impl NameBudget {
    fn take(&self) -> bool {
        let take = |left: usize| left.checked_sub(1);
        (self.0)
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .is_ok()
    }
}

/// The type of an entry, as far as others depend on it.
#[derive(Clone, Copy, PartialEq)]
pub enum NameKind {
    Directory,
    SymbolicLink,
    /// Anything else.
    File,
}

/// The names of the entries of a layer: eight bytes for each.
pub struct SeenNames<'a> {
    /// The hashes of all names.
    all: KeySet,
    /// The hashes of directories and symbolic links, with their kinds: those of files would be most of them.
    others: KeySet,
    budget: &'a NameBudget,
    /// Whether the budget was used up, so that not all names are here.
    pub is_incomplete: bool,
}

type KeySet = HashSet<u64, BuildHasherDefault<KeyHasher>>;

impl<'a> SeenNames<'a> {
    const OTHERS: [NameKind; 2] = [NameKind::Directory, NameKind::SymbolicLink];

    pub fn new(budget: &'a NameBudget) -> Self {
        Self {
            all: HashSet::default(),
            others: HashSet::default(),
            budget,
            is_incomplete: false,
        }
    }

    pub fn kind(&self, name: &[u8]) -> Option<NameKind> {
        let hash = hash(name);
        let is = |kind: &NameKind| self.others.contains(&(hash | *kind as u64));
        let other = Self::OTHERS.into_iter().find(is);
        other.or_else(|| self.all.contains(&hash).then_some(NameKind::File))
    }

    /// Adds a name, and returns whether it was there.
    pub fn insert(&mut self, name: &[u8], kind: NameKind) -> bool {
        let hash = hash(name);
        if !self.all.insert(hash) {
            for other in Self::OTHERS {
                self.others.remove(&(hash | other as u64));
            }
            self.add_other(hash, kind);
            return true;
        }
        if self.budget.take() {
            self.add_other(hash, kind);
        } else {
            self.all.remove(&hash);
            self.is_incomplete = true;
        }
        false
    }

    fn add_other(&mut self, hash: u64, kind: NameKind) {
        if kind != NameKind::File {
            self.others.insert(hash | kind as u64);
        }
    }
}

impl Drop for SeenNames<'_> {
    fn drop(&mut self) {
        (self.budget.0).fetch_add(self.all.len(), Ordering::Relaxed);
    }
}

/// The hash of a name, without the bits of its kind.
fn hash(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    hasher.finish() << 2
}

/// A key is a hash already.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        // The table uses the upper bits too, and the lowest ones are the kind.
        self.0 = key.rotate_right(2);
    }
}
