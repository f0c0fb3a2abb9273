//! Inputs that several kinds share.

use std::io::Read;

use serde_json::Value;

use crate::real_tools::writer::*;
use crate::support::*;

/// An ordinary docker-archive.
pub fn save(scratch: &Scratch, name: &str, platform: &str) {
    scratch.write(name, &TestImage::new(platform).docker_archive());
}

/// A layout, `image`, of one image.
pub fn one(scratch: &Scratch, spec: Spec) {
    let mut layout = Layout::default();
    let descriptor = image_as(&mut layout, spec);
    with_roots(layout, &[&descriptor]).directory(scratch, "image");
}

/// A layout, `image`, of an index of both architectures, whose `index.json` is edited.
pub fn both(scratch: &Scratch, edit: fn(&mut Value)) {
    let mut layout = Layout::default();
    let amd64 = image(&mut layout, "linux/amd64");
    let arm64 = image(&mut layout, "linux/arm64");
    let index = index(&mut layout, &[&amd64, &arm64]);
    let mut layout = with_roots(layout, &[&index]);
    edit(&mut layout.index);
    layout.directory(scratch, "image");
}

pub fn zstd_layer(layer: &[u8]) -> (&'static str, Vec<u8>) {
    ("application/vnd.oci.image.layer.v1.tar+zstd", zstd(layer))
}

pub fn docker_layer(layer: &[u8]) -> (&'static str, Vec<u8>) {
    (
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        gzip(layer),
    )
}

pub const ZSTD_MARK: &str = "io.github.containers.compression.zstd";

pub fn is_marked(descriptor: &Value) -> bool {
    descriptor["annotations"][ZSTD_MARK] == "true"
}

pub fn mark(descriptor: &mut Value) {
    descriptor["annotations"][ZSTD_MARK] = "true".into();
}

/// A tar whose entries have the content that `edit` gives them, by their names.
pub fn rewritten(archive: &[u8], edit: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let content = edit(&name, content);
        let header = tar_header(&name, content.len() as u64);
        builder.append(&header, &*content).unwrap();
    }
    builder.into_inner().unwrap()
}
