//! Files beside the image, outputs of every kind, and texts of an image that a terminal would obey.

use serde_json::json;

use super::*;

const HELLO: &str = "/nix/store/kx8i4ifbgxnk27s25p4kdkkvqcjvfw25-hello-1.0";

#[test]
fn a_closure_or_metadata_that_is_too_large_is_an_error() {
    let scratch = Scratch::new();
    hello(&scratch);
    let large = std::fs::File::create(scratch.path("large.json")).unwrap();
    large.set_len(41 << 20).unwrap();
    for option in ["--closure", "--metadata"] {
        for file in ["large.json", "/dev/zero"] {
            let error = scratch.fail(&[
                "sbom",
                "--platform",
                "linux/amd64",
                option,
                file,
                "hello.tar",
            ]);
            assert!(error.contains("expected at most 41.9 MB"), "{error}");
        }
    }
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_before_the_image_is_read() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("directory")).unwrap();
    for (output, expected) in [
        ("directory", "directory: not replaced: found a directory"),
        ("missing/file", "missing"),
    ] {
        let error = scratch.fail(&["sbom", "-o", output, "no-image.tar"]);
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("no-image.tar"), "{error}");
    }
}

#[test]
fn a_pipe_needs_a_reader() {
    let scratch = Scratch::new();
    hello(&scratch);
    let polyarch = env!("CARGO_BIN_EXE_polyarch");
    let script = format!("mkfifo pipe; timeout 60 {polyarch} sbom -o pipe hello.tar 2>&1 || true");
    let error = sh(&scratch, &script);
    assert!(error.contains("no program reads the pipe"), "{error}");
    // More than a pipe holds.
    let script = format!(
        "cat pipe >read & {polyarch} sbom --format spdx -o pipe hello.tar; wait; {polyarch} sbom --format spdx hello.tar | cmp - read"
    );
    sh(&scratch, &script);
}

#[test]
fn characters_that_a_terminal_obeys_are_escaped_in_every_format() {
    let scratch = Scratch::new();
    let name = "a\u{1b}[31m\u{9b}2J\u{202e}\u{200b}b";
    let package = json!({ "name": name, "version": "1\u{85}", "license": "x\u{61c}" }).to_string();
    let path = "app\u{9b}/node_modules/a/package.json";
    let layers = [layer(&[
        Entry::File(path, package.as_bytes()),
        Entry::File("other\u{2066}", b""),
    ])];
    image(&scratch, "a.tar", "linux/amd64", &layers);
    for format in ["text", "spdx", "cyclonedx"] {
        let printed = scratch.run(&["sbom", "--format", format, "a.tar"]);
        scratch.run(&["sbom", "--format", format, "-o", "file", "a.tar"]);
        let written = std::fs::read_to_string(scratch.path("file")).unwrap();
        for text in [printed, written] {
            let harmful = |c: &char| {
                c.is_control() && *c != '\n' || "\u{202e}\u{200b}\u{61c}\u{2066}".contains(*c)
            };
            assert_eq!(text.chars().find(harmful), None, "{text}");
        }
    }
    let document = cyclonedx(&scratch, "a.tar");
    assert_eq!(component(&document, name)["version"], "1\u{85}");
}

#[test]
fn no_component_has_an_empty_name() {
    let scratch = Scratch::new();
    let root = "nix/store/9z364a2vnvi1j6x5aqb7nab9ijkx5pgz--1.0";
    let layers = [layer(&[
        Entry::File(
            "a/node_modules/x/package.json",
            br#"{"name":"","version":"1"}"#,
        ),
        Entry::File(
            "a/node_modules/y/package.json",
            br#"{"name":"@/","version":"1"}"#,
        ),
        Entry::File("var/lib/dpkg/status", b"Package:  \nVersion: 1\n"),
        Entry::File(root, b""),
    ])];
    image(&scratch, "a.tar", "linux/amd64", &layers);
    let document = cyclonedx(&scratch, "a.tar");
    let components = document["components"].as_array().unwrap().iter();
    let names: Vec<&Value> = components.map(|component| &component["name"]).collect();
    assert_eq!(names, ["-1.0"]);
}

