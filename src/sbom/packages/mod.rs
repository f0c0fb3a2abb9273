//! Packages in files: what package managers and compilers have left in an image.
//!
//! A file is searched while it is read, once. Small files that name packages are kept until their end;
//! programs of any size are scanned for what Go and `cargo auditable` put into them.

mod alpm;
mod apk;
mod cargo;
mod composer;
mod dpkg;
mod findings;
mod gem;
mod go;
mod java;
mod node;
mod nuget;
mod os_release;
mod program;
mod python;
mod rpm;
mod zip;

use super::report::{ComponentType, SourcePackage};
use program::ProgramScanner;

pub use findings::{Claim, FileFindings};
pub use os_release::OsRelease;

/// The size of the largest text that is searched.
const MAX_TEXT: u64 = 32 << 20;

/// The size of the largest Java archive that is searched.
const MAX_ARCHIVE: u64 = 256 << 20;

/// The size of the largest database of rpm that is searched.
const MAX_DATABASE: u64 = 256 << 20;

/// The directories of the database of rpm: the usual one, and those of newer distributions and of ostree.
const RPM: [&str; 3] = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];

/// A package that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPackage {
    pub kind: ComponentType,
    pub namespace: Option<String>,
    pub name: String,
    pub version: String,
    /// What package URLs have as qualifiers: `arch` and others. `upstream` is the source package that a package of a
    /// distribution is built from: `NAME` or `NAME@VERSION`, of rpm the name of the file.
    pub qualifiers: Vec<(&'static str, String)>,
    pub license: Option<String>,
    /// The path in an archive, if it is in one.
    pub inner: Option<String>,
}

impl FoundPackage {
    fn new(kind: ComponentType, name: &str, version: &str) -> Self {
        Self {
            kind,
            namespace: None,
            name: name.to_owned(),
            version: version.to_owned(),
            qualifiers: Vec::new(),
            license: None,
            inner: None,
        }
    }

    /// Adds a qualifier if there is one.
    fn qualify(&mut self, name: &'static str, value: Option<impl Into<String>>) {
        let value = value.map(Into::into).filter(|value| !value.is_empty());
        self.qualifiers.extend(value.map(|value| (name, value)));
    }

    /// Returns the source package that it is built from.
    pub fn source(&self) -> Option<SourcePackage> {
        let mut qualifiers = self.qualifiers.iter();
        let (_, upstream) = qualifiers.find(|(name, _)| *name == "upstream")?;
        let file = upstream.strip_suffix(".rpm");
        let (name, version) = match file.and_then(|file| file.rsplit_once('.')) {
            // NAME-VERSION-RELEASE.src.rpm
            Some((file, _)) => {
                let (release, _) = file.rmatch_indices('-').nth(1)?;
                (&file[..release], &file[release + 1..])
            }
            None => upstream
                .split_once('@')
                .unwrap_or((upstream, &self.version)),
        };
        Some(SourcePackage {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }

    /// Returns its names and versions.
    fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        let others = [&self.namespace, &self.license];
        let others = others.into_iter().filter_map(|text| text.as_deref());
        let qualifiers = self.qualifiers.iter().map(|(_, value)| &**value);
        [&*self.name, &*self.version]
            .into_iter()
            .chain(others)
            .chain(qualifiers)
    }
}

/// What the name of a file says about its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    AlpmDescription,
    AlpmFiles,
    ApkDatabase,
    ComposerInstalled,
    DotNetDependencies,
    DpkgStatus,
    /// The paths of the files of a Debian package.
    DpkgList,
    /// The same with checksums, in images without dpkg.
    DpkgSums,
    GemSpecification,
    NodePackage,
    OsRelease,
    PythonMetadata,
    PythonRecord,
    /// The same, as older versions of pip and setuptools write it.
    PythonFiles,
    RpmDatabase,
    /// Changes that are not in the database yet.
    RpmLog,
    JavaArchive,
}

impl Source {
    /// Returns the source that a file with a clean path is.
    fn of(path: &[u8]) -> Option<Self> {
        let path = std::str::from_utf8(path).ok()?;
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let in_directory = |end: &str| directory.ends_with(end);
        Some(match name {
            "installed" if ["lib/apk/db", "usr/lib/apk/db"].contains(&directory) => {
                Self::ApkDatabase
            }
            "desc" if alpm::is_package(directory) => Self::AlpmDescription,
            "files" if alpm::is_package(directory) => Self::AlpmFiles,
            "installed.json" if directory == "composer" || in_directory("/composer") => {
                Self::ComposerInstalled
            }
            _ if name.ends_with(".deps.json") => Self::DotNetDependencies,
            _ if name.ends_with(".gemspec") && gem::is_installed(directory) => {
                Self::GemSpecification
            }
            "status" if directory == "var/lib/dpkg" => Self::DpkgStatus,
            _ if directory == "var/lib/dpkg/info" && name.ends_with(".list") => Self::DpkgList,
            _ if directory == "var/lib/dpkg/status.d" => match name.ends_with(".md5sums") {
                true => Self::DpkgSums,
                false => Self::DpkgStatus,
            },
            "os-release" if ["etc", "usr/lib"].contains(&directory) => Self::OsRelease,
            "METADATA" if in_directory(".dist-info") => Self::PythonMetadata,
            "RECORD" if in_directory(".dist-info") => Self::PythonRecord,
            "PKG-INFO" if in_directory(".egg-info") || in_directory("EGG-INFO") => {
                Self::PythonMetadata
            }
            "installed-files.txt" if in_directory(".egg-info") => Self::PythonFiles,
            _ if name.ends_with(".egg-info") => Self::PythonMetadata,
            "package.json" if node::may_be_package(directory) => Self::NodePackage,
            "rpmdb.sqlite" | "Packages" | "Packages.db" if RPM.contains(&directory) => {
                Self::RpmDatabase
            }
            "rpmdb.sqlite-wal" if RPM.contains(&directory) => Self::RpmLog,
            _ if java::is_archive(name) => Self::JavaArchive,
            _ => return None,
        })
    }
}

