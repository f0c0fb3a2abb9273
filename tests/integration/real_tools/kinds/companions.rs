//! Kind C: documents of an index or a layout that are not the image of a platform.

use super::*;

const SPDX: &str = "application/spdx+json";
const SOCI: &str = "application/vnd.amazon.soci.index.v2+json";
const ATTESTATION: &str = "application/vnd.docker.attestation.manifest.v1+json";
const NOTATION: &str = "application/vnd.cncf.notary.signature";
const HELM: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const CACHE: &str = "application/vnd.buildkit.cacheconfig.v0";
const BOTH: &str = "linux/amd64,linux/arm64";

pub fn rows() -> Vec<Row> {
    let mut rows = in_an_index();
    rows.extend(beside_an_image());
    rows.extend(alone());
    rows.extend(odd());
    rows.extend(kept());
    rows
}

/// Companions in unusual forms, and beside what is not taken.
fn odd() -> Vec<Row> {
    vec![
        merged(
            "a SOCI index of a platform whose manifest changes",
            |s| {
                let mut layout = Layout::default();
                let spec = Spec::of("linux/amd64").encode(plain);
                let amd64 = image_as(&mut layout, spec);
                let soci = soci(&mut layout, &amd64);
                let index = index(&mut layout, &[&amd64, &soci]);
                with_roots(layout, &[&index]).directory(s, "image");
            },
            &["image"],
            "linux/amd64",
        )
        .says("(?m)^warning.*SOCI index.*describes the image for linux/amd64")
        .also(|m| m.index["manifests"].as_array().unwrap().len() == 1),
        merged(
            "a SOCI index of a platform that is not taken",
            |s| with_companion(s, soci),
            &["--platform", "linux/arm64", "image"],
            "linux/arm64",
        )
        .says("(?m)^warning.*SOCI index.*not selected"),
        merged(
            "an artifact in an index whose blobs are missing",
            |s| {
                with_companion(s, |layout, amd64| {
                    let artifact = artifact(layout, SPDX, Some(amd64));
                    drop_blob(layout, &artifact);
                    artifact
                })
            },
            &["image"],
            BOTH,
        )
        .says("(?m)^warning.*spdx.*some of its blobs are missing"),
        merged(
            "an image that describes another one",
            |s| {
                beside(s, |layout, _, amd64| {
                    let subject = json!({
                        "mediaType": MANIFEST, "digest": amd64["digest"], "size": amd64["size"],
                    });
                    let mut manifest: Value = serde_json::from_slice(
                        layout
                            .blobs
                            .iter()
                            .find(|b| amd64["digest"] == digest(b))
                            .unwrap(),
                    )
                    .unwrap();
                    manifest["artifactType"] =
                        "application/vnd.containerd.overlaybd.native.v1+json".into();
                    manifest["subject"] = subject;
                    vec![document(layout, MANIFEST, &manifest)]
                })
            },
            &["image"],
            BOTH,
        )
        .says("(?m)^warning.*overlaybd.*describes the image for linux/amd64"),
        merged(
            "an index that describes an image",
            |s| {
                beside(s, |layout, image, _| {
                    let sbom = artifact(layout, SPDX, None);
                    let subject = json!({
                        "mediaType": INDEX, "digest": image["digest"], "size": image["size"],
                    });
                    vec![index_as(layout, &[&sbom], |index| {
                        index["artifactType"] = "application/vnd.example.sboms".into();
                        index["subject"] = subject.clone();
                    })]
                })
            },
            &["image#v1"],
            BOTH,
        )
        .says("(?m)^warning.*application/vnd.example.sboms.*describes the image index"),
        merged(
            "an image that only an index which describes another image has",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let arm64 = image(&mut layout, "linux/arm64");
                let other = index_as(&mut layout, &[&arm64], |index| {
                    index["subject"] = json!({
                        "mediaType": MANIFEST, "digest": digest(b""), "size": 0,
                    });
                });
                // An index whose subject is not here is an image.
                with_roots(layout, &[&amd64, &other, &arm64]).directory(s, "image");
            },
            &["image"],
            BOTH,
        )
        .says("(?m)^warning.*subject"),
        merged(
            "entries of an index that index.json has too",
            |s| beside(s, |_, _, amd64| vec![amd64.clone()]),
            &["image"],
            BOTH,
        )
        .quiet(),
        merged(
            "a BuildKit cache in the form of an index beside an image",
            |s| beside(s, |layout, _, _| vec![cache(layout)]),
            &["image"],
            BOTH,
        )
        .says("(?m)^warning.*BuildKit cache"),
        refused(
            "a BuildKit cache in the form of an index",
            |s| {
                let mut layout = Layout::default();
                let cache = cache(&mut layout);
                with_roots(layout, &[&cache]).directory(s, "image");
            },
            &["image"],
        )
        .says("BuildKit cache.*not a container image"),
        merged(
            "the same signed image in two inputs",
            |s| {
                beside(s, |layout, _, amd64| {
                    vec![artifact(layout, SPDX, Some(amd64))]
                });
                let output = s.command(&[
                    "merge",
                    "--quiet",
                    "--no-sync",
                    "--output",
                    "other",
                    "--platform",
                    "linux/arm64",
                    "image",
                ]);
                assert!({ output }.status().unwrap().success());
            },
            &["image", "other"],
            BOTH,
        )
        .says("(?m)^warning.*spdx.*--referrers keep"),
        passed(
            "verify takes an artifact whose type is in its manifest alone for a note",
            |s| {
                with_companion(s, |layout, _| {
                    let mut descriptor = artifact(layout, SPDX, None);
                    descriptor.as_object_mut().unwrap().remove("artifactType");
                    descriptor
                })
            },
            &["verify", "image"],
        )
        .says(" 0 warnings, 1 note"),
        passed(
            "analyze reads an image with an artifact",
            |s| with_companion(s, soci),
            &["analyze", "image"],
        ),
    ]
}

