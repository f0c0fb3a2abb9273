//! The components of an image as data.

use std::collections::BTreeSet;

use serde_json::Value;

use super::closure::ClosureState;
use super::metadata::PackageMetadata;
use super::nar::NarInfo;
use crate::error::Warning;
use crate::oci::{DiffId, Digest};

/// The components of an image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SbomReport {
    /// The version of the fields.
    pub version: u32,
    pub names: Vec<String>,
    /// The digest of the image index, if there is one.
    pub index: Option<Digest>,
    /// The latest time in the configs, in whole seconds of UTC.
    pub created: String,
    pub platforms: Vec<SbomPlatform>,
    /// Sorted by type, name, version and path.
    pub components: Vec<Component>,
    pub warnings: Vec<Warning>,
}

/// The image for one platform.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SbomPlatform {
    pub platform: String,
    pub os: String,
    pub architecture: String,
    /// The digest of its manifest, if the input has manifests.
    pub manifest: Option<Digest>,
    pub image_id: Digest,
    pub layers: Vec<SbomLayer>,
    pub others: OtherFiles,
}

#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SbomLayer {
    pub digest: Digest,
    pub diff_id: Option<DiffId>,
    pub size: u64,
}

/// The regular files that belong to no component.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OtherFiles {
    pub count: u64,
    /// In bytes.
    pub size: u64,
    /// The first of them by name.
    pub first: Vec<String>,
    /// The number of files whose paths have the text of the request.
    pub matches: u64,
    /// The first of these files by name.
    pub matching: Vec<OtherFile>,
}

/// A regular file that belongs to no component.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OtherFile {
    pub path: String,
    /// In bytes; none if its content is in a store path.
    pub size: Option<u64>,
    /// The position of its layer in the image.
    pub layer: usize,
}

/// The kind of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ComponentType {
    /// A package of Arch Linux.
    Alpm,
    /// A package of Alpine Linux.
    Apk,
    /// A crate in a program of Rust.
    Cargo,
    /// A package of PHP.
    Composer,
    /// A package of Debian and its descendants.
    Deb,
    /// A package of Ruby.
    Gem,
    /// A module in a program of Go.
    Go,
    /// An archive of Java, or an artifact of Maven in it.
    Maven,
    /// A store path of Nix or Guix.
    StorePath,
    /// A package of Node.js.
    Npm,
    /// A package of .NET.
    Nuget,
    /// The distribution that the packages of the operating system are of.
    OperatingSystem,
    /// A package of Python.
    Pypi,
    /// A package of Fedora, RHEL, openSUSE and their descendants.
    Rpm,
}

impl ComponentType {
    /// Returns its name in a table; most are types of package URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpm => "alpm",
            Self::Apk => "apk",
            Self::Cargo => "cargo",
            Self::Composer => "composer",
            Self::Deb => "deb",
            Self::Gem => "gem",
            Self::Go => "golang",
            Self::Maven => "maven",
            Self::StorePath => "nix",
            Self::Npm => "npm",
            Self::Nuget => "nuget",
            Self::OperatingSystem => "os",
            Self::Pypi => "pypi",
            Self::Rpm => "rpm",
        }
    }
}

/// A component of an image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Component {
    pub kind: ComponentType,
    pub name: String,
    /// Empty if it is not known.
    pub version: String,
    /// The store path, or the file that names the component.
    pub path: String,
    /// The bytes of its files, if they are known.
    pub size: Option<u64>,
    pub purl: Option<String>,
    /// Of a package of a distribution, if it has another name or version.
    pub source: Option<SourcePackage>,
    pub store: Option<StoreObject>,
    /// What nixpkgs says about it.
    pub metadata: PackageMetadata,
    /// The components that it depends on, by their positions.
    pub depends_on: BTreeSet<usize>,
    /// Where it is, for each platform that has it.
    pub places: Vec<Place>,
}

/// The source package that a package of a distribution is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourcePackage {
    pub name: String,
    /// With epoch and revision.
    pub version: String,
}

/// What Nix knows about a store path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreObject {
    /// Such as `out` or `dev`.
    pub output: String,
    /// None if it has something that no store path can have.
    pub nar: Option<NarInfo>,
    /// How its bytes relate to the closure, if one was given.
    pub closure: Option<ClosureState>,
}

/// The layers of a platform that have a component.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The position of the platform.
    pub platform: usize,
    /// The positions of the layers in the image, bottom first.
    pub layers: Vec<usize>,
}

impl SbomReport {
    /// Returns the components as a document of SPDX 2.3.
    pub fn spdx(&self) -> Value {
        super::spdx::document(self)
    }

    /// Returns the components as a document of CycloneDX 1.6.
    pub fn cyclonedx(&self) -> Value {
        super::cyclonedx::document(self)
    }
}

impl Component {
    /// Returns a component that is in no layer yet, of which nothing else is known.
    pub(super) fn new(kind: ComponentType, name: String, version: String, path: String) -> Self {
        Self {
            kind,
            name,
            version,
            path,
            size: None,
            purl: None,
            source: None,
            store: None,
            metadata: PackageMetadata::default(),
            depends_on: BTreeSet::new(),
            places: Vec::new(),
        }
    }

    /// Returns the properties of the namespace `nix` that the nixpkgs manual defines for CycloneDX, and ours.
    pub(super) fn properties(&self) -> Vec<(&'static str, String)> {
        let Some(store) = &self.store else {
            return vec![("polyarch:path", self.path.clone())];
        };
        let mut properties = vec![("nix:store_path", self.path.clone())];
        if let Some(nar) = &store.nar {
            properties.push(("nix:narinfo:store_path", self.path.clone()));
            properties.push(("nix:narinfo:nar_hash", nar.nix_hash()));
            properties.push(("nix:narinfo:nar_size", nar.size.to_string()));
        }
        properties.push(("polyarch:output", store.output.clone()));
        if let Some(state) = store.closure {
            properties.push(("polyarch:closure", state.name().to_owned()));
        }
        properties
    }
}
