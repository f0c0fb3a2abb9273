//! `polyarch diff`: the changes between two builds, and what a push of the new one sends.

use crate::support::*;
use serde_json::{Value, json};

fn diff(scratch: &Scratch, old: &str, new: &str) -> Value {
    scratch.json(&["diff", "--json", old, new])
}

fn store(c: char, name: &str) -> String {
    format!("/nix/store/{}-{name}", c.to_string().repeat(32))
}

/// Merges images of both platforms, after a change of that for arm64.
fn image(scratch: &Scratch, output: &str, options: &[&str], change: impl Fn(&mut TestImage)) {
    let mut names = Vec::new();
    for arch in ["amd64", "arm64"] {
        let mut image = TestImage::new(&format!("linux/{arch}"));
        let file =
            |c, name: &str, size| (format!("{}/file", store(c, name)), noise(c as u64, size));
        let files = [
            file('1', "hello-1.0", 3000),
            file('2', "glibc-2.40-66", 5000),
            file('3', "old-1", 700),
        ];
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (&n[1..], &c[..])).collect();
        image.layers[1] = tar(&files);
        image.config["config"] = json!({ "Cmd": ["/bin/hello"], "Env": ["PATH=/bin", "A=1"] });
        if arch == "arm64" {
            change(&mut image);
        }
        let name = format!("{output}-{arch}.tar");
        scratch.write(&name, &image.docker_archive());
        names.push(name);
    }
    let files = ["-o", output, &names[0], &names[1]];
    scratch.run(&[&["merge"], options, &files].concat());
}

fn newer(image: &mut TestImage) {
    let file = |c, name: &str, size| (format!("{}/file", store(c, name)), noise(c as u64, size));
    let files = [
        file('4', "hello-1.1", 3100),
        file('5', "glibc-2.40-66", 5000),
        file('6', "new-1", 600),
        ("/etc/motd".to_owned(), b"hi".to_vec()),
    ];
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (&n[1..], &c[..])).collect();
    image.layers[1] = tar(&files);
    image.config["config"] = json!({ "Cmd": ["/bin/hello", "-v"], "Env": ["PATH=/bin", "B=2"] });
}

#[test]
fn an_image_does_not_differ_from_itself() {
    let scratch = Scratch::new();
    image(&scratch, "old", &[], |_| {});
    let found = diff(&scratch, "old", "old");
    assert_eq!(found["push"], json!({ "blobs": 0, "bytes": 0 }));
    for platform in found["platforms"].as_array().unwrap() {
        assert_eq!(platform["status"], "same");
        assert_eq!(
            platform["layers"],
            json!({ "added": [], "removed": [], "kept": 2 })
        );
    }
    assert!(
        scratch
            .run(&["diff", "old", "old"])
            .contains("a push sends nothing")
    );
}

#[test]
fn a_change_of_one_platform_is_reported_in_full() {
    let scratch = Scratch::new();
    image(&scratch, "old", &["--annotation", "v=1"], |_| {});
    let options = [
        "--annotation",
        "v=2",
        "--annotation",
        "manifest-descriptor:x=y",
    ];
    image(&scratch, "new", &options, newer);
    let found = diff(&scratch, "old", "new");
    let [amd64, arm64] = [0, 1].map(|i| &found["platforms"][i]);
    assert_eq!(amd64["status"], "same");
    assert_eq!(arm64["status"], "changed");
    assert_eq!(arm64["layers"]["kept"], 1);
    assert_eq!(arm64["layers"]["added"][0]["layer"], 1);

    let info = |c, name: &str, size: u64| json!({ "path": store(c, name), "size": size });
    assert_eq!(
        arm64["storePaths"],
        json!({
            "added": [info('6', "new-1", 600)],
            "removed": [info('3', "old-1", 700)],
            "changed": [
                { "name": "glibc", "old": info('2', "glibc-2.40-66", 5000), "new": info('5', "glibc-2.40-66", 5000) },
                { "name": "hello", "old": info('1', "hello-1.0", 3000), "new": info('4', "hello-1.1", 3100) },
            ],
        })
    );
    // /etc/shared is in the shared layer below.
    assert_eq!(arm64["directories"]["changed"][0]["name"], "/etc");
    assert_eq!(
        arm64["config"],
        json!([
            { "field": "config.Cmd", "old": ["/bin/hello"], "new": ["/bin/hello", "-v"] },
            { "field": "config.Env.A", "old": "1", "new": null },
            { "field": "config.Env.B", "old": null, "new": "2" },
        ])
    );
    assert_eq!(
        arm64["annotations"],
        json!([{ "level": "manifest-descriptor", "key": "x", "old": null, "new": "y" }])
    );
    assert_eq!(
        found["annotations"],
        json!([{ "level": "index", "key": "v", "old": "1", "new": "2" }])
    );
    snapshot("diff.txt", &(scratch.run(&["diff", "old", "new"]) + "\n"));
    snapshot(
        "diff.json",
        &(scratch.run(&["diff", "--json", "old", "new"]) + "\n"),
    );
}