/// `--referrers keep`.
fn kept() -> Vec<Row> {
    vec![
        merged(
            "a referrer of an index that changes is not kept",
            |s| {
                beside(s, |layout, index, _| {
                    vec![artifact(layout, SPDX, Some(index))]
                })
            },
            &["--referrers", "keep", "image"],
            BOTH,
        )
        .says("(?m)^warning.*spdx.*image index.*another digest")
        .also(|m| roots(m) == 1),
        merged(
            "a referrer of a referrer is kept",
            |s| {
                beside(s, |layout, _, amd64| {
                    let sbom = artifact(layout, SPDX, Some(amd64));
                    let signature = artifact(layout, NOTATION, Some(&sbom));
                    vec![sbom, signature]
                })
            },
            &["--referrers", "keep", "image"],
            BOTH,
        )
        .quiet()
        .also(|m| roots(m) == 3),
        merged(
            "a referrer of a platform that is not taken is not kept",
            |s| {
                beside(s, |layout, _, amd64| {
                    vec![artifact(layout, SPDX, Some(amd64))]
                })
            },
            &["--referrers", "keep", "--platform", "linux/arm64", "image"],
            "linux/arm64",
        )
        .says("(?m)^warning.*spdx.*not selected")
        .also(|m| roots(m) == 1),
        merged(
            "a referrer of a manifest that changes is not kept",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image_as(&mut layout, Spec::of("linux/amd64").encode(plain));
                let sbom = artifact(&mut layout, SPDX, Some(&amd64));
                with_roots(layout, &[&named(amd64, "v1"), &sbom]).directory(s, "image");
            },
            &["--referrers", "keep", "image"],
            "linux/amd64",
        )
        .says("(?m)^warning.*spdx.*another digest")
        .also(|m| roots(m) == 1),
        merged(
            "a signature of cosign is kept under its tag",
            |s| beside(s, |layout, _, amd64| vec![cosign_signature(layout, amd64)]),
            &["--referrers", "keep", "image"],
            BOTH,
        )
        .quiet()
        .also(|m| {
            let root = m.root["manifests"][1]["annotations"].clone();
            let tag = root["org.opencontainers.image.ref.name"].as_str().unwrap();
            roots(m) == 2 && tag.starts_with("sha256-") && tag.ends_with(".sig")
        }),
        merged(
            "the list of referrers that regctl writes is written again",
            |s| {
                beside(s, |layout, _, amd64| {
                    let sbom = artifact(layout, SPDX, Some(amd64));
                    let list = index(layout, &[&sbom]);
                    let tag = amd64["digest"].as_str().unwrap().replace(':', "-");
                    vec![named(list, &tag)]
                })
            },
            &["--referrers", "keep", "image"],
            BOTH,
        )
        .quiet()
        .also(|m| roots(m) == 2),
        merged(
            "a referrer whose blobs are missing is named",
            |s| {
                beside(s, |layout, _, amd64| {
                    let sbom = artifact(layout, SPDX, Some(amd64));
                    let content = layout.blob(SPDX, &content_of(SPDX));
                    drop_blob(layout, &content);
                    vec![sbom]
                })
            },
            &["--referrers", "keep", "image"],
            BOTH,
        )
        .says("(?m)^warning.*spdx.*some of its blobs are missing")
        .also(|m| roots(m) == 1),
        row(
            "an archive cannot have referrers",
            |s| beside(s, |_, _, _| Vec::new()),
            &["--format", "oci-archive", "--referrers", "keep", "image"],
            Right::Misused,
        )
        .says("--format oci-layout"),
    ]
}

