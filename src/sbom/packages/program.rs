//! Programs: scanned for the marks of Go and of `cargo auditable` while they are read, however large they
//! are.

use memchr::{memchr_iter, memmem};

use super::cargo::{self, AuditData};
use super::go::{self, BuildInfo};
use super::{FileFindings, FoundPackage};

/// The bytes that are kept between two chunks: more than any mark needs.
const OVERLAP: usize = LOOK_AHEAD;

/// A program has at most this many marks that are something else, and one in each [`TRIAL_BYTES`] of its bytes. By
/// chance it is one in 16 KiB.
const TRIALS: u64 = 4096;

const TRIAL_BYTES: u64 = 1024;

/// The bytes of all lists of crates in a program, decompressed.
const MAX_AUDITED: usize = 16 << 20;

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
    findings: FileFindings,
    /// How many marks were tried that could be something else.
    trials: u64,
    /// The bytes of the lists of crates so far.
    audited: usize,
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
        let allowed = TRIALS + (self.offset + end as u64) / TRIAL_BYTES;
        if self.trials > allowed {
            self.findings.skipped = Some("it has too many bytes like those of lists of packages");
            return;
        }
        if self.go.is_none() && self.go_packages.is_none() {
            let last = (end + go::MAGIC.len() - 1).min(self.window.len());
            for at in memmem::find_iter(&self.window[..last], go::MAGIC) {
                // The linker aligns it. The tools of Go have the mark at other places too.
                if !(self.offset + at as u64).is_multiple_of(16) {
                    continue;
                }
                self.trials += 1;
                let mut info = BuildInfo::default();
                info.add(&self.window[at..]);
                if !info.is_complete() || info.packages().is_some() {
                    self.go = Some(info);
                    break;
                }
                if self.trials > allowed {
                    break;
                }
            }
        }
        if self.audit.is_none() && self.audited < MAX_AUDITED {
            for at in memchr_iter(0x78, &self.window[..end]) {
                let bytes = &self.window[at..];
                if !AuditData::may_start(bytes) {
                    continue;
                }
                self.trials += 1;
                self.audit = AuditData::start(bytes);
                if self.audit.is_some() || self.trials > allowed {
                    break;
                }
            }
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
            let json = audit.into_json();
            self.audited += json.len();
            for package in cargo::packages(&json) {
                self.findings.add(package);
            }
        }
    }

    /// Adds the packages of a program that was read to its end.
    pub fn finish(mut self, findings: &mut FileFindings) {
        self.search(self.window.len());
        for package in self.go_packages.into_iter().flatten() {
            self.findings.add(package);
        }
        *findings = self.findings;
    }
}