#[test]
fn a_distribution_with_an_invalid_id_is_not_named() {
    let scratch = Scratch::new();
    for id in ["\"\x1b[31m/..#?\"", "", "a/b", &"x".repeat(100)] {
        let os = format!("ID={id}\nVERSION_ID=\"\x07 1\"\n");
        let layers = [layer(&[
            Entry::File("etc/os-release", os.as_bytes()),
            Entry::File(
                "var/lib/dpkg/status",
                b"Package: a\nVersion: 1\nArchitecture: all\n",
            ),
        ])];
        image(&scratch, "a.tar", "linux/amd64", &layers);
        let document = cyclonedx(&scratch, "a.tar");
        assert_eq!(
            component(&document, "a")["purl"],
            "pkg:deb/debian/a@1?arch=all"
        );
    }
}

#[test]
fn fields_of_metadata_that_are_not_valid_are_left_out_with_a_warning() {
    let scratch = Scratch::new();
    hello(&scratch);
    let good = json!({
        "homepage": "https://example.org/a?b=c#d",
        "cpe": r"cpe:2.3:a:gnu:hello:1.0\+x:*:*:*:*:*:*:*",
        "purl": "pkg:github/gnu/hello@1.0",
    });
    let of = |metadata: &Value| {
        scratch.write(
            "meta.json",
            json!({ HELLO: metadata }).to_string().as_bytes(),
        );
        let arguments = [
            "sbom",
            "--format",
            "cyclonedx",
            "--metadata",
            "meta.json",
            "hello.tar",
        ];
        let output = scratch.command(&arguments).output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let components = document["components"].as_array().unwrap();
        let mut described = components.iter();
        let described = described.find(|c| properties(c, "nix:store_path") == [HELLO]);
        (described.unwrap().clone(), stderr(&output))
    };
    let (found, warnings) = of(&good);
    assert_eq!(
        (&found["cpe"], &found["purl"]),
        (&good["cpe"], &good["purl"])
    );
    assert_eq!(found["externalReferences"][0]["url"], good["homepage"]);
    assert_eq!(warnings, "");
    for (field, key, bad) in [
        ("homepage", "externalReferences", "javascript:alert(1)"),
        ("homepage", "externalReferences", "https://example.org/ x"),
        ("homepage", "externalReferences", "https:///x"),
        ("cpe", "cpe", "cpe:2.3:a:gnu:hello:1.0"),
        ("cpe", "cpe", "cpe:2.3:x:gnu:hello:1.0:*:*:*:*:*:*:*"),
        ("cpe", "cpe", "cpe:2.3:a:gnu:hel lo:1.0:*:*:*:*:*:*:*"),
        ("purl", "purl", "no package URL"),
        ("purl", "purl", "pkg:github/gnu/hello@1.0\u{202e}"),
    ] {
        let mut metadata = good.clone();
        metadata[field] = bad.into();
        let (found, warnings) = of(&metadata);
        assert_ne!(found[key], good[field], "{bad}");
        assert!(!found.to_string().contains(bad), "{found}");
        let expected = format!("the {field} of {HELLO} is left out");
        assert!(warnings.contains(&expected), "{warnings}");
    }
    let (found, _) = of(&json!({ "pname": "", "description": " " }));
    assert_eq!(found["description"], Value::Null);
}

#[test]
fn a_filter_without_a_match_says_so() {
    let scratch = Scratch::new();
    hello(&scratch);
    let table = scratch.run(&["sbom", "hello.tar", "nothing-like-it"]);
    let expected = "no component has \"nothing-like-it\" in its name, path or package URL, and no other file in its path";
    assert!(table.ends_with(expected), "{table}");
}
