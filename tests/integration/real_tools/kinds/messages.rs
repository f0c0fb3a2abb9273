//! Kind K: messages that name the fault and the fix.

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    // containers/podman#18193, bazel-contrib/rules_oci#250
    let compressed: [(&'static str, Write, &'static str); 4] = [
        ("a layer of xz", |s| layer_of(s, XZ), "xz"),
        (
            "a layer of bzip2",
            |s| layer_of(s, b"BZh91AY&SYrest"),
            "bzip2",
        ),
        (
            "a layer of lz4",
            |s| layer_of(s, b"\x04\x22\x4d\x18rest"),
            "lz4",
        ),
        (
            "a layer of xz in a docker-archive",
            |s| {
                let archive = TestImage::new("linux/amd64").docker_archive();
                let edit = |name: &str, content| match name.ends_with("layer.tar") {
                    true => XZ.to_vec(),
                    false => content,
                };
                s.write("image", &rewritten(&archive, edit));
            },
            "xz",
        ),
    ];
    let compressed = compressed.map(|(name, write, format)| {
        refused(name, write, &["image"])
            .says(format)
            .says("gzip or zstd")
            .never("damaged")
    });
    let mut rows = vec![
        refused(
            "a layout in a directory of an archive",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let archive = with_roots(layout, &[&amd64]).archive();
                s.write("image.tar", &in_a_directory(&archive));
            },
            &["image.tar"],
        )
        .says("in/"),
        refused(
            "a docker-archive in a directory of an archive",
            |s| {
                let archive = TestImage::new("linux/amd64").docker_archive();
                s.write("image.tar", &in_a_directory(&archive));
            },
            &["image.tar"],
        )
        .says("in/"),
        refused(
            "a directory without oci-layout",
            |s| {
                one(s, Spec::default());
                std::fs::remove_file(s.path("image/oci-layout")).unwrap();
            },
            &["image"],
        )
        .says("oci-layout.*index.json|index.json.*oci-layout"),
        refused(
            "an archive without oci-layout",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let mut files = with_roots(layout, &[&amd64]).files();
                files.retain(|(name, _)| name != "oci-layout");
                let files: Vec<(&str, &[u8])> =
                    files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
                s.write("image.tar", &tar(&files));
            },
            &["image.tar"],
        )
        .says("oci-layout")
        .never("without .*index.json"),
        // moby/moby#18168
        row(
            "a tag with a plus",
            |s| save(s, "a.tar", "linux/amd64"),
            &["--name", "me/app", "--tag", "1.0+git", "a.tar"],
            Right::Misused,
        )
        .says("(?i)tag.*(letters|plus|[+]).*(dash|digit)|is not a tag")
        .never("lower case"),
        refused(
            "a list of images shows the platforms of an index",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let arm64 = image(&mut layout, "linux/arm64");
                let one = index(&mut layout, &[&amd64, &arm64]);
                let two = index(&mut layout, &[&amd64]);
                let (one, two) = (named(one, "v1"), named(two, "v2"));
                with_roots(layout, &[&one, &two]).directory(s, "image");
            },
            &["image"],
        )
        .says("#v1.*linux/amd64.*linux/arm64"),
        refused(
            "a list of images shows the platform of a manifest",
            |s| {
                let mut layout = Layout::default();
                let mut amd64 = image(&mut layout, "linux/amd64");
                let mut arm64 = image(&mut layout, "linux/arm64");
                for descriptor in [&mut amd64, &mut arm64] {
                    descriptor.as_object_mut().unwrap().remove("platform");
                }
                let (amd64, arm64) = (named(amd64, "a"), named(arm64, "b"));
                with_roots(layout, &[&amd64, &arm64]).directory(s, "image");
            },
            &["image"],
        )
        .says("#a.*linux/amd64")
        .says("#b.*linux/arm64"),
    ];
    rows.extend(compressed);
    rows
}

const XZ: &[u8] = b"\xfd7zXZ\0\0\x04rest";

/// A layout, `image`, whose layer has these bytes and the type of one that is not compressed.
fn layer_of(scratch: &Scratch, bytes: &'static [u8]) {
    let mut layout = Layout::default();
    let spec = Spec::default().layers(vec![tar(&[("file", b"content")])]);
    let descriptor = image_as(&mut layout, spec.encode(plain));
    let manifest = layout.blobs.pop().unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    manifest["layers"] = json!([layout.blob(plain(bytes).0, bytes)]);
    let manifest = document(&mut layout, MANIFEST, &manifest);
    assert_ne!(manifest["digest"], descriptor["digest"]);
    with_roots(layout, &[&manifest]).directory(scratch, "image");
}

/// The same files in the directory `in/`.
fn in_a_directory(archive: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = format!("in/{}", entry.path().unwrap().to_str().unwrap());
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        let header = tar_header(&name, content.len() as u64);
        builder.append(&header, &*content).unwrap();
    }
    builder.into_inner().unwrap()
}