fn roots(merged: &Merged) -> usize {
    merged.root["manifests"].as_array().unwrap().len()
}

/// A BuildKit cache as registries had it before `image-manifest=true`: an index of layers and a config.
fn cache(layout: &mut Layout) -> Value {
    let layer = layout.blob(
        "application/vnd.oci.image.layer.v1.tar+gzip",
        &gzip(b"cached"),
    );
    let config = layout.blob(CACHE, b"{}");
    index(layout, &[&layer, &config])
}

fn in_an_index() -> Vec<Row> {
    let spdx = |s: &Scratch| with_companion(s, |layout, _| artifact(layout, SPDX, None));
    vec![
        // awslabs/soci-snapshotter#1695, containers/skopeo#2708
        merged(
            "a SOCI index of a platform is kept and not its second image",
            |s| with_companion(s, soci),
            &["image"],
            BOTH,
        )
        .also(|m| {
            let manifests = m.index["manifests"].as_array().unwrap();
            manifests.iter().any(|d| d["artifactType"] == SOCI)
        }),
        // containers/podman#21653, opencontainers/image-spec#1131
        merged("an artifact without a subject", spdx, &["image"], BOTH),
        merged(
            "one platform of an index with an artifact",
            spdx,
            &["--platform", "linux/amd64", "image"],
            "linux/amd64",
        ),
        passed(
            "verify takes an artifact for a note",
            spdx,
            &["verify", "image"],
        ),
        merged(
            "an artifact whose type is only in its manifest",
            |s| {
                with_companion(s, |layout, amd64| {
                    let mut descriptor = artifact(layout, SPDX, Some(amd64));
                    descriptor.as_object_mut().unwrap().remove("artifactType");
                    descriptor
                })
            },
            &["image"],
            BOTH,
        ),
        merged(
            "an attestation in the form of an artifact",
            |s| {
                with_companion(s, |layout, amd64| {
                    let mut descriptor = artifact(layout, ATTESTATION, Some(amd64));
                    descriptor["platform"] = platform("unknown/unknown");
                    descriptor["annotations"] = json!({
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": amd64["digest"],
                    });
                    descriptor
                })
            },
            &["image"],
            BOTH,
        )
        .quiet(),
        merged(
            "the subject of an index is left out with a warning",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let subject =
                    json!({ "mediaType": MANIFEST, "digest": digest(b"subject"), "size": 7 });
                let edit = |index: &mut Value| index["subject"] = subject.clone();
                let index = index_as(&mut layout, &[&amd64], edit);
                with_roots(layout, &[&index]).directory(s, "image");
            },
            &["image"],
            "linux/amd64",
        )
        .says("(?m)^warning.*subject")
        .also(|m| m.index.get("subject").is_none()),
    ]
}

