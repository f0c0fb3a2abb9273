//! Directories of skopeo's `dir:` transport.

use serde_json::{Value, json};

use crate::support::*;

/// Writes a layout as skopeo's `dir:` transport does: `top` becomes manifest.json, and each of `manifests`
/// a file named by its digest.
fn flat_directory(
    scratch: &Scratch,
    name: &str,
    layout: &Layout,
    top: &Value,
    manifests: &[Value],
) {
    scratch.write(
        &format!("{name}/version"),
        b"Directory Transport Version: 1.1\n",
    );
    for blob in &layout.blobs {
        let digest = Value::from(digest(blob));
        let file = match () {
            () if top["digest"] == digest => "manifest.json".to_owned(),
            () if manifests.iter().any(|m| m["digest"] == digest) => {
                format!("{}.manifest.json", hex(blob))
            }
            () => hex(blob),
        };
        scratch.write(&format!("{name}/{file}"), blob);
    }
}

#[test]
fn a_skopeo_dir_gives_the_same_digest_as_the_layout() {
    let scratch = Scratch::new();
    let layout = TestImage::new("linux/arm64").layout(gzipped);
    layout.directory(&scratch, "layout");
    flat_directory(&scratch, "dir", &layout, &layout.index["manifests"][0], &[]);
    let expected = scratch.run(&["merge", "-o", "o1", "layout"]);
    assert_eq!(scratch.run(&["merge", "-o", "o2", "dir"]), expected);

    let (layout, digests) = attested();
    layout.directory(&scratch, "layout2");
    let manifests: Vec<Value> = digests.iter().map(|d| json!({ "digest": d })).collect();
    flat_directory(
        &scratch,
        "dir2",
        &layout,
        &layout.index["manifests"][0],
        &manifests,
    );
    let expected = scratch.run(&["merge", "-o", "o3", "layout2"]);
    assert_eq!(scratch.run(&["merge", "-o", "o4", "dir2"]), expected);
}

#[test]
fn docker_schema_1_is_refused_with_a_hint() {
    let scratch = Scratch::new();
    scratch.write("dir/version", b"Directory Transport Version: 1.1\n");
    scratch.write(
        "dir/manifest.json",
        br#"{"schemaVersion":1,"name":"x","fsLayers":[]}"#,
    );
    let message = scratch.fail(&["merge", "-o", "out", "dir"]);
    assert!(
        message.contains("Docker schema 1") && message.contains("skopeo copy"),
        "{message}"
    );
}
