//! What the linker of Go 1.18 and newer puts into a program: its version and the modules.
//!
//! Source: the package `debug/buildinfo` of Go.

use super::FoundPackage;
use crate::sbom::report::ComponentType;

/// The first bytes of the build information.
pub const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Where the strings start.
const HEADER: usize = 32;

/// How versions start.
const STARTS: [&[u8]; 2] = [b"go", b"devel "];

/// The flag of strings that follow the header; before Go 1.18 it had pointers.
const INLINE: u8 = 2;

/// The size of the largest list of modules.
const MAX_SIZE: usize = 4 << 20;

/// The bytes from the mark on.
#[derive(Default)]
pub struct BuildInfo {
    bytes: Vec<u8>,
}

impl BuildInfo {
    /// Whether what follows a mark is a version of Go. Build information of Go 1.17 and older has pointers there.
    pub fn may_start(bytes: &[u8]) -> bool {
        let text = |start: usize| bytes.get(start..).unwrap_or_default();
        // The length of the version takes one byte.
        let version = text(HEADER + 1);
        bytes.get(15).is_some_and(|flags| flags & INLINE != 0)
            && STARTS.iter().any(|start| version.starts_with(start))
    }

    pub fn add(&mut self, bytes: &[u8]) {
        let room = MAX_SIZE.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Whether no further bytes are needed.
    pub fn is_complete(&self) -> bool {
        self.strings().is_some() || self.bytes.len() >= MAX_SIZE
    }

    /// The bytes of complete build information.
    pub fn used(&self) -> usize {
        let strings = self.strings();
        strings.map_or(MAX_SIZE, |(_, _, rest)| self.bytes.len() - rest.len())
    }

    /// The version of Go, the modules, and the bytes after them.
    fn strings(&self) -> Option<(&[u8], &[u8], &[u8])> {
        let (version, rest) = string(self.bytes.get(HEADER..)?)?;
        let (modules, rest) = string(rest)?;
        Some((version, modules, rest))
    }

    /// Returns the modules; none if this is something else, such as the mark in the tools of Go.
    pub fn packages(&self) -> Option<Vec<FoundPackage>> {
        let (version, modules, _) = self.strings()?;
        let version = std::str::from_utf8(version).ok()?;
        let number = version
            .strip_prefix("go")
            .or(version.strip_prefix("devel "))?;
        let number = number.split(' ').next().unwrap_or(number);
        let mut packages = vec![FoundPackage::new(ComponentType::Go, "stdlib", number)];
        // Sixteen bytes of a mark are on both sides.
        let modules = modules
            .get(16..modules.len().saturating_sub(16))
            .unwrap_or_default();
        let mut modules: Vec<Module<'_>> = Module::parse(std::str::from_utf8(modules).ok()?);
        modules.retain(|module| !module.path.is_empty());
        packages.extend(modules.iter().map(Module::package));
        Some(packages)
    }
}

/// Splits a string with its length in front.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0_usize;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        len |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return bytes[i + 1..].split_at_checked(len);
        }
    }
    None
}

struct Module<'a> {
    path: &'a str,
    version: &'a str,
}

impl<'a> Module<'a> {
    /// Parses lines of `mod` and `dep`, which a line of `=>` replaces.
    fn parse(text: &'a str) -> Vec<Self> {
        let mut modules: Vec<Self> = Vec::new();
        for line in text.lines() {
            let mut words = line.split('\t');
            let (kind, path, version) = (words.next(), words.next(), words.next());
            let module = Self {
                path: path.unwrap_or_default(),
                version: version.unwrap_or_default(),
            };
            match kind {
                Some("mod" | "dep") => modules.push(module),
                Some("=>") => {
                    // A directory as a replacement has no version and no name that others know.
                    if !["", "(devel)"].contains(&module.version)
                        && let Some(last) = modules.last_mut()
                    {
                        *last = module;
                    }
                }
                _ => {}
            }
        }
        modules
    }

    fn package(&self) -> FoundPackage {
        let version = match self.version {
            "(devel)" => "",
            version => version,
        };
        let (namespace, name) = match self.path.rsplit_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, self.path),
        };
        let mut package = FoundPackage::new(ComponentType::Go, name, version);
        package.namespace = namespace;
        package
    }
}
