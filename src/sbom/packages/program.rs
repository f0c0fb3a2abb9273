//! Programs: scanned for the marks of Go and of `cargo auditable` while they are read, however large they
//! are.

use memchr::{memchr_iter, memmem};

use super::cargo::{self, AuditData};
use super::go::{self, BuildInfo, ModuleList, Versions};
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

/// Scans a program. What it finds depends on the bytes only, not on the chunks in which they come.
#[derive(Default)]
pub struct ProgramScanner {
    /// The last bytes so far.
    window: Vec<u8>,
    /// The position of the window in the file.
    offset: u64,
    go_marks: Marks,
    /// The build information that is being read, and its position.
    go: Option<(u64, BuildInfo)>,
    go_packages: Option<Vec<FoundPackage>>,
    /// Of programs without the version in the build information: whether they have build information, and the first list
    /// of modules.
    is_old_go: bool,
    go_list: Option<ModuleList>,
    go_versions: Versions,
    audit_marks: Marks,
    /// The list of crates that is being read, and its position.
    audit: Option<(u64, AuditData)>,
    /// The bytes of the lists of crates so far.
    audited: usize,
    findings: FileFindings,
}

/// The marks of one kind.
#[derive(Default)]
struct Marks {
    /// The position from which on they count: they do not overlap.
    next: u64,
    /// How many were tried that could be something else.
    trials: u64,
    /// Why no further ones are tried.
    end: Option<&'static str>,
}

impl Marks {
    /// Whether the mark at a position is tried.
    fn is_tried(&mut self, position: u64) -> bool {
        if position < self.next || self.end.is_some() {
            return false;
        }
        self.trials += 1;
        if self.trials > TRIALS + position / TRIAL_BYTES {
            self.end = Some("it has too many bytes like those of lists of packages");
        }
        self.end.is_none()
    }
}

impl ProgramScanner {
    pub fn scan(&mut self, bytes: &[u8]) {
        if let Some((_, go)) = &mut self.go {
            go.add(bytes);
        }
        if let Some(list) = &mut self.go_list {
            list.add(bytes);
        }
        if let Some((_, audit)) = &mut self.audit {
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
        self.finish_go();
        let last = (end + go::MAGIC.len() - 1).min(self.window.len());
        let window = std::mem::take(&mut self.window);
        for at in memmem::find_iter(&window[..last], go::MAGIC) {
            let position = self.offset + at as u64;
            let bytes = &window[at..];
            if self.go.is_some() || self.go_packages.is_some() {
                break;
            }
            self.is_old_go |= position.is_multiple_of(16) && BuildInfo::is_old(bytes);
            // The linker aligns it. The tools of Go have the mark at other places too.
            if position.is_multiple_of(16)
                && self.go_marks.is_tried(position)
                && BuildInfo::may_start(bytes)
            {
                let mut info = BuildInfo::default();
                info.add(bytes);
                self.go = Some((position, info));
                self.finish_go();
            }
        }
        self.search_old_go(&window, end);
        self.finish_audit();
        for at in memchr_iter(0x78, &window[..end]) {
            let position = self.offset + at as u64;
            let bytes = &window[at..];
            if self.audit.is_some() || self.audited >= MAX_AUDITED {
                break;
            }
            if AuditData::may_start(bytes) && self.audit_marks.is_tried(position) {
                self.audit = AuditData::start(bytes).map(|audit| (position, audit));
                self.finish_audit();
            }
        }
        self.window = window;
    }

    /// Searches what programs of older versions of Go have elsewhere.
    fn search_old_go(&mut self, window: &[u8], end: usize) {
        let starts_in = |mark: &[u8]| &window[..(end + mark.len() - 1).min(window.len())];
        if self.go_list.is_none()
            && let Some(at) = memmem::find(starts_in(go::LIST_START), go::LIST_START)
        {
            let mut list = ModuleList::default();
            list.add(&window[at..]);
            self.go_list = Some(list);
        }
        for at in memmem::find_iter(starts_in(go::VERSION), go::VERSION) {
            self.go_versions.add(&window[at..]);
        }
    }

    /// Keeps the packages of build information that is complete.
    fn finish_go(&mut self) {
        if let Some((position, info)) = self.go.take_if(|(_, info)| info.is_complete()) {
            self.go_marks.next = position + info.used() as u64;
            self.go_packages = info.packages();
        }
    }

    /// Keeps the packages of a list of crates that is complete.
    fn finish_audit(&mut self) {
        if let Some((position, audit)) = self.audit.take_if(|(_, audit)| audit.is_complete()) {
            if audit.has_failed() {
                self.audit_marks.end = Some("its list of crates is damaged or too large");
            }
            self.audit_marks.next = position + audit.used();
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
        let packages = self.go_packages.or_else(|| {
            let modules = self.go_list.and_then(|list| list.packages());
            let is_go = self.is_old_go || modules.is_some();
            let stdlib = self.go_versions.stdlib().filter(|_| is_go);
            Some(
                stdlib
                    .into_iter()
                    .chain(modules.into_iter().flatten())
                    .collect(),
            )
        });
        for package in packages.into_iter().flatten() {
            self.findings.add(package);
        }
        let skipped = self.go_marks.end.or(self.audit_marks.end);
        self.findings.skipped = self.findings.skipped.or(skipped);
        *findings = self.findings;
    }
}
