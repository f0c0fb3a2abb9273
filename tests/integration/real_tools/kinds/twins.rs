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
        merged(
            "twins that are decompressed become one image",
            twins,
            &["--compression", "none", "image"],
            "linux/amd64",
        )
        .push()
        .says("(?m)^warning.*the same image for linux/amd64.*only the first is kept"),
        merged(
            "twins under an assertion",
            twins,
            &["linux/amd64=image"],
            "linux/amd64,linux/amd64",
        )
        .quiet(),
        merged(
            "twins in index.json itself",
            |s| {
                let mut layout = Layout::default();
                let gzip = image(&mut layout, "linux/amd64");
                let mut zstd = image_as(&mut layout, Spec::default().encode(zstd_layer));
                mark(&mut zstd);
                with_roots(layout, &[&zstd, &gzip]).directory(s, "image");
            },
            &["image"],
            "linux/amd64,linux/amd64",
        )
        .push()
        .quiet()
        .also(|m| !is_marked(&m.index["manifests"][0]) && is_marked(&m.index["manifests"][1])),
        merged(
            "an image and its zstd twin from another input",
            |s| {
                one(s, Spec::default().encode(zstd_layer));
                save(s, "gzip.tar", "linux/amd64");
            },
            &["image", "gzip.tar"],
            "linux/amd64,linux/amd64",
        )
        .push()
        .quiet(),
        refused(
            "two builds in two inputs are not twins",
            |s| {
                let layers = vec![tar(&[("other", b"build")])];
                one(s, Spec::default().encode(zstd_layer).layers(layers));
                save(s, "gzip.tar", "linux/amd64");
            },
            &["image", "gzip.tar"],
        )
        .says("two images for the platform linux/amd64")
        .says("leave one of the two out"),
        refused(
            "an image in gzip that is marked as zstd is not a twin",
            |s| {
                let mut layout = Layout::default();
                let one = image(&mut layout, "linux/amd64");
                let layers = vec![tar(&[("other", b"build")])];
                let mut two = image_as(&mut layout, Spec::default().layers(layers));
                mark(&mut two);
                let index = index(&mut layout, &[&one, &two]);
                with_roots(layout, &[&index]).directory(s, "image");
            },
            &["image"],
        )
        .leads("image#@sha256:[0-9a-f]{8,}"),
        merged(
            "twins are consistent",
            twins,
            &["--consistency=error", "image"],
            "linux/amd64,linux/amd64",
        )
        .quiet(),
        passed("twins are verified", twins, &["verify", "image"])
            .never("warning:|duplicate-platform"),
        passed("twins are shown", twins, &["inspect", "image"])
            .says("(?s)linux/amd64.*linux/amd64"),
        passed("twins are analyzed", twins, &["analyze", "image"])
            .says("(?s)\nlinux/amd64\\n.*\\nlinux/amd64\\n"),
        passed(
            "twins are compared with those of the same compression",
            twins,
            &["diff", "image", "image"],
        )
        .says("(?s)linux/amd64: the same.*linux/amd64: the same"),
        row(
            "a document of one of the twins",
            twins,
            &["inspect", "--raw=manifest", "image"],
            Right::Refused,
        )
        .says("pick one with image#@sha256:[0-9a-f]+ or image#@sha256:")
        .says("linux/amd64  zstd"),
        refused(
            "two builds of one platform are distinguished by digests that can be picked",
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
