//! The guarantees of the crate's documentation, one by one.

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use support::*;

fn archive_with_noise(platform: &str, seed: u64) -> Vec<u8> {
    let mut image = TestImage::new(platform);
    image
        .layers
        .push(tar(&[("noise", &noise(seed, 5_000_000))]));
    image.docker_archive()
}

#[test]
fn guarantee_1_same_inputs_same_bytes() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive_with_noise("linux/amd64", 1));
    scratch.write("b.tar.gz", &gzip(&archive_with_noise("linux/arm64", 2)));
    let binary = env!("CARGO_BIN_EXE_polyarch");
    let root = scratch.path("");
    let root = root.to_str().unwrap();

    let ways = [
        format!(
            "cd {root}; {binary} merge -q --name x --annotation b=2 --annotation a=1 -o 0.tar a.tar b.tar.gz"
        ),
        format!(
            "cd {root}; {binary} merge -q --name x --annotation a=1 --annotation b=2 -o 1.tar b.tar.gz a.tar"
        ),
        format!(
            "cd {root}; umask 077; TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 {binary} merge -q --jobs 1 --name x --annotation a=1 --annotation b=2 -o 2.tar ./a.tar ./b.tar.gz"
        ),
        format!(
            "cd /; umask 000; NIX_BUILD_CORES=7 {binary} merge -q --name x --annotation a=1 --annotation b=2 -o {root}/3.tar {root}/b.tar.gz linux/amd64={root}/a.tar"
        ),
        format!(
            "cd {root}; SOURCE_DATE_EPOCH=1 HOME=/nonexistent {binary} merge -q --jobs 16 --name x --annotation a=1 --annotation b=2 -o 4.tar <(cat a.tar) <(cat b.tar.gz)"
        ),
    ];
    for way in &ways {
        let output = Command::new("bash").arg("-c").arg(way).output().unwrap();
        assert!(output.status.success(), "{way}: {}", stderr(&output));
    }
    let first = fs::read(scratch.path("0.tar")).unwrap();
    for (i, way) in ways.iter().enumerate() {
        let other = fs::read(scratch.path(&format!("{i}.tar"))).unwrap();
        assert!(first == other, "{way} wrote other bytes");
    }
    Merged::archive(&scratch.path("0.tar"));

    // Of a directory the names, the bytes and the modes.
    let trees = ["umask 077", "umask 000"].map(|umask| {
        let output = umask.replace(' ', "-");
        let way = format!("cd {root}; {umask}; {binary} merge -q -o {output} a.tar b.tar.gz");
        assert!(
            Command::new("bash")
                .arg("-c")
                .arg(way)
                .status()
                .unwrap()
                .success()
        );
        let modes: Vec<_> = walkdir::WalkDir::new(scratch.path(&output))
            .sort_by_file_name()
            .into_iter()
            .map(|e| std::os::unix::fs::MetadataExt::mode(&e.unwrap().metadata().unwrap()))
            .collect();
        (modes, tree(&scratch.path(&output)))
    });
    assert!(trees[0] == trees[1]);
    assert!(
        trees[0]
            .0
            .iter()
            .all(|mode| [0o040_755, 0o100_644].contains(mode))
    );
}

#[test]
fn guarantee_2_an_oci_image_that_needs_no_change_keeps_its_manifest() {
    let scratch = Scratch::new();
    let layout = TestImage::new("linux/arm64").layout(gzipped);
    layout.directory(&scratch, "in");
    scratch.run(&["merge", "-o", "out", "in"]);
    let merged = Merged::directory(&scratch.path("out"));
    let before = &layout.index["manifests"][0]["digest"];
    assert_eq!(merged.index["manifests"][0]["digest"], *before);
}

#[test]
fn guarantee_2_a_docker_archive_keeps_its_image_id() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/arm64");
    image.config["preferLocalBuild"] = true.into();
    image.config["config"] = json!({ "Healthcheck": { "Test": ["NONE"] }, "Shell": ["sh"] });
    scratch.write("a.tar", &image.docker_archive());
    scratch.run(&["merge", "-o", "out", "a.tar"]);
    let merged = Merged::directory(&scratch.path("out"));
    assert_eq!(
        merged.manifests[0]["config"]["digest"],
        digest(&image.config_bytes())
    );
}

