//! Programs: scanned for the marks of Go and of `cargo auditable` while they are read, however large they
//! are.

use memchr::{memchr_iter, memmem};

use super::FoundPackage;
use super::cargo::{self, AuditData};
use super::go::{self, BuildInfo};

/// The bytes that are kept between two chunks: more than any mark needs.
const OVERLAP: usize = LOOK_AHEAD;

/// The bytes after a mark that decide what it is.
pub const LOOK_AHEAD: usize = 128;

/// Whether a file starts like a program or library of Linux, Windows or macOS, or like WebAssembly.
pub fn is_program(head: &[u8]) -> bool {
    const STARTS: [&[u8]; 6] = [
        b"\x7fELF",
        b"MZ",
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
        b"\0asm",
    ];
    STARTS.iter().any(|start| head.starts_with(start))
}

/// Scans a program.
#[derive(Default)]
pub struct ProgramScanner {
    /// The last bytes so far.
    window: Vec<u8>,
    /// The position of the window in the file.
    offset: u64,
    go: Option<BuildInfo>,
    go_packages: Option<Vec<FoundPackage>>,
    audit: Option<AuditData>,
    packages: Vec<FoundPackage>,
}

impl ProgramScanner {
    pub fn scan(&mut self, bytes: &[u8]) {
        if let Some(go) = &mut self.go {
            go.add(bytes);
        }
        if let Some(audit) = &mut self.audit {
            audit.add(bytes);
        }
        self.window.extend_from_slice(bytes);
        // Marks at the end are found with the next bytes, when there are enough of them.
        let end = self.window.len().saturating_sub(OVERLAP);
        self.search(end);
        if end > 0 {
            self.window.drain(..end);
            self.offset += end as u64;
        }
    }

    /// Searches marks that start before `end`.
    fn search(&mut self, end: usize) {
        self.finish_parts();
        if self.go.is_none() && self.go_packages.is_none() {
            let last = (end + go::MAGIC.len() - 1).min(self.window.len());
            for at in memmem::find_iter(&self.window[..last], go::MAGIC) {
                // The linker aligns it. The tools of Go have the mark at other places too.
                if !(self.offset + at as u64).is_multiple_of(16) {
                    continue;
                }
                let mut info = BuildInfo::default();
                info.add(&self.window[at..]);
                if !info.is_complete() || info.packages().is_some() {
                    self.go = Some(info);
                    break;
                }
            }
        }
        if self.audit.is_none() {
            let marks = memchr_iter(0x78, &self.window[..end]);
            self.audit = { marks }.find_map(|at| AuditData::start(&self.window[at..]));
        }
        self.finish_parts();
    }

    /// Keeps the packages of parts that are complete.
    fn finish_parts(&mut self) {
        if self.go.as_ref().is_some_and(BuildInfo::is_complete)
            && let Some(packages) = self.go.take().and_then(|info| info.packages())
        {
            self.go_packages = Some(packages);
        }
        if self.audit.as_ref().is_some_and(AuditData::is_complete)
            && let Some(audit) = self.audit.take()
        {
            self.packages.extend(cargo::packages(&audit.into_json()));
        }
    }

    pub fn finish(mut self) -> Vec<FoundPackage> {
        self.search(self.window.len());
        let mut packages = self.packages;
        packages.extend(self.go_packages.into_iter().flatten());
        packages
    }
}