fn beside_an_image() -> Vec<Row> {
    let spdx = |s: &Scratch| {
        beside(s, |layout, index, _| {
            vec![artifact(layout, SPDX, Some(index))]
        })
    };
    let signed = |s: &Scratch| beside(s, |layout, index, _| vec![cosign_signature(layout, index)]);
    vec![
        merged("a referrer of an index", spdx, &["image"], BOTH).says(SPDX_PATTERN),
        merged(
            "a referrer of an image that was picked",
            spdx,
            &["image#v1"],
            BOTH,
        )
        .says(SPDX_PATTERN),
        passed(
            "verify takes referrers for notes",
            spdx,
            &["verify", "image"],
        ),
        passed(
            "inspect shows an image with referrers",
            spdx,
            &["inspect", "image"],
        ),
        merged(
            "a signature of an SBOM of an image",
            |s| {
                beside(s, |layout, _, amd64| {
                    let sbom = artifact(layout, SPDX, Some(amd64));
                    let signature = artifact(layout, NOTATION, Some(&sbom));
                    vec![sbom, signature]
                })
            },
            &["image#v1"],
            BOTH,
        )
        .says(SPDX_PATTERN)
        .says("notary"),
        // What `regctl` writes: an index under the tag by which clients find referrers.
        merged(
            "referrers under a tag of the old form",
            |s| {
                beside(s, |layout, subject, _| {
                    let sbom = artifact(layout, SPDX, Some(subject));
                    let list = index(layout, &[&sbom]);
                    vec![named(
                        list,
                        &subject["digest"].as_str().unwrap().replace(':', "-"),
                    )]
                })
            },
            &["image"],
            BOTH,
        )
        .says(SPDX_PATTERN),
        merged(
            "a signature of cosign under its tag",
            signed,
            &["image"],
            BOTH,
        )
        .says("(?i)signature"),
        merged(
            "a signature of an image that was picked",
            signed,
            &["image#v1"],
            BOTH,
        )
        .says("(?i)signature"),
        passed(
            "verify takes a signature for a note",
            signed,
            &["verify", "image"],
        ),
        merged(
            "what `cosign save` of before 3.0 writes",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let arm64 = image(&mut layout, "linux/arm64");
                let mut index = index(&mut layout, &[&amd64, &arm64]);
                let mut signatures = cosign_signature(&mut layout, &index);
                index["annotations"] = json!({ "kind": "dev.cosignproject.cosign/imageIndex" });
                signatures["annotations"] = json!({ "kind": "dev.cosignproject.cosign/sigs" });
                with_roots(layout, &[&index, &signatures]).directory(s, "image");
            },
            &["image"],
            BOTH,
        )
        .says("(?i)signature"),
        merged(
            "a Helm chart without a name",
            |s| beside(s, |layout, _, _| vec![not_an_image(layout, HELM, CHART)]),
            &["image"],
            BOTH,
        )
        .says("(?i)helm"),
        // The selection is ambiguous; the list describes each.
        refused(
            "a Helm chart with a different name",
            |s| {
                beside(s, |layout, _, _| {
                    vec![named(not_an_image(layout, HELM, CHART), "chart")]
                })
            },
            &["image"],
        )
        .says("several images, expected one")
        .says("(?i)#chart.*helm"),
        merged(
            "signatures of a dir:",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                for blob in &layout.blobs {
                    let is_manifest = amd64["digest"] == digest(blob);
                    let name = if is_manifest {
                        "manifest.json"
                    } else {
                        &hex(blob)
                    };
                    s.write(&format!("flat/{name}"), blob);
                }
                s.write("flat/version", b"Directory Transport Version: 1.1\n");
                s.write("flat/signature-1", b"a signature");
            },
            &["flat"],
            "linux/amd64",
        )
        .says("(?m)^warning.*signature"),
        merged(
            "referrers that are to be kept",
            |s| {
                beside(s, |layout, _, amd64| {
                    vec![artifact(layout, SPDX, Some(amd64))]
                })
            },
            &["--referrers", "keep", "image"],
            BOTH,
        )
        .never("(?m)^warning"),
    ]
}

