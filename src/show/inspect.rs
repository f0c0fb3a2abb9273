//! The report of `polyarch inspect`.

use polyarch::inspect::{AttachedDocument, AttachedForm, InspectReport, PlatformImage};
use polyarch::internals::text::{bytes, clean, instead_of, quoted};
use polyarch::oci::Digest;
use serde_json::Value;

use super::terminal::{Align, Page};
use super::{Failure, count, json, text};

#[derive(Debug)]
pub struct InspectView {
    pub json: bool,
    /// Show the image with its config and layers, if there is only one.
    pub in_full: bool,
}

impl InspectView {
    pub fn print(&self, report: &InspectReport) -> Result<(), Failure> {
        if self.json {
            return json(report);
        }
        text(|page| match &report.platforms[..] {
            [only] if self.in_full => in_full(page, only),
            _ => overview(page, report),
        })
    }
}

fn overview(page: &mut Page, inspection: &InspectReport) {
    for name in whole_names(&inspection.names, &inspection.image) {
        page.heading(name);
    }
    let mut facts = vec![("format", inspection.format.to_owned())];
    if let Some(index) = &inspection.index {
        facts.push(("index", index.digest.to_string()));
    }
    for (key, value) in &inspection.annotations {
        facts.push(("annotation", format!("{key}={value}")));
    }
    page.facts(&facts);
    page.gap();

    let head = [
        ("PLATFORM", Align::Left),
        ("LAYERS", Align::Right),
        ("SIZE", Align::Right),
        ("UNCOMPRESSED", Align::Right),
        ("CREATED", Align::Left),
    ];
    let rows: Vec<Vec<String>> = inspection
        .platforms
        .iter()
        .map(|image| {
            vec![
                image.platform.clone(),
                image.layers.len().to_string(),
                bytes(image.size),
                bytes(image.uncompressed),
                created(image),
            ]
        })
        .collect();
    // A manifest and a command have a line each: a digest is useful only in full.
    let details = inspection.platforms.iter().map(|image| {
        let manifest = image.manifest.iter().map(|m| m.digest.to_string());
        let command = (!image.command.is_empty()).then(|| command(&image.command));
        manifest.chain(command).chain(all_attached(image)).collect()
    });
    let details: Vec<Vec<String>> = details.collect();
    page.table(&head, &rows, &details, 2);
    page.gap();

    let sharing = &inspection.sharing;
    if inspection.platforms.len() > 1 {
        page.line(&format!(
            "shared: {} of {}, {}; a registry stores {}",
            sharing.shared_layers,
            count(sharing.unique_layers, "layer"),
            bytes(sharing.shared_size),
            instead_of(sharing.unique_size, sharing.size),
        ));
    }
    for warning in &inspection.warnings {
        page.note(&warning.to_string());
    }
}

/// Returns the names of an image, or the input if it is unnamed. A layout can also have a tag alone, which is
/// left out if a name has it.
pub fn whole_names<'a>(names: &'a [String], input: &'a str) -> Vec<&'a str> {
    let is_tag_of_another = |name: &&String| {
        let tag = format!(":{name}");
        names.iter().any(|other| other.ends_with(&tag))
    };
    let whole = names.iter().filter(|name| !is_tag_of_another(name));
    match names.is_empty() {
        true => vec![input],
        false => whole.map(String::as_str).collect(),
    }
}

