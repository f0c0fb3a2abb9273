//! `pin`: replaces the tags of images in the files of a deployment by their digests.
//!
//! The bytes around a reference stay as they are: comments, quotes and indentation. YAML is parsed to find out
//! what is a value, and only the bytes of that value change.

mod hcl;
mod names;
mod opaque;
mod pins;
mod placeholders;
mod plain;
mod reference;
mod text;
mod tree;
mod variables;
mod yaml;

use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Opaque, PinProblem, Problem, Warning};
use crate::oci::Digest;
use crate::sink::AtomicOutput;

use pins::Pins;
use text::Text;
use tree::{Change, Content};

/// What to pin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PinRequest {
    /// A file, or a directory of files.
    pub source: PathBuf,
    /// The path of the changed copy, which must not exist.
    pub output: PathBuf,
    /// The images. Each must occur in the files.
    pub images: Vec<PinnedImage>,
    /// Whether the output survives a crash of the machine.
    pub sync: bool,
}

/// An image whose references become digests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinnedImage {
    /// The name of its placeholder: `app` for `@app@`.
    pub key: Option<String>,
    /// Its name as the files have it, such as `ghcr.io/me/app`.
    pub name: String,
    /// Its tags, the first of which is that of the placeholder `@KEY.tag@`.
    pub tags: Vec<String>,
    /// The digest that replaces them.
    pub digest: Digest,
}

/// The references that were replaced.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PinReport {
    /// In the order of the files and of their lines.
    pub replaced: Vec<Replacement>,
    /// References that may be ones of the images, and were not changed.
    pub warnings: Vec<Warning>,
}

/// A reference that was replaced.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replacement {
    /// The file in the source.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The text before.
    pub old: String,
    /// The text that replaces it.
    pub new: String,
}

impl PinRequest {
    /// Pins images in the files of `source`.
    pub fn new(source: PathBuf, output: PathBuf, images: Vec<PinnedImage>) -> Self {
        Self {
            source,
            output,
            images,
            sync: true,
        }
    }
}

impl PinnedImage {
    /// An image with these tags.
    pub fn new(key: Option<String>, name: String, tags: Vec<String>, digest: Digest) -> Self {
        Self {
            key,
            name,
            tags,
            digest,
        }
    }

    /// Returns `NAME@DIGEST`.
    fn reference(&self) -> String {
        format!("{}@{}", self.name, self.digest)
    }
}

/// Writes a copy of the files in which references of the images are digests. Fails, without an output, if a
/// reference of one of them would be left, or if one of them does not occur.
pub fn pin(request: &PinRequest) -> Result<PinReport, Error> {
    if request.output.symlink_metadata().is_ok() {
        let problem = Problem::Pin(PinProblem::OutputExists);
        return Err(Error::new(&*request.output, problem));
    }
    let output = AtomicOutput::new(&request.output, false, &[&request.source])?;
    let pins = Pins::new(&request.images)
        .map_err(|problem| Error::new(&*request.source, Problem::Pin(problem)))?;
    let mut pinner = Pinner {
        pins: &pins,
        report: PinReport::default(),
    };
    tree::copy(&request.source, &output.path(), &mut pinner).map_err(|e| output.name_in(e))?;
    if let Some(unused) = pins.unused() {
        let image = unused.reference();
        let key = unused.key.clone();
        let problem = PinProblem::Unused { image, key };
        return Err(Error::new(&*request.source, Problem::Pin(problem)));
    }
    let mut report = pinner.report;
    output.finish(request.sync, &mut report.warnings)?;
    Ok(report)
}

/// Pins the files of a tree.
struct Pinner<'p, 'i> {
    pins: &'p Pins<'i>,
    report: PinReport,
}

impl Change for Pinner<'_, '_> {
    fn change(&mut self, file: &Path, content: Content<'_>) -> Result<Option<String>, Error> {
        let failed = |problem| Error::new(file, Problem::Pin(problem));
        match content {
            Content::Text(text) => {
                let (changed, replaced) = pin_text(self.pins, file, text).map_err(failed)?;
                self.report.replaced.extend(replaced);
                for (line, text) in self.pins.take_doubts() {
                    let text = format!("line {line}: {text}; it is not pinned");
                    self.warn(Warning::new(Code::NotPinned, file, text));
                }
                Ok(Some(changed))
            }
            Content::Opaque(bytes, why) => {
                let found = opaque::reference(self.pins, bytes);
                if let Some(reference) = found.map_err(Error::io("read", file))? {
                    self.opaque(file, reference, why)?;
                }
                Ok(None)
            }
        }
    }

    fn warn(&mut self, warning: Warning) {
        self.report.warnings.push(warning);
    }
}

impl Pinner<'_, '_> {
    /// Fails for a file whose references are replaced, and warns about another one, such as a picture.
    fn opaque(&mut self, file: &Path, reference: String, why: Opaque) -> Result<(), Error> {
        let problem = PinProblem::Opaque { reference, why };
        match kind(file) {
            Kind::Yaml | Kind::Hcl => Err(Error::new(file, Problem::Pin(problem))),
            Kind::Other => {
                let text = format!("{problem}; it is copied as it is");
                self.warn(Warning::new(Code::NotPinned, file, text));
                Ok(())
            }
        }
    }
}

/// The kinds of files whose references are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// YAML, and JSON as a part of it.
    Yaml,
    Hcl,
    /// Only placeholders are replaced.
    Other,
}

fn kind(file: &Path) -> Kind {
    // kustomize reads this name too.
    if file.file_name().is_some_and(|name| name == "Kustomization") {
        return Kind::Yaml;
    }
    let extension = file.extension().and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("yaml" | "yml" | "json") => Kind::Yaml,
        Some("hcl" | "nomad") => Kind::Hcl,
        _ => Kind::Other,
    }
}

/// A change of a text.
#[derive(Clone, Debug)]
struct Edit {
    start: usize,
    old: String,
    new: String,
}

/// Returns the text with digests, and what was replaced, by line.
fn pin_text(
    pins: &Pins<'_>,
    file: &Path,
    text: &str,
) -> Result<(String, Vec<Replacement>), PinProblem> {
    let text = Text::new(text);
    let placeholders = placeholders::edits(pins, &text)?;
    let mut replaced = replacements(file, &text, &placeholders);
    let with_values = apply(text.text, &placeholders);
    let text = Text::new(&with_values);
    let edits = match kind(file) {
        Kind::Yaml => yaml::edits(pins, &text)?,
        Kind::Hcl => hcl::edits(pins, &text)?,
        Kind::Other => {
            let unsupported = |line, reference| PinProblem::UnsupportedFile { line, reference };
            plain::refuse_in(pins, &text, unsupported)?;
            Vec::new()
        }
    };
    replaced.extend(replacements(file, &text, &edits));
    replaced.sort_by_key(|replaced| replaced.line);
    Ok((apply(text.text, &edits), replaced))
}

fn replacements(file: &Path, text: &Text<'_>, edits: &[Edit]) -> Vec<Replacement> {
    let edits = edits.iter().map(|edit| Replacement {
        file: file.to_owned(),
        line: text.line(edit.start),
        old: edit.old.clone(),
        new: edit.new.clone(),
    });
    edits.collect()
}

/// Applies edits, which are in order and do not overlap.
fn apply(text: &str, edits: &[Edit]) -> String {
    let (mut changed, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        changed.push_str(&text[at..edit.start]);
        changed.push_str(&edit.new);
        at = edit.start + edit.old.len();
    }
    changed.push_str(&text[at..]);
    changed
}