fn alone() -> Vec<Row> {
    vec![
        refused("a Helm chart alone", |s| only(s, HELM, CHART), &["image"]).says("(?i)helm chart"),
        refused(
            "a BuildKit cache alone",
            |s| only(s, CACHE, CHART),
            &["image"],
        )
        .says("BuildKit cache"),
        refused(
            "a wasm artifact alone",
            |s| only(s, "application/vnd.wasm.config.v0+json", "application/wasm"),
            &["image"],
        )
        .says("not a container image|artifact"),
        refused(
            "an artifact alone is named by its type",
            |s| {
                let mut layout = Layout::default();
                let artifact = artifact(&mut layout, "application/vnd.example.thing", None);
                with_roots(layout, &[&artifact]).directory(s, "image");
            },
            &["image"],
        )
        .says("application/vnd.example.thing"),
        refused(
            "a referrer without its subject",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let artifact = artifact(&mut layout, SPDX, Some(&amd64));
                with_roots(layout, &[&artifact]).directory(s, "image");
            },
            &["image"],
        )
        .says(SPDX_PATTERN),
    ]
}

const SPDX_PATTERN: &str = "application/spdx[+]json";

/// An index of both architectures with what `add` adds to it; `image`.
fn with_companion(scratch: &Scratch, add: fn(&mut Layout, &Value) -> Value) {
    let mut layout = Layout::default();
    let amd64 = image(&mut layout, "linux/amd64");
    let arm64 = image(&mut layout, "linux/arm64");
    let more = add(&mut layout, &amd64);
    let index = index(&mut layout, &[&amd64, &arm64, &more]);
    with_roots(layout, &[&index]).directory(scratch, "image");
}

/// An index of both architectures under the name `v1`, and beside it what `add` makes of the index and
/// of the image of amd64; `image`.
fn beside(scratch: &Scratch, add: fn(&mut Layout, &Value, &Value) -> Vec<Value>) {
    let mut layout = Layout::default();
    let amd64 = image(&mut layout, "linux/amd64");
    let arm64 = image(&mut layout, "linux/arm64");
    let index = index(&mut layout, &[&amd64, &arm64]);
    let more = add(&mut layout, &index, &amd64);
    let index = named(index, "v1");
    let mut roots = vec![&index];
    roots.extend(&more);
    with_roots(layout, &roots).directory(scratch, "image");
}

/// A manifest of a config and a layer of these types.
fn not_an_image(layout: &mut Layout, config_type: &str, layer_type: &str) -> Value {
    let config = layout.blob(config_type, b"{}");
    let layer = layout.blob(layer_type, &gzip(b"content"));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
    });
    document(layout, MANIFEST, &manifest)
}

/// A layout, `image`, of nothing else.
fn only(scratch: &Scratch, config_type: &str, layer_type: &str) {
    let mut layout = Layout::default();
    let descriptor = not_an_image(&mut layout, config_type, layer_type);
    with_roots(layout, &[&named(descriptor, "v1")]).directory(scratch, "image");
}

/// A SOCI index of an image, as `soci convert` puts it into the image index.
fn soci(layout: &mut Layout, of: &Value) -> Value {
    let config = layout.blob(SOCI, b"{}");
    let ztoc = layout.blob("application/octet-stream", b"ztoc");
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SOCI, "config": config,
        "layers": [ztoc],
    });
    let mut soci = document(layout, MANIFEST, &manifest);
    soci["artifactType"] = SOCI.into();
    soci["platform"] = platform("linux/amd64");
    soci["annotations"] = json!({ "com.amazon.soci.image-manifest-digest": of["digest"] });
    soci
}

/// cosign's signature of before 3.0, under the tag by which cosign finds it.
fn cosign_signature(layout: &mut Layout, of: &Value) -> Value {
    let payload = br#"{"critical":{"type":"cosign container image signature"}}"#;
    let layer = layout.blob("application/vnd.dev.cosign.simplesigning.v1+json", payload);
    let config = json!({
        "architecture": "", "os": "", "config": {},
        "rootfs": { "type": "layers", "diff_ids": [digest(payload)] },
    });
    let config = document(layout, CONFIG, &config);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
    });
    let descriptor = document(layout, MANIFEST, &manifest);
    let tag = of["digest"].as_str().unwrap().replace(':', "-");
    named(descriptor, &format!("{tag}.sig"))
}
