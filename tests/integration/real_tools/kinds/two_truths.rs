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
        )
        .todo(),
        merged(
            "an index.json of an empty list",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":[]}"#),
            &["saved.tar"],
            "linux/amd64",
        )
        .todo(),
        merged(
            "an index.json without a list",
            |s| two_truths(s, r#"{"schemaVersion":2}"#),
            &["saved.tar"],
            "linux/amd64",
        )
        .todo(),
        passed(
            "inspect reads the docker-archive",
            |s| two_truths(s, r#"{"schemaVersion":2,"manifests":null}"#),
            &["inspect", "saved.tar"],
        )
        .todo(),
        merged(
            "a compressed archive of both",
            |s| {
                two_truths(s, r#"{"schemaVersion":2,"manifests":null}"#);
                let bytes = std::fs::read(s.path("saved.tar")).unwrap();
                s.write("saved.tar.gz", &gzip(&bytes));
            },
            &["saved.tar.gz"],
            "linux/amd64",
        )
        .todo(),
        refused(
            "manifest.json names an image that index.json lacks",
            fewer,
            &["saved.tar"],
        )
        .says("manifest.json")
        .says("linux/arm64|a:2")
        .todo(),
        passed(
            "verify reports an image that index.json lacks",
            fewer,
            &["verify", "saved.tar"],
        )
        .says("a:2|linux/arm64")
        .todo(),
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
