//! Writes small images with odd properties.

use serde_json::{Value, json};

use crate::support::*;

pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// An image to be written: what is unusual about it.
pub struct Spec {
    platform: &'static str,
    config: Option<Value>,
    edit: fn(&mut Value),
    encode: fn(&[u8]) -> (&'static str, Vec<u8>),
    media_type: &'static str,
    layers: Option<Vec<Vec<u8>>>,
}

impl Spec {
    pub fn of(platform: &'static str) -> Self {
        Self {
            platform,
            ..Self::default()
        }
    }

    /// What the config says of its platform; an empty object for nothing.
    pub fn config(self, config: Value) -> Self {
        Self {
            config: Some(config),
            ..self
        }
    }

    pub fn edit(self, edit: fn(&mut Value)) -> Self {
        Self { edit, ..self }
    }

    pub fn encode(self, encode: fn(&[u8]) -> (&'static str, Vec<u8>)) -> Self {
        Self { encode, ..self }
    }

    /// With the media types of Docker for manifest and config.
    pub fn docker(self) -> Self {
        Self {
            media_type: DOCKER_MANIFEST,
            ..self
        }
    }

    pub fn layers(self, layers: Vec<Vec<u8>>) -> Self {
        Self {
            layers: Some(layers),
            ..self
        }
    }
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            platform: "linux/amd64",
            config: None,
            edit: |_| (),
            encode: gzipped,
            media_type: MANIFEST,
            layers: None,
        }
    }
}

pub fn platform(text: &str) -> Value {
    let mut words = text.split('/');
    let mut platform = json!({ "os": words.next(), "architecture": words.next() });
    if let Some(variant) = words.next() {
        platform["variant"] = variant.into();
    }
    platform
}

pub fn document(layout: &mut Layout, media_type: &str, value: &Value) -> Value {
    layout.blob(media_type, &serde_json::to_vec(value).unwrap())
}

/// Adds an image; its descriptor, with a platform.
pub fn image(layout: &mut Layout, platform: &'static str) -> Value {
    let spec = Spec::of(platform);
    image_as(layout, spec)
}

/// The same for an unusual image; `edit` is of the manifest.
pub fn image_as(layout: &mut Layout, spec: Spec) -> Value {
    let mut image = TestImage::new(spec.platform);
    image.layers = spec.layers.unwrap_or(image.layers);
    if let Some(config) = spec.config {
        for key in ["os", "architecture", "variant"] {
            image.config.as_object_mut().unwrap().remove(key);
        }
        let config = config.as_object().unwrap().clone();
        image.config.as_object_mut().unwrap().extend(config);
    }
    let config_type = match spec.media_type {
        DOCKER_MANIFEST => "application/vnd.docker.container.image.v1+json",
        _ => CONFIG,
    };
    let config = layout.blob(config_type, &image.config_bytes());
    let layers: Vec<Value> = (image.layers.iter())
        .map(|layer| {
            let (media_type, bytes) = (spec.encode)(layer);
            layout.blob(media_type, &bytes)
        })
        .collect();
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": spec.media_type, "config": config, "layers": layers,
    });
    (spec.edit)(&mut manifest);
    let mut descriptor = document(layout, spec.media_type, &manifest);
    descriptor["platform"] = platform(spec.platform);
    descriptor
}

pub fn index(layout: &mut Layout, manifests: &[&Value]) -> Value {
    index_as(layout, manifests, |_| ())
}

pub fn index_as(layout: &mut Layout, manifests: &[&Value], edit: impl Fn(&mut Value)) -> Value {
    let mut index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    edit(&mut index);
    document(layout, INDEX, &index)
}

/// An artifact in the form of OCI 1.1, of a subject or of none.
pub fn artifact(layout: &mut Layout, artifact_type: &str, subject: Option<&Value>) -> Value {
    let config = layout.blob(EMPTY, b"{}");
    let layer = layout.blob(artifact_type, &content_of(artifact_type));
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type,
        "config": config, "layers": [layer],
    });
    if let Some(subject) = subject {
        let mut subject = subject.clone();
        for key in ["platform", "annotations"] {
            subject.as_object_mut().unwrap().remove(key);
        }
        manifest["subject"] = subject;
    }
    let mut descriptor = document(layout, MANIFEST, &manifest);
    descriptor["artifactType"] = artifact_type.into();
    descriptor
}