#[test]
fn the_push_counts_the_blobs_that_the_old_image_does_not_have() {
    let scratch = Scratch::new();
    image(&scratch, "old", &[], |_| {});
    image(&scratch, "new", &[], newer);
    let blobs = |name: &str| -> Vec<(std::path::PathBuf, u64)> {
        let files = tree(&scratch.path(name)).into_iter();
        let blobs = files.filter(|(path, _)| path.starts_with("blobs"));
        blobs
            .filter_map(|(path, content)| Some((path, content?.len() as u64)))
            .collect()
    };
    let old = blobs("old");
    let sent: Vec<u64> = (blobs("new").into_iter())
        .filter(|(path, _)| !old.iter().any(|(known, _)| known == path))
        .map(|(_, size)| size)
        .collect();
    // The index; manifest, config and a layer of arm64.
    assert_eq!(sent.len(), 4);
    let found = diff(&scratch, "old", "new");
    assert_eq!(
        found["push"],
        json!({ "blobs": 4, "bytes": sent.iter().sum::<u64>() })
    );
    assert_eq!(
        found["platforms"][0]["push"],
        json!({ "blobs": 0, "bytes": 0 })
    );
    assert_eq!(found["platforms"][1]["push"]["blobs"], 3);
}

#[test]
fn added_and_removed_platforms_are_reported() {
    let scratch = Scratch::new();
    for (name, platform) in [
        ("a.tar", "linux/amd64"),
        ("b.tar", "linux/arm64"),
        ("c.tar", "linux/riscv64"),
    ] {
        scratch.write(name, &TestImage::new(platform).docker_archive());
    }
    scratch.run(&["merge", "-o", "old", "a.tar", "b.tar"]);
    scratch.run(&["merge", "-o", "new", "a.tar", "c.tar"]);
    let found = diff(&scratch, "old", "new");
    let status: Vec<(&Value, &Value)> = (found["platforms"].as_array().unwrap().iter())
        .map(|platform| (&platform["platform"], &platform["status"]))
        .collect();
    let expected = [
        ("linux/amd64", "same"),
        ("linux/arm64", "removed"),
        ("linux/riscv64", "added"),
    ];
    let expected = expected.map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(status, expected.each_ref().map(|(a, b)| (a, b)));
    // The shared layer is in the registry already.
    assert_eq!(found["platforms"][2]["layers"]["kept"], 0);
    assert_eq!(found["platforms"][2]["push"]["blobs"], 3);
}

#[test]
fn recompressed_layers_are_distinguished_from_changed_layers() {
    let scratch = Scratch::new();
    image(&scratch, "old", &["--compression=gzip"], |_| {});
    image(&scratch, "new", &["--compression=zstd"], |_| {});
    let found = diff(&scratch, "old", "new");
    let layers = &found["platforms"][0]["layers"];
    assert_eq!(layers["kept"], 0);
    assert!(
        layers["added"]
            .as_array()
            .unwrap()
            .iter()
            .all(|layer| layer["recompressed"] == true)
    );
    assert_eq!(found["platforms"][0]["storePaths"]["changed"], json!([]));

    // Uncompressed archives are compared too, with a note on the sizes.
    let found = diff(&scratch, "old-amd64.tar", "new-amd64.tar");
    assert_eq!(found["push"]["blobs"], 0);
    assert!(
        found["warnings"][0]["message"]
            .as_str()
            .unwrap()
            .contains("not compressed")
    );
}

/// The index has one image only.
#[test]
fn a_changed_index_is_part_of_the_push() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    for name in ["old", "new"] {
        let annotation = format!("version={name}");
        scratch.run(&["merge", "-o", name, "--annotation", &annotation, "a.tar"]);
    }
    let index = Merged::read(&scratch.path("new")).index;
    let found = diff(&scratch, "old", "new");
    let size = scratch.run(&["inspect", "--raw", "new"]).len();
    assert_eq!(index["annotations"]["version"], "new");
    assert_eq!(found["push"], json!({ "blobs": 1, "bytes": size }));
    let nothing = json!({ "blobs": 0, "bytes": 0 });
    assert_eq!(found["platforms"][0]["push"], nothing);
    let only = ["diff", "--json", "--platform=linux/amd64", "old", "new"];
    let found = scratch.json(&only);
    assert_eq!(found["push"], nothing);
}