fn in_full(page: &mut Page, image: &PlatformImage) {
    page.heading(&image.platform);
    let mut facts = Vec::new();
    if let Some(manifest) = &image.manifest {
        facts.push(("manifest", manifest.digest.to_string()));
    }
    facts.push(("image ID", image.image_id.to_string()));
    facts.push(("created", created(image)));
    facts.push((
        "size",
        format!(
            "{}, {} uncompressed",
            bytes(image.size),
            bytes(image.uncompressed)
        ),
    ));
    for document in &image.attached {
        let text = format!(
            "{}, {}, {} ({})",
            attached(document),
            document.digest,
            bytes(document.size),
            place(document.form)
        );
        facts.push(("attached", text));
    }
    for (key, value) in &image.annotations {
        facts.push(("annotation", format!("{key}={value}")));
    }
    page.facts(&facts);

    page.gap();
    page.heading("config");
    let mut settings = Vec::new();
    let known = image.config["config"].as_object();
    for (key, value) in known.into_iter().flatten() {
        match value {
            // A line for each item, except for a command.
            Value::Array(items) if !["Cmd", "Entrypoint"].contains(&key.as_str()) => {
                settings.extend(items.iter().map(|item| (key.as_str(), word(item))));
            }
            Value::Object(items) => settings.extend(items.iter().map(|(name, item)| {
                let item = match item {
                    Value::Object(nothing) if nothing.is_empty() => name.clone(),
                    item => format!("{name}={}", word(item)),
                };
                (key.as_str(), item)
            })),
            Value::Array(items) => {
                let words: Vec<String> = items.iter().map(word).collect();
                settings.push((key.as_str(), command(&words)));
            }
            Value::Null => {}
            value => settings.push((key.as_str(), word(value))),
        }
    }
    match settings.is_empty() {
        true => page.faint("(empty)"),
        false => page.facts(&settings),
    }

    page.gap();
    page.heading("layers, bottom first");
    let head = [
        ("", Align::Right),
        ("SIZE", Align::Right),
        ("UNCOMPRESSED", Align::Right),
        ("HISTORY", Align::Left),
    ];
    let rows: Vec<Vec<String>> = image
        .layers
        .iter()
        .enumerate()
        .map(|(i, layer)| {
            vec![
                (i + 1).to_string(),
                bytes(layer.size),
                layer.uncompressed.map_or_else(|| "-".to_owned(), bytes),
                layer.history.as_ref().map(history).unwrap_or_default(),
            ]
        })
        .collect();
    let digests = image.layers.iter();
    let digests: Vec<Vec<String>> = digests.map(|l| vec![l.digest.to_string()]).collect();
    page.table(&head, &rows, &digests, 3);
}

/// Returns the command and the comment of an entry of the history.
pub fn history(entry: &Value) -> String {
    let words = ["created_by", "comment"].map(|key| entry[key].as_str().unwrap_or_default());
    let words: Vec<&str> = words.into_iter().filter(|text| !text.is_empty()).collect();
    words.join(" · ")
}

/// Returns a line about what is attached to an image.
fn all_attached(image: &PlatformImage) -> Option<String> {
    let mut documents: Vec<String> = Vec::new();
    for document in &image.attached {
        let document = format!("{} ({})", attached(document), place(document.form));
        // A document can have several signatures.
        if !documents.contains(&document) {
            documents.push(document);
        }
    }
    match documents.is_empty() {
        true => None,
        false => Some(format!("attached: {}", documents.join(", "))),
    }
}

/// Returns the name of an attached document.
fn attached(document: &AttachedDocument) -> String {
    match document.content {
        Some("spdx") => "SBOM (SPDX)".to_owned(),
        Some("cyclonedx") => "SBOM (CycloneDX)".to_owned(),
        Some("slsa-provenance") => "SLSA provenance".to_owned(),
        _ => {
            let predicate_type = document.predicate_type.as_ref();
            clean(predicate_type.unwrap_or(&document.artifact_type))
        }
    }
}

fn place(form: AttachedForm) -> &'static str {
    match form {
        AttachedForm::Index => "index",
        AttachedForm::Referrers => "referrer",
    }
}

fn created(image: &PlatformImage) -> String {
    image.created.clone().unwrap_or_else(|| "-".to_owned())
}

/// Returns the algorithm and the first 12 digits of a digest.
pub fn short(digest: &Digest) -> String {
    format!("{}:{:.12}", digest.algorithm(), digest.hex())
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns a command line, quoted for a shell.
fn command(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    match quoted.is_empty() {
        true => "-".to_owned(),
        false => quoted.join(" "),
    }
}
