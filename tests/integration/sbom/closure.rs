//! `--closure`: the SBOM is written only if the layers have what Nix has registered.

use serde_json::json;

use super::*;

const LIB: &str = "/nix/store/1z364a2vnvi1j6x5aqb7nab9ijkx5pgz-lib-1.0";
const APP: &str = "/nix/store/2z364a2vnvi1j6x5aqb7nab9ijkx5pgz-app-1.0";
const OTHER: &str = "/nix/store/3z364a2vnvi1j6x5aqb7nab9ijkx5pgz-other-1.0";

fn files(app: &[u8]) -> Vec<u8> {
    let (lib, program) = (format!("{LIB}/lib"), format!("{APP}/app"));
    let entries = [
        Entry::File(&lib[1..], b"library"),
        Entry::File(&program[1..], app),
    ];
    layer(&entries)
}

/// The closure of an image, as its own SBOM has it.
fn closure(scratch: &Scratch, image: &str) -> Vec<Value> {
    let document = cyclonedx(scratch, image);
    let components = document["components"].as_array().unwrap().iter();
    let stored = components.filter(|component| !nar_hash(component).is_empty());
    stored
        .map(|component| {
            let path = properties(component, "nix:store_path").concat();
            let references = if path == APP { vec![LIB, APP] } else { vec![] };
            json!({
                "path": path, "narHash": nar_hash(component), "narSize": 1, "closureSize": 1,
                "references": references,
            })
        })
        .collect()
}

fn write(scratch: &Scratch, name: &str, closure: &[Value]) {
    scratch.write(name, json!(closure).to_string().as_bytes());
}

const CHECK: [&str; 7] = [
    "sbom",
    "--format",
    "cyclonedx",
    "--closure",
    "closure.json",
    "-o",
    "out",
];

/// An image of amd64, and its closure.
fn image_and_closure() -> (Scratch, Vec<Value>) {
    let scratch = Scratch::new();
    image(&scratch, "a.tar", "linux/amd64", &[files(b"program")]);
    let closure = closure(&scratch, "a.tar");
    assert_eq!(closure.len(), 2);
    (scratch, closure)
}

#[track_caller]
fn refused(scratch: &Scratch, options: &[&str], texts: &[&str]) {
    let message = scratch.fail(&[&CHECK[..], options, &["a.tar"]].concat());
    for text in texts {
        assert!(message.contains(text), "{text:?} is not in:\n{message}");
    }
}

