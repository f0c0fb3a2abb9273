//! Guarantee 8: media types, annotations and fields that polyarch does not know are kept.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn guarantee_8_unknown_layers_fields_and_annotations_are_kept() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    let mut layout = image.layout(plain);
    // An unknown layer, and unknown fields in every document. The other layers are compressed, so the
    // manifest is changed.
    let unknown = layout.blob("application/x.unknown", &noise(6, 1000));
    let manifest = layout.blobs.remove(layout.blobs.len() - 2);
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut config: Value = serde_json::from_slice(&layout.blobs.remove(0)).unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
    diff_ids.push(unknown["digest"].clone());
    config["org.example.new"] = json!({ "deep": [1, 2.5, null] });
    let config = serde_json::to_vec(&config).unwrap();
    manifest["config"] = layout.blob("application/vnd.oci.image.config.v1+json", &config);
    manifest["layers"]
        .as_array_mut()
        .unwrap()
        .push(unknown.clone());
    manifest["layers"][0]["annotations"] = json!({ "of": "a layer" });
    manifest["layers"][0]["urls"] = json!(["https://example.org/layer"]);
    manifest["annotations"] = json!({ "of": "a manifest" });
    manifest["newField"] = json!({ "a": [1] });
    let mut descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    descriptor["annotations"] =
        json!({ "of": "a descriptor", "org.opencontainers.image.ref.name": "old" });
    descriptor["artifactType"] = "application/x.type".into();
    descriptor["platform"] = json!({ "os": "linux", "architecture": "amd64", "features": ["x"] });
    let inner = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor],
        "annotations": { "of": "an index" }, "artifactType": "application/x.index",
        "newField": serde_json::from_str::<Value>("123456789012345678901234567890").unwrap(),
    });
    let mut inner = layout.blob(INDEX, &serde_json::to_vec(&inner).unwrap());
    inner["annotations"] = json!({ "of": "the descriptor of an index" });
    layout.index = json!({
        "schemaVersion": 2, "manifests": [inner], "annotations": { "of index.json": "too" },
    });
    layout.directory(&scratch, "in");
    scratch.write("in.tar.gz", &gzip(&layout.archive()));

    let merged = scratch.merge(&["in"]);
    assert_eq!(
        scratch.run(&["merge", "-o", "out.tar", "in.tar.gz"]),
        merged.digest
    );
    let written = &merged.manifests[0];
    assert_eq!(written["layers"][2], unknown);
    assert_eq!(
        written["layers"][0]["annotations"],
        manifest["layers"][0]["annotations"]
    );
    // The URLs are dropped, because they serve the uncompressed layer.
    assert_eq!(written["layers"][0].get("urls"), None);
    assert_eq!(written["annotations"], manifest["annotations"]);
    assert_eq!(written["newField"], manifest["newField"]);
    let annotations = json!({ "of": "an index", "of index.json": "too" });
    assert_eq!(merged.index["annotations"], annotations);
    assert_eq!(merged.index["artifactType"], "application/x.index");
    assert_eq!(
        merged.index["newField"].to_string(),
        "123456789012345678901234567890"
    );
    let of_root = &merged.root["manifests"][0]["annotations"];
    assert_eq!(of_root["of"], "the descriptor of an index");
    let found = &merged.index["manifests"][0];
    assert_eq!(found["annotations"]["of"], "a descriptor");
    assert_eq!(found["artifactType"], "application/x.type");
    assert_eq!(found["platform"]["features"], json!(["x"]));
    assert_eq!(
        merged.configs[0]["org.example.new"]["deep"],
        json!([1, 2.5, null])
    );
}
