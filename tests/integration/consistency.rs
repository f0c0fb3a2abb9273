//! `--consistency`: configs of one image that differ in more than the platform.

use serde_json::json;

use crate::support::*;

#[test]
fn consistency_error_lists_every_difference_between_configs() {
    let with = |platform, execution: serde_json::Value, created: &str| {
        let mut image = TestImage::new(platform);
        image.config["config"] = execution;
        image.config["created"] = created.into();
        image.docker_archive()
    };
    let store = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-x-1.0/bin/x";
    let cross = "/nix/store/1123456789abcdfghijklmnpqrsvwxyz-x-aarch64-unknown-linux-gnu-1.0/bin/x";
    let one = json!({ "Entrypoint": [store], "Env": ["A=1", "B=2"], "ExposedPorts": { "80/tcp": {}, "81/tcp": {} }, "Labels": { "l": "v" } });
    let same = json!({ "Entrypoint": [cross], "Env": ["B=2", "A=1"], "ExposedPorts": { "81/tcp": {}, "80/tcp": {} }, "Labels": { "l": "v" } });
    let other = json!({ "Entrypoint": ["/x"], "Cmd": ["y"], "Env": ["A=2"], "User": "me", "WorkingDir": "/w", "Volumes": { "/v": {} }, "Labels": { "l": "w" } });

    let scratch = Scratch::new();
    scratch.write("one.tar", &with("linux/amd64", one, "1970-01-01T00:00:01Z"));
    scratch.write(
        "same.tar",
        &with("linux/arm64", same, "1970-01-01T00:00:01Z"),
    );
    scratch.write(
        "other.tar",
        &with("linux/arm64", other, "1980-01-01T00:00:00Z"),
    );
    scratch.run(&[
        "merge",
        "--consistency",
        "error",
        "--output",
        "same",
        "one.tar",
        "same.tar",
    ]);
    let said = scratch.fail(&[
        "merge",
        "--consistency",
        "error",
        "--output",
        "out",
        "one.tar",
        "other.tar",
    ]);
    let differences = [
        r#"Cmd: nothing for linux/amd64, ["y"] for linux/arm64"#.to_owned(),
        format!(r#"Entrypoint: ["{store}"] for linux/amd64, ["/x"] for linux/arm64"#),
        r#"Env A: "1" for linux/amd64, "2" for linux/arm64"#.to_owned(),
        r#"Env B: "2" for linux/amd64, nothing for linux/arm64"#.to_owned(),
        r#"ExposedPorts: ["80/tcp", "81/tcp"] for linux/amd64, nothing for linux/arm64"#.to_owned(),
        r#"Labels l: "v" for linux/amd64, "w" for linux/arm64"#.to_owned(),
        r#"User: nothing for linux/amd64, "me" for linux/arm64"#.to_owned(),
        r#"Volumes: nothing for linux/amd64, ["/v"] for linux/arm64"#.to_owned(),
        r#"WorkingDir: nothing for linux/amd64, "/w" for linux/arm64"#.to_owned(),
        r#"created: "1970-01-01T00:00:01Z" for linux/amd64, "1980-01-01T00:00:00Z" for linux/arm64"#.to_owned(),
    ];
    assert_eq!(
        said,
        format!(
            "error: the images differ in more than their platform: {}\n\
             hint: build all of them from the same expression; to continue with a warning, use --consistency warn (Nix: consistency = \"warn\")\n",
            differences.join("; ")
        )
    );
    let warned = scratch.merge_to("warned", &["--consistency", "warn", "one.tar", "other.tar"]);
    assert_eq!(
        warned
            .stderr
            .matches("warning: the images differ: ")
            .count(),
        differences.len()
    );
    let off = scratch.merge_to("off", &["one.tar", "other.tar"]);
    assert!(!off.stderr.contains("differ"), "{}", off.stderr);
}

/// Without a limit, a thousand images with a thousand labels each gave a message of gigabytes.
#[test]
fn a_long_list_of_differences_is_shortened() {
    let scratch = Scratch::new();
    let images = (0..40).map(|i| {
        let mut image = TestImage::new(&format!("linux/arch{i}"));
        if i == 39 {
            let labels = (0..100).map(|i| {
                (
                    format!("l{i:02}"),
                    "v".repeat(if i == 0 { 5000 } else { 5 }),
                )
            });
            image.config["config"] =
                json!({ "Labels": labels.collect::<std::collections::BTreeMap<_, _>>() });
        }
        let name = format!("{i}.tar");
        scratch.write(&name, &image.docker_archive());
        name
    });
    let images: Vec<String> = images.collect();
    let mut arguments = vec!["merge", "--consistency", "error", "--output", "out"];
    arguments.extend(images.iter().map(String::as_str));
    let output = scratch.command(&arguments).output().unwrap();
    let said = stderr(&output);
    // The message has the one differing image, only one of the others, and a shortened value.
    let long = format!(
        "Labels l00: nothing for linux/arch0, \"{}…\" for linux/arch39; ",
        "v".repeat(1000)
    );
    assert!(said.contains(&long) && !said.contains("arch1,"), "{said}");
    assert!(
        said.contains("Labels l63") && !said.contains("Labels l64"),
        "{said}"
    );
    assert!(said.contains("; in 36 more properties\n"), "{said}");
}
