//! Files that `sbom` and `--attest` read and write.

use super::*;

#[test]
fn the_name_of_the_output_chooses_the_format_of_an_sbom() {
    let scratch = images();
    for (name, key) in [("a.spdx.json", "spdxVersion"), ("A.CDX.JSON", "bomFormat")] {
        scratch.run(&["sbom", "-o", name, "a.tar"]);
        let written: Value =
            serde_json::from_slice(&fs::read(scratch.path(name)).unwrap()).unwrap();
        assert!(written[key].is_string(), "{name}");
    }
    scratch.run(&[
        "sbom",
        "--format",
        "cyclonedx",
        "-o",
        "a.spdx.json",
        "a.tar",
    ]);
    let written = fs::read_to_string(scratch.path("a.spdx.json")).unwrap();
    assert!(written.contains("bomFormat"), "{written}");
    let message = misused(&scratch, &["sbom", "-o", "a.json", "a.tar"]);
    assert!(
        message.contains("add --format spdx or --format cyclonedx"),
        "{message}"
    );
    scratch.run(&["sbom", "--format", "text", "-o", "a.json", "a.tar"]);
    scratch.run(&["sbom", "-o", "table", "a.tar"]);
    let table = fs::read_to_string(scratch.path("table")).unwrap();
    assert!(table.starts_with("COMPONENT"), "{table}");
}

#[test]
fn an_sbom_does_not_replace_its_inputs() {
    let scratch = images();
    scratch.write("c.json", b"{}");
    for arguments in [
        &["sbom", "-o", "a.tar", "a.tar"][..],
        &["sbom", "-o", "./a.tar", "linux/amd64=a.tar"],
        &[
            "sbom",
            "--format=spdx",
            "--closure=c.json",
            "-o=c.json",
            "a.tar",
        ],
        &[
            "sbom",
            "--format=spdx",
            "--metadata=c.json",
            "-o=c.json",
            "a.tar",
        ],
    ] {
        let message = scratch.fail(arguments);
        assert!(message.contains("which is needed"), "{message}");
        assert!(!message.contains("remove it"), "{message}");
    }
}

#[test]
fn a_closure_of_another_format_is_named() {
    let scratch = images();
    scratch.write("hello.html", b"<!doctype html>");
    scratch.write("hello.tar.gz", &gzip(b"content"));
    for (option, file, texts) in [
        (
            "--closure",
            "hello.tar.gz",
            [
                "hello.tar.gz: is not valid: found a gzip-compressed file",
                "expected the JSON of nix path-info",
            ],
        ),
        (
            "--closure",
            "hello.html",
            ["found a file of another format", "nix path-info"],
        ),
        (
            "--metadata",
            "hello.html",
            [
                "found a file of another format",
                "expected a JSON object by store path",
            ],
        ),
    ] {
        let message = scratch.fail(&["sbom", option, file, "a.tar"]);
        for text in texts {
            assert!(message.contains(text), "{text:?} is not in:\n{message}");
        }
    }
}

#[test]
fn a_mistyped_platform_before_a_document_gets_a_suggestion() {
    let scratch = images();
    scratch.run(&["merge", "-o", "both.tar", "a.tar", "b.tar"]);
    scratch.write("c.json", b"{}");
    for (argument, hint) in [
        ("arm64=c.json", "did you mean linux/arm64=c.json?"),
        ("x86_64-linux=c.json", "did you mean linux/amd64=c.json?"),
        ("linux/amd64:c.json", "did you mean linux/amd64=c.json?"),
        (
            "c.json=linux/amd64",
            "the platform goes before the image: linux/amd64=c.json",
        ),
    ] {
        for command in [
            &["sbom", "--closure", argument, "both.tar"][..],
            &["merge", "-o", "no", "--attest", argument, "a.tar", "b.tar"],
        ] {
            let message = scratch.fail(command);
            assert!(message.contains(hint), "{hint:?} is not in:\n{message}");
        }
    }
}

#[test]
fn a_file_in_no_component_is_found_by_a_text() {
    let scratch = Scratch::new();
    for architecture in ["amd64", "arm64"] {
        let mut image = TestImage::new(&format!("linux/{architecture}"));
        image.layers = vec![
            tar(&[("etc/passwd", b"root")]),
            tar(&[("usr/bin/openssl", b"program")]),
        ];
        scratch.write(&format!("{architecture}.tar"), &image.docker_archive());
    }
    scratch.run(&["merge", "-o", "both.tar", "amd64.tar", "arm64.tar"]);
    for text in ["OpenSSL", "/usr/bin/openssl"] {
        let table = scratch.run(&["sbom", "both.tar", text]);
        let rows: Vec<&str> = table.lines().collect();
        let [_, row] = &rows[..] else {
            panic!("{table}");
        };
        assert!(row.starts_with("-  "), "{table}");
        for text in [
            "file",
            "7 B",
            "2 ",
            "linux/amd64, linux/arm64",
            "/usr/bin/openssl",
        ] {
            assert!(row.contains(text), "{text} is not in {row}");
        }
    }
    let table = scratch.run(&["sbom", "both.tar", "linux/arm64"]);
    assert!(
        table.contains("no component has \"linux/arm64\""),
        "{table}"
    );
    assert!(table.ends_with("use --platform linux/arm64"), "{table}");
}

#[test]
fn the_files_with_a_text_that_are_not_listed_are_counted() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    let names: Vec<String> = (0..102).map(|i| format!("opt/app/{i}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b"x"[..])).collect();
    image.layers = vec![tar(&files)];
    scratch.write("a.tar", &image.docker_archive());
    let table = scratch.run(&["sbom", "a.tar", "app"]);
    assert_eq!(table.matches("/opt/app/").count(), 100, "{table}");
    assert!(
        table.ends_with("linux/amd64: and 2 more files in no component"),
        "{table}"
    );
}
