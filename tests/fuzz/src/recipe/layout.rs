//! OCI image layouts.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use polyarch::internals::oci::Hasher;
use polyarch::oci::{Algorithm, Digest};
use serde_json::{Value, json};

use super::tar::Entry;
use super::{Dice, Packing, document, layer, pack, spoil};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The files of a layout.
#[derive(Default)]
pub struct Layout {
    pub files: BTreeMap<String, Vec<u8>>,
    /// The digest of the blob that `index.json` names.
    root: Option<String>,
}

impl Layout {
    /// Returns the files as entries of an archive.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .files
            .iter()
            .map(|(name, bytes)| Entry::file(name.clone(), bytes.clone()))
            .collect();
        entries.reverse();
        entries
    }

    /// Returns the files as in skopeo's `dir:`.
    pub fn flat(&self, u: &mut Unstructured<'_>) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let version = "Directory Transport Version: 1.1\n";
        files.insert("version".to_owned(), version.into());
        for (name, bytes) in &self.files {
            let name = match name.strip_prefix("blobs/").and_then(|n| n.split_once('/')) {
                _ if self.root.as_ref() == Some(name) => "manifest.json".to_owned(),
                Some((_, hex)) if u.rarely() => format!("{hex}.manifest.json"),
                Some(("sha512", hex)) => format!("sha512-{hex}"),
                Some((_, hex)) => hex.to_owned(),
                None => continue,
            };
            files.insert(name, bytes.clone());
        }
        files
    }

    fn blob(&mut self, u: &mut Unstructured<'_>, media_type: &str, mut bytes: Vec<u8>) -> Value {
        let algorithm = match u.rarely() {
            false => Algorithm::Sha256,
            true => Algorithm::Sha512,
        };
        let mut hasher = Hasher::new(algorithm);
        hasher.update(&bytes);
        let digest: Digest = hasher.finish();
        let size = bytes.len();
        if u.rarely() {
            spoil(u, &mut bytes);
        }
        if !u.rarely() {
            self.files.insert(digest.blob_path(), bytes);
        }
        json!({ "mediaType": media_type, "digest": digest, "size": size })
    }

    fn image(&mut self, u: &mut Unstructured<'_>) -> Value {
        let mut diff_ids = Vec::new();
        let mut layers = Vec::new();
        for _ in 0..u.up_to(3) {
            let content = layer(u);
            let packing = *u.one_of(&[&Packing::Gzip, &Packing::Plain, &Packing::Zstd]);
            diff_ids.push(Digest::of(&content).to_string());
            let packed = pack(u, packing, &content);
            let media_type = match (u.up_to(6), packing) {
                (0..=3, Packing::Plain) => "application/vnd.oci.image.layer.v1.tar",
                (0..=3, Packing::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
                (0..=3, Packing::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
                (4, _) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
                (5, _) => "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                _ => "application/vnd.oci.image.layer.nondistributable.v1.tar",
            };
            let mut layer = self.blob(u, media_type, packed);
            if media_type.contains("foreign") || u.rarely() {
                layer["urls"] = json!(["https://example.org/layer"]);
                layer["annotations"] = json!({ u.text(): u.text() });
            }
            layers.push(layer);
        }
        let config = config(u, &diff_ids);
        let config = document(u, config);
        let config = match u.up_to(6) {
            0..=4 => self.blob(u, "application/vnd.oci.image.config.v1+json", config),
            5 => self.blob(u, "application/vnd.docker.container.image.v1+json", config),
            _ => self.blob(u, "application/vnd.oci.empty.v1+json", b"{}".to_vec()),
        };
        let media_type = match u.rarely() {
            false => MANIFEST,
            true => "application/vnd.docker.distribution.manifest.v2+json",
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers,
        });
        let manifest = document(u, manifest);
        let mut descriptor = self.blob(u, media_type, manifest);
        if u.rarely() {
            descriptor["platform"] = platform(u);
        }
        descriptor
    }

    /// Generates descriptors of images, of their attestations, and of indexes.
    fn manifests(&mut self, u: &mut Unstructured<'_>, depth: usize) -> Vec<Value> {
        let mut manifests = vec![self.image(u)];
        while u.up_to(7) > 4 && manifests.len() < 4 {
            let first = manifests[0].clone();
            let another = match u.up_to(5) {
                0..=2 => self.image(u),
                3 => first,
                4 => {
                    let mut attestation = self.image(u);
                    attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
                    attestation["annotations"] = json!({
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": first["digest"],
                    });
                    attestation
                }
                _ if depth > 9 => first,
                _ => {
                    let manifests = self.manifests(u, depth + 1);
                    self.index(u, manifests)
                }
            };
            manifests.push(another);
        }
        manifests
    }

    fn index(&mut self, u: &mut Unstructured<'_>, manifests: Vec<Value>) -> Value {
        let media_type = match u.rarely() {
            false => INDEX,
            true => "application/vnd.docker.distribution.manifest.list.v2+json",
        };
        let mut index = json!({
            "schemaVersion": 2, "mediaType": media_type, "manifests": manifests,
        });
        if u.rarely() {
            index["annotations"] = json!({ "a": u.text() });
        }
        let index = document(u, index);
        self.blob(u, media_type, index)
    }
}

/// Generates a layout of one image, or several.
pub fn layout(u: &mut Unstructured<'_>) -> Layout {
    let mut layout = Layout::default();
    let mut roots = layout.manifests(u, 0);
    if u.up_to(3) > 1 {
        roots = vec![layout.index(u, roots)];
    }
    let digest = roots[0]["digest"].as_str().unwrap_or_default();
    layout.root = Some(format!("blobs/{}", digest.replace(':', "/")));
    for root in &mut roots {
        if u.rarely() {
            let name = u.one_of(&["v1", "docker.io/library/x:v1", ""]);
            root["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        }
    }
    let index = document(u, json!({ "schemaVersion": 2, "manifests": roots }));
    let marker = document(u, json!({ "imageLayoutVersion": "1.0.0" }));
    layout.files.insert("oci-layout".to_owned(), marker);
    layout.files.insert("index.json".to_owned(), index);
    layout
}

fn platform(u: &mut Unstructured<'_>) -> Value {
    let mut platform = json!({
        "architecture": u.one_of(&["amd64", "arm64", "arm", "aarch64", "armhf", ""]),
        "os": u.one_of(&["linux", "linux", "linux", "windows"]),
    });
    let variant = u.one_of(&["", "", "v7", "v6", "v8", "v1"]);
    if !variant.is_empty() {
        platform["variant"] = variant.into();
    }
    if u.rarely() {
        platform["os.version"] = u.one_of(&["10.0.1", "10.0.2", ""]).into();
        platform["os.features"] = json!(["win32k"]);
        platform[u.text()] = json!(1);
    }
    platform
}

/// Generates a config for layers.
pub fn config(u: &mut Unstructured<'_>, diff_ids: &[String]) -> Value {
    let mut config = platform(u);
    config["config"] = json!({ "Cmd": ["/bin/program"] });
    config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
    config
}
