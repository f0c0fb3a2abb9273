//! Reads an image without polyarch, and lists everything in it that a merged image has lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::support::digest;

/// Annotations that name an image in the layout that it is in. They do not travel.
const NAMES: [&str; 3] = [
    "org.opencontainers.image.ref.name",
    "io.containerd.image.name",
    "com.apple.containerization.image.name",
];

/// What containers/image marks the descriptors of images with layers of zstd with.
const ZSTD_MARK: &str = "io.github.containers.compression.zstd";

const CONFIG_TYPES: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// An image of one platform.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub platform: String,
    pub digest: String,
    config: String,
    manifest_annotations: Map<String, Value>,
    layer_annotations: Vec<Map<String, Value>>,
    /// The annotations of its descriptor in an image index; names left out.
    descriptor_annotations: Map<String, Value>,
    descriptor_platform: Map<String, Value>,
    descriptor_fields: Map<String, Value>,
    /// The annotations of its descriptor in `index.json`; names left out.
    root_annotations: Map<String, Value>,
    is_in_an_index: bool,
}

/// A manifest that is not an image: an attestation, a signature, an SBOM.
#[derive(Clone, Debug)]
struct Companion {
    digest: String,
    kind: String,
    subject: Option<String>,
}

/// The content of an input or an output.
#[derive(Default)]
pub struct Audit {
    files: BTreeMap<String, Vec<u8>>,
    pub images: Vec<Image>,
    attestations: Vec<Companion>,
    artifacts: Vec<Companion>,
    /// Blobs that an index names and the input does not have: what they are, and their digests.
    missing: Vec<(String, String)>,
    /// The children of each index.
    indexes: BTreeMap<String, Vec<String>>,
    index_annotations: Map<String, Value>,
    index_fields: Map<String, Value>,
    root_annotations: Vec<Map<String, Value>>,
    signatures: Vec<String>,
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str().filter(|text| !text.is_empty())
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], |items| items)
}

fn unnamed(annotations: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = annotations.clone();
    kept.retain(|key, _| !NAMES.contains(&&**key));
    kept
}

fn platform(value: &Value) -> String {
    let variant = text(value, "variant").map_or_else(String::new, |variant| format!("/{variant}"));
    let word = |key| value[key].as_str().unwrap_or("None");
    format!("{}/{}{variant}", word("os"), word("architecture"))
}

/// The first eight hex digits, as messages of the tests show them.
fn short(digest: &str) -> &str {
    digest.get(7..15).unwrap_or(digest)
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(clean.pop()),
            Component::Normal(word) => clean.push(word),
            _ => {}
        }
    }
    clean.to_str().unwrap().to_owned()
}

fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    if path.is_dir() {
        let entries = walkdir::WalkDir::new(path).follow_links(true);
        let entries = entries.into_iter().filter_map(Result::ok);
        return entries
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let name = entry.path().strip_prefix(path).unwrap();
                (normal(name), std::fs::read(entry.path()).unwrap())
            })
            .collect();
    }
    let mut archive = tar::Archive::new(std::fs::File::open(path).unwrap());
    let (mut files, mut links) = (BTreeMap::new(), Vec::new());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = normal(&entry.path().unwrap());
        let kind = entry.header().entry_type();
        if let Some(target) = entry.link_name().unwrap() {
            let base = Path::new(&name).parent().filter(|_| kind.is_symlink());
            let target = base.unwrap_or(Path::new("")).join(target);
            links.push((name, normal(&target)));
        } else if kind.is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
    }
    for (name, target) in links {
        if let Some(bytes) = files.get(&target).cloned() {
            files.insert(name, bytes);
        }
    }
    files
}

impl Audit {
    /// Reads an image of any format that polyarch reads; of another file it finds nothing.
    pub fn of(path: &Path) -> Self {
        let mut audit = Self {
            files: files(path),
            ..Self::default()
        };
        let has = |name: &str| audit.files.contains_key(name);
        if has("index.json") && has("oci-layout") {
            let root = parse(&audit.files["index.json"]);
            for descriptor in list(&root["manifests"]) {
                audit.walk(descriptor, 0, None);
                let annotations = unnamed(&object(&descriptor["annotations"]));
                audit.root_annotations.push(annotations);
            }
        } else if let Some(bytes) = audit.files.get("manifest.json").cloned() {
            match parse(&bytes) {
                Value::Array(items) => items.iter().for_each(|item| audit.docker(item)),
                manifest => {
                    let is_index = manifest.get("manifests").is_some();
                    let kind = if is_index { "index" } else { "manifest" };
                    let media_type = text(&manifest, "mediaType").unwrap_or(kind);
                    let descriptor = serde_json::json!({
                        "mediaType": media_type, "digest": digest(&bytes), "size": bytes.len(),
                    });
                    audit.walk(&descriptor, 0, Some(&bytes));
                    let names = audit.files.keys();
                    let signatures = names.filter(|name| name.contains("signature-"));
                    audit.signatures = signatures.cloned().collect();
                }
            }
        }
        audit
    }