/// Whether the name of a file decides how it is searched; others are searched if they are programs.
pub fn is_searched_by_name(path: &[u8]) -> bool {
    Source::of(path).is_some()
}

impl Source {
    /// Returns the size of the largest file that is searched.
    fn max_size(self) -> u64 {
        match self {
            Self::JavaArchive => MAX_ARCHIVE,
            Self::RpmDatabase => MAX_DATABASE,
            Self::RpmLog => 0,
            _ => MAX_TEXT,
        }
    }

    /// Returns why a larger file is not searched.
    fn too_large(self) -> &'static str {
        match self {
            Self::RpmLog => "it has changes that are not in the database yet",
            _ => "it is too large",
        }
    }
}

/// Searches one file.
pub struct FileSearch<'a> {
    path: &'a [u8],
    state: State,
}

enum State {
    /// The first bytes decide.
    Start,
    Nothing,
    Kept(Source, Vec<u8>),
    Program(Box<ProgramScanner>),
    Skipped(&'static str),
}

impl<'a> FileSearch<'a> {
    /// Starts to search a file of `size` bytes; its path is relative to the root directory.
    pub fn new(path: &'a [u8], size: u64) -> Self {
        let state = match Source::of(path) {
            None => State::Start,
            Some(source) if size > source.max_size() => State::Skipped(source.too_large()),
            Some(source) => State::Kept(source, Vec::new()),
        };
        Self { path, state }
    }

    /// Searches the next bytes; returns whether further bytes are needed.
    pub fn add(&mut self, bytes: &[u8]) -> bool {
        if matches!(self.state, State::Start) {
            self.state = match program::is_program(bytes) {
                true => State::Program(Box::default()),
                false => State::Nothing,
            };
        }
        match &mut self.state {
            State::Kept(_, kept) => kept.extend_from_slice(bytes),
            State::Program(scanner) => scanner.scan(bytes),
            State::Start | State::Nothing | State::Skipped(_) => return false,
        }
        true
    }

    /// Returns the findings of a file that was read to its end.
    pub fn finish(self) -> FileFindings {
        let mut findings = FileFindings::default();
        match self.state {
            State::Start | State::Nothing => {}
            State::Skipped(reason) => findings.skipped = Some(reason),
            State::Program(scanner) => scanner.finish(&mut findings),
            State::Kept(source, kept) => read(source, self.path, &kept, &mut findings),
        }
        findings
    }
}

fn read(source: Source, path: &[u8], bytes: &[u8], findings: &mut FileFindings) {
    let text = String::from_utf8_lossy(bytes);
    match source {
        Source::AlpmDescription => alpm::read(path, &text, findings),
        Source::AlpmFiles => alpm::read_files(&text, findings),
        Source::ApkDatabase => apk::read(path, &text, findings),
        Source::ComposerInstalled => composer::read(path, bytes, findings),
        Source::DotNetDependencies => nuget::read(path, bytes, findings),
        Source::DpkgStatus => dpkg::read(path, &text, findings),
        Source::DpkgList => dpkg::read_list(bytes, findings),
        Source::DpkgSums => dpkg::read_sums(bytes, findings),
        Source::GemSpecification => gem::read(path, &text, findings),
        Source::NodePackage => node::read(path, bytes, findings),
        Source::OsRelease => findings.os = OsRelease::parse(&text),
        Source::PythonMetadata => python::read(&text, findings),
        Source::PythonFiles => python::read_files(path, &text, findings),
        Source::PythonRecord => python::read_record(path, &text, findings),
        Source::JavaArchive => java::read(path, bytes, findings),
        Source::RpmDatabase => rpm::read(path, bytes, findings),
        Source::RpmLog => {}
    }
}

/// Returns the number of four bytes at a position, the lowest first.
fn little(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*field)).ok()
}

/// Returns the value of a field `Name: value` of a block of lines.
fn field<'a>(block: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (found, value) = line.split_once(':')?;
        (found.eq_ignore_ascii_case(name)).then_some(value.trim())
    };
    block
        .lines()
        .find_map(value)
        .filter(|value| !value.is_empty())
}

/// Claims the directory that a database is in: lists, indexes and locks are beside it.
fn claim_directory(path: &[u8], findings: &mut FileFindings) {
    if let Some(end) = path.iter().rposition(|byte| *byte == b'/') {
        findings.claim(Claim::Directory(path[..end].to_vec()));
    }
}

/// Splits a text into blocks of lines, between empty lines.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|block| !block.trim().is_empty())
}
