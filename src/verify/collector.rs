//! What is found in one input, while it is read.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard};

use super::archive::Entries;
use super::documents;
use super::finding::Finding;
use super::names;
use crate::error::{Code, Error, Severity};
use crate::image::{AnyBlob, Layer};
use crate::oci::{Config, Descriptor, Document, Index, Manifest};
use crate::source::callbacks::Callbacks;
use crate::tar::EntryKind;
use crate::util::lock::{lock, unpoisoned};

/// A hostile image can break a rule with every few of its bytes.
const MAX_FINDINGS: usize = 10_000;

/// The longest text of a finding; an input can have names of megabytes.
const MAX_TEXT: usize = 2_000;

/// Collects findings, and what is still to be verified.
pub struct Collector {
    input: String,
    state: Mutex<State>,
}

/// What was collected.
#[derive(Default)]
pub struct State {
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// How many findings did not fit.
    pub left_out: Vec<Severity>,
    /// The blobs to be read.
    pub parts: Vec<AnyBlob>,
    /// The entries of the archive.
    pub entries: Entries,
    /// Whether there is a document that could not be read, so that what it names is not known.
    pub is_incomplete: bool,
    seen: HashSet<u64>,
}

impl Collector {
    /// A collector for `input`.
    pub fn new(input: String) -> Self {
        let state = Mutex::default();
        Self { input, state }
    }

    /// Something is wrong with `subject`.
    pub fn add(&self, code: Code, subject: &str, message: String) {
        self.push(Finding::new(&self.input, code, subject, message));
    }

    /// The same, as the error of a reader.
    pub fn error(&self, error: &Error) {
        self.push(Finding::of(&self.input, error));
    }

    /// The same, whether or not there is room.
    pub fn add_last(&self, code: Code, message: String) {
        let finding = Finding::new(&self.input, code, "", message);
        self.state().findings.push(finding);
    }

    fn push(&self, mut finding: Finding) {
        for text in [&mut finding.subject, &mut finding.message] {
            clip(text, MAX_TEXT);
        }
        let mut state = self.state();
        // The same document is named by many; what is wrong with it is said once.
        if !state.seen.insert(hash(&finding)) {
            return;
        }
        if state.findings.len() < MAX_FINDINGS {
            state.findings.push(finding);
        } else {
            state.left_out.push(finding.severity);
        }
    }

    /// What was collected so far.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// All that was collected.
    pub fn finish(self) -> State {
        unpoisoned(self.state.into_inner())
    }
}

/// Leaves out the middle of what is too long.
pub fn clip(text: &mut String, max: usize) {
    if text.len() > max {
        let start: String = text.chars().take(max / 2).collect();
        let end: Vec<char> = text.chars().rev().take(max / 4).collect();
        *text = format!("{start} … {}", end.into_iter().rev().collect::<String>());
    }
}

fn hash(finding: &Finding) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    finding.hash(&mut hasher);
    hasher.finish()
}

impl Callbacks for Collector {
    fn violation(&self, error: Error) -> Result<(), Error> {
        self.error(&error);
        Ok(())
    }

    fn unreadable(&self, error: Error) -> Result<(), Error> {
        self.state().is_incomplete = true;
        self.violation(error)
    }

    fn entry(&self, name: &[u8], kind: EntryKind) {
        self.state().entries.add(name, kind);
    }

    fn document(&self, name: &str, raw: &[u8]) {
        documents::json(self, name, raw);
    }

    fn descriptor(&self, by: &str, descriptor: &Descriptor) {
        documents::descriptor(self, by, descriptor);
    }

    fn index(&self, name: &str, index: &Index) {
        documents::index(self, name, index);
    }

    fn manifest(&self, name: &str, descriptor: &Descriptor, manifest: &Manifest) {
        documents::manifest(self, name, descriptor, manifest);
    }

    fn config(&self, name: &str, config: &Document<Config>) {
        documents::config(self, name, config);
    }

    fn repo_tag(&self, tag: &str) {
        names::repo_tag(self, tag);
    }

    fn layer(&self, layer: &Layer) {
        let part = match layer {
            Layer::Files(layer) => {
                documents::encoding(self, &layer.blob.descriptor, layer.encoding);
                AnyBlob::Layer(layer.clone())
            }
            Layer::Opaque(blob) => AnyBlob::Blob(blob.clone()),
            Layer::Absent { descriptor, .. } => {
                let digest = descriptor.digest.to_string();
                let message = format!(
                    "layer {digest} is not in the image, but at the URLs of its descriptor"
                );
                return self.add(Code::ForeignLayer, &digest, message);
            }
        };
        self.state().parts.push(part);
    }
}