    /// An image of a docker-archive. Its keys are those of Go's decoder, which ignores case.
    fn docker(&mut self, item: &Value) {
        let item = item.as_object().unwrap();
        let config = item.iter().find(|(k, _)| k.eq_ignore_ascii_case("Config"));
        let name = normal(Path::new(config.unwrap().1.as_str().unwrap()));
        let bytes = &self.files[&name];
        let config = digest(bytes);
        self.images.push(Image {
            platform: platform(&parse(bytes)),
            digest: config.clone(),
            config,
            ..Image::default()
        });
    }

    fn blob(&self, digest: &str) -> Option<&Vec<u8>> {
        let (algorithm, hex) = digest.split_once(':')?;
        [
            format!("blobs/{algorithm}/{hex}"),
            hex.to_owned(),
            format!("{hex}.manifest.json"),
        ]
        .iter()
        .find_map(|name| self.files.get(name))
    }

    fn walk(&mut self, descriptor: &Value, depth: usize, bytes: Option<&[u8]>) {
        let name = descriptor["digest"].as_str().unwrap().to_owned();
        let annotations = object(&descriptor["annotations"]);
        let is = |key: &str, value: &str| annotations.get(key).is_some_and(|v| v == value);
        let is_attestation = is("vnd.docker.reference.type", "attestation-manifest");
        let bytes = bytes.map(<[u8]>::to_vec).or(self.blob(&name).cloned());
        let Some(bytes) = bytes else {
            let what = match descriptor["platform"].is_object() {
                _ if is_attestation => "attestation".to_owned(),
                true => platform(&descriptor["platform"]),
                false => "?".to_owned(),
            };
            self.missing.push((what, name));
            return;
        };
        let document = parse(&bytes);
        let subject = document["subject"]["digest"].as_str().map(str::to_owned);
        if let Some(children) = document.get("manifests") {
            self.index_annotations
                .extend(object(&document["annotations"]));
            let known = ["schemaVersion", "mediaType", "manifests", "annotations"];
            let fields = object(&document).into_iter();
            let fields = fields.filter(|(key, _)| !known.contains(&&**key));
            self.index_fields.extend(fields);
            let digests = list(children).iter();
            let digests = digests.filter_map(|child| text(child, "digest"));
            self.indexes
                .insert(name, digests.map(str::to_owned).collect());
            for child in list(children) {
                self.walk(child, depth + 1, None);
            }
            return;
        }
        if is_attestation {
            if !self.attestations.iter().any(|known| known.digest == name) {
                let of = annotations.get("vnd.docker.reference.digest");
                self.attestations.push(Companion {
                    digest: name,
                    kind: "attestation".to_owned(),
                    subject: of.and_then(Value::as_str).map(str::to_owned),
                });
            }
            return;
        }
        let config = &document["config"];
        let layers = list(&document["layers"]);
        let config_type = text(config, "mediaType").unwrap_or_default();
        let is_docker = text(&document, "mediaType").is_some_and(|t| t.contains("docker"));
        let is_config = CONFIG_TYPES.contains(&config_type)
            || is_docker && config_type == "application/octet-stream";
        let artifact_type = text(&document, "artifactType");
        // cosign gives its signatures the config type of an image.
        let is_cosign = layers.iter().any(|layer| {
            let media_type = text(layer, "mediaType").unwrap_or_default();
            media_type.contains("simplesigning") || media_type.contains("dsse")
        });
        if !is_config || artifact_type.is_some() || subject.is_some() || is_cosign {
            let kind = artifact_type.or(text(descriptor, "artifactType"));
            let kind = kind.unwrap_or(if is_cosign { "cosign" } else { config_type });
            self.artifacts.push(Companion {
                digest: name,
                kind: kind.to_owned(),
                subject,
            });
            return;
        }
        let config = config["digest"].as_str().unwrap().to_owned();
        let Some(config_bytes) = self.blob(&config) else {
            self.missing.push(("config".to_owned(), config));
            return;
        };
        let config_platform = platform(&parse(config_bytes));
        let known = ["mediaType", "digest", "size", "platform", "annotations"];
        let mut fields = object(descriptor);
        fields.retain(|key, _| !known.contains(&&**key));
        let (in_index, in_root) = match depth {
            0 => (Map::new(), unnamed(&annotations)),
            _ => (unnamed(&annotations), Map::new()),
        };
        let image = Image {
            platform: config_platform,
            digest: name,
            config,
            manifest_annotations: object(&document["annotations"]),
            layer_annotations: layers.iter().map(|l| object(&l["annotations"])).collect(),
            descriptor_annotations: in_index,
            descriptor_platform: object(&descriptor["platform"]),
            descriptor_fields: fields,
            root_annotations: in_root,
            is_in_an_index: depth > 0,
        };
        // `index.json` can list the children of an index that it lists, too.
        match self.images.iter_mut().find(|i| i.digest == image.digest) {
            None => self.images.push(image),
            Some(known) if image.is_in_an_index && !known.is_in_an_index => {
                let root_annotations = std::mem::take(&mut known.root_annotations);
                *known = Image {
                    root_annotations,
                    ..image
                };
            }
            Some(_) => {}
        }
    }

