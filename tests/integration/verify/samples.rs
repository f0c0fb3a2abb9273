//! Valid images, and functions that damage them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::*;

pub const BOTH: [&str; 2] = ["linux/amd64", "linux/arm64"];
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// Changes a part of an image: `config0` is that of the first platform, `manifest1` that of the second; `index`;
/// `root` is `index.json`.
pub type Edit<'a> = &'a dyn Fn(&str, &mut Value);

pub const NO_EDIT: Edit<'static> = &|_, _| ();

/// A layout with an image for each platform; `edit` changes documents and `raw` their bytes, before their digests
/// are computed.
pub fn layout_of(
    images: &[TestImage],
    encode: impl Fn(&[u8]) -> (&'static str, Vec<u8>),
    edit: Edit<'_>,
    raw: impl Fn(&str, String) -> String,
) -> Layout {
    let mut layout = Layout::default();
    let write = |part: &str, mut value: Value| {
        edit(part, &mut value);
        raw(part, value.to_string()).into_bytes()
    };
    let mut manifests = Vec::new();
    for (i, image) in images.iter().enumerate() {
        let config: Value = serde_json::from_slice(&image.config_bytes()).unwrap();
        let platform = ["os", "architecture", "variant"].map(|key| (key, config[key].clone()));
        let platform: serde_json::Map<_, _> = platform
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let config = write(&format!("config{i}"), config);
        let config = layout.blob("application/vnd.oci.image.config.v1+json", &config);
        let layers: Vec<Value> = (image.layers.iter())
            .map(|layer| {
                let (media_type, bytes) = encode(layer);
                layout.blob(media_type, &bytes)
            })
            .collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
        });
        let manifest = write(&format!("manifest{i}"), manifest);
        let mut descriptor = layout.blob(MANIFEST, &manifest);
        descriptor["platform"] = platform.into();
        manifests.push(descriptor);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let index = write("index", index);
    let descriptor = layout.blob(INDEX, &index);
    let root = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    layout.index = serde_json::from_slice(&write("root", root)).unwrap();
    layout
}

pub fn images(platforms: &[&str]) -> Vec<TestImage> {
    platforms.iter().map(|p| TestImage::new(p)).collect()
}

/// A layout for both platforms.
pub fn edited(edit: Edit<'_>) -> Layout {
    layout_of(&images(&BOTH), gzipped, edit, |_, text| text)
}

pub fn good() -> Layout {
    edited(NO_EDIT)
}

/// A layout for both platforms after a change of one part.
pub fn part(name: &'static str, edit: impl Fn(&mut Value)) -> Layout {
    edited(&|part, value| {
        if part == name {
            edit(value);
        }
    })
}

/// A layout for both platforms after a change of the bytes of one part.
pub fn raw(name: &'static str, edit: impl Fn(String) -> String) -> Layout {
    layout_of(&images(&BOTH), gzipped, NO_EDIT, |part, text| {
        if part == name { edit(text) } else { text }
    })
}

/// The digest of the first layer of [`good`].
pub fn layer_digest() -> String {
    digest(&gzip(&TestImage::new("linux/amd64").layers[0]))
}

/// An entry of an archive.
pub enum Entry {
    File(String, Vec<u8>),
    Directory(String),
    HardLink(String, String),
    Device(String),
    /// A file of the type that POSIX reserves for contiguous files.
    Contiguous(String),
}

