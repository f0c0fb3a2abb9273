//! Kind J: Annotations that speak of the bytes of a layer, an image or an index that was changed.

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    fn overlaybd(m: &mut Value) {
        m["layers"][0]["annotations"] = json!({
            "containerd.io/snapshot/overlaybd/blob-digest": m["layers"][0]["digest"],
            "containerd.io/snapshot/overlaybd/blob-size": m["layers"][0]["size"].to_string(),
        });
    }
    fn stargz(m: &mut Value) {
        m["layers"][0]["annotations"] = json!({
            "containerd.io/snapshot/stargz/toc.digest": digest(b"toc"),
            "io.containers.estargz.uncompressed-size": "7",
        });
    }
    fn nydus(m: &mut Value) {
        m["layers"][0]["annotations"] = json!({ "containerd.io/snapshot/nydus-bootstrap": "true" });
    }
    fn soci(m: &mut Value) {
        m["annotations"] = json!({ "com.amazon.soci.index-digest": digest(b"soci") });
    }
    fn mine(m: &mut Value) {
        m["layers"][0]["annotations"] = json!({ "org.example.mine": "kept" });
    }
    fn encrypted(layer: &[u8]) -> (&'static str, Vec<u8>) {
        (
            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
            layer.iter().map(|b| !b).collect(),
        )
    }
    fn keys(m: &mut Value) {
        m["layers"][0]["annotations"] = json!({
            "org.opencontainers.image.enc.keys.jwe": "key", "org.opencontainers.image.enc.pubopts": "e30=",
        });
    }
    vec![
        // containerd/accelerated-container-image#79
        merged(
            "overlaybd's annotations of a layer that was compressed",
            |s| annotated(s, plain, overlaybd),
            &["image"],
            "linux/amd64",
        )
        .says("overlaybd")
        .also(|m| !has(m, "containerd.io/snapshot/overlaybd/blob-digest")),
        merged(
            "overlaybd's annotations of a layer that was kept",
            |s| annotated(s, plain, overlaybd),
            &["--compression", "keep", "image"],
            "linux/amd64",
        )
        .quiet()
        .also(|m| has(m, "containerd.io/snapshot/overlaybd/blob-digest")),
        merged(
            "eStargz' annotations of a layer that was decompressed",
            |s| annotated(s, gzipped, stargz),
            &["--compression", "none", "image"],
            "linux/amd64",
        )
        .says("stargz")
        .also(|m| !has(m, "containerd.io/snapshot/stargz/toc.digest")),
        merged(
            "eStargz' annotations of a layer that was kept",
            |s| annotated(s, gzipped, stargz),
            &["image"],
            "linux/amd64",
        )
        .quiet()
        .also(|m| has(m, "containerd.io/snapshot/stargz/toc.digest")),
        merged(
            "nydus' annotations of a layer that was decompressed",
            |s| annotated(s, gzipped, nydus),
            &["--compression", "none", "image"],
            "linux/amd64",
        )
        .says("nydus")
        .also(|m| !has(m, "containerd.io/snapshot/nydus-bootstrap")),
        merged(
            "the SOCI index of an image that was changed",
            |s| annotated(s, plain, soci),
            &["image"],
            "linux/amd64",
        )
        .says("soci")
        .also(|m| {
            m.manifests[0]["annotations"]
                .get("com.amazon.soci.index-digest")
                .is_none()
        }),
        merged(
            "the SOCI index of an image that was kept",
            |s| annotated(s, gzipped, soci),
            &["image"],
            "linux/amd64",
        )
        .also(|m| {
            m.manifests[0]["annotations"]
                .get("com.amazon.soci.index-digest")
                .is_some()
        }),
        merged(
            "anybody's annotation of a layer that was compressed",
            |s| annotated(s, plain, mine),
            &["image"],
            "linux/amd64",
        )
        .quiet()
        .also(|m| has(m, "org.example.mine")),
        merged(
            "an encrypted layer",
            |s| annotated(s, encrypted, keys),
            &["image"],
            "linux/amd64",
        )
        .says("(?m)^warning.*encrypted"),
        merged(
            "annotations of a nested index",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let inner = index_as(&mut layout, &[&amd64], |i| {
                    i["annotations"] = json!({ "org.example.inner": "1" })
                });
                let outer = index(&mut layout, &[&inner]);
                with_roots(layout, &[&outer]).directory(s, "image");
            },
            &["image"],
            "linux/amd64",
        )
        .also(|m| m.index["annotations"]["org.example.inner"] == "1"),
        merged(
            "annotations of the descriptor of a nested index",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let mut inner = index(&mut layout, &[&amd64]);
                inner["annotations"] = json!({ "org.example.descriptor": "1" });
                let outer = index(&mut layout, &[&inner]);
                with_roots(layout, &[&outer]).directory(s, "image");
            },
            &["image"],
            "linux/amd64",
        )
        .says("org.example.descriptor"),
        merged(
            "annotations of index.json",
            |s| both(s, |i| i["annotations"] = json!({ "org.example.root": "1" })),
            &["image"],
            "linux/amd64,linux/arm64",
        ),
        merged(
            "annotations of descriptors in index.json",
            |s| {
                both(s, |i| {
                    i["manifests"][0]["annotations"] = json!({ "org.example.descriptor": "1" })
                })
            },
            &["image"],
            "linux/amd64,linux/arm64",
        ),
        merged(
            "other fields of descriptors in index.json",
            |s| both(s, |i| i["manifests"][0]["org.example"] = "1".into()),
            &["image"],
            "linux/amd64,linux/arm64",
        )
        .says("org.example"),
    ]
}

/// A layout, `image`, whose first layer says in annotations what its bytes are.
fn annotated(
    scratch: &Scratch,
    encode: fn(&[u8]) -> (&'static str, Vec<u8>),
    edit: fn(&mut Value),
) {
    one(scratch, Spec::default().encode(encode).edit(edit));
}

fn has(merged: &Merged, key: &str) -> bool {
    let annotations = &merged.manifests[0]["layers"][0]["annotations"];
    annotations.get(key).is_some()
}