/// Where a byte of a blob was changed, in whatever way the blob is written. (What `--link` does not
/// write was verified when its layout was made; of it only documents are read again.)
#[test]
fn guarantee_3_no_changed_byte_goes_out() {
    let image = TestImage::new("linux/amd64");
    let layouts = [image.layout(plain), image.layout(gzipped)];
    for (which, layout) in layouts.iter().enumerate() {
        for blob in 0..layout.blobs.len() {
            for compression in ["gzip", "none", "keep"] {
                let scratch = Scratch::new();
                layout.directory(&scratch, "in");
                let mut changed = layout.blobs[blob].clone();
                // In the mtime of a gzip header nothing but the digest notices it.
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
fn guarantee_3_a_layer_is_held_against_its_diff_id_where_it_is_only_copied() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    // A good blob with another layer's content.
    let layout = image.layout(|layer| gzipped(&[layer, b"and more"].concat()));
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(
        message.contains("does not have the content that the config promises"),
        "{message}"
    );
}

/// A blob goes out once, whatever it is named as.
#[test]
fn guarantee_3_a_layer_that_is_a_document_of_another_image_is_held_against_its_diff_id_too() {
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
            message.contains("does not have the content that"),
            "{message}"
        );
    }
}

#[test]
fn guarantee_3_diff_ids_are_trusted_only_where_that_is_asked_for() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    // Blobs that have their digests, but not the content that the config promises.
    image
        .layout(|layer| gzipped(&[layer, b"and more"].concat()))
        .directory(&scratch, "in");
    scratch.fail(&["merge", "-o", "out", "in"]);
    scratch.run(&["merge", "--trust-diff-ids", "-o", "trusted", "in"]);
    // Digests are verified all the same.
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
fn guarantee_4_every_descriptor_is_true_in_every_format() {
    // `Merged` holds every digest, size and diff ID against the bytes.
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive_with_noise("linux/amd64", 3));
    TestImage::new("linux/arm64")
        .layout(gzipped)
        .directory(&scratch, "b");
    for compression in ["gzip", "zstd", "none", "keep"] {
        let options = ["merge", "--compression", compression, "-o"];
        let directory = format!("{compression}.dir");
        let archive = format!("{compression}.tar");
        scratch.run(&[&options[..], &[&directory, "a.tar", "b"]].concat());
        scratch.run(&[&options[..], &[&archive, "a.tar", "b"]].concat());
        let directory = Merged::directory(&scratch.path(&directory));
        assert_eq!(
            directory.digest,
            Merged::archive(&scratch.path(&archive)).digest
        );
    }
}

/// `tests/platforms.rs` has the headers, and the ways to the program.
#[test]
fn guarantee_5_what_an_image_starts_is_a_program_for_its_platform() {
    let scratch = Scratch::new();
    let image = fixture("arm64-bli-hello-gz.tar.gz");
    let set = format!("{image}=linux/amd64");
    let message = scratch.fail(&["merge", "--set-platform", &set, "-o", "out", &image]);
    assert!(
        message.contains("is a program for AArch64; expected one for linux/amd64"),
        "{message}"
    );
}

#[test]
fn guarantee_5_the_platform_comes_from_the_config() {
    let scratch = Scratch::new();
    let mut layout = TestImage::new("linux/amd64").layout(gzipped);
    layout.index["manifests"][0]["platform"] = json!({ "os": "linux", "architecture": "arm64" });
    layout.directory(&scratch, "in");
    let message = scratch.fail(&["merge", "-o", "out", "in"]);
    assert!(
        message.contains("linux/amd64 by its config, but index.json says linux/arm64"),
        "{message}"
    );
}

