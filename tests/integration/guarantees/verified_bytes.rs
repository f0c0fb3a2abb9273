//! Guarantees 3 and 4: every byte was verified, and every descriptor matches its blob.

use serde_json::json;

use super::*;
use crate::support::*;

/// Whether the blob is compressed, decompressed or copied. (`--link` reads only documents: the layers were
/// verified when the linked layout was written.)
#[test]
fn guarantee_3_a_changed_byte_in_any_blob_is_refused() {
    let image = TestImage::new("linux/amd64");
    let layouts = [image.layout(plain), image.layout(gzipped)];
    for (which, layout) in layouts.iter().enumerate() {
        for blob in 0..layout.blobs.len() {
            for compression in ["gzip", "none", "keep"] {
                let scratch = Scratch::new();
                layout.directory(&scratch, "in");
                let mut changed = layout.blobs[blob].clone();
                // Byte 5 of gzip is a part of the time: only the digest reveals the change.
                let at = if changed.starts_with(&[0x1f, 0x8b]) {
                    5
                } else {
                    changed.len() / 2
                };
                changed[at] ^= 1;
                let name = format!("in/blobs/sha256/{}", hex(&layout.blobs[blob]));
                scratch.write(&name, &changed);
                let arguments = ["merge", "--compression", compression, "-o", "out", "in"];
                let message = scratch.fail(&arguments);
                assert!(
                    message.contains("wrong digest") || message.contains("diff ID"),
                    "layout {which}, blob {blob}, {compression}: {message}"
                );
            }
        }
    }
}

#[test]
fn guarantee_3_a_copied_layer_is_checked_against_its_diff_id() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    // Blobs with correct digests whose content is not that of the diff ID.
    let layout = image.layout(|layer| gzipped(&[layer, b"and more"].concat()));
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(
        message.contains("has the wrong content: found diff ID"),
        "{message}"
    );
}

/// A blob is written once, as a layer or as a document.
#[test]
fn guarantee_3_a_layer_that_is_also_a_manifest_is_checked_against_its_diff_id() {
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    let first = layout.index["manifests"][0].clone();
    let config = json!({
        "os": "linux", "architecture": "arm64",
        "rootfs": { "type": "layers", "diff_ids": [digest(b"something else")] },
    });
    let config = layout.blob(
        "application/vnd.oci.image.config.v1+json",
        &serde_json::to_vec(&config).unwrap(),
    );
    let mut layer = first.clone();
    layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar".into();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
    });
    let second = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    layout.index["manifests"] = json!([first, second]);
    let scratch = Scratch::new();
    layout.directory(&scratch, "in");
    for compression in ["gzip", "none", "keep"] {
        let arguments = ["merge", "--compression", compression, "-o", "out", "in"];
        let message = scratch.fail(&arguments);
        assert!(
            message.contains("has the wrong content: found diff ID"),
            "{message}"
        );
    }
}

#[test]
fn guarantee_3_diff_ids_are_trusted_only_with_the_option() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    // Blobs with correct digests whose content is not that of the diff ID.
    image
        .layout(|layer| gzipped(&[layer, b"and more"].concat()))
        .directory(&scratch, "in");
    scratch.fail(&["merge", "-o", "out", "in"]);
    scratch.run(&["merge", "--trust-diff-ids", "-o", "trusted", "in"]);
    // Digests are still verified.
    let layout = image.layout(gzipped);
    layout.directory(&scratch, "bad");
    let mut changed = layout.blobs[1].clone();
    changed[5] ^= 1;
    scratch.write(
        &format!("bad/blobs/sha256/{}", hex(&layout.blobs[1])),
        &changed,
    );
    let message = scratch.fail(&["merge", "--trust-diff-ids", "-o", "out", "bad"]);
    assert!(message.contains("wrong digest"), "{message}");
}

#[test]
fn guarantee_3_sha512_digests_are_verified() {
    use sha2::Digest as _;
    let sha512 = |bytes: &[u8]| {
        let hex: String = sha2::Sha512::digest(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        format!("sha512:{hex}")
    };
    let layer = tar(&[("file", b"content")]);
    for changed in [false, true] {
        let scratch = Scratch::new();
        let config = json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": { "type": "layers", "diff_ids": [sha512(&layer)] },
        });
        let config = serde_json::to_vec(&config).unwrap();
        let mut blob = gzip(&layer);
        let digest_of_layer = sha512(&blob);
        if changed {
            blob[5] ^= 1;
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(&config), "size": config.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest_of_layer, "size": blob.len(),
            }],
        });
        let manifest = serde_json::to_vec(&manifest).unwrap();
        let index = json!({
            "schemaVersion": 2,
            "manifests": [{ "mediaType": MANIFEST, "digest": digest(&manifest), "size": manifest.len() }],
        });
        let index = serde_json::to_vec(&index).unwrap();
        let files: [(&str, &[u8]); 5] = [
            ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
            ("index.json", &index),
            (&format!("blobs/sha256/{}", hex(&config)), &config),
            (&format!("blobs/sha256/{}", hex(&manifest)), &manifest),
            (
                &format!("blobs/{}", digest_of_layer.replace(':', "/")),
                &blob,
            ),
        ];
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, bytes).unwrap();
        }
        let archive = builder.into_inner().unwrap();
        scratch.write("in.tar", &archive);
        scratch.write("in.tar.gz", &gzip(&archive));
        for (output, input) in [("o1", "in.tar"), ("o2", "in.tar.gz")] {
            for compression in ["gzip", "none"] {
                let output = format!("{output}-{compression}");
                let arguments = ["merge", "--compression", compression, "-o", &output, input];
                if changed {
                    let message = scratch.fail(&arguments);
                    assert!(message.contains("wrong digest: found sha512:"), "{message}");
                } else {
                    let found = scratch.run(&arguments);
                    // The name of such a blob is too long for the header of an entry.
                    let archive = output.clone() + ".tar";
                    let options = ["merge", "--compression", compression, "-o"];
                    let again = scratch.run(&[&options[..], &[&archive, input]].concat());
                    assert_eq!(again, found);
                    let reread = output + "-again";
                    let again = scratch.run(&[&options[..], &[&reread, &archive]].concat());
                    assert_eq!(again, found);
                }
            }
        }
    }
}

#[test]
fn guarantee_4_every_descriptor_matches_its_blob_in_every_format() {
    // `Merged` checks every digest, size and diff ID.
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive_with_noise("linux/amd64", 3));
    TestImage::new("linux/arm64")
        .layout(gzipped)
        .directory(&scratch, "b");
    for compression in ["gzip", "zstd", "none", "keep"] {
        let options = ["--compression", compression, "a.tar", "b"];
        let directory = format!("{compression}.dir");
        let archive = format!("{compression}.tar");
        let directory = scratch.merge_to(&directory, &options);
        let archive = scratch.merge_to(&archive, &options);
        assert_eq!(directory.digest, archive.digest);
    }
}
