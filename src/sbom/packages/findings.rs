//! What a file says about packages, in bounded memory.

use super::FoundPackage;
use super::os_release::OsRelease;

/// The memory for the findings of one file, in bytes: more than the files of a whole distribution take.
const MAX_COST: usize = 128 << 20;

/// The memory for a package besides its texts: a component and its place in a document.
const PACKAGE_COST: usize = 4096;

/// The memory for a file of a package besides its name.
const CLAIM_COST: usize = 128;

/// The longest name or version, in bytes.
const MAX_NAME: usize = 1024;

/// The longest path, in bytes.
const MAX_PATH: usize = 4096;

/// The files of a package, relative to the root directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    File(Vec<u8>),
    /// Everything below it.
    Directory(Vec<u8>),
}

/// Everything that a file says about packages.
#[derive(Clone, Debug, Default)]
pub struct FileFindings {
    packages: Vec<FoundPackage>,
    claims: Vec<Claim>,
    pub os: Option<OsRelease>,
    /// Why the file was not searched, or only a part of it.
    pub skipped: Option<&'static str>,
    cost: usize,
}

impl FileFindings {
    /// Returns the findings of a file that is not searched.
    pub fn skipped(reason: &'static str) -> Self {
        Self {
            skipped: Some(reason),
            ..Self::default()
        }
    }

    pub fn packages(&self) -> &[FoundPackage] {
        &self.packages
    }

    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Adds a package, unless no package has such a name. Returns whether there is room for more.
    pub fn add(&mut self, mut package: FoundPackage) -> bool {
        package.license = package.license.filter(|text| text.len() <= MAX_NAME);
        let inner = package.inner.as_deref().unwrap_or_default();
        if package.name.trim().is_empty() {
            return true;
        }
        let texts = package.texts();
        if texts.clone().any(|text| text.len() > MAX_NAME) || inner.len() > MAX_PATH {
            self.skipped = Some("a package in it has a name or version of more than 1024 bytes");
            return true;
        }
        let texts: usize = texts.map(str::len).sum();
        let fits = self.charge(PACKAGE_COST + 4 * (texts + inner.len()));
        if fits {
            self.packages.push(package);
        }
        fits
    }

    /// Adds files of a package. Returns whether there is room for more.
    pub fn claim(&mut self, claim: Claim) -> bool {
        let (Claim::File(path) | Claim::Directory(path)) = &claim;
        let fits = self.charge(CLAIM_COST + path.len());
        if fits {
            self.claims.push(claim);
        }
        fits
    }

    /// Adds files of a package by their paths, as long as there is room.
    pub fn claim_files(&mut self, paths: impl Iterator<Item = Vec<u8>>) {
        let mut claims = paths.map(Claim::File);
        while claims.next().is_some_and(|claim| self.claim(claim)) {}
    }

    fn charge(&mut self, cost: usize) -> bool {
        if self.cost + cost > MAX_COST {
            self.skipped = Some("it names too many packages or files");
            return false;
        }
        self.cost += cost;
        true
    }

    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
            && self.claims.is_empty()
            && self.os.is_none()
            && self.skipped.is_none()
    }

    /// Returns the memory that the findings take, in bytes.
    pub fn cost(&self) -> usize {
        self.cost
    }
}
