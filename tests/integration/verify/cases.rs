//! For each rule, an image that breaks it.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::samples::*;
use crate::real_tools::writer::{artifact, document, image, index, platform, with_roots};
use crate::support::*;

const ATTESTATION: &str = "application/vnd.docker.attestation.manifest.v1+json";

/// An image, and the rules that it breaks.
pub struct Case {
    pub arguments: &'static [&'static str],
    pub write: Box<dyn Fn(&Scratch)>,
    pub expected: &'static [&'static str],
}

pub fn case(
    expected: &'static [&'static str],
    arguments: &'static [&'static str],
    write: impl Fn(&Scratch) + 'static,
) -> Case {
    let write = Box::new(write);
    Case {
        arguments,
        write,
        expected,
    }
}

/// A damaged layout, called `image`.
pub fn layout(expected: &'static [&'static str], layout: impl Fn() -> Layout + 'static) -> Case {
    case(expected, &["image"], move |scratch| {
        layout().directory(scratch, "image")
    })
}

/// A damaged archive, called `image`.
pub fn file(expected: &'static [&'static str], bytes: impl Fn() -> Vec<u8> + 'static) -> Case {
    case(expected, &["image"], move |scratch| {
        scratch.write("image", &bytes());
    })
}

pub fn all() -> Vec<Case> {
    let tables = [
        inputs(),
        blobs(),
        documents(),
        platforms(),
        layouts(),
        archives(),
    ];
    tables.into_iter().flatten().collect()
}

fn inputs() -> Vec<Case> {
    vec![
        case(&["not-found"], &["image"], |_| ()),
        case(&["not-found"], &["image#v1"], |_| ()),
        case(&["unreadable"], &["file/image"], |scratch| {
            scratch.write("file", b"");
        }),
        file(&["not-an-image"], || b"#!/bin/sh\n".to_vec()),
        file(&["corrupt"], || {
            let bytes = gzip(&docker_archive(|_| ()));
            bytes[..bytes.len() / 2].to_vec()
        }),
        file(&["corrupt"], || docker_archive(|_| ())[..700].to_vec()),
        // An empty index.
        layout(&["no-image"], || {
            let mut layout = part("index", |value| value["manifests"] = json!([]));
            let index = layout.blobs.pop().unwrap();
            layout.blobs = vec![index];
            layout
        }),
        layout(&["no-image"], || {
            let root = |value: &mut Value| value["manifests"] = json!([]);
            Layout {
                blobs: Vec::new(),
                ..part("root", root)
            }
        }),
        case(&["no-such-image"], &["image#v2"], |s| {
            good().directory(s, "image")
        }),
        case(&["wrong-platform"], &["linux/arm64=image"], |scratch| {
            scratch.write("image", &docker_archive(|_| ()));
        }),
        case(&["wrong-platform"], &["linux/s390x=image"], |s| {
            good().directory(s, "image")
        }),
        case(&["several-platforms"], &["linux/arm=image"], |s| {
            let arm = images(&["linux/arm/v7", "linux/arm/v6"]);
            layout_of(&arm, gzipped, NO_EDIT, |_, text| text).directory(s, "image")
        }),
        file(&["unsupported-conf"], || {
            br#"{ "store_dir": "/nix/store", "os": "linux" }"#.to_vec()
        }),
        case(&["store-paths"], &["image"], |scratch| {
            let digest = digest(b"");
            let layer = json!({
                "digest": digest, "diff_ids": digest, "size": 1024, "mediatype": plain(b"").0,
                "paths": [{ "path": "/nix/store/nowhere" }],
            });
            let image =
                json!({ "version": 1, "arch": "amd64", "image-config": {}, "layers": [layer] });
            scratch.write("image", image.to_string().as_bytes());
        }),
    ]
}