pub fn archive(entries: Vec<Entry>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let (name, content, kind, target) = match entry {
            Entry::File(name, content) => (name, content, tar::EntryType::Regular, None),
            Entry::Directory(name) => (name, Vec::new(), tar::EntryType::Directory, None),
            Entry::HardLink(name, to) => (name, Vec::new(), tar::EntryType::Link, Some(to)),
            Entry::Device(name) => (name, Vec::new(), tar::EntryType::Char, None),
            Entry::Contiguous(name) => (name, Vec::new(), tar::EntryType::Continuous, None),
        };
        let mut header = tar_header(&name, content.len() as u64);
        header.set_entry_type(kind);
        if let Some(target) = target {
            header.set_link_name(target).unwrap();
        }
        header.set_cksum();
        builder.append(&header, &content[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The entries of an oci-archive in the order of polyarch: documents, directories, blobs.
pub fn entries(layout: &Layout) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let mut files: Vec<Entry> = (layout.files().into_iter())
        .filter(|(name, _)| seen.insert(name.clone()))
        .map(|(name, bytes)| Entry::File(name, bytes))
        .collect();
    let directories = ["blobs/", "blobs/sha256/"].map(|name| Entry::Directory(name.to_owned()));
    files.splice(2..2, directories);
    files
}

pub fn docker_archive(config: impl Fn(&mut TestImage)) -> Vec<u8> {
    let mut image = TestImage::new("linux/amd64");
    config(&mut image);
    image.docker_archive()
}

pub fn elf(machine: u16) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    for half in [2, machine, 1, 0] {
        bytes.extend(u16::to_le_bytes(half));
    }
    bytes.resize(4096, 0);
    bytes
}

/// A program for amd64 with a dynamic linker, which demands levels of x86-64
/// (`GNU_PROPERTY_X86_ISA_1_NEEDED`).
pub fn linked_elf(interpreter: &[u8], levels: u32) -> Vec<u8> {
    let mut bytes = elf(62);
    let note = [4, 16, 5, 0x0055_4e47, 0xc000_8002, 4, levels, 0];
    let note: Vec<u8> = note.into_iter().flat_map(u32::to_le_bytes).collect();
    bytes[32] = 64;
    (bytes[54], bytes[56]) = (56, 2);
    let parts = [(3, 0x200, interpreter), (4, 0x400, &note)];
    for (i, (kind, at, part)) in parts.into_iter().enumerate() {
        let header = [kind, at, 0, 0, part.len() as u64, 0, 4];
        let header: Vec<u8> = header.into_iter().flat_map(u64::to_le_bytes).collect();
        bytes[64 + i * 56..][..56].copy_from_slice(&header);
        bytes[at as usize..][..part.len()].copy_from_slice(part);
    }
    bytes
}

pub const OF_ARM64: u16 = 183;

/// An image for amd64 with a program for arm64.
pub fn with_program(name: &str, config: Value) -> Vec<u8> {
    with_content(name, &elf(OF_ARM64), config)
}

/// An image for amd64 with an executable file.
pub fn with_content(name: &str, content: &[u8], config: Value) -> Vec<u8> {
    docker_archive(|image| {
        let mut header = tar_header(name, content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, content).unwrap();
        image.layers.push(builder.into_inner().unwrap());
        image.config["config"] = config.clone();
    })
}

/// An [`Edit`] that replaces all media types with those of Docker.
pub fn docker_types(part: &str, value: &mut Value) {
    match part {
        "manifest0" | "manifest1" => {
            value["mediaType"] = DOCKER_MANIFEST.into();
            value["config"]["mediaType"] = DOCKER_CONFIG.into();
        }
        "index" => {
            value["mediaType"] = DOCKER_LIST.into();
            for i in 0..2 {
                value["manifests"][i]["mediaType"] = DOCKER_MANIFEST.into();
            }
        }
        "root" => value["manifests"][0]["mediaType"] = DOCKER_LIST.into(),
        _ => {}
    }
}

pub fn change_a_bit(scratch: &Scratch, digest: &str) {
    let path = scratch.path(&format!("image/blobs/{}", digest.replace(':', "/")));
    let mut bytes = fs::read(&path).unwrap();
    // A bit of the time in the gzip header, so that the layer can still be decompressed.
    bytes[4] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A layer that is too large to be kept in memory when it is read from a stream.
pub fn big_layer() -> Vec<u8> {
    tar(&[("noise", &noise(7, 10_000))])
}

pub fn sha512(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(bytes);
    hasher.finish().to_string()
}
