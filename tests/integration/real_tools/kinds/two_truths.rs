//! Kind F: Archives that are a layout and a docker-archive (Docker 25 and later).

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    fn fewer(s: &Scratch) {
        let mut layout = Layout::default();
        let one = image(&mut layout, "linux/amd64");
        let two = image_as(&mut layout, Spec::of("linux/arm64"));
        let items = json!([
            docker_item(&layout, &one, Some("a:1")),
            docker_item(&layout, &two, Some("a:2"))
        ]);
        drop_blob(&mut layout, &two);
        let layout = with_roots(layout, &[&one]);
        s.write("saved.tar", &with_docker_manifest(&layout, &items));
    }
    fn unnamed(s: &Scratch) {
        let mut layout = Layout::default();
        let one = image(&mut layout, "linux/amd64");
        let two = image_as(&mut layout, Spec::of("linux/arm64"));
        let items = json!([
            docker_item(&layout, &one, None),
            docker_item(&layout, &two, None)
        ]);
        drop_blob(&mut layout, &two);
        let layout = with_roots(layout, &[&one]);
        s.write("saved.tar", &with_docker_manifest(&layout, &items));
    }
    fn same_name(s: &Scratch) {
        let mut layout = Layout::default();
        let one = image(&mut layout, "linux/amd64");
        let two = image_as(
            &mut layout,
            Spec::of("linux/amd64").layers(vec![tar(&[("other", b"image")])]),
        );
        let items = json!([docker_item(&layout, &two, Some("a:1"))]);
        drop_blob(&mut layout, &two);
        let layout = with_roots(layout, &[&named(one, "a:1")]);
        s.write("saved.tar", &with_docker_manifest(&layout, &items));
    }
    fn sparse(s: &Scratch) {
        let mut layout = Layout::default();
        let amd64 = image(&mut layout, "linux/amd64");
        let arm64 = image(&mut layout, "linux/arm64");
        let items = json!([docker_item(&layout, &amd64, Some("a:1"))]);
        let index = named(index(&mut layout, &[&amd64, &arm64]), "a:1");
        drop_blob(&mut layout, &arm64);
        let layout = with_roots(layout, &[&index]);
        s.write("saved.tar", &with_docker_manifest(&layout, &items));
    }
    fn agrees(s: &Scratch) {
        let mut layout = Layout::default();
        let one = image(&mut layout, "linux/amd64");
        let items = json!([docker_item(&layout, &one, Some("a:1"))]);
        let layout = with_roots(layout, &[&one]);
        s.write("saved.tar", &with_docker_manifest(&layout, &items));
    }
    vec![
        // moby/moby#47210
        merged(
            "an index.json of null",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":null}"#),
            &["saved.tar"],
            "linux/amd64",
        ),
        merged(
            "an index.json of an empty list",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":[]}"#),
            &["saved.tar"],
            "linux/amd64",
        ),
        merged(
            "an index.json without a list",
            |s| two_truths(s, r#"{"schemaVersion":2}"#),
            &["saved.tar"],
            "linux/amd64",
        ),
        passed(
            "inspect reads the docker-archive",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":null}"#),
            &["inspect", "saved.tar"],
        ),
        merged(
            "a compressed archive of both",
            |s| {
                two_truths(s, r#"{"schemaVersion":2,"manifests":null}"#);
                let bytes = std::fs::read(s.path("saved.tar")).unwrap();
                s.write("saved.tar.gz", &gzip(&bytes));
            },
            &["saved.tar.gz"],
            "linux/amd64",
        ),
        refused(
            "manifest.json names an image that index.json lacks",
            fewer,
            &["saved.tar"],
        )
        .says("manifest.json")
        .says("linux/arm64|a:2")
        .leads("saved.tar#a:2"),
        passed(
            "verify reports an image that index.json lacks",
            fewer,
            &["verify", "saved.tar"],
        )
        .says("a:2|linux/arm64"),
        merged(
            "an image of index.json is picked",
            fewer,
            &["saved.tar#@0"],
            "linux/amd64",
        ),
        merged(
            "an image of manifest.json is picked",
            fewer,
            &["saved.tar#a:2"],
            "linux/arm64",
        ),
        merged(
            "both are picked",
            fewer,
            &["saved.tar#@0", "saved.tar#a:2"],
            "linux/amd64,linux/arm64",
        ),
        passed(
            "inspect picks an image of manifest.json",
            fewer,
            &["inspect", "saved.tar#a:2"],
        )
        .says("linux/arm64"),
        passed(
            "verify picks an image of manifest.json",
            fewer,
            &["verify", "saved.tar#a:2"],
        )
        .says("linux/arm64"),
        refused(
            "a name of manifest.json for an image that index.json has without it",
            fewer,
            &["saved.tar#a:1"],
        )
        .says("no image #a:1; it has")
        .says("#@0"),
        merged(
            "the image that index.json lacks is of another platform",
            fewer,
            &["--platform", "linux/amd64", "saved.tar"],
            "linux/amd64",
        )
        .quiet(),
        refused(
            "the image that index.json lacks is the wanted one",
            fewer,
            &["--platform", "linux/arm64", "saved.tar"],
        )
        .says("manifest.json has images that index.json lacks: a:2 .linux/arm64."),
        refused(
            "inspect does not show one of two images",
            fewer,
            &["inspect", "saved.tar"],
        )
        .says("a:2"),
        refused(
            "the image that index.json lacks has no name",
            unnamed,
            &["saved.tar"],
        )
        .says("skopeo copy docker-archive:saved.tar:@1"),
        refused("two images of one name", same_name, &["saved.tar"])
            .says("skopeo copy docker-archive:saved.tar:@0")
            .never("saved.tar#a:1"),
        refused(
            "two images of one name that is picked",
            same_name,
            &["saved.tar#a:1"],
        )
        .says("skopeo copy docker-archive:saved.tar:@0"),
        merged(
            "a sparse archive with the manifest.json of one platform",
            sparse,
            &["linux/amd64=saved.tar"],
            "linux/amd64",
        )
        .quiet(),
        refused(
            "a sparse archive with the manifest.json of one platform, all of it",
            sparse,
            &["saved.tar"],
        )
        .says("--platform linux/amd64"),
        passed(
            "verify reads the docker-archive",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":null}"#),
            &["verify", "saved.tar"],
        )
        .says("docker-archive, linux/amd64")
        .says(r"(?m)warning: index.json has no image.*\[index-mismatch\]"),
        refused(
            "an index.json of null in two spellings",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":null,"Manifests":[1]}"#),
            &["saved.tar"],
        )
        .says("ambiguous"),
        refused(
            "an index.json that is a manifest too",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#),
            &["saved.tar"],
        )
        .says("ambiguous"),
        merged("both say the same", agrees, &["saved.tar"], "linux/amd64").quiet(),
        refused(
            "an index.json without images alone",
            |s| {
                let index = json!({ "schemaVersion": 2, "manifests": null });
                let layout = Layout {
                    index,
                    ..Layout::default()
                };
                layout.directory(s, "image");
            },
            &["image"],
        )
        .says("no image"),
    ]
}

/// A layout with this `index.json` and a docker-archive in the same file, `saved.tar`: what Docker 25.0.0
/// to 25.0.2 saved of an image by its ID.
fn two_truths(scratch: &Scratch, index: &str) {
    let mut layout = Layout::default();
    let spec = Spec::default().docker().encode(docker_layer);
    let descriptor = image_as(&mut layout, spec);
    let items = json!([docker_item(&layout, &descriptor, None)]);
    drop_blob(&mut layout, &descriptor);
    layout.index = serde_json::from_str(index).unwrap();
    scratch.write("saved.tar", &with_docker_manifest(&layout, &items));
}
