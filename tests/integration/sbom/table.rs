//! The table: which layer has a component, for which platform.

use super::*;

const SSL: &str = "nix/store/1z364a2vnvi1j6x5aqb7nab9ijkx5pgz-openssl-3.0.13";
const APP: &str = "nix/store/2z364a2vnvi1j6x5aqb7nab9ijkx5pgz-app-1.0";

/// An image of two platforms, whose layers with openssl are at different places.
fn two_platforms(scratch: &Scratch) {
    let ssl = |arch: &[u8]| layer(&[Entry::File(&format!("{SSL}/lib/libssl.so"), arch)]);
    let app = layer(&[Entry::File(
        &format!("{APP}/bin/app"),
        format!("links to /{SSL}/lib").as_bytes(),
    )]);
    let root = layer(&[
        Entry::File("etc/passwd", b"root"),
        Entry::Symlink("bin/app", "/x"),
    ]);
    let amd64 = [ssl(b"x86"), app.clone(), root.clone()];
    image(scratch, "amd64.tar", "linux/amd64", &amd64);
    image(
        scratch,
        "arm64.tar",
        "linux/arm64",
        &[app, ssl(b"arm"), root],
    );
    scratch.run(&[
        "merge",
        "--name",
        "app",
        "-o",
        "app.tar",
        "amd64.tar",
        "arm64.tar",
    ]);
}

#[test]
fn the_table_names_the_layers_and_platforms_of_a_component() {
    let scratch = Scratch::new();
    two_platforms(&scratch);
    let inspected = scratch.json(&["inspect", "--json", "app.tar"]);
    let layer = |platform: usize, layer: usize| {
        let digest = &inspected["platforms"][platform]["layers"][layer]["digest"];
        format!("{} {:.19}", layer + 1, digest.as_str().unwrap())
    };
    let found = scratch.run(&["sbom", "app.tar", "OpenSSL"]);
    let rows: Vec<&str> = found.lines().skip(1).collect();
    // Not the same bytes, so two components.
    let (amd64, arm64) = match rows[..] {
        [first, second] if first.contains("linux/amd64") => (first, second),
        [first, second] => (second, first),
        _ => panic!("{found}"),
    };
    for (row, layer, platform) in [
        (amd64, layer(0, 0), "linux/amd64"),
        (arm64, layer(1, 1), "linux/arm64"),
    ] {
        for text in ["openssl", "3.0.13", &layer, platform, SSL] {
            assert!(row.contains(text), "{text} is not in {row}");
        }
    }
    let found = scratch.run(&["sbom", "app.tar"]);
    assert!(
        found.contains(&format!("{}  linux/amd64 ", layer(0, 1))),
        "{found}"
    );
    assert!(
        found.contains("linux/arm64: 1 file (4 B) in no component\n  /etc/passwd"),
        "{found}"
    );
}

#[test]
fn references_are_found_in_the_bytes() {
    let scratch = Scratch::new();
    two_platforms(&scratch);
    let one = |platform| {
        scratch.json(&[
            "sbom",
            "--format",
            "cyclonedx",
            "--platform",
            platform,
            "app.tar",
        ])
    };
    for platform in ["linux/amd64", "linux/arm64"] {
        let document = one(platform);
        let of = |name: &str| component(&document, name)["bom-ref"].clone();
        let dependencies = document["dependencies"].as_array().unwrap();
        let on = |name: &str| {
            let found = dependencies.iter().find(|d| d["ref"] == of(name)).unwrap();
            found["dependsOn"].clone()
        };
        assert_eq!(on("app"), serde_json::json!([of("openssl")]));
        assert_eq!(on("openssl"), serde_json::json!([]));
    }
}

#[test]
fn a_filter_is_for_tables_only() {
    let scratch = Scratch::new();
    let output = scratch
        .command(&["sbom", "--format", "spdx", "a.tar", "x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("only a table can be filtered by \"x\""));
}

#[test]
fn an_sbom_replaces_only_an_sbom() {
    let scratch = Scratch::new();
    two_platforms(&scratch);
    scratch.write("other", b"something else");
    let error = scratch.fail(&["sbom", "-o", "other", "app.tar"]);
    assert!(
        error.contains("found a file that is not an SBOM"),
        "{error}"
    );
    for format in ["text", "spdx", "cyclonedx", "text"] {
        scratch.run(&["sbom", "--format", format, "-o", "sbom", "app.tar"]);
        let printed = scratch.run(&["sbom", "--format", format, "app.tar"]);
        let written = std::fs::read_to_string(scratch.path("sbom")).unwrap();
        assert_eq!(written.trim(), printed);
    }
}