/// The content of an artifact.
pub fn content_of(artifact_type: &str) -> Vec<u8> {
    match artifact_type {
        "application/spdx+json" => br#"{"spdxVersion":"SPDX-2.3"}"#.to_vec(),
        _ => artifact_type.as_bytes().to_vec(),
    }
}

/// An attestation of BuildKit.
pub fn attestation(layout: &mut Layout, of: &Value) -> Value {
    let statement = statement_about(of["digest"].as_str().unwrap());
    attestation_of(layout, of, statement.as_bytes())
}

pub fn attestation_of(layout: &mut Layout, of: &Value, statement: &[u8]) -> Value {
    let config = json!({
        "architecture": "unknown", "os": "unknown", "of": of["digest"],
        "rootfs": { "type": "layers", "diff_ids": [digest(statement)] },
    });
    let config = document(layout, CONFIG, &config);
    let statement = layout.blob("application/vnd.in-toto+json", statement);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [statement],
    });
    let mut descriptor = document(layout, MANIFEST, &manifest);
    descriptor["platform"] = platform("unknown/unknown");
    descriptor["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": of["digest"],
    });
    descriptor
}

pub fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"]["org.opencontainers.image.ref.name"] = name.into();
    descriptor
}

/// Takes a blob away.
pub fn drop_blob(layout: &mut Layout, descriptor: &Value) {
    layout
        .blobs
        .retain(|blob| descriptor["digest"] != digest(blob));
}

/// What `index.json` has.
pub fn with_roots(mut layout: Layout, roots: &[&Value]) -> Layout {
    layout.index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": roots });
    layout
}

/// A layout and a docker-archive in one file, as Docker 25 and later save them.
pub fn with_docker_manifest(layout: &Layout, manifest: &Value) -> Vec<u8> {
    let mut files = layout.files();
    files.push((
        "manifest.json".to_owned(),
        serde_json::to_vec(manifest).unwrap(),
    ));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
    tar(&files)
}

/// The item of `manifest.json` for an image of a layout.
pub fn docker_item(layout: &Layout, image: &Value, tag: Option<&str>) -> Value {
    let manifest = layout
        .blobs
        .iter()
        .find(|blob| image["digest"] == digest(blob));
    let manifest: Value = serde_json::from_slice(manifest.unwrap()).unwrap();
    let path = |d: &Value| format!("blobs/{}", d["digest"].as_str().unwrap().replace(':', "/"));
    let layers: Vec<String> = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(path)
        .collect();
    json!({ "Config": path(&manifest["config"]), "RepoTags": tag.map(|t| [t]), "Layers": layers })
}

/// A tar of files with their modes.
pub fn layer(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mode, content) in files {
        let mut header = tar_header(name, content.len() as u64);
        header.set_mode(*mode);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A program for 32-bit Arm; where it is linked dynamically, it has a program header that names an
/// interpreter.
pub fn arm_program(flags: u32, is_dynamic: bool) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.resize(16, 0);
    for half in [2u16, 40] {
        bytes.extend(half.to_le_bytes());
    }
    // Version, entry point, place of the program headers and of the section headers.
    for word in [1, 0x10000, 52, 0, flags] {
        bytes.extend(word.to_le_bytes());
    }
    // Sizes and counts: of this header, of a program header, of the section headers.
    for half in [52u16, 32, u16::from(is_dynamic), 40, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    if is_dynamic {
        let interpreter = b"/lib/ld-linux.so.3\0";
        let (offset, size) = (52 + 32, interpreter.len() as u32);
        for word in [
            3,
            offset,
            0x10000 + offset,
            0x10000 + offset,
            size,
            size,
            4,
            1,
        ] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(interpreter);
    }
    bytes.resize(4096, 0);
    bytes
}

/// A docker-archive of an image that starts `/bin/app`, which is the only file of its one layer.
pub fn starts(of: &str, mode: u32, program: &[u8]) -> Vec<u8> {
    let mut image = TestImage::new(of);
    image.config["config"] = json!({ "Entrypoint": ["/bin/app"] });
    image.layers = vec![layer(&[("bin/app", mode, program)])];
    image.docker_archive()
}
