//! Kind H: JSON as Go programs write it: `null` for what is empty (opencontainers/image-spec#1016,
//! buildah#5051, moby/moby#47210, gardener/cc-utils#736), keys of any case.

use super::inputs::*;
use super::*;

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    // An image without layers, whose manifest is edited.
    let edits: [(&'static str, Write); 2] = [
        ("layers of null", |s| {
            without_layers(s, |m| m["layers"] = Value::Null)
        }),
        ("absent layers", |s| {
            without_layers(s, |m| drop(m.as_object_mut().unwrap().remove("layers")))
        }),
    ];
    rows.extend(edits.map(|(name, write)| taken(name, write)));

    let manifests: [(&'static str, Write); 6] = [
        ("annotations of null in a manifest", |s| {
            manifest(s, |m| m["annotations"] = Value::Null)
        }),
        ("an annotation of null in a manifest", |s| {
            manifest(s, |m| m["annotations"] = json!({ "a": null }))
        }),
        ("annotations of null in a layer", |s| {
            manifest(s, |m| m["layers"][0]["annotations"] = Value::Null)
        }),
        ("an empty mediaType of a manifest", |s| {
            manifest(s, |m| m["mediaType"] = "".into())
        }),
        ("a subject of null and an empty artifactType", |s| {
            manifest(s, |m| {
                m["subject"] = Value::Null;
                m["artifactType"] = "".into();
            })
        }),
        ("data and urls of null", |s| {
            manifest(s, |m| {
                m["config"]["data"] = Value::Null;
                m["config"]["urls"] = Value::Null;
            })
        }),
    ];
    rows.extend(manifests.map(|(name, write)| taken(name, write)));

    let indexes: [(&'static str, Write); 9] = [
        ("annotations of null in index.json", |s| {
            index_json(s, |i| i["annotations"] = Value::Null)
        }),
        ("annotations of null in a descriptor", |s| {
            index_json(s, |i| i["manifests"][0]["annotations"] = Value::Null)
        }),
        ("an empty mediaType of index.json", |s| {
            index_json(s, |i| i["mediaType"] = "".into())
        }),
        ("os.features of null", |s| {
            platform_of(s, |p| p["os.features"] = Value::Null)
        }),
        ("a platform of null", |s| {
            platform_of(s, |p| *p = Value::Null)
        }),
        ("a platform without an architecture", |s| {
            platform_of(s, |p| *p = json!({ "os": "linux" }))
        }),
        ("a platform without a system", |s| {
            platform_of(s, |p| *p = json!({ "architecture": "amd64" }))
        }),
        ("a platform without anything", |s| {
            platform_of(s, |p| *p = json!({}))
        }),
        ("a platform of empty words", |s| {
            platform_of(s, |p| *p = json!({ "os": "", "architecture": "" }))
        }),
    ];
    rows.extend(indexes.map(|(name, write)| taken(name, write)));

    rows.extend([
        passed(
            "a platform that leaves out a word is not shown for one",
            |s| platform_of(s, |p| *p = json!({ "os": "linux" })),
            &["inspect", "linux/amd64=image"],
        )
        .never("(?m)linux/$"),
        refused(
            "a platform that leaves out a word is that of the config",
            |s| platform_of(s, |p| *p = json!({ "os": "linux" })),
            &["linux/arm64=image"],
        )
        .says("its platform is linux/amd64 by its config"),
        refused(
            "a word of the platform that the config contradicts",
            |s| platform_of(s, |p| *p = json!({ "os": "windows" })),
            &["image"],
        )
        .says("its platform is linux/amd64 by its config, but index.json says windows/"),
        merged(
            "platforms of empty words are narrowed by the configs",
            |s| {
                let mut layout = Layout::default();
                let images = ["linux/amd64", "linux/arm64"].map(|platform| {
                    let mut descriptor = image(&mut layout, platform);
                    descriptor["platform"] = json!({ "os": "", "architecture": "" });
                    descriptor
                });
                let index = index(&mut layout, &[&images[0], &images[1]]);
                with_roots(layout, &[&index]).directory(s, "image");
            },
            &["--platform", "linux/arm64", "image"],
            "linux/arm64",
        ),
        merged(
            "lists of null in a nested index",
            |s| {
                let mut layout = Layout::default();
                let amd64 = image(&mut layout, "linux/amd64");
                let index = index_as(&mut layout, &[&amd64], |i| {
                    i["annotations"] = Value::Null;
                    i["manifests"][0]["annotations"] = Value::Null;
                    i["manifests"][0]["urls"] = Value::Null;
                    i["mediaType"] = "".into();
                });
                with_roots(layout, &[&index]).directory(s, "image");
            },
            &["image"],
            "linux/amd64",
        ),
        merged(
            "a manifest that is written again has the form of the specification",
            |s| {
                one(
                    s,
                    Spec::default().docker().encode(docker_layer).edit(|m| {
                        m["layers"][0]["annotations"] = Value::Null;
                        m["layers"][0]["urls"] = Value::Null;
                        m["config"]["data"] = Value::Null;
                    }),
                )
            },
            &["image"],
            "linux/amd64",
        )
        .also(|m| !m.manifests[0].to_string().contains("null")),
        passed(
            "verify takes an absent list for a note",
            |s| without_layers(s, |m| drop(m.as_object_mut().unwrap().remove("layers"))),
            &["verify", "image"],
        )
        .says(r"(?m)^ *note: .*/layers.*\[go-json\]"),
        passed(
            "verify takes an empty platform for a note",
            |s| platform_of(s, |p| *p = json!({ "os": "", "architecture": "" })),
            &["verify", "image"],
        )
        .says(r"(?m)^ *note: .*platform.*\[go-json\]"),
        refused(
            "an index in two spellings stays ambiguous",
            |s| index_json(s, |i| i["Manifests"] = Value::Null),
            &["image"],
        )
        .says("ambiguous"),
        refused(
            "a manifest.json of null has no image",
            |s| docker_with(s, |_| "null".to_owned()),
            &["image"],
        )
        .says("no image"),
        refused(
            "layers in two spellings in manifest.json",
            |s| {
                docker_with(s, |text| {
                    text.replace("\"Layers\"", "\"layers\":[],\"Layers\"")
                })
            },
            &["image"],
        )
        .says("ambiguous"),
        refused(
            "layers twice in manifest.json",
            |s| {
                docker_with(s, |text| {
                    text.replace("\"Layers\"", "\"Layers\":[],\"Layers\"")
                })
            },
            &["image"],
        )
        .says("duplicate field `Layers`"),
        taken("rootfs of null", |s| {
            let mut image = TestImage::new("linux/amd64");
            image.layers.clear();
            let config: Value = serde_json::from_slice(&image.config_bytes()).unwrap();
            let mut config = config;
            config["rootfs"] = Value::Null;
            let manifest = br#"[{"Config":"c","RepoTags":null,"Layers":null}]"#;
            let config = config.to_string();
            s.write(
                "image",
                &tar(&[("c", config.as_bytes()), ("manifest.json", manifest)]),
            );
        }),
        taken("lists of null in a config", |s| {
            let mut image = TestImage::new("linux/amd64");
            image.layers.clear();
            image.config["config"] = json!({
                "Env": null, "Cmd": null, "Entrypoint": null, "Volumes": null, "Labels": null,
                "ExposedPorts": null, "OnBuild": null,
            });
            image.config["history"] = Value::Null;
            s.write("image", &image.docker_archive());
        })
        .quiet(),
        passed(
            "verify takes null for a note",
            |s| index_json(s, |i| i["annotations"] = Value::Null),
            &["verify", "image"],
        ),
        // containerify
        taken("manifest.json with small letters", |s| {
            docker_with(s, |text| {
                text.replace("Config", "config")
                    .replace("RepoTags", "repoTags")
                    .replace("Layers", "layers")
            })
        }),
        taken("manifest.json with capitals", |s| {
            docker_with(s, |text| {
                text.replace("Config", "CONFIG").replace("Layers", "LAYERS")
            })
        }),
        passed(
            "verify takes small letters for a note",
            |s| docker_with(s, |text| text.replace("Config", "config")),
            &["verify", "image"],
        ),
        // Go takes the last of them.
        refused(
            "manifest.json with both spellings",
            |s| {
                docker_with(s, |text| {
                    text.replace("\"Config\"", "\"config\":\"x\",\"Config\"")
                })
            },
            &["image"],
        )
        .says("ambiguous"),
        taken("RepoTags of null", |s| {
            docker_with(s, |text| text.replace("[\"test:v1\"]", "null"))
        })
        .quiet(),
        // What old versions of Docker push.
        taken("a Docker manifest whose config is an octet-stream", |s| {
            one(
                s,
                Spec::default()
                    .docker()
                    .encode(docker_layer)
                    .edit(|m| m["config"]["mediaType"] = "application/octet-stream".into()),
            )
        })
        .also(|m| m.manifests[0]["config"]["mediaType"] == CONFIG),
        refused(
            "an OCI manifest whose config is an octet-stream is not an image",
            |s| {
                one(
                    s,
                    Spec::default()
                        .edit(|m| m["config"]["mediaType"] = "application/octet-stream".into()),
                )
            },
            &["linux/arm64=image"],
        )
        .never("panicked"),
    ]);
    rows
}

/// `image` is taken.
fn taken(name: &'static str, write: Write) -> Row {
    merged(name, write, &["image"], "linux/amd64")
}

fn manifest(scratch: &Scratch, edit: fn(&mut Value)) {
    one(scratch, Spec::default().edit(edit));
}

fn without_layers(scratch: &Scratch, edit: fn(&mut Value)) {
    one(scratch, Spec::default().layers(Vec::new()).edit(edit));
}

/// A layout of one image whose `index.json` is edited.
fn index_json(scratch: &Scratch, edit: impl Fn(&mut Value)) {
    let mut layout = Layout::default();
    let descriptor = image(&mut layout, "linux/amd64");
    let mut layout = with_roots(layout, &[&descriptor]);
    edit(&mut layout.index);
    layout.directory(scratch, "image");
}

fn platform_of(scratch: &Scratch, edit: fn(&mut Value)) {
    index_json(scratch, |index| {
        edit(&mut index["manifests"][0]["platform"])
    });
}

/// A docker-archive whose `manifest.json` is edited.
fn docker_with(scratch: &Scratch, edit: fn(String) -> String) {
    let archive = TestImage::new("linux/amd64").docker_archive();
    let archive = rewritten(&archive, |name, content| match name {
        "manifest.json" => edit(String::from_utf8(content).unwrap()).into_bytes(),
        _ => content,
    });
    scratch.write("image", &archive);
}