#[test]
fn guarantee_6_a_failure_leaves_the_old_output_as_it_was() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    for output in ["out", "out.tar"] {
        scratch.run(&["merge", "-o", output, "a.tar"]);
        let mut cut = archive_with_noise("linux/arm64", 4);
        cut.truncate(cut.len() / 2);
        scratch.write("cut.tar", &cut);
        scratch.write("cut.tar.gz", &gzip(&cut));
        // `fail` compares the whole directory with what it was.
        scratch.fail(&["merge", "--force", "-o", output, "a.tar", "cut.tar"]);
        scratch.fail(&["merge", "--force", "-o", output, "a.tar", "cut.tar.gz"]);
    }
}

#[test]
fn guarantee_6_force_replaces_an_output_of_either_kind() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &TestImage::new("linux/amd64").docker_archive());
    scratch.write("b.tar", &TestImage::new("linux/arm64").docker_archive());
    for (from, to) in [
        ("oci-layout", "oci-layout"),
        ("oci-layout", "oci-archive"),
        ("oci-archive", "oci-archive"),
        ("oci-archive", "oci-layout"),
    ] {
        scratch.run(&["merge", "--force", "--format", from, "-o", "out", "a.tar"]);
        let digest = scratch.run(&["merge", "-f", "--format", to, "-o", "out", "b.tar"]);
        let out = scratch.path("out");
        let merged = if out.is_dir() {
            Merged::directory(&out)
        } else {
            Merged::archive(&out)
        };
        assert_eq!(merged.digest, digest);
        let names: Vec<_> = fs::read_dir(scratch.path(""))
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }
}

