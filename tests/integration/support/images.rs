//! Images built in code.

use std::io::Write;

use serde_json::{Value, json};

use super::{Digest, Scratch};

/// A tar archive of regular files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        builder
            .append(&tar_header(name, content.len() as u64), *content)
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// The header of a regular file. Its name may be one that the tar crate refuses to write.
pub fn tar_header(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Pseudorandom bytes below 64 (xorshift), the same in every run.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8 & 0x3f
    })
    .take(len)
    .collect()
}

pub fn digest(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

pub fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).hex().to_owned()
}

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub fn plain(layer: &[u8]) -> (&'static str, Vec<u8>) {
    ("application/vnd.oci.image.layer.v1.tar", layer.to_vec())
}

pub fn gzipped(layer: &[u8]) -> (&'static str, Vec<u8>) {
    ("application/vnd.oci.image.layer.v1.tar+gzip", gzip(layer))
}

/// An image that can be written as a docker-archive or as a layout.
#[derive(Clone)]
pub struct TestImage {
    /// The config without `rootfs`.
    pub config: Value,
    /// Uncompressed layers, bottom first.
    pub layers: Vec<Vec<u8>>,
}

pub fn amd64() -> TestImage {
    TestImage::new("linux/amd64")
}

impl TestImage {
    /// An image of two layers: the first is the same in all test images.
    pub fn new(platform: &str) -> Self {
        let mut words = platform.split('/');
        let (os, architecture) = (words.next().unwrap(), words.next().unwrap());
        let mut config = json!({ "os": os, "architecture": architecture, "config": {} });
        if let Some(variant) = words.next() {
            config["variant"] = variant.into();
        }
        Self {
            config,
            layers: vec![
                tar(&[("etc/shared", b"the same on all platforms")]),
                tar(&[("bin/program", platform.as_bytes())]),
            ],
        }
    }

    pub fn config_bytes(&self) -> Vec<u8> {
        let mut config = self.config.clone();
        let diff_ids: Vec<String> = self.layers.iter().map(|l| digest(l)).collect();
        config["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
        // Indented, as dockerTools writes it: a config that was serialised again would have another digest.
        serde_json::to_vec_pretty(&config).unwrap()
    }

    /// A docker-archive in the order of `buildLayeredImage`: layers, config, `manifest.json`.
    pub fn docker_archive(&self) -> Vec<u8> {
        let config = self.config_bytes();
        let config_name = format!("{}.json", hex(&config));
        let names: Vec<String> = (self.layers.iter())
            .map(|l| format!("{}/layer.tar", hex(l)))
            .collect();
        let manifest = serde_json::to_vec(&json!([
            { "Config": config_name, "RepoTags": ["test:v1"], "Layers": names }
        ]))
        .unwrap();
        let mut files: Vec<(&str, &[u8])> = Vec::new();
        for (name, layer) in names.iter().zip(&self.layers) {
            files.push((name, layer));
        }
        files.push((&config_name, &config));
        files.push(("manifest.json", &manifest));
        tar(&files)
    }

    /// An image layout; `encode` returns the media type and the bytes of a layer.
    pub fn layout(&self, encode: impl Fn(&[u8]) -> (&'static str, Vec<u8>)) -> Layout {
        let mut layout = Layout::default();
        let config = layout.blob(
            "application/vnd.oci.image.config.v1+json",
            &self.config_bytes(),
        );
        let layers: Vec<Value> = (self.layers.iter())
            .map(|layer| {
                let (media_type, bytes) = encode(layer);
                layout.blob(media_type, &bytes)
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
        });
        // Indented, for the same reason.
        let manifest = serde_json::to_vec_pretty(&manifest).unwrap();
        let descriptor = layout.blob(MANIFEST, &manifest);
        layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
        layout
    }
}

/// The files of an image layout.
#[derive(Clone, Default)]
pub struct Layout {
    pub blobs: Vec<Vec<u8>>,
    pub index: Value,
}

impl Layout {
    /// Adds a blob and returns its descriptor.
    pub fn blob(&mut self, media_type: &str, bytes: &[u8]) -> Value {
        self.blobs.push(bytes.to_vec());
        json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
    }

    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![
            (
                "oci-layout".to_owned(),
                br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
            ),
            (
                "index.json".to_owned(),
                serde_json::to_vec(&self.index).unwrap(),
            ),
        ];
        for blob in &self.blobs {
            files.push((format!("blobs/sha256/{}", hex(blob)), blob.clone()));
        }
        files
    }

    pub fn directory(&self, scratch: &Scratch, name: &str) {
        for (file, bytes) in self.files() {
            scratch.write(&format!("{name}/{file}"), &bytes);
        }
    }

    pub fn archive(&self) -> Vec<u8> {
        let files = self.files();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
        tar(&files)
    }
}

/// A layout as BuildKit writes it: an image of two platforms with an attestation of each. Also returns the
/// digests of the two image manifests.
pub fn attested() -> (Layout, Vec<String>) {
    let mut layout = Layout::default();
    let mut manifests = Vec::new();
    let mut digests = Vec::new();
    for platform in ["linux/amd64", "linux/arm64"] {
        let one = TestImage::new(platform).layout(gzipped);
        let (os, architecture) = platform.split_once('/').unwrap();
        let mut descriptor = one.index["manifests"][0].clone();
        descriptor["platform"] = json!({ "os": os, "architecture": architecture });
        digests.push(descriptor["digest"].as_str().unwrap().to_owned());
        manifests.push(descriptor);
        layout.blobs.extend(one.blobs);
    }
    for subject in &digests {
        let statement = statement_about(subject);
        let in_toto = layout.blob("application/vnd.in-toto+json", statement.as_bytes());
        let config = json!({
            "architecture": "unknown", "os": "unknown", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [digest(statement.as_bytes())] },
        });
        let config = layout.blob(
            "application/vnd.oci.image.config.v1+json",
            &serde_json::to_vec(&config).unwrap(),
        );
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [in_toto],
        });
        let mut descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
        descriptor["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        descriptor["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject,
        });
        manifests.push(descriptor);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let descriptor = layout.blob(INDEX, &serde_json::to_vec(&index).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    (layout, digests)
}

/// An in-toto statement about a manifest.
pub fn statement_about(manifest: &str) -> String {
    let (algorithm, hex) = manifest.split_once(':').unwrap();
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{ "name": "_", "digest": { (algorithm): hex } }],
        "predicate": {},
    })
    .to_string()
}

/// A directory with the docker-archives `a.tar` for amd64 and `b.tar` for arm64.
pub fn two_archives() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    scratch
}
