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
    rows.extend(edits.map(|(name, write)| taken(name, write).todo()));

    let manifests: [(&'static str, bool, Write); 5] = [
        ("annotations of null in a manifest", false, |s| {
            manifest(s, |m| m["annotations"] = Value::Null)
        }),
        ("annotations of null in a layer", true, |s| {
            manifest(s, |m| m["layers"][0]["annotations"] = Value::Null)
        }),
        ("an empty mediaType of a manifest", true, |s| {
            manifest(s, |m| m["mediaType"] = "".into())
        }),
        ("a subject of null and an empty artifactType", false, |s| {
            manifest(s, |m| {
                m["subject"] = Value::Null;
                m["artifactType"] = "".into();
            })
        }),
        ("data and urls of null", true, |s| {
            manifest(s, |m| {
                m["config"]["data"] = Value::Null;
                m["config"]["urls"] = Value::Null;
            })
        }),
    ];
    rows.extend(manifests.map(|(name, todo, write)| taken(name, write).todo_if(todo)));

    let indexes: [(&'static str, bool, Write); 9] = [
        ("annotations of null in index.json", true, |s| {
            index_json(s, |i| i["annotations"] = Value::Null)
        }),
        ("annotations of null in a descriptor", true, |s| {
            index_json(s, |i| i["manifests"][0]["annotations"] = Value::Null)
        }),
        ("an empty mediaType of index.json", false, |s| {
            index_json(s, |i| i["mediaType"] = "".into())
        }),
        ("os.features of null", true, |s| {
            platform_of(s, |p| p["os.features"] = Value::Null)
        }),
        ("a platform of null", false, |s| {
            platform_of(s, |p| *p = Value::Null)
        }),
        ("a platform without an architecture", true, |s| {
            platform_of(s, |p| *p = json!({ "os": "linux" }))
        }),
        ("a platform without a system", true, |s| {
            platform_of(s, |p| *p = json!({ "architecture": "amd64" }))
        }),
        ("a platform without anything", true, |s| {
            platform_of(s, |p| *p = json!({}))
        }),
        ("a platform of empty words", true, |s| {
            platform_of(s, |p| *p = json!({ "os": "", "architecture": "" }))
        }),
    ];
    rows.extend(indexes.map(|(name, todo, write)| taken(name, write).todo_if(todo)));

    rows.extend([
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
        )
        .todo(),
        // containerify
        taken("manifest.json with small letters", |s| {
            docker_with(s, |text| {
                text.replace("Config", "config")
                    .replace("RepoTags", "repoTags")
                    .replace("Layers", "layers")
            })
        })
        .todo(),
        taken("manifest.json with capitals", |s| {
            docker_with(s, |text| {
                text.replace("Config", "CONFIG").replace("Layers", "LAYERS")
            })
        })
        .todo(),
        passed(
            "verify takes small letters for a note",
            |s| docker_with(s, |text| text.replace("Config", "config")),
            &["verify", "image"],
        )
        .todo(),
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
        .says("ambiguous")
        .todo(),
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
        .also(|m| m.manifests[0]["config"]["mediaType"] == CONFIG)
        .todo(),
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