fn blobs() -> Vec<Case> {
    vec![
        layout(&["missing"], || {
            let mut layout = good();
            layout.blobs.retain(|blob| digest(blob) != layer_digest());
            layout
        }),
        file(&["missing"], || {
            let config = TestImage::new("linux/amd64").config_bytes();
            let manifest = br#"[{"Config":"c","Layers":["a","a"]}]"#;
            tar(&[("c", &config), ("manifest.json", manifest)])
        }),
        layout(&["wrong-size"], || {
            part("manifest0", |value| {
                // No other image has this layer, with the right size.
                let size = value["layers"][1]["size"].as_u64().unwrap();
                value["layers"][1]["size"] = (size + 1).into();
            })
        }),
        case(&["wrong-digest"], &["image"], |scratch| {
            good().directory(scratch, "image");
            change_a_bit(scratch, &layer_digest());
        }),
        // A document with a wrong digest is still read if that is possible.
        case(&["wrong-digest", "bad-time"], &["image"], |scratch| {
            let layout = edited(&|part, value| match part {
                "index" => value["annotations"] = json!({ "a": "abc" }),
                "config0" => value["created"] = "today".into(),
                _ => {}
            });
            layout.directory(scratch, "image");
            let digest = layout.index["manifests"][0]["digest"].as_str().unwrap();
            let path = scratch.path(&format!("image/blobs/{}", digest.replace(':', "/")));
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("abc", "abd")).unwrap();
        }),
        layout(&["wrong-diff-id"], || {
            part("config0", |value| {
                value["rootfs"]["diff_ids"][0] = digest(b"").into()
            })
        }),
        file(&["wrong-diff-id"], || {
            let mut bytes = docker_archive(|_| ());
            bytes[512] ^= 1;
            bytes
        }),
        // The digest is correct, but the blob cannot be decompressed.
        layout(&["corrupt"], || {
            let cut = |layer: &[u8]| {
                let bytes = gzip(layer);
                (gzipped(layer).0, bytes[..bytes.len() - 4].to_vec())
            };
            layout_of(&images(&BOTH), cut, NO_EDIT, |_, text| text)
        }),
        layout(&["wrong-data"], || {
            // As long as the manifest, so only the digest differs.
            part("index", |value| {
                let size = value["manifests"][0]["size"].as_u64().unwrap();
                let data = STANDARD.encode("x".repeat(size.try_into().unwrap()));
                value["manifests"][0]["data"] = data.into();
            })
        }),
        layout(&["wrong-data"], || {
            part("index", |value| {
                value["manifests"][0]["data"] = STANDARD.encode("{}").into()
            })
        }),
        layout(&["wrong-data"], || {
            part("root", |value| value["manifests"][0]["data"] = "?".into())
        }),
        file(&["not-verified"], || {
            let mut images = images(&["linux/amd64"]);
            images[0].layers = vec![big_layer()];
            let edit = |part: &str, value: &mut Value| {
                if part == "config0" {
                    value["rootfs"]["diff_ids"][0] = sha512(&big_layer()).into();
                }
            };
            let layout = layout_of(&images, gzipped, &edit, |_, text| text);
            gzip(&archive(entries(&layout)))
        }),
        layout(&["layer-count"], || {
            part("config0", |value| {
                let diff_ids = value["rootfs"]["diff_ids"].as_array_mut().unwrap();
                diff_ids.push(digest(b"").into());
            })
        }),
        file(&["layer-count"], || {
            let config = TestImage::new("linux/amd64").config_bytes();
            let layer = &TestImage::new("linux/amd64").layers[0];
            let manifest = br#"[{"Config":"c","Layers":["a"]}]"#;
            tar(&[("a", layer), ("c", &config), ("manifest.json", manifest)])
        }),
        // The extra layer is missing too.
        file(&["layer-count", "missing"], || {
            let config = TestImage::new("linux/amd64").config_bytes();
            let layers = TestImage::new("linux/amd64").layers;
            let manifest = br#"[{"Config":"c","Layers":["a","b","none"]}]"#;
            let layers = [("a", &layers[0][..]), ("b", &layers[1])];
            tar(&[&layers[..], &[("c", &config), ("manifest.json", manifest)]].concat())
        }),
        layout(&["layer-tar"], || {
            let mut images = images(&BOTH);
            images[0].layers.push(noise(1, 2048));
            layout_of(&images, gzipped, NO_EDIT, |_, text| text)
        }),
        layout(&["layer-tar"], || {
            let mut images = images(&BOTH);
            let (hidden, _) = blocks::ambiguous().remove(0);
            images[0].layers.push(hidden);
            layout_of(&images, gzipped, NO_EDIT, |_, text| text)
        }),
        layout(&["layer-unpack", "layer-unpack-some"], || {
            let mut images = images(&BOTH);
            let header = tar_header("x/file", 0);
            let files = [tar_header("x", 0), header.clone(), header];
            let files = files.map(|header| blocks::entry(&header, b""));
            images[0]
                .layers
                .push([files.concat(), vec![0; 1024]].concat());
            layout_of(&images, gzipped, NO_EDIT, |_, text| text)
        }),
        // A nondistributable layer that is in the layout.
        layout(&["wrong-diff-id"], || {
            let edit = |part: &str, value: &mut Value| match part {
                "manifest0" => {
                    value["layers"][1]["mediaType"] =
                        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip".into();
                }
                "config0" => value["rootfs"]["diff_ids"][1] = digest(b"").into(),
                _ => {}
            };
            edited(&edit)
        }),
        layout(&["layer-encoding"], || {
            part("manifest0", |value| {
                value["layers"][1]["mediaType"] =
                    "application/vnd.oci.image.layer.nondistributable.v1.tar".into()
            })
        }),
        // The same bytes as a layer of an unknown type and as a tar archive.
        layout(&["layer-tar", "unknown-layer-type"], || {
            let mut images = images(&BOTH);
            images[0].layers.extend([noise(1, 2048), noise(1, 2048)]);
            let edit = |part: &str, value: &mut Value| {
                if part == "manifest0" {
                    value["layers"][2]["mediaType"] = "application/x-thing".into();
                }
            };
            layout_of(&images, plain, &edit, |_, text| text)
        }),
        layout(&["layer-encoding"], || {
            let encode = |layer: &[u8]| (gzipped(layer).0, layer.to_vec());
            layout_of(&images(&BOTH), encode, NO_EDIT, |_, text| text)
        }),
        layout(&["docker-layer-encoding"], || {
            let encode = |layer: &[u8]| (DOCKER_LAYER_GZIP, layer.to_vec());
            layout_of(&images(&BOTH), encode, &docker_types, |_, text| text)
        }),
        layout(&["unknown-layer-type"], || {
            part("manifest0", |value| {
                value["layers"][0]["mediaType"] = "application/x-thing".into()
            })
        }),
        layout(&["foreign-layer"], || {
            let foreign = |value: &mut Value| {
                let layer = &mut value["layers"][1];
                layer["mediaType"] =
                    "application/vnd.oci.image.layer.nondistributable.v1.tar".into();
                layer["urls"] = json!(["https://example.org/layer"]);
            };
            let mut layout = part("manifest0", foreign);
            let own = gzip(&TestImage::new("linux/amd64").layers[1]);
            layout.blobs.retain(|blob| *blob != own);
            layout
        }),
        layout(&["unreferenced-blob"], || {
            let mut layout = good();
            layout.blob("application/x-thing", b"left over");
            layout
        }),
        file(&["unreferenced-blob"], || {
            let layout = docker_archive(|_| ());
            let mut builder = tar::Builder::new(layout);
            builder
                .get_mut()
                .truncate(docker_archive(|_| ()).len() - 1024);
            let content = b"left over";
            builder
                .append(&tar_header("thing", 9), &content[..])
                .unwrap();
            builder.into_inner().unwrap()
        }),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        layout(&["bad-document"], || raw("config0", |_| "[]".to_owned())),
        layout(&["bad-document"], || {
            part("config1", |value| value["os.features"] = "old".into())
        }),
        // One more than the largest number of 64 bits with a sign, which Go uses.
        layout(&["bad-document"], || {
            part("manifest0", |value| {
                value["layers"][0]["size"] = (1_u64 << 63).into()
            })
        }),
        layout(&["field-type"], || {
            part("config1", |value| value["history"] = "old".into())
        }),
        layout(&["field-type"], || {
            part("config0", |value| value["config"]["User"] = 1000.into())
        }),
        layout(&["field-type", "rootfs-type"], || {
            part("config0", |value| value["rootfs"]["type"] = 5.into())
        }),
        layout(&["field-type"], || {
            part("manifest0", |value| value["layers"][0]["urls"] = "x".into())
        }),
        layout(&["field-type"], || {
            part("index", |value| {
                value["manifests"][0]["artifactType"] = 1.into()
            })
        }),
        layout(&["field-type"], || {
            part("manifest0", |value| {
                value["annotations"] = json!({ "a": 1 })
            })
        }),
        layout(&["field-type"], || {
            part("index", |value| value["subject"] = json!([]))
        }),
        case(&["index-mismatch"], &["image"], |scratch| {
            good().directory(scratch, "image");
            let mut other = TestImage::new("linux/s390x");
            other.layers.clear();
            scratch.write("image/config", &other.config_bytes());
            let manifest = br#"[{"Config":"config","Layers":[]}]"#;
            scratch.write("image/manifest.json", manifest);
        }),
        layout(&["go-json"], || {
            part("root", |value| value["annotations"] = Value::Null)
        }),
        layout(&["go-json"], || {
            part("manifest0", |value| {
                value["layers"][0]["annotations"] = Value::Null
            })
        }),
        layout(&["go-json", "descriptor-without-platform"], || {
            part("index", |value| {
                value["manifests"][1]["platform"] = json!({ "os": "", "architecture": "" })
            })
        }),
        file(&["go-json"], || {
            let mut image = TestImage::new("linux/amd64");
            image.layers.clear();
            let config = image.config_bytes();
            let manifest = br#"[{"config":"c","repoTags":null,"Layers":null}]"#;
            tar(&[("c", &config), ("manifest.json", manifest)])
        }),
        layout(&["document-too-large"], || {
            part("manifest0", |value| {
                value["annotations"] = json!({ "a": "a".repeat(4 << 20) })
            })
        }),
        layout(&["too-many-documents"], || {
            // Ten manifests have the same config, which counts each time.
            let edit = |part: &str, value: &mut Value| match part {
                "index" => {
                    let manifests = value["manifests"].as_array_mut().unwrap().iter_mut();
                    for (i, manifest) in manifests.enumerate() {
                        manifest["platform"]["os.features"] = json!([format!("f{i}")]);
                    }
                }
                part if part.starts_with("manifest") => value["annotations"] = json!({ "a": part }),
                _ => {}
            };
            let pad = |part: &str, text: String| match part.starts_with("config") {
                true => text + &" ".repeat(7 << 20),
                false => text,
            };
            layout_of(&images(&["linux/amd64"; 10]), gzipped, &edit, pad)
        }),
        layout(&["duplicate-key"], || {
            raw("config0", |text| {
                text.replacen('{', r#"{"author":"a","author":"b","#, 1)
            })
        }),
        layout(&["duplicate-key"], || {
            raw("manifest1", |text| {
                text.replacen(r#""digest""#, r#""digest":"x","digest""#, 1)
            })
        })
        // serde refuses a duplicate key of a descriptor, which is a struct.
        .and("bad-document"),
        file(&["duplicate-key"], || {
            let image = TestImage::new("linux/amd64");
            let manifest = br#"[{"Config":"c","Layers":["a","b"],"X":1,"X":2}]"#;
            let (a, b) = (&image.layers[0], &image.layers[1]);
            tar(&[
                ("a", a),
                ("b", b),
                ("c", &image.config_bytes()),
                ("manifest.json", manifest),
            ])
        }),
        layout(&["ambiguous-document"], || {
            part("manifest0", |value| value["manifests"] = json!([]))
        }),
        layout(&["ambiguous-document"], || {
            part("index", |value| value["layers"] = json!([]))
        }),
        layout(&["ambiguous-document"], || {
            part("root", |value| value["Manifests"] = json!([]))
        }),
        layout(&["ambiguous-document"], || {
            part("config0", |value| value["OS"] = "plan9".into())
        }),
        layout(&["schema-version"], || {
            part("manifest0", |value| value["schemaVersion"] = 3.into())
        }),
        layout(&["schema-version"], || {
            part("index", |value| value["schemaVersion"] = 1.into())
        }),
        layout(&["media-type-mismatch"], || {
            part("manifest0", |value| value["mediaType"] = INDEX.into())
        }),
        layout(&["media-type-mismatch"], || {
            part("root", |value| value["mediaType"] = MANIFEST.into())
        }),
        layout(&["bad-media-type", "unknown-layer-type"], || {
            part("manifest0", |value| {
                value["layers"][0]["mediaType"] = "gzip".into()
            })
        }),
        layout(&["no-media-type"], || {
            part("manifest0", |value| {
                drop(value.as_object_mut().unwrap().remove("mediaType"))
            })
        }),
        layout(&["mixed-media-types"], || {
            edited(&|part, value| match part {
                "manifest0" => value["mediaType"] = DOCKER_MANIFEST.into(),
                "index" => value["manifests"][0]["mediaType"] = DOCKER_MANIFEST.into(),
                _ => {}
            })
        }),
        layout(&["unknown-media-type"], || {
            part("index", |value| {
                value["manifests"][0]["mediaType"] = "application/x-thing".into()
            })
        }),
        // No image is left.
        layout(&["unknown-media-type", "no-image"], || {
            part("root", |value| {
                value["manifests"][0]["mediaType"] = INDEX.replace("index", "indez").into()
            })
        }),
        layout(&["unknown-media-type", "no-image"], || {
            let schema1 = "application/vnd.docker.distribution.manifest.v1+json";
            part("index", |value| {
                for manifest in value["manifests"].as_array_mut().unwrap() {
                    manifest["mediaType"] = schema1.into();
                }
            })
        }),
        layout(&["rootfs-type"], || {
            part("config0", |value| value["rootfs"]["type"] = "tar".into())
        }),
        layout(&["bad-time"], || {
            part("config0", |value| value["created"] = "yesterday".into())
        }),
        // Go refuses it: the year is not a leap year.
        layout(&["bad-time"], || {
            part("config0", |value| {
                value["created"] = "2023-02-29T00:00:00Z".into()
            })
        }),
        layout(&["bad-time"], || {
            let history = json!([{ "created": 0 }, {}]);
            part("config0", move |value| value["history"] = history.clone())
        }),
        layout(&["history-count"], || {
            let history = json!([{ "created_by": "a" }, { "empty_layer": true }]);
            part("config0", move |value| value["history"] = history.clone())
        }),
        layout(&["missing", "too-many-findings", "layer-count"], || {
            part("manifest0", |value| {
                let layers = value["layers"].as_array_mut().unwrap();
                for i in 0..10_500_u32 {
                    let layer = json!({
                        "mediaType": plain(b"").0, "digest": digest(&i.to_le_bytes()), "size": 1,
                    });
                    layers.push(layer);
                }
            })
        }),
    ]
}

fn platforms() -> Vec<Case> {
    vec![
        file(&["no-platform"], || {
            docker_archive(|image| image.config["os"] = "".into())
        }),
        layout(&["contradictory-platform"], || {
            part("index", |v| {
                v["manifests"][0]["platform"]["architecture"] = "riscv64".into()
            })
        }),
        file(&["legacy-architecture"], || {
            docker_archive(|image| image.config["architecture"] = "aarch64".into())
        }),
        file(&["legacy-architecture"], || {
            docker_archive(|image| {
                image.config["architecture"] = "arm".into();
                image.config["variant"] = "7".into();
            })
        }),
        layout(&["duplicate-platform", "legacy-architecture"], || {
            layout_of(
                &images(&["linux/arm/v7", "linux/arm/7"]),
                gzipped,
                NO_EDIT,
                |_, text| text,
            )
        }),
        file(&["arm-without-variant"], || {
            docker_archive(|image| image.config["architecture"] = "arm".into())
        }),
        // The index has the variant, but containerd reads the config too.
        layout(&["arm-without-variant"], || {
            let images = images(&["linux/arm"]);
            let edit = |part: &str, value: &mut Value| {
                if part == "index" {
                    value["manifests"][0]["platform"]["variant"] = "v6".into();
                }
            };
            layout_of(&images, gzipped, &edit, |_, text| text)
        }),
        file(&["unknown-variant"], || {
            docker_archive(|image| image.config["variant"] = "v8".into())
        }),
        layout(&["descriptor-without-platform"], || {
            part("index", |value| {
                drop(
                    value["manifests"][0]
                        .as_object_mut()
                        .unwrap()
                        .remove("platform"),
                )
            })
        }),
        layout(&["duplicate-platform"], || {
            let mut images = images(&["linux/amd64", "linux/amd64"]);
            images[1].config["author"] = "another".into();
            layout_of(&images, gzipped, NO_EDIT, |_, text| text)
        }),
        layout(&["platform-order"], || {
            let images = images(&["linux/arm/v6", "linux/arm/v7"]);
            layout_of(&images, gzipped, NO_EDIT, |_, text| text)
        }),
        layout(&["attestation-subject"], || {
            edited(&|part, value| match part {
                "config1" => {
                    value["os"] = "unknown".into();
                    value["architecture"] = "unknown".into();
                }
                "index" => {
                    value["manifests"][1]["platform"] =
                        json!({ "os": "unknown", "architecture": "unknown" });
                    value["manifests"][1]["annotations"] = json!({
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": digest(b""),
                    });
                }
                _ => {}
            })
        }),
        attested_by(&["attestation-subject"], |_, _, manifest| {
            manifest["subject"] =
                json!({ "mediaType": MANIFEST, "digest": digest(b""), "size": 0 });
        }),
        attested_by(&["attached-document"], |layer, _, _| {
            layer["mediaType"] = "application/spdx+json".into();
        }),
        attested_by(&["statement-subject"], |_, statement, _| {
            statement["subject"][0]["digest"]["sha256"] = hex(b"").into();
        }),
        attested_by(&["statement-subject"], |_, statement, _| {
            statement["subject"] = json!([{ "name": "hello" }]);
        }),
        attested_by(&["attached-document"], |_, statement, _| {
            *statement = json!(["SPDX-2.3", null, null, null, null, null, null]);
        }),
        attested_by(&["attached-document"], |_, statement, _| {
            statement["again"] = json!({});
        }),
        attested_by(&["predicate-type"], |layer, _, _| {
            layer["annotations"]["in-toto.io/predicate-type"] = "https://spdx.dev/Document".into();
        }),
        file(&["wrong-program"], || {
            with_program("start", json!({ "Cmd": ["/start"] }))
        }),
        file(&["broken-program"], || {
            with_content("start", b"", json!({ "Cmd": ["/start"] }))
        }),
        file(&["missing-library"], || {
            let config = json!({ "Cmd": ["/start"] });
            with_content(
                "start",
                &linked_elf(b"/lib64/ld-linux-x86-64.so.2\0", 1),
                config,
            )
        }),
        file(&["program-level"], || {
            with_content("start", &linked_elf(b"", 4), json!({ "Cmd": ["/start"] }))
        }),
        file(&["missing-program", "foreign-programs"], || {
            with_program("other", json!({ "Cmd": ["/start"] }))
        }),
        file(&["foreign-programs"], || with_program("other", json!({}))),
    ]
}

fn layouts() -> Vec<Case> {
    vec![
        case(&["layout-version"], &["image"], |scratch| {
            good().directory(scratch, "image");
            scratch.write("image/oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
        }),
        layout(&["several-descriptors"], || {
            part("root", |value| {
                let first = value["manifests"][0].clone();
                value["manifests"].as_array_mut().unwrap().push(first);
            })
        }),
        layout(&["nested-index"], || {
            let mut layout = good();
            let manifests = layout.index["manifests"].clone();
            let outer = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
            let descriptor = layout.blob(INDEX, outer.to_string().as_bytes());
            layout.index["manifests"] = json!([descriptor]);
            layout
        }),
        layout(&["ref-name"], || {
            named(json!({ "org.opencontainers.image.ref.name": "a b" }))
        }),
        layout(&["containerd-name"], || {
            named(json!({ "io.containerd.image.name": "hello:v1" }))
        }),
        layout(&["several-descriptors", "duplicate-name"], || {
            let mut layout = good();
            let mut other = good();
            other.index["manifests"][0]["annotations"] = json!({});
            let index = json!({
                "schemaVersion": 2, "mediaType": INDEX, "annotations": { "another": "one" },
                "manifests": serde_json::from_slice::<Value>(layout.blobs.last().unwrap()).unwrap()["manifests"],
            });
            let second = layout.blob(INDEX, index.to_string().as_bytes());
            let manifests = layout.index["manifests"].as_array_mut().unwrap();
            manifests.push(second);
            for manifest in manifests {
                manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
            }
            layout
        }),
        layout(&["companion"], || {
            let mut layout = good();
            let mut index: Value = serde_json::from_slice(layout.blobs.last().unwrap()).unwrap();
            let entry = artifact(&mut layout, "application/spdx+json", None);
            index["manifests"].as_array_mut().unwrap().push(entry);
            layout
                .blobs
                .retain(|blob| layout.index["manifests"][0]["digest"] != digest(blob));
            let changed = layout.blob(INDEX, index.to_string().as_bytes());
            layout.index["manifests"] = json!([changed]);
            layout
        }),
        layout(&["several-descriptors", "companion"], || {
            let mut layout = good();
            let index = layout.index["manifests"][0].clone();
            let beside = artifact(&mut layout, "application/spdx+json", Some(&index));
            layout.index["manifests"]
                .as_array_mut()
                .unwrap()
                .push(beside);
            layout
        }),
        // Readers of docker-archives read manifest.json.
        case(&["bad-document"], &["image"], |scratch| {
            good().directory(scratch, "image");
            scratch.write("image/manifest.json", br#"{"Config":"c"}"#);
        }),
    ]
}

/// A layout with an attestation, after a change of its layer's descriptor, of the statement and of its manifest. In the
/// statement, the key `again` becomes a second `predicate`.
fn attested_by(
    expected: &'static [&'static str],
    edit: impl Fn(&mut Value, &mut Value, &mut Value) + 'static,
) -> Case {
    layout(expected, move || {
        let mut layout = Layout::default();
        let amd64 = image(&mut layout, "linux/amd64");
        let text = statement_about(amd64["digest"].as_str().unwrap());
        let mut statement: Value = serde_json::from_str(&text).unwrap();
        let mut own = artifact(&mut layout, ATTESTATION, Some(&amd64));
        let mut manifest: Value = serde_json::from_slice(&layout.blobs.pop().unwrap()).unwrap();
        layout.blobs.pop();
        let mut changes = json!({ "mediaType": "application/vnd.in-toto+json" });
        edit(&mut changes, &mut statement, &mut manifest);
        let statement = statement
            .to_string()
            .replace("\"again\":", "\"predicate\":");
        let mut layer = layout.blob("", statement.as_bytes());
        layer
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        manifest["layers"] = json!([layer]);
        let written = document(&mut layout, MANIFEST, &manifest);
        own["digest"] = written["digest"].clone();
        own["size"] = written["size"].clone();
        own.as_object_mut().unwrap().remove("artifactType");
        own["platform"] = platform("unknown/unknown");
        own["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": amd64["digest"],
        });
        let index = index(&mut layout, &[&amd64, &own]);
        with_roots(layout, &[&index])
    })
}

pub fn named(annotations: Value) -> Layout {
    part("root", move |value| {
        value["manifests"][0]["annotations"] = annotations.clone()
    })
}

fn archives() -> Vec<Case> {
    let with = |more: fn() -> Entry| {
        move || {
            let mut entries = entries(&good());
            entries.push(more());
            archive(entries)
        }
    };
    vec![
        file(&["repo-tag"], || {
            let image = TestImage::new("linux/amd64");
            let manifest = br#"[{"Config":"c","RepoTags":["hello"],"Layers":["a","b"]}]"#;
            let (a, b) = (&image.layers[0], &image.layers[1]);
            tar(&[
                ("a", a),
                ("b", b),
                ("c", &image.config_bytes()),
                ("manifest.json", manifest),
            ])
        }),
        file(
            &["duplicate-document"],
            with(|| Entry::File("oci-layout".to_owned(), good().files()[0].1.clone())),
        ),
        file(
            &["duplicate-entry"],
            with(|| {
                let (name, bytes) = good().files().pop().unwrap();
                Entry::File(name, bytes)
            }),
        ),
        file(
            &["unsafe-entry"],
            with(|| Entry::File("../out".to_owned(), Vec::new())),
        ),
        file(&["unsafe-entry"], with(|| Entry::Device("null".to_owned()))),
        file(
            &["unsafe-entry"],
            with(|| Entry::Contiguous("file".to_owned())),
        ),
        file(&["linked-blob"], || {
            let mut entries = entries(&good());
            let Some(Entry::File(name, bytes)) = entries.pop() else {
                panic!("the last entry is a blob")
            };
            entries.push(Entry::File("elsewhere".to_owned(), bytes));
            entries.push(Entry::HardLink(name, "elsewhere".to_owned()));
            archive(entries)
        }),
        file(&["missing-directory"], || {
            let mut entries = entries(&good());
            entries.retain(|entry| !matches!(entry, Entry::Directory(_)));
            archive(entries)
        }),
        file(&["archive-order"], || {
            let mut entries = entries(&good());
            entries.reverse();
            archive(entries)
        }),
    ]
}

impl Case {
    fn and(self, id: &'static str) -> Self {
        let expected = [self.expected, &[id]].concat();
        Self {
            expected: expected.leak(),
            ..self
        }
    }
}