/// Starts `polyarch` on a pipe, so that it stands still in the middle of its work.
fn start_on_a_pipe(scratch: &Scratch, compression: &str) -> (std::process::Child, File) {
    assert!(
        Command::new("mkfifo")
            .arg(scratch.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let child = scratch
        .command(&[
            "merge",
            "--compression",
            compression,
            "--jobs",
            "2",
            "-o",
            "out",
            "pipe",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = File::options()
        .write(true)
        .open(scratch.path("pipe"))
        .unwrap();
    (child, pipe)
}

#[test]
fn guarantee_6_a_signal_leaves_nothing() {
    for signal in ["TERM", "INT", "HUP"] {
        let scratch = Scratch::new();
        let (mut child, mut pipe) = start_on_a_pipe(&scratch, "gzip");
        pipe.write_all(tar_header("a/layer.tar", 1 << 20).as_bytes())
            .unwrap();
        pipe.write_all(&[0; 300 << 10]).unwrap();
        let files = || fs::read_dir(scratch.path("")).unwrap().count();
        let deadline = Instant::now() + Duration::from_secs(20);
        while files() < 2 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(files(), 2, "the pipe and the staging directory");
        let kill = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(child.id().to_string())
            .status();
        assert!(kill.unwrap().success());
        let status = child.wait().unwrap();
        assert!(
            std::os::unix::process::ExitStatusExt::signal(&status).is_some(),
            "{status}"
        );
        assert_eq!(files(), 1, "only the pipe is left after SIG{signal}");
    }
}

/// The peak of what a process had in memory, in MiB.
#[cfg(target_os = "linux")]
fn peak(child: &std::process::Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    kibibytes >> 10
}

#[cfg(target_os = "linux")]
#[test]
fn guarantee_7_memory_does_not_grow_with_the_image() {
    // A stream is the hard case: 2 GiB through standard input, the layer first. Zeros are quick to
    // compress; that what does not compress takes no more is the next test.
    let peaks = [16u64, 2048].map(|mebibytes| {
        let scratch = Scratch::new();
        let mut child = scratch
            .command(&["merge", "-q", "--jobs", "2", "-o", "out", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let (block, size) = (vec![0; 1 << 20], mebibytes << 20);
        let mut hasher = polyarch::internals::oci::Hasher::new(polyarch::oci::Algorithm::Sha256);
        input
            .write_all(tar_header("layer.tar", size).as_bytes())
            .unwrap();
        for _ in 0..mebibytes {
            hasher.update(&block);
            input.write_all(&block).unwrap();
        }
        let config = json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": { "type": "layers", "diff_ids": [hasher.finish()] },
        });
        let config = serde_json::to_vec(&config).unwrap();
        let manifest = br#"[{"Config":"c","Layers":["layer.tar"]}]"#;
        input
            .write_all(&tar(&[("c", &config), ("manifest.json", manifest)]))
            .unwrap();
        let peak = peak(&child);
        drop(input);
        assert!(child.wait().unwrap().success());
        peak
    });
    // 32 MiB and 8 MiB per job.
    assert!(peaks.iter().all(|peak| *peak < 48), "{peaks:?} MiB");
}

#[cfg(target_os = "linux")]
#[test]
fn guarantee_7_neither_does_it_where_nothing_can_be_compressed() {
    for compression in ["gzip", "zstd"] {
        let scratch = Scratch::new();
        let (mut child, mut pipe) = start_on_a_pipe(&scratch, compression);
        pipe.write_all(tar_header("a/layer.tar", 300 << 20).as_bytes())
            .unwrap();
        let block = noise(5, 1 << 20);
        for _ in 0..300 {
            pipe.write_all(&block).unwrap();
        }
        let peak = peak(&child);
        drop(pipe);
        assert!(
            !child.wait().unwrap().success(),
            "there was no manifest.json"
        );
        assert!(peak < 48, "{compression}: {peak} MiB");
    }
}

#[test]
fn guarantee_8_unknown_things_survive() {
    let scratch = Scratch::new();
    let image = TestImage::new("linux/amd64");
    let mut layout = image.layout(plain);
    // An unknown layer, unknown fields everywhere, on an image whose layers are compressed anew.
    let unknown = layout.blob("application/x.unknown", &noise(6, 1000));
    let manifest = layout.blobs.remove(layout.blobs.len() - 2);
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let mut config: serde_json::Value = serde_json::from_slice(&layout.blobs.remove(0)).unwrap();
    let diff_ids = config["rootfs"]["diff_ids"].as_array_mut().unwrap();
    diff_ids.push(unknown["digest"].clone());
    config["org.example.new"] = json!({ "deep": [1, 2.5, null] });
    let config = serde_json::to_vec(&config).unwrap();
    manifest["config"] = layout.blob("application/vnd.oci.image.config.v1+json", &config);
    manifest["layers"]
        .as_array_mut()
        .unwrap()
        .push(unknown.clone());
    manifest["layers"][0]["annotations"] = json!({ "of": "a layer" });
    manifest["layers"][0]["urls"] = json!(["https://example.org/layer"]);
    manifest["annotations"] = json!({ "of": "a manifest" });
    manifest["newField"] = json!({ "a": [1] });
    let mut descriptor = layout.blob(MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    descriptor["annotations"] =
        json!({ "of": "a descriptor", "org.opencontainers.image.ref.name": "old" });
    descriptor["artifactType"] = "application/x.type".into();
    descriptor["platform"] = json!({ "os": "linux", "architecture": "amd64", "features": ["x"] });
    let inner = json!({
        "schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor],
        "annotations": { "of": "an index" }, "artifactType": "application/x.index",
        "newField": serde_json::from_str::<serde_json::Value>("123456789012345678901234567890").unwrap(),
    });
    let mut inner = layout.blob(INDEX, &serde_json::to_vec(&inner).unwrap());
    inner["annotations"] = json!({ "of": "the descriptor of an index" });
    layout.index = json!({
        "schemaVersion": 2, "manifests": [inner], "annotations": { "of index.json": "too" },
    });
    layout.directory(&scratch, "in");
    scratch.write("in.tar.gz", &gzip(&layout.archive()));

    let digest = scratch.run(&["merge", "-o", "out", "in"]);
    assert_eq!(
        scratch.run(&["merge", "-o", "out.tar", "in.tar.gz"]),
        digest
    );
    let merged = Merged::directory(&scratch.path("out"));
    let written = &merged.manifests[0];
    assert_eq!(written["layers"][2], unknown);
    assert_eq!(
        written["layers"][0]["annotations"],
        manifest["layers"][0]["annotations"]
    );
    // The bytes at these URLs are those of the uncompressed layer.
    assert_eq!(written["layers"][0].get("urls"), None);
    assert_eq!(written["annotations"], manifest["annotations"]);
    assert_eq!(written["newField"], manifest["newField"]);
    let annotations = json!({ "of": "an index", "of index.json": "too" });
    assert_eq!(merged.index["annotations"], annotations);
    assert_eq!(merged.index["artifactType"], "application/x.index");
    assert_eq!(
        merged.index["newField"].to_string(),
        "123456789012345678901234567890"
    );
    let of_root = &merged.root["manifests"][0]["annotations"];
    assert_eq!(of_root["of"], "the descriptor of an index");
    let found = &merged.index["manifests"][0];
    assert_eq!(found["annotations"]["of"], "a descriptor");
    assert_eq!(found["artifactType"], "application/x.type");
    assert_eq!(found["platform"]["features"], json!(["x"]));
    assert_eq!(
        merged.configs[0]["org.example.new"]["deep"],
        json!([1, 2.5, null])
    );
}

#[test]
fn guarantee_3_other_digests_than_sha256_are_verified_too() {
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
                    // Such a name is too long for the header of an archive's entry.
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
fn guarantee_9_nothing_is_written_under_a_name_of_an_input() {
    // Names that lead out, in an archive that is read all the same.
    let image = TestImage::new("linux/amd64");
    let config = image.config_bytes();
    let manifest = json!([{ "Config": "x/../config", "Layers": ["/a", "./b"] }]);
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let archive = tar(&[
        ("config", &config),
        ("/a", &image.layers[0]),
        ("b", &image.layers[1]),
        ("../escape", &image.layers[0]),
        ("../../escape", b"{}"),
        ("/escape", &image.layers[1]),
        ("manifest.json", &manifest),
    ]);
    let scratch = Scratch::new();
    scratch.write("deep/in/a.tar", &archive);
    scratch.write("deep/in/a.tar.gz", &gzip(&archive));
    for (output, input) in [
        ("deep/in/o1", "deep/in/a.tar"),
        ("deep/in/o2", "deep/in/a.tar.gz"),
    ] {
        let before = scratch.tree();
        scratch.run(&["merge", "-o", output, input]);
        let new: Vec<_> = scratch
            .tree()
            .difference(&before)
            .map(|(path, _)| path.clone())
            .collect();
        assert!(
            !new.is_empty() && new.iter().all(|path| path.starts_with(output)),
            "{new:?}"
        );
        Merged::directory(&scratch.path(output));
    }
    assert!(!std::path::Path::new("/escape").exists());
    // A name that leads out means no entry.
    let manifest = br#"[{"Config":"../../config","Layers":["../a","../b"]}]"#;
    scratch.write(
        "in.tar",
        &tar(&[("../../config", &config), ("manifest.json", manifest)]),
    );
    let message = scratch.fail(&["merge", "-o", "out", "in.tar"]);
    assert!(message.contains("there is no such file in it"), "{message}");
}

#[test]
fn guarantee_1_an_absurd_number_of_cores_changes_nothing() {
    let scratch = Scratch::new();
    scratch.write("a.tar", &archive_with_noise("linux/amd64", 7));
    let expected = scratch.run(&["merge", "-o", "o1", "a.tar"]);
    for cores in ["100000", "0", "-1", "many"] {
        let mut command = scratch.command(&["merge", "-f", "-q", "-o", "o2", "a.tar"]);
        let output = command.env("NIX_BUILD_CORES", cores).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected);
    }
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let scratch = Scratch::new();
    assert!(
        Command::new("mkfifo")
            .arg(scratch.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let script = format!(
        "trap '' HUP; exec {} merge -q -o out pipe",
        env!("CARGO_BIN_EXE_polyarch")
    );
    let mut child = Command::new("bash")
        .current_dir(scratch.path(""))
        .args(["-c", &script])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut pipe = File::options()
        .write(true)
        .open(scratch.path("pipe"))
        .unwrap();
    let archive = TestImage::new("linux/amd64").docker_archive();
    pipe.write_all(&archive[..100]).unwrap();
    assert!(
        Command::new("kill")
            .args(["-HUP", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    pipe.write_all(&archive[100..]).unwrap();
    drop(pipe);
    assert!(child.wait().unwrap().success());
}
