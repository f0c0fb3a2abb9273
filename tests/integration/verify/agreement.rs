//! Which images skopeo and umoci accept, compared with the verdict of `verify`.
//!
//! The test is skipped if a tool is not installed. `make test` installs both and sets
//! `POLYARCH_TOOLS=required`, with which a missing tool is a failure.

use serde_json::{Value, json};

use super::samples::*;
use crate::support::*;

/// An image of one platform with the tag `latest`.
fn image(edit: Edit<'_>, raw: impl Fn(&str, String) -> String) -> Layout {
    named(layout_of(&images(&BOTH[..1]), gzipped, edit, raw))
}

/// `index.json` names the manifest, because umoci reads image manifests only.
fn named(mut layout: Layout) -> Layout {
    let index: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
    layout.blobs.pop();
    layout.index["manifests"] = index["manifests"].clone();
    let annotations = json!({ "org.opencontainers.image.ref.name": "latest" });
    layout.index["manifests"][0]["annotations"] = annotations;
    layout
}

fn with(part: &'static str, edit: impl Fn(&mut Value)) -> Layout {
    let edit = |name: &str, value: &mut Value| {
        if name == part {
            edit(value);
        }
    };
    image(&edit, |_, text| text)
}

fn encoded(encode: impl Fn(&[u8]) -> (&'static str, Vec<u8>)) -> Layout {
    named(layout_of(
        &images(&BOTH[..1]),
        encode,
        NO_EDIT,
        |_, text| text,
    ))
}

/// Whether an image is accepted by `verify` (without errors), by skopeo and by umoci.
const ALL: [bool; 3] = [true, true, true];
const NONE: [bool; 3] = [false, false, false];
/// skopeo copies layers and configs without reading them.
const SKOPEO: [bool; 3] = [false, true, false];
/// skopeo and umoci read one of two possible values, or not all fields; `verify` reports for all readers.
const NOT_VERIFY: [bool; 3] = [false, true, true];
/// umoci accepts only what it can unpack.
const NOT_UMOCI: [bool; 3] = [true, true, false];
/// umoci has no check for CVE-2021-41190.
const UMOCI: [bool; 3] = [false, false, true];

fn table() -> Vec<(&'static str, Layout, [bool; 3])> {
    let good = || image(NO_EDIT, |_, text| text);
    let layer = |key: &'static str, value: Value| {
        with("manifest0", move |v| v["layers"][0][key] = value.clone())
    };
    let config = |key: &'static str, value: Value| with("config0", move |v| v[key] = value.clone());
    let diff_ids = |ids: Value| with("config0", move |v| v["rootfs"]["diff_ids"] = ids.clone());
    let raw_config = |edit: fn(String) -> String| {
        image(NO_EDIT, move |part, text| match part {
            "config0" => edit(text),
            _ => text,
        })
    };
    let mut missing = good();
    missing.blobs.retain(|blob| digest(blob) != layer_digest());
    let mut stray = good();
    stray.blob("application/x-thing", b"left over");
    let zstd_type = "application/vnd.oci.image.layer.v1.tar+zstd";
    let large = json!({ "a": "a".repeat(5 << 20) });
    vec![
        ("good", good(), ALL),
        ("not compressed", encoded(plain), ALL),
        ("unreferenced blob", stray, ALL),
        ("history count", config("history", json!([{}])), ALL),
        (
            "no media type",
            with("manifest0", |v| v["mediaType"] = Value::Null),
            ALL,
        ),
        ("missing layer", missing, NONE),
        ("wrong size", layer("size", 5.into()), SKOPEO),
        (
            "wrong diff ID",
            diff_ids(json!([digest(b""), digest(b"")])),
            SKOPEO,
        ),
        (
            "cut layer",
            encoded(|l| (gzipped(l).0, gzip(l)[..100].to_vec())),
            SKOPEO,
        ),
        (
            "no tar",
            encoded(|l| (gzipped(l).0, gzip(&noise(1, l.len())))),
            SKOPEO,
        ),
        (
            "plain as gzip",
            encoded(|l| (gzipped(l).0, l.to_vec())),
            SKOPEO,
        ),
        ("layer count", diff_ids(json!([])), SKOPEO),
        (
            "rootfs type",
            with("config0", |v| v["rootfs"]["type"] = "tar".into()),
            SKOPEO,
        ),
        ("bad time", config("created", "today".into()), SKOPEO),
        (
            "type of a field of the config",
            config("config", json!({ "User": 1000 })),
            SKOPEO,
        ),
        (
            "size beyond int64",
            layer("size", (1_u64 << 63).into()),
            NONE,
        ),
        (
            "type of a field of a descriptor",
            layer("urls", "x".into()),
            NONE,
        ),
        (
            "diff ID of a layer that may not be passed on",
            image(
                &|part, value| match part {
                    "manifest0" => {
                        value["layers"][0]["mediaType"] =
                            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".into();
                    }
                    "config0" => value["rootfs"]["diff_ids"][0] = digest(b"").into(),
                    _ => {}
                },
                |_, text| text,
            ),
            SKOPEO,
        ),
        ("bad config", raw_config(|_| "[]".to_owned()), SKOPEO),
        ("no platform", config("os", "".into()), SKOPEO),
        ("zstd", encoded(|l| (zstd_type, zstd(l))), NOT_UMOCI),
        (
            "unknown layer",
            layer("mediaType", "application/x-y".into()),
            NOT_UMOCI,
        ),
        (
            "ambiguous",
            with("manifest0", |v| v["manifests"] = json!([])),
            UMOCI,
        ),
        (
            "duplicate key",
            raw_config(|text| text.replacen('{', r#"{"author":"a","author":"b","#, 1)),
            NOT_VERIFY,
        ),
        (
            "schema version",
            with("manifest0", |v| v["schemaVersion"] = 3.into()),
            NOT_VERIFY,
        ),
        (
            "media type",
            with("manifest0", |v| v["mediaType"] = INDEX.into()),
            NOT_VERIFY,
        ),
        ("wrong data", layer("data", "e30=".into()), NOT_VERIFY),
        (
            "large",
            with("manifest0", move |v| v["annotations"] = large.clone()),
            NOT_VERIFY,
        ),
    ]
}

#[test]
fn skopeo_and_umoci_accept_exactly_the_images_in_the_table() {
    if !have(&["skopeo", "umoci"]) {
        return;
    }
    let mut differs = String::new();
    let mut judge = |name: &str, scratch: &Scratch, expected: [bool; 3]| {
        let skopeo = "skopeo --insecure-policy copy -q oci:image:latest dir:out";
        let umoci = "umoci unpack --rootless --image image:latest bundle";
        let verify = format!("{} verify image", env!("CARGO_BIN_EXE_polyarch"));
        let said = [&*verify, skopeo, umoci].map(|command| {
            let output = std::process::Command::new("sh")
                .current_dir(scratch.path(""))
                .args(["-c", command])
                .output()
                .unwrap();
            (output.status.success(), stderr(&output))
        });
        let found = said.each_ref().map(|(taken, _)| *taken);
        if found != expected {
            differs += &format!("{name}: {expected:?}, found {said:#?}\n");
        }
    };
    for (name, layout, expected) in table() {
        let scratch = Scratch::new();
        layout.directory(&scratch, "image");
        judge(name, &scratch, expected);
    }
    let scratch = Scratch::new();
    image(NO_EDIT, |_, text| text).directory(&scratch, "image");
    change_a_bit(&scratch, &layer_digest());
    judge("wrong digest", &scratch, NONE);
    let scratch = Scratch::new();
    image(NO_EDIT, |_, text| text).directory(&scratch, "image");
    scratch.write("image/oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
    judge("layout version", &scratch, SKOPEO);
    assert!(differs.is_empty(), "{differs}");
}