/// The exit codes of the options that make an answer of them: 0 accepted, 1 not accepted, 2 no answer.
fn exit_code(scratch: &Scratch, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = scratch.command(&[&["diff"], arguments].concat());
    let output = command.output().unwrap();
    (output.status.code(), stderr(&output))
}

#[test]
fn exit_code_is_1_for_any_difference_and_2_for_a_failure() {
    let scratch = Scratch::new();
    image(&scratch, "old", &[], |_| {});
    image(&scratch, "new", &[], newer);
    image(&scratch, "annotated", &["--annotation", "v=2"], |_| {});
    image(&scratch, "named", &["--name", "hello"], |_| {});
    let code = |arguments: &[&str]| exit_code(&scratch, arguments).0;
    assert_eq!(code(&["--exit-code", "old", "old"]), Some(0));
    // The name is not part of the image.
    assert_eq!(code(&["--exit-code", "old", "named"]), Some(0));
    assert_eq!(code(&["--exit-code", "old", "new"]), Some(1));
    assert_eq!(code(&["--exit-code", "--json", "old", "new"]), Some(1));
    assert_eq!(code(&["--exit-code", "old", "annotated"]), Some(1));
    let amd64 = "--platform=linux/amd64";
    assert_eq!(code(&["--exit-code", amd64, "old", "new"]), Some(0));
    // Annotations of the index are compared for any platform.
    assert_eq!(code(&["--exit-code", amd64, "old", "annotated"]), Some(1));
    assert_eq!(code(&["old", "new"]), Some(0));

    assert_eq!(code(&["--exit-code", "old", "absent"]), Some(2));
    assert_eq!(code(&["old", "absent"]), Some(1));
    assert!(diff(&scratch, "old", "old")["same"].as_bool().unwrap());
    assert!(!diff(&scratch, "old", "new")["same"].as_bool().unwrap());
    let found = diff(&scratch, "old", "annotated");
    for (field, name) in [("oldDigest", "old"), ("newDigest", "annotated")] {
        let layout = Merged::read(&scratch.path(name));
        assert_eq!(found[field], layout.digest.as_str());
    }
}

#[test]
fn an_index_in_another_order_is_a_difference() {
    let scratch = Scratch::new();
    image(&scratch, "old", &[], |_| {});
    let mut index: Value = Merged::read(&scratch.path("old")).index;
    index["manifests"].as_array_mut().unwrap().reverse();
    let index = index.to_string();
    image(&scratch, "new", &[], |_| {});
    let digest = digest(index.as_bytes());
    scratch.write(
        &format!("new/blobs/{}", digest.replace(':', "/")),
        index.as_bytes(),
    );
    let root = json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": index.len() }] });
    scratch.write("new/index.json", root.to_string().as_bytes());
    assert_eq!(
        exit_code(&scratch, &["--exit-code", "old", "new"]).0,
        Some(1)
    );
    assert!(
        scratch
            .run(&["diff", "old", "new"])
            .contains("image index: changed")
    );
}

#[test]
fn max_push_is_the_largest_number_of_bytes_that_is_accepted() {
    let scratch = Scratch::new();
    image(&scratch, "old", &[], |_| {});
    image(&scratch, "new", &[], newer);
    let bytes = diff(&scratch, "old", "new")["push"]["bytes"]
        .as_u64()
        .unwrap();
    let run = |size: &str| exit_code(&scratch, &["--max-push", size, "old", "new"]);
    assert_eq!(run(&bytes.to_string()).0, Some(0));
    let (code, said) = run(&(bytes - 1).to_string());
    assert_eq!(code, Some(1));
    assert!(
        said.contains(&format!(
            "({bytes} bytes), which is more than --max-push allows"
        )),
        "{said}"
    );
    for (size, code) in [
        ("1 MB", 0),
        ("0.001mib", 1),
        ("0.1KiB", 1),
        ("1GiB", 0),
        ("1M", 0),
        ("0", 1),
    ] {
        assert_eq!(run(size).0, Some(code), "{size}");
    }
    for size in ["", "MB", "-1", "1.5.2MB", "10 cats", "99999999TB"] {
        let (code, said) = run(size);
        assert_eq!(code, Some(2), "{size}");
        assert!(
            said.contains("such as 50MB or 1.5GiB")
                || said.contains("a value is required")
                || said.contains("unexpected argument"),
            "{said}"
        );
    }
    let both = ["--exit-code", "--max-push=1GB", "old", "new"];
    assert_eq!(exit_code(&scratch, &both).0, Some(1));
}