    /// The platforms of its images, sorted.
    pub fn platforms(&self) -> String {
        let mut platforms: Vec<&str> = self.images.iter().map(|i| &*i.platform).collect();
        platforms.sort_unstable();
        platforms.join(",")
    }

    /// The descriptors of its one index that are marked as zstd and have no such layer, or the reverse.
    /// containers/image adds the mark when it copies an index, by the content of all that has the
    /// media type of a layer in an image (`CanChangeLayerCompression`), and fails where it must not
    /// change the index.
    pub fn wrongly_marked(&self) -> Vec<String> {
        let root = parse(&self.files["index.json"]);
        let index = parse(
            self.blob(root["manifests"][0]["digest"].as_str().unwrap())
                .unwrap(),
        );
        let is_zstd = |layer: &Value| {
            let media_type = text(layer, "mediaType").unwrap_or_default();
            let bytes = self.blob(layer["digest"].as_str().unwrap());
            let is_layer = ["image.layer.", "image.rootfs."]
                .iter()
                .any(|part| media_type.contains(part));
            // The content of an encrypted layer cannot be detected.
            media_type.ends_with("+zstd+encrypted")
                || is_layer
                    && bytes.is_some_and(|bytes| bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]))
        };
        list(&index["manifests"])
            .iter()
            .filter(|descriptor| {
                let manifest = self.blob(descriptor["digest"].as_str().unwrap());
                let manifest = parse(manifest.unwrap());
                let is_marked = descriptor["annotations"][ZSTD_MARK] == "true";
                let config = text(&manifest["config"], "mediaType").unwrap_or_default();
                let is_image = CONFIG_TYPES.contains(&config);
                (is_image && list(&manifest["layers"]).iter().any(is_zstd)) != is_marked
            })
            .map(|descriptor| short(descriptor["digest"].as_str().unwrap()).to_owned())
            .collect()
    }

    /// What `merged` does not have any more. Where only some of it was `picked`, companions of the
    /// rest do not count.
    pub fn lost(&self, merged: &Self, picked: bool) -> BTreeSet<String> {
        let mut lost = BTreeSet::new();
        let taken = self.taken(merged);
        for image in &self.images {
            self.lost_of(image, merged, picked, &mut lost);
        }
        let is_in = |all: &[Companion], one: &Companion| all.iter().any(|c| c.digest == one.digest);
        let describes = |companion: &Companion| {
            let subject = companion.subject.as_ref();
            subject.is_some_and(|subject| taken.contains(subject))
        };
        for attestation in &self.attestations {
            if !(is_in(&merged.attestations, attestation) || picked && !describes(attestation)) {
                lost.insert(format!("attestation {}", short(&attestation.digest)));
            }
        }
        for artifact in &self.artifacts {
            let counts = !picked || taken.contains(&artifact.digest) || artifact.kind == "cosign";
            if counts && !is_in(&merged.artifacts, artifact) {
                let (digest, kind) = (short(&artifact.digest), &artifact.kind);
                lost.insert(format!("artifact {digest} ({kind})"));
            }
        }
        lost.extend(self.signatures.iter().map(|s| format!("signature {s}")));
        if picked {
            return lost;
        }
        for (key, value) in &self.index_annotations {
            if merged.index_annotations.get(key) != Some(value) {
                lost.insert(format!("annotation {key} of the index"));
            }
        }
        for (key, value) in &self.index_fields {
            if merged.index_fields.get(key) != Some(value) {
                lost.insert(format!("field {key} of the index"));
            }
        }
        for (key, value) in self.root_annotations.iter().flatten() {
            let is = |annotations: &Map<String, Value>| annotations.get(key) == Some(value);
            let images = || merged.images.iter().map(|i| &i.descriptor_annotations);
            if !(merged.root_annotations.iter().any(is)
                || is(&merged.index_annotations)
                || images().any(is))
            {
                lost.insert(format!("annotation {key} of index.json"));
            }
        }
        for (what, digest) in &self.missing {
            if !["layer", "config"].contains(&&**what) {
                lost.insert(format!("absent {what} {}", short(digest)));
            }
        }
        lost
    }

    fn lost_of(&self, image: &Image, merged: &Self, picked: bool, lost: &mut BTreeSet<String>) {
        let of = &image.platform;
        let has_its_config = |other: &&Image| other.config == image.config;
        let same: Vec<&Image> = merged.images.iter().filter(has_its_config).collect();
        let exact = same.iter().find(|other| other.digest == image.digest);
        let Some(kept) = exact.or(same.first()) else {
            if !picked {
                lost.insert(format!("image {of} {}", short(&image.digest)));
            }
            return;
        };
        if !picked && self.images.iter().filter(has_its_config).count() > same.len() {
            lost.insert(format!("image {of}: one of those with the same config"));
        }
        for (key, value) in &image.manifest_annotations {
            if kept.manifest_annotations.get(key) != Some(value) {
                lost.insert(format!("annotation {key} of the manifest of {of}"));
            }
        }
        let layers = image.layer_annotations.iter().zip(&kept.layer_annotations);
        for (n, (before, after)) in layers.enumerate() {
            for (key, value) in before {
                if after.get(key) != Some(value) {
                    lost.insert(format!("annotation {key} of layer {n} of {of}"));
                }
            }
        }
        let of_root = image.root_annotations.iter().filter(|_| !picked);
        for (key, value) in image.descriptor_annotations.iter().chain(of_root) {
            if key == ZSTD_MARK {
                // `wrongly_marked` checks it.
                continue;
            }
            let is = |annotations: &Map<String, Value>| annotations.get(key) == Some(value);
            if !(is(&kept.descriptor_annotations)
                || is(&kept.root_annotations)
                || is(&merged.index_annotations))
            {
                lost.insert(format!("annotation {key} of the descriptor of {of}"));
            }
        }
        for (key, value) in &image.descriptor_fields {
            if kept.descriptor_fields.get(key) != Some(value) && !value.is_null() {
                lost.insert(format!("field {key} of the descriptor of {of}"));
            }
        }
        for (key, value) in &image.descriptor_platform {
            let is_default = key == "variant" && value == "v8";
            // Go writes and reads both as "not set".
            let is_empty = value.is_null() || value == "";
            if kept.descriptor_platform.get(key) != Some(value) && !is_default && !is_empty {
                lost.insert(format!("{key} {value} of the descriptor of {of}"));
            }
        }
    }

    /// The images that `merged` has, the indexes all of whose images it has, and what describes those.
    fn taken(&self, merged: &Self) -> BTreeSet<String> {
        let is_kept = |image: &&Image| merged.images.iter().any(|kept| kept.config == image.config);
        let kept = self.images.iter().filter(is_kept);
        let mut taken: BTreeSet<String> = kept.map(|image| image.digest.clone()).collect();
        for (digest, children) in &self.indexes {
            let is_image = |child: &&String| self.images.iter().any(|i| i.digest == **child);
            let mut images = children.iter().filter(is_image).peekable();
            if images.peek().is_some() && images.all(|child| taken.contains(child)) {
                taken.insert(digest.clone());
            }
        }
        // A signature of an SBOM of an image.
        for _ in 0..5 {
            let describes = |artifact: &&Companion| {
                let subject = artifact.subject.as_ref();
                subject.is_some_and(|subject| taken.contains(subject))
            };
            let more: Vec<String> = (self.artifacts.iter().filter(describes))
                .map(|artifact| artifact.digest.clone())
                .collect();
            taken.extend(more);
        }
        taken
    }
}
