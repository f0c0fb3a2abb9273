//! A scanner finds old versions of components through the documents, on each platform.

use serde_json::json;

use super::*;

/// An image with a package of Debian, one of Python in a store path and one of Node.js.
fn planted(scratch: &Scratch, platform: &str, [openssl, jinja, lodash]: [&str; 3]) {
    let architecture = platform.split_once('/').unwrap().1;
    let dpkg = format!(
        "Package: openssl\nStatus: install ok installed\nArchitecture: {architecture}\nVersion: {openssl}\n"
    );
    let python = format!("Metadata-Version: 2.1\nName: Jinja2\nVersion: {jinja}\n");
    let node = format!(r#"{{"name":"lodash","version":"{lodash}"}}"#);
    let store = "nix/store/1z364a2vnvi1j6x5aqb7nab9ijkx5pgz-python3.12-jinja2";
    let metadata = format!("{store}/lib/python3.12/site-packages/jinja2.dist-info/METADATA");
    let base = layer(&[
        Entry::File("usr/lib/os-release", b"ID=debian\nVERSION_ID=12\n"),
        Entry::File("var/lib/dpkg/status", dpkg.as_bytes()),
    ]);
    let app = layer(&[
        Entry::File(&metadata, python.as_bytes()),
        Entry::File("app/node_modules/lodash/package.json", node.as_bytes()),
    ]);
    image(
        scratch,
        &format!("{architecture}.tar"),
        platform,
        &[base, app],
    );
}

/// What the advisory says about the merged image, by both formats.
fn found(scratch: &Scratch) -> Option<String> {
    scratch.run(&["merge", "-f", "-o", "app.tar", "amd64.tar", "arm64.tar"]);
    let ecosystem = |purl: &str, fixed: &str| {
        json!({
            "package": { "purl": purl },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        })
    };
    let advisory = json!({ "id": "TEST-1", "affected": [
        ecosystem("pkg:deb/debian/openssl", "3.0.14-1~deb12u1"),
        ecosystem("pkg:pypi/jinja2", "3.1.5"),
        ecosystem("pkg:npm/lodash", "4.17.21"),
    ] });
    scratch.write("advisory.json", advisory.to_string().as_bytes());
    let both = ["cyclonedx", "spdx"].map(|format| {
        let document = format!("app.{format}.json");
        scratch.run(&["sbom", "--format", format, "-o", &document, "app.tar"]);
        let files = ["advisory.json", &document].map(|name| scratch.path(name));
        let output = python("scan.py", &files)?;
        assert!(output.status.success(), "{}", stderr(&output));
        Some(String::from_utf8(output.stdout).unwrap())
    });
    let [cyclonedx, spdx] = both;
    assert_eq!(cyclonedx, spdx);
    cyclonedx
}

#[test]
fn a_scanner_finds_old_versions_on_each_platform() {
    let scratch = Scratch::new();
    let old = ["3.0.13-1~deb12u1", "3.1.2", "4.17.20"];
    planted(&scratch, "linux/amd64", old);
    planted(&scratch, "linux/arm64", old);
    let Some(lines) = found(&scratch) else {
        return;
    };
    let deb = |architecture: &str| {
        format!(
            "TEST-1 pkg:deb/debian/openssl@3.0.13-1~deb12u1?arch={architecture}&distro=debian-12 linux/{architecture}\n"
        )
    };
    let both = |purl: &str| format!("TEST-1 {purl} linux/amd64\nTEST-1 {purl} linux/arm64\n");
    let expected = [
        deb("amd64"),
        deb("arm64"),
        both("pkg:npm/lodash@4.17.20"),
        both("pkg:pypi/jinja2@3.1.2"),
    ];
    assert_eq!(lines, expected.concat());
    // The fixed versions are not found, and an old one on one platform is found there only.
    planted(
        &scratch,
        "linux/amd64",
        ["3.0.14-1~deb12u1", "3.1.5", "4.17.21"],
    );
    planted(
        &scratch,
        "linux/arm64",
        ["3.0.14-1~deb12u1", "3.1.10", "4.17.3"],
    );
    assert_eq!(
        found(&scratch).unwrap(),
        "TEST-1 pkg:npm/lodash@4.17.3 linux/arm64\n"
    );
}
