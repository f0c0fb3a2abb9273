//! Kind A: current skopeo adds `io.github.containers.compression.zstd` to the descriptors of images with
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
        .quiet(),
        kept("layers of zstd that are kept", |s| {
            one(s, Spec::default().encode(zstd_layer))
        })
        .quiet(),
        kept("layers of zstd that are called gzip", |s| {
            let encode = |layer: &[u8]| (docker_layer(layer).0, zstd(layer));
            one(s, Spec::default().docker().encode(encode))
        }),
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
        .also(|m| is_marked(&m.index["manifests"][0]) && !is_marked(&m.index["manifests"][1])),
        merged(
            "an image that was marked and is decompressed",
            marked,
            &["--compression", "none", "image"],
            "linux/amd64",
        )
        .push()
        .also(|m| !is_marked(&m.index["manifests"][0])),
        kept("one zstd layer above a gzip layer", |s| {
            let layers = vec![tar(&[("one", b"1")]), tar(&[("two", b"2")])];
            let encode = |layer: &[u8]| match layer.starts_with(b"two") {
                true => zstd_layer(layer),
                false => gzipped(layer),
            };
            one(s, Spec::default().encode(encode).layers(layers))
        })
        .quiet(),
        kept("an image that is marked as false", |s| {
            let mut layout = Layout::default();
            let mut amd64 = image_as(&mut layout, Spec::default().encode(zstd_layer));
            mark(&mut amd64);
            amd64["annotations"][ZSTD_MARK] = "false".into();
            let index = index(&mut layout, &[&amd64]);
            with_roots(layout, &[&index]).directory(s, "image");
        }),
        kept("a gzip image that is marked", |s| {
            let mut layout = Layout::default();
            let mut amd64 = image(&mut layout, "linux/amd64");
            mark(&mut amd64);
            let index = index(&mut layout, &[&amd64]);
            with_roots(layout, &[&index]).directory(s, "image");
        })
        .never("(?m)^warning")
        .also(|m| !is_marked(&m.index["manifests"][0])),
        merged(
            "an annotation of the user does not change the mark",
            |s| save(s, "image", "linux/amd64"),
            &[
                "--annotation=manifest-descriptor:io.github.containers.compression.zstd=false",
                "--compression=zstd",
                "image",
            ],
            "linux/amd64",
        )
        .push()
        .quiet(),
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
