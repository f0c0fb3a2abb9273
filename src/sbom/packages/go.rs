//! What the linker of Go puts into a program: its version and the modules.
//!
//! Go 1.18 and newer put both after a mark. Go 1.12 to 1.17 put pointers there, which only the headers of the program
//! explain: those modules are found by the marks on both sides of their list, and the version by its form.
//! Source: the packages `debug/buildinfo` and `cmd/go/internal/modload` of Go.

use std::collections::BTreeSet;

use memchr::memmem;

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

/// The marks before and after the list of modules.
pub const LIST_START: &[u8; MARK] =
    b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6";
const LIST_END: &[u8; MARK] = b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2";
const MARK: usize = 16;

/// How a version starts as a text.
pub const VERSION: &[u8] = b"go1.";

/// The size of the largest list of modules.
const MAX_SIZE: usize = 4 << 20;

/// The bytes from the mark on.
#[derive(Default)]
pub struct BuildInfo {
    bytes: Vec<u8>,
}

impl BuildInfo {
    /// Whether what follows a mark are pointers, as Go 1.17 and older write them.
    pub fn is_old(bytes: &[u8]) -> bool {
        matches!(bytes.get(14..16), Some([4 | 8, flags]) if flags & INLINE == 0)
    }

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
        let development = version.strip_prefix("devel ");
        let number = development.unwrap_or(version);
        let number = number.strip_prefix("go").or(development)?;
        let number = number.split(' ').next().unwrap_or(number);
        let mut packages = vec![FoundPackage::new(ComponentType::Go, "stdlib", number)];
        let modules = modules
            .get(MARK..modules.len().saturating_sub(MARK))
            .unwrap_or_default();
        packages.extend(Module::packages(modules)?);
        Some(packages)
    }
}

/// The modules of a program between two marks.
#[derive(Default)]
pub struct ModuleList {
    /// From the first mark on.
    bytes: Vec<u8>,
    /// The position of the last mark.
    end: Option<usize>,
}

impl ModuleList {
    pub fn add(&mut self, bytes: &[u8]) {
        if self.is_complete() {
            return;
        }
        let searched = self.bytes.len().saturating_sub(MARK);
        let room = MAX_SIZE.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        let end = memmem::find(&self.bytes[searched..], LIST_END);
        self.end = end.map(|end| searched + end);
    }

    pub fn is_complete(&self) -> bool {
        self.end.is_some() || self.bytes.len() >= MAX_SIZE
    }

    /// Returns the modules; none without the last mark.
    pub fn packages(&self) -> Option<Vec<FoundPackage>> {
        Module::packages(self.bytes.get(MARK..self.end?)?)
    }
}

/// The versions of Go that a program has as texts.
#[derive(Default)]
pub struct Versions {
    /// Such as `1.15.9`.
    exact: BTreeSet<Vec<u8>>,
    /// Such as `1.15`, which messages name too.
    minor: BTreeSet<Vec<u8>>,
}

impl Versions {
    /// Adds the version that starts at [`VERSION`]. Another text may follow without a separator.
    pub fn add(&mut self, bytes: &[u8]) {
        let digits = |at: usize| {
            let bytes = bytes.get(at..).unwrap_or_default().iter().take(2);
            bytes.take_while(|byte| byte.is_ascii_digit()).count()
        };
        let minor = digits(VERSION.len());
        if minor == 0 {
            return;
        }
        let mut end = VERSION.len() + minor;
        for separator in [&b"."[..], b"rc", b"beta"] {
            let rest = bytes.get(end..).unwrap_or_default();
            let number = digits(end + separator.len());
            if rest.starts_with(separator) && number > 0 {
                end += separator.len() + number;
                break;
            }
        }
        // Names of files in the table of symbols.
        if bytes[end..].starts_with(b".go") {
            return;
        }
        let found = match end == VERSION.len() + minor {
            true => &mut self.minor,
            false => &mut self.exact,
        };
        // Two show that none is certain.
        if found.len() < 2 {
            found.insert(bytes[2..end].to_vec());
        }
    }

    /// Returns the only one.
    pub fn stdlib(&self) -> Option<FoundPackage> {
        let all = [&self.exact, &self.minor];
        let found = all.into_iter().find(|found| !found.is_empty())?;
        let only = found.first().filter(|_| found.len() == 1)?;
        let number = std::str::from_utf8(only).ok()?;
        Some(FoundPackage::new(ComponentType::Go, "stdlib", number))
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
    fn packages(text: &'a [u8]) -> Option<Vec<FoundPackage>> {
        let mut modules = Self::parse(std::str::from_utf8(text).ok()?);
        modules.retain(|module| !module.path.is_empty());
        Some(modules.iter().map(Self::package).collect())
    }

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
