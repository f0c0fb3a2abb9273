//! The NAR of a store path whose entries come in the order of a NAR, as dockerTools and nix2container write
//! them: it is hashed while the layer is read, and nothing is kept.

use super::nar::{NarHasher, NarInfo};

/// A store path of a layer, from its first entry on.
pub struct NarStream {
    nar: NarHasher,
    root: Root,
    /// The last name in each directory that is open. All but the last are those directories; the last one
    /// is that of a file or link if `has_leaf`.
    names: Vec<Vec<u8>>,
    has_leaf: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Nothing,
    Directory,
    Leaf,
}

/// An entry that comes in another order than in a NAR, so that the content before it would be needed again.
#[derive(Debug)]
pub struct OutOfOrder;

impl Default for NarStream {
    fn default() -> Self {
        Self {
            nar: NarHasher::default(),
            root: Root::Nothing,
            names: Vec::new(),
            has_leaf: false,
        }
    }
}

impl NarStream {
    /// Adds a directory at a path relative to the store path.
    pub fn directory(&mut self, path: &[u8]) -> Result<(), OutOfOrder> {
        self.open(path)?;
        self.nar.start_directory();
        self.has_leaf = false;
        if path.is_empty() {
            self.root = Root::Directory;
        }
        Ok(())
    }

    pub fn symlink(&mut self, path: &[u8], target: &[u8]) -> Result<(), OutOfOrder> {
        self.open(path)?;
        self.nar.symlink(target);
        self.leaf(path);
        Ok(())
    }

    /// Starts a file of `size` bytes.
    pub fn file(&mut self, path: &[u8], is_executable: bool, size: u64) -> Result<(), OutOfOrder> {
        self.open(path)?;
        self.nar.start_file(is_executable, size);
        self.leaf(path);
        Ok(())
    }

    /// Adds content to the file that was started last.
    pub fn content(&mut self, bytes: &[u8]) {
        self.nar.content(bytes);
    }

    /// Ends the file that was started last.
    pub fn end_file(&mut self, size: u64) {
        self.nar.end_file(size);
    }

    fn leaf(&mut self, path: &[u8]) {
        match path.is_empty() {
            true => self.root = Root::Leaf,
            false => self.has_leaf = true,
        }
    }

    /// Starts the entry at a path, after the ends of those before it and the directories above it.
    fn open(&mut self, path: &[u8]) -> Result<(), OutOfOrder> {
        if path.is_empty() {
            return match self.root {
                Root::Nothing => Ok(()),
                Root::Directory | Root::Leaf => Err(OutOfOrder),
            };
        }
        match self.root {
            Root::Leaf => return Err(OutOfOrder),
            Root::Directory => {}
            Root::Nothing => {
                self.nar.start_directory();
                self.root = Root::Directory;
            }
        }
        let parts: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
        let open = self.names.len() - usize::from(self.has_leaf);
        let pairs = self.names[..open].iter().zip(&parts);
        let common = pairs.take_while(|(name, part)| name == *part).count();
        // The same directory again, or a name that should have come earlier.
        let is_later = match (parts.get(common), self.names.get(common)) {
            (Some(part), Some(name)) => *part > &name[..],
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !is_later {
            return Err(OutOfOrder);
        }
        self.close(common);
        for (depth, part) in parts[common..].iter().enumerate() {
            if depth > 0 {
                self.nar.start_directory();
            }
            self.nar.start_entry(part);
            self.names.push(part.to_vec());
        }
        Ok(())
    }

    /// Ends the entries that are more than `depth` directories deep.
    fn close(&mut self, depth: usize) {
        while self.names.len() > depth {
            if !std::mem::take(&mut self.has_leaf) {
                self.nar.end_directory();
            }
            self.nar.end_entry();
            self.names.pop();
        }
    }

    /// Ends the NAR.
    pub fn finish(mut self) -> NarInfo {
        self.close(0);
        if self.root == Root::Directory {
            self.nar.end_directory();
        }
        self.nar.finish()
    }
}
