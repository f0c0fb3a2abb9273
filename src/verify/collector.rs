//! The callbacks of `verify` while an input is read: they check the documents, collect the blobs that are
//! to be read, and go on after errors.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use super::archive::ArchiveEntries;
use super::findings::Findings;
use super::{configs, documents, names};
use crate::error::{Code, Error};
use crate::image::{AnyBlob, Companion, Layer};
use crate::oci::{Config, DOCKER_FILE, Descriptor, Digest, Document, Index, Manifest};
use crate::source::callbacks::Callbacks;
use crate::tar::{EntryKind, LayerDefects};
use crate::util::lock::lock;

/// The callbacks of the readers.
pub struct Collector {
    pub findings: Findings,
    collected: Mutex<Collected>,
}

/// The things to check after the whole input was read.
#[derive(Default)]
pub struct Collected {
    pub blobs: Vec<AnyBlob>,
    pub entries: ArchiveEntries,
    /// Manifests without a platform, with the indexes that name them.
    pub without_platform: Vec<(String, Digest)>,
    /// The manifests that are not images.
    pub companions: HashSet<Digest>,
    /// Whether a document could not be read, so that what it names is not known.
    pub is_incomplete: bool,
}

impl Collector {
    /// A collector for `input`.
    pub fn new(input: String) -> Self {
        Self {
            findings: Findings::new(input),
            collected: Mutex::default(),
        }
    }

    /// What was collected so far.
    pub fn collected(&self) -> MutexGuard<'_, Collected> {
        lock(&self.collected)
    }

    /// Adds an error after which a part of the input is not read.
    pub fn add_unreadable(&self, error: &Error) {
        self.collected().is_incomplete = true;
        self.findings.add_error(error);
    }
}

impl Callbacks for Collector {
    fn violation(&self, error: Error) -> Result<(), Error> {
        self.findings.add_error(&error);
        Ok(())
    }

    fn unreadable(&self, error: Error) -> Result<(), Error> {
        self.add_unreadable(&error);
        Ok(())
    }

    fn entry(&self, name: &[u8], kind: EntryKind) {
        self.collected().entries.add(name, kind);
    }

    fn defects(&self, defects: LayerDefects) {
        self.collected().entries.defects.extend(defects.alone());
    }

    fn document(&self, name: &str, raw: &[u8]) {
        documents::check_json(&self.findings, name, raw);
        if name == DOCKER_FILE {
            documents::check_docker_keys(&self.findings, raw);
        }
    }

    fn descriptor(&self, by: &str, descriptor: &Descriptor) {
        documents::check_descriptor(&self.findings, by, descriptor);
    }

    fn index(&self, name: &str, index: &Document<Index>) {
        documents::check_index(&self.findings, name, &index.view);
        documents::check_go_json(&self.findings, name, &index.raw, "manifests");
        let manifests = documents::without_platform(name, &index.view);
        let manifests = manifests.map(|entry| (name.to_owned(), entry.digest.clone()));
        self.collected().without_platform.extend(manifests);
    }

    fn manifest(&self, name: &str, descriptor: &Descriptor, manifest: &Document<Manifest>) {
        documents::check_manifest(&self.findings, name, descriptor, &manifest.view);
        documents::check_go_json(&self.findings, name, &manifest.raw, "layers");
    }

    fn config(&self, name: &str, config: &Document<Config>) {
        configs::check(&self.findings, name, config);
    }

    fn repo_tag(&self, tag: &str) {
        names::check_repo_tag(&self.findings, tag);
    }

    fn companion(&self, companion: &Companion) {
        let digest = companion.descriptor.digest.clone();
        self.collected().companions.insert(digest);
        let digest = companion.descriptor.digest.to_string();
        let described = match &companion.subject {
            Some(subject) => format!(", which describes {subject}"),
            None => String::new(),
        };
        let message = format!("{digest} is {}{described}", companion.kind);
        self.findings.add(Code::Companion, &digest, message);
    }

    fn layer(&self, layer: &Layer) {
        let blob = match layer {
            Layer::Files(layer) => {
                let descriptor = &layer.blob.descriptor;
                documents::check_encoding(&self.findings, descriptor, layer.encoding);
                AnyBlob::Layer(layer.clone())
            }
            Layer::Opaque(blob) => AnyBlob::Blob(blob.clone()),
            Layer::Absent { descriptor, .. } => {
                let digest = descriptor.digest.to_string();
                let message = format!(
                    "layer {digest} is not in the image, but at the URLs of its descriptor"
                );
                return self.findings.add(Code::ForeignLayer, &digest, message);
            }
        };
        self.collected().blobs.push(blob);
    }
}
