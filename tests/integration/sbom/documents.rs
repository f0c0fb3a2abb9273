//! Documents of SPDX and CycloneDX.

use std::collections::BTreeSet;

use super::*;

/// An image of two platforms, merged.
fn merged() -> Scratch {
    let scratch = Scratch::new();
    hello(&scratch);
    scratch
}

const FORMATS: [&str; 2] = ["spdx", "cyclonedx"];

#[test]
fn a_document_is_the_same_on_every_run_for_every_kind_of_input() {
    let scratch = merged();
    scratch.run(&[
        "merge",
        "--name",
        "hello",
        "--tag",
        "v1",
        "-o",
        "layout",
        "hello.tar",
    ]);
    for format in FORMATS {
        let document = scratch.run(&["sbom", "--format", format, "hello.tar"]);
        for jobs in ["1", "2", "7"] {
            let again = scratch.run(&["sbom", "--format", format, "--jobs", jobs, "hello.tar"]);
            assert_eq!(again, document);
        }
        let layout = scratch.run(&["sbom", "--format", format, "layout"]);
        assert_eq!(layout, document);
    }
}

#[test]
fn documents_of_different_images_have_different_ids() {
    let scratch = merged();
    let mut ids = BTreeSet::new();
    for options in [
        &[][..],
        &["--platform", "linux/amd64"],
        &["--platform", "linux/arm64"],
    ] {
        let of = |format| {
            let first = ["sbom", "--format", format, "hello.tar"];
            scratch.json(&[&first[..], options].concat())
        };
        let spdx = of("spdx")["documentNamespace"].as_str().unwrap().to_owned();
        assert!(
            spdx.starts_with("https://spdx.org/spdxdocs/docker.io-library-hello-v1-"),
            "{spdx}"
        );
        ids.insert(spdx);
        ids.insert(of("cyclonedx")["serialNumber"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 6);
}

#[test]
fn a_document_of_one_platform_describes_its_manifest() {
    let scratch = merged();
    let inspected = scratch.json(&["inspect", "--json", "hello.tar"]);
    let digest = inspected["platforms"][1]["manifest"]["digest"]
        .as_str()
        .unwrap();
    let purl = format!(
        "pkg:oci/hello@{digest}?arch=arm64&repository_url=docker.io%2Flibrary%2Fhello&tag=v1"
    );
    let options = ["--platform", "linux/arm64", "hello.tar"];
    let of = |format| scratch.json(&[&["sbom", "--format", format], &options[..]].concat());
    let cyclonedx = of("cyclonedx");
    let subject = &cyclonedx["metadata"]["component"];
    assert_eq!(
        (&subject["version"], &subject["purl"]),
        (&digest.into(), &purl.clone().into())
    );
    let spdx = of("spdx");
    let described = &spdx["relationships"][0];
    assert_eq!(described["relationshipType"], "DESCRIBES");
    let package = &spdx["packages"][0];
    assert_eq!(package["SPDXID"], described["relatedSpdxElement"]);
    assert_eq!(package["versionInfo"], digest);
    assert_eq!(package["externalRefs"][0]["referenceLocator"], purl);
}

#[test]
fn every_id_that_a_document_refers_to_is_in_it() {
    let scratch = merged();
    let spdx = scratch.json(&["sbom", "--format", "spdx", "hello.tar"]);
    let ids = spdx["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| &package["SPDXID"]);
    let ids: Vec<&Value> = ids.collect();
    let unique: BTreeSet<String> = ids.iter().map(|id| id.to_string()).collect();
    assert_eq!(unique.len(), ids.len());
    for relationship in spdx["relationships"].as_array().unwrap() {
        assert!(
            ids.contains(&&relationship["relatedSpdxElement"]),
            "{relationship}"
        );
    }
    let cyclonedx = cyclonedx(&scratch, "hello.tar");
    let components = cyclonedx["components"].as_array().unwrap().iter();
    let components = components.chain([&cyclonedx["metadata"]["component"]]);
    let refs: BTreeSet<&str> = components.map(|c| c["bom-ref"].as_str().unwrap()).collect();
    for dependency in cyclonedx["dependencies"].as_array().unwrap() {
        for other in dependency["dependsOn"].as_array().unwrap() {
            assert!(refs.contains(other.as_str().unwrap()), "{other}");
        }
        assert!(refs.contains(dependency["ref"].as_str().unwrap()));
    }
}

#[test]
fn the_time_is_that_of_the_config_in_whole_seconds_of_utc() {
    let scratch = Scratch::new();
    for (created, expected) in [
        (None, "1970-01-01T00:00:01Z"),
        (
            Some("2024-03-01T01:30:00.123+02:00"),
            "2024-02-29T23:30:00Z",
        ),
        (Some("not a time"), "1970-01-01T00:00:01Z"),
    ] {
        let mut image = TestImage::new("linux/amd64");
        if let Some(created) = created {
            image.config["created"] = created.into();
        }
        scratch.write("a.tar", &image.docker_archive());
        let spdx = scratch.json(&["sbom", "--format", "spdx", "a.tar"]);
        assert_eq!(spdx["creationInfo"]["created"], expected);
        let found = cyclonedx(&scratch, "a.tar");
        assert_eq!(found["metadata"]["timestamp"], expected);
    }
}

/// Whether the official schemas and rules accept a document; prints why not.
fn is_valid(scratch: &Scratch, name: &str) -> Option<bool> {
    let checked = python("validate.py", &[scratch.path(name)])?;
    print!(
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        stderr(&checked)
    );
    Some(checked.status.success())
}

#[test]
fn documents_are_valid_by_the_official_schemas() {
    let scratch = merged();
    let hello = "/nix/store/kx8i4ifbgxnk27s25p4kdkkvqcjvfw25-hello-1.0";
    let metadata = serde_json::json!({ hello: {
        "license": "GPL-3.0-or-later WITH Classpath-exception-2.0", "homepage": "https://example.org/",
        "description": "A greeting", "mainProgram": "hello",
        "cpe": "cpe:2.3:a:gnu:hello:1.0:*:*:*:*:*:*:*",
    } });
    scratch.write("meta.json", metadata.to_string().as_bytes());
    let node = br#"{"name":"@a/b","version":"1.0.0","license":"SEE LICENSE IN x"}"#;
    let dpkg = b"Package: libstdc++6\nVersion: 1:12.2.0-14+x~1\nArchitecture: amd64\n";
    let odd = layer(&[
        Entry::File("var/lib/dpkg/status.d/x", dpkg),
        Entry::File("opt/node_modules/@a/b/package.json", node),
        Entry::File("opt/odd name", b""),
        Entry::Fifo("nix/store/1z364a2vnvi1j6x5aqb7nab9ijkx5pgz-odd"),
    ]);
    image(&scratch, "odd.tar", "linux/amd64", &[odd]);
    let meta = ["--metadata", "meta.json"];
    for format in FORMATS {
        for arguments in [
            &["hello.tar"][..],
            &[meta[0], meta[1], "hello.tar"],
            &["--platform", "linux/arm64", "hello.tar"],
            &["odd.tar"],
        ] {
            let first = ["sbom", "--format", format, "-o", "document.json"];
            scratch.run(&[&first[..], arguments].concat());
            let Some(is_valid) = is_valid(&scratch, "document.json") else {
                return;
            };
            assert!(is_valid, "{format} {arguments:?}");
        }
        // The check can fail.
        let mut document = scratch.json(&["sbom", "--format", format, "hello.tar"]);
        match format {
            "spdx" => document["packages"][0]["downloadLocation"] = "nowhere".into(),
            _ => document["components"][0]["type"] = "nothing".into(),
        }
        scratch.write("document.json", document.to_string().as_bytes());
        assert_eq!(is_valid(&scratch, "document.json"), Some(false), "{format}");
    }
}