#[test]
fn a_closure_that_the_layers_have_gives_the_references() {
    let (scratch, closure) = image_and_closure();
    write(&scratch, "closure.json", &closure);
    scratch.run(&[&CHECK[..], &["a.tar"]].concat());
    let document = std::fs::read(scratch.path("out")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let (app, lib) = (component(&document, "app"), component(&document, "lib"));
    assert_eq!(properties(app, "polyarch:closure"), ["same"]);
    // No byte of the program refers to the library.
    let dependencies = document["dependencies"].as_array().unwrap();
    let of_app = dependencies
        .iter()
        .find(|d| d["ref"] == app["bom-ref"])
        .unwrap();
    assert_eq!(of_app["dependsOn"], json!([lib["bom-ref"]]));
}

#[test]
fn a_changed_byte_in_a_layer_is_an_error_that_names_the_store_path() {
    let (scratch, closure) = image_and_closure();
    write(&scratch, "closure.json", &closure);
    image(&scratch, "a.tar", "linux/amd64", &[files(b"Program")]);
    refused(
        &scratch,
        &[],
        &[
            &format!(
                "the layers differ from the closure; linux/amd64, other bytes in the layers: {APP}\n"
            ),
            "--allow-changed",
        ],
    );
    scratch.run(&[&CHECK[..], &["--allow-changed", "a.tar"]].concat());
    let document = std::fs::read(scratch.path("out")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(
        properties(component(&document, "app"), "polyarch:closure"),
        ["changed"]
    );
    assert_eq!(
        properties(component(&document, "lib"), "polyarch:closure"),
        ["same"]
    );
    let table = scratch.run(&[
        "sbom",
        "--closure",
        "closure.json",
        "--allow-changed",
        "a.tar",
    ]);
    assert!(table.contains("changed"), "{table}");
}

#[test]
fn a_store_path_in_only_one_of_closure_and_layers_is_an_error() {
    let (scratch, mut closure) = image_and_closure();
    write(&scratch, "closure.json", &closure[..1]);
    refused(
        &scratch,
        &[],
        &[&format!("not in the closure: {LIB}\n"), "--unchecked"],
    );
    closure.push(json!({ "path": OTHER, "narHash": closure[0]["narHash"], "references": [] }));
    write(&scratch, "closure.json", &closure);
    refused(
        &scratch,
        &["--allow-changed"],
        &[&format!("not in the layers: {OTHER}\n")],
    );
    for other in [OTHER, &format!("{OTHER}/")] {
        scratch.run(&[&CHECK[..], &["--unchecked", other, "a.tar"]].concat());
    }
    write(&scratch, "closure.json", &closure[..1]);
    scratch.run(&[&CHECK[..], &["--unchecked", LIB, "a.tar"]].concat());
    let document = std::fs::read(scratch.path("out")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(
        properties(component(&document, "lib"), "polyarch:closure"),
        ["unchecked"]
    );
}

#[test]
fn each_platform_needs_its_closure() {
    let (scratch, closure) = image_and_closure();
    image(&scratch, "b.tar", "linux/arm64", &[files(b"other program")]);
    let of_arm64 = self::closure(&scratch, "b.tar");
    write(&scratch, "amd64.json", &closure);
    write(&scratch, "arm64.json", &of_arm64);
    scratch.run(&["merge", "-o", "ab.tar", "a.tar", "b.tar"]);
    let (amd64, arm64) = ("linux/amd64=amd64.json", "linux/arm64=arm64.json");
    let both = ["sbom", "--closure", amd64, "--closure", arm64, "ab.tar"];
    scratch.run(&both);
    for (closures, text) in [
        (
            &["amd64.json"][..],
            "a closure without a platform, but the image has linux/amd64, linux/arm64",
        ),
        (&[amd64], "no closure for linux/arm64"),
        (
            &[amd64, arm64, "linux/riscv64=amd64.json"],
            "a closure for linux/riscv64, but",
        ),
        (
            &["linux/amd64=arm64.json", "linux/arm64=amd64.json"],
            "linux/arm64, other bytes",
        ),
    ] {
        let options = closures.iter().flat_map(|closure| ["--closure", *closure]);
        let options: Vec<&str> = ["sbom"]
            .into_iter()
            .chain(options)
            .chain(["ab.tar"])
            .collect();
        let message = scratch.fail(&options);
        assert!(message.contains(text), "{text:?} is not in:\n{message}");
    }
    scratch.run(&[
        "sbom",
        "--platform",
        "linux/amd64",
        "--closure",
        "amd64.json",
        "ab.tar",
    ]);
}

#[test]
fn a_closure_that_is_not_one_is_an_error() {
    let (scratch, _) = image_and_closure();
    for (text, expected) in [
        ("[", "is not valid"),
        ("7", "closure.json: is not a closure"),
        (
            &json!({ APP: null }).to_string(),
            "has no valid \"narHash\" or \"references\"",
        ),
    ] {
        scratch.write("closure.json", text.as_bytes());
        refused(&scratch, &[], &[expected]);
    }
}

#[test]
fn the_registered_closure_of_a_real_store_path_is_the_one_in_the_layers() {
    if !have(&["nix-store", "nix"]) {
        return;
    }
    let scratch = Scratch::new();
    let script = r#"
        export NIX_STORE_DIR=/nix/store NIX_STATE_DIR="$PWD/state" NIX_LOG_DIR="$PWD/log"
        mkdir -p root/app/bin
        printf 'library\n' >root/lib.txt
        nix() { command nix --extra-experimental-features nix-command --store "$PWD/world" "$@"; }
        lib=$(nix store add-file --name lib-1.0 root/lib.txt 2>/dev/null || nix store add --mode flat --name lib-1.0 root/lib.txt)
        printf '#!/bin/sh\ncat %s\n' "$lib" >root/app/bin/app
        chmod +x root/app/bin/app
        ln -s app root/app/bin/link
        app=$(nix store add-path --name app-1.0 root/app 2>/dev/null || nix store add --name app-1.0 root/app)
        nix path-info --json "$lib" "$app" >closure.json
        tar --sort=name --owner=0 --group=0 -C world -cf layer.tar nix/store
    "#;
    sh(&scratch, script);
    let layer = std::fs::read(scratch.path("layer.tar")).unwrap();
    image(&scratch, "a.tar", "linux/amd64", &[layer]);
    // The store has a directory that is not a store path.
    scratch.run(&[&CHECK[..], &["a.tar"]].concat());
    let document = std::fs::read(scratch.path("out")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    for name in ["lib", "app"] {
        assert_eq!(
            properties(component(&document, name), "polyarch:closure"),
            ["same"]
        );
    }
}

#[test]
fn metadata_adds_licenses_and_more() {
    let (scratch, _) = image_and_closure();
    let metadata = json!({
        APP: {
            "pname": "application", "version": "1.0.0", "license": "MIT OR Apache-2.0",
            "homepage": "https://example.org/app", "description": "An application",
            "mainProgram": "app", "cpe": "cpe:2.3:a:example:app:1.0.0:*:*:*:*:*:*:*", "unknown": 1,
        },
        LIB: { "license": "unfree" },
        OTHER: { "license": null },
    });
    scratch.write("meta.json", metadata.to_string().as_bytes());
    let of = |format| {
        scratch.json(&[
            "sbom",
            "--format",
            format,
            "--metadata",
            "meta.json",
            "a.tar",
        ])
    };
    let document = of("cyclonedx");
    let (app, lib) = (
        component(&document, "application"),
        component(&document, "lib"),
    );
    assert_eq!(app["version"], "1.0.0");
    assert_eq!(app["type"], "application");
    assert_eq!(app["purl"], "pkg:generic/application@1.0.0");
    assert_eq!(
        app["licenses"],
        json!([{ "expression": "MIT OR Apache-2.0" }])
    );
    assert_eq!(app["description"], "An application");
    assert_eq!(
        lib["licenses"],
        json!([{ "license": { "name": "unfree" } }])
    );
    let spdx = of("spdx");
    let package = |name: &str| {
        let packages = spdx["packages"].as_array().unwrap();
        packages
            .iter()
            .find(|package| package["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(
        package("application")["licenseDeclared"],
        "MIT OR Apache-2.0"
    );
    assert_eq!(
        package("application")["homepage"],
        "https://example.org/app"
    );
    assert_eq!(package("lib")["licenseDeclared"], "LicenseRef-unfree");
    assert_eq!(
        spdx["hasExtractedLicensingInfos"],
        json!([{
            "licenseId": "LicenseRef-unfree", "extractedText": "unfree", "name": "unfree",
        }])
    );
}

#[test]
fn a_layer_whose_files_are_not_known_is_named() {
    let scratch = Scratch::new();
    let mut layout = Layout::default();
    let files = layout.blob("application/vnd.oci.image.layer.v1.tar", &files(b"program"));
    let unknown = layout.blob(
        "application/vnd.oci.image.layer.v1.tar+encrypted",
        b"secret",
    );
    let absent = json!({
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "digest": digest(b"not here"), "size": 8, "urls": ["https://example.org/base"],
    });
    let config = json!({
        "os": "linux", "architecture": "amd64",
        "rootfs": { "type": "layers", "diff_ids": [files["digest"], unknown["digest"], absent["digest"]] },
    });
    let config = layout.blob(
        "application/vnd.oci.image.config.v1+json",
        &serde_json::to_vec(&config).unwrap(),
    );
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config,
        "layers": [files, unknown, absent],
    });
    let descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    layout.directory(&scratch, "a.tar");
    let output = scratch
        .command(&["sbom", "-o", "a.spdx.json", "a.tar"])
        .output()
        .unwrap();
    let warnings = stderr(&output);
    for (layer, reason) in [
        (
            &unknown,
            "its media type \"application/vnd.oci.image.layer.v1.tar+encrypted\" is not one of a layer with files",
        ),
        (&absent, "it is not in the image, but at URLs"),
    ] {
        let digest = layer["digest"].as_str().unwrap();
        let expected =
            format!("a.tar: the components of layer {digest} are not listed: {reason}\n");
        assert!(warnings.contains(&expected), "{warnings}");
    }
    write(&scratch, "closure.json", &closure(&scratch, "a.tar"));
    let unknown = unknown["digest"].as_str().unwrap();
    refused(
        &scratch,
        &[],
        &[&format!("the files of layer {unknown} are not known\n")],
    );
}
