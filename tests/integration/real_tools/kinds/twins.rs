//! Kind D: Two images of one platform in one input.

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    fn twins(s: &Scratch) {
        let mut layout = Layout::default();
        let gzip = image(&mut layout, "linux/amd64");
        let mut zstd = image_as(&mut layout, Spec::default().encode(zstd_layer));
        mark(&mut zstd);
        let index = index(&mut layout, &[&gzip, &zstd]);
        with_roots(layout, &[&index]).directory(s, "image");
    }
    /// Two builds of amd64, whose digests the rows know.
    fn builds(s: &Scratch) {
        let mut layout = Layout::default();
        let build = |layout: &mut Layout, content: &[u8]| {
            image_as(
                layout,
                Spec::default()
                    .encode(plain)
                    .layers(vec![tar(&[("content", content)])]),
            )
        };
        let one = build(&mut layout, b"one");
        let two = build(&mut layout, b"two");
        let index = index(&mut layout, &[&one, &two]);
        with_roots(layout, &[&index]).directory(s, "image");
    }
    vec![
        merged(
            "twins of gzip and zstd are both kept, gzip first",
            twins,
            &["--compression", "keep", "image"],
            "linux/amd64,linux/amd64",
        )
        .push()
        .quiet()
        .also(|m| !is_marked(&m.index["manifests"][0]) && is_marked(&m.index["manifests"][1])),
        merged(
            "twins are kept beside another platform",
            |s| {
                twins(s);
                save(s, "arm64.tar", "linux/arm64");
            },
            &["--compression", "keep", "image", "arm64.tar"],
            "linux/amd64,linux/amd64,linux/arm64",
        )
        .push(),
        refused(
            "two builds of one platform are told apart by digests that can be picked",
            builds,
            &["image"],
        )
        .leads("image#@sha256:[0-9a-f]{8,}"),
        merged(
            "a build is picked by its digest",
            builds,
            &["image#@sha256:93d6"],
            "linux/amd64",
        )
        .quiet(),
        refused(
            "a prefix that fits nothing",
            builds,
            &["image#@sha256:0000"],
        )
        .says("(?s)no image.*sha256:"),
        refused("a prefix that fits both", builds, &["image#@sha256:"]).says("sha256:[0-9a-f]{8}"),
    ]
}
