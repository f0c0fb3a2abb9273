//! Merged images that are read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::{INDEX, MANIFEST, Platform, digest};

/// A merged image that was read back: every digest, size and diff ID in it was correct.
pub struct Merged {
    files: BTreeMap<String, Vec<u8>>,
    /// `index.json`.
    pub root: Value,
    /// Of the image index.
    pub digest: String,
    pub index: Value,
    /// In the order of the index, as are the next two.
    pub manifests: Vec<Value>,
    pub configs: Vec<Value>,
    /// The descriptors of the layers of each manifest.
    pub layers: Vec<Vec<Value>>,
    /// What the merge printed, trimmed; empty if the image was only read.
    pub stdout: String,
    pub stderr: String,
}

impl Merged {
    /// Reads a layout or an archive.
    pub fn read(path: &Path) -> Self {
        match path.is_dir() {
            true => Self::directory(path),
            false => Self::archive(path),
        }
    }

    pub fn directory(path: &Path) -> Self {
        verified(path);
        let files = tree_following(path);
        Self::new(files)
    }

    pub fn archive(path: &Path) -> Self {
        verified(path);
        let bytes = fs::read(path).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let mut files = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let header = entry.header().clone();
            assert!(header.as_ustar().is_some());
            let owner = (header.uid().unwrap(), header.gid().unwrap());
            assert_eq!((owner, header.mtime().unwrap()), ((0, 0), 0));
            if header.entry_type() == tar::EntryType::Directory {
                assert_eq!(header.mode().unwrap(), 0o755);
                continue;
            }
            assert_eq!(header.entry_type(), tar::EntryType::Regular);
            assert_eq!(header.mode().unwrap(), 0o644);
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            assert!(
                files.insert(name, content).is_none(),
                "an entry appears twice"
            );
        }
        Self::new(files)
    }

    fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        let root: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let [top, referrers @ ..] = &root["manifests"].as_array().unwrap()[..] else {
            panic!("index.json must have a descriptor: {root}");
        };
        assert_eq!(top["mediaType"], INDEX);
        let mut seen = BTreeSet::from(["oci-layout".to_owned(), "index.json".to_owned()]);
        let mut blob = |descriptor: &Value| {
            seen.insert(blob_path(descriptor));
            content(&files, descriptor)
        };
        let mut json =
            |descriptor: &Value| serde_json::from_slice::<Value>(&blob(descriptor)).unwrap();
        let digest_of_index = top["digest"].as_str().unwrap().to_owned();
        let index = json(top);
        let mut manifests = Vec::new();
        let mut configs = Vec::new();
        let mut layers = Vec::new();
        let mut others = Vec::new();
        for descriptor in index["manifests"].as_array().unwrap() {
            assert_eq!(descriptor["mediaType"], MANIFEST);
            let manifest = json(descriptor);
            configs.push(json(&manifest["config"]));
            // A manifest that is kept may lack this field.
            let listed = manifest["layers"].as_array().cloned();
            layers.push(listed.unwrap_or_default());
            manifests.push(manifest);
        }
        // With `--referrers keep`, lists of referrers come after it, each under the tag of its subject.
        for list in referrers {
            let tag = list["annotations"]["org.opencontainers.image.ref.name"].as_str();
            assert!(tag.is_some_and(|tag| tag.starts_with("sha256-")), "{root}");
            let found = json(list);
            let entries = found["manifests"].as_array().cloned();
            for entry in entries.unwrap_or_else(|| vec![list.clone()]) {
                let manifest = json(&entry);
                json(&manifest["config"]);
                others.extend(manifest["layers"].as_array().unwrap().clone());
            }
        }
        others.iter().for_each(|layer| drop(blob(layer)));
        for (layers, config) in layers.iter().zip(&configs) {
            for (i, layer) in layers.iter().enumerate() {
                let content = decode(layer["mediaType"].as_str().unwrap(), &blob(layer));
                if let Some(content) = content {
                    assert_eq!(config["rootfs"]["diff_ids"][i], digest(&content));
                }
            }
        }
        if let Some(list) = files.get("manifest.json") {
            let list: Vec<Value> = serde_json::from_slice(list).unwrap();
            for image in &list {
                let layers = image["Layers"].as_array().unwrap();
                let mut names = layers.iter().chain([&image["Config"]]);
                assert!(
                    names.all(|name| seen.contains(name.as_str().unwrap())),
                    "{image}"
                );
            }
            seen.insert("manifest.json".to_owned());
        }
        let names: BTreeSet<String> = files.keys().cloned().collect();
        assert_eq!(seen, names, "a file is not referenced");
        Self {
            digest: digest_of_index,
            root,
            files,
            index,
            manifests,
            configs,
            layers,
            stdout: String::new(),
            stderr: String::new(),
        }
    }

    /// The bytes of a blob, checked against its descriptor.
    pub fn content(&self, descriptor: &Value) -> Vec<u8> {
        content(&self.files, descriptor)
    }

    pub fn platforms(&self) -> Vec<String> {
        (self.index["manifests"].as_array().unwrap().iter())
            .map(|m| serde_json::from_value::<Platform>(m["platform"].clone()))
            .map(|p| p.unwrap().to_string())
            .collect()
    }

    /// The ends of the media types of all layers, such as `tar+gzip`.
    pub fn layer_types(&self) -> BTreeSet<String> {
        let types = self
            .layers
            .iter()
            .flatten()
            .map(|l| l["mediaType"].as_str().unwrap());
        types
            .map(|t| t.rsplit('.').next().unwrap().to_owned())
            .collect()
    }
}

/// Expects that `polyarch verify` reports no error, except for layers that are not tar archives: a merge
/// copies those unchanged, and some tests have them.
fn verified(image: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyarch"));
    let output = command
        .args(["verify", "--json"])
        .arg(image)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let errors: Vec<&Value> = findings
        .filter(|f| f["severity"] == "error" && f["id"] != "layer-tar")
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn blob_path(descriptor: &Value) -> String {
    let digest = descriptor["digest"].as_str().unwrap();
    format!("blobs/{}", digest.replace(':', "/"))
}

fn content(files: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Vec<u8> {
    let bytes = files[&blob_path(descriptor)].clone();
    assert_eq!(descriptor["digest"], digest(&bytes));
    assert_eq!(descriptor["size"], bytes.len());
    bytes
}

fn tree_following(root: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(root)
        .follow_links(true)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap();
            (name.to_owned(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn decode(media_type: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    match media_type {
        "application/vnd.oci.image.layer.v1.tar" => content.extend(bytes),
        "application/vnd.oci.image.layer.v1.tar+gzip" => {
            MultiGzDecoder::new(bytes)
                .read_to_end(&mut content)
                .unwrap();
        }
        "application/vnd.oci.image.layer.v1.tar+zstd" => {
            zstd::stream::copy_decode(bytes, &mut content).unwrap();
        }
        _ => return None,
    }
    Some(content)
}
