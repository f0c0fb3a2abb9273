//! Kind A: skopeo of today adds `io.github.containers.compression.zstd` to the descriptors of images with
//! layers of zstd, and fails where it must not change the index (containers/image `oci_index.go`).

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    vec![
        merged(
            "layers that are compressed with zstd",
            |s| save(s, "image", "linux/amd64"),
            &["--compression", "zstd", "image"],
            "linux/amd64",
        )
        .push()
        .quiet()
        .todo(),
        kept("layers of zstd that are kept", |s| {
            one(s, Spec::default().encode(zstd_layer))
        })
        .quiet()
        .todo(),
        kept("layers of zstd that are called gzip", |s| {
            let encode = |layer: &[u8]| (docker_layer(layer).0, zstd(layer));
            one(s, Spec::default().docker().encode(encode))
        })
        .todo(),
        kept("an image that is marked already", marked).quiet(),
        merged(
            "one image of zstd, one of gzip",
            |s| {
                one(s, Spec::default().encode(zstd_layer));
                save(s, "b.tar", "linux/arm64");
            },
            &["image", "b.tar"],
            "linux/amd64,linux/arm64",
        )
        .push()
        .quiet()
        .also(|m| is_marked(&m.index["manifests"][0]) && !is_marked(&m.index["manifests"][1]))
        .todo(),
        merged(
            "an image that was marked and is decompressed",
            marked,
            &["--compression", "none", "image"],
            "linux/amd64",
        )
        .push()
        .also(|m| !is_marked(&m.index["manifests"][0]))
        .todo(),
        // Only what has the media type of a layer counts.
        kept("an attestation whose blob is of zstd needs no mark", |s| {
            let mut layout = Layout::default();
            let amd64 = image(&mut layout, "linux/amd64");
            let attestation = attestation_of(&mut layout, &amd64, &zstd(b"statement"));
            let index = index(&mut layout, &[&amd64, &attestation]);
            with_roots(layout, &[&index]).directory(s, "image");
        })
        .quiet(),
    ]
}

fn kept(name: &'static str, write: fn(&Scratch)) -> Row {
    merged(name, write, &["image"], "linux/amd64").push()
}

/// What podman and skopeo write.
fn marked(scratch: &Scratch) {
    let mut layout = Layout::default();
    let mut amd64 = image_as(&mut layout, Spec::default().encode(zstd_layer));
    mark(&mut amd64);
    let index = index(&mut layout, &[&amd64]);
    with_roots(layout, &[&index]).directory(scratch, "image");
}
