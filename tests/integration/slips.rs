//! The command line as people type it: arguments of other tools are understood, or the message has the
//! argument that works.

mod options;
mod order;
mod sbom;

use std::fs;

use serde_json::Value;

use crate::support::*;

/// The archives of [`two_archives`], the layout `layout` with the image `v1`, and one of two images that is
/// tagged by platform, `tags`.
fn images() -> Scratch {
    let scratch = two_archives();
    let mut layout = TestImage::new("linux/arm64").layout(gzipped);
    layout.index["manifests"][0]["annotations"] = ref_name("v1");
    layout.directory(&scratch, "layout");
    scratch.write("layout.tar", &layout.archive());

    let mut both = Layout::default();
    let mut manifests = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let one = TestImage::new(&format!("linux/{architecture}")).layout(gzipped);
        let mut descriptor = one.index["manifests"][0].clone();
        descriptor["annotations"] = ref_name(architecture);
        manifests.push(descriptor);
        both.blobs.extend(one.blobs);
    }
    both.index = serde_json::json!({ "schemaVersion": 2, "manifests": manifests });
    both.directory(&scratch, "tags");
    scratch
}

fn ref_name(tag: &str) -> Value {
    serde_json::json!({ "org.opencontainers.image.ref.name": tag })
}

/// Runs a command line that is wrong usage, and returns its message.
#[track_caller]
fn misused(scratch: &Scratch, arguments: &[&str]) -> String {
    let before = scratch.tree();
    let output = scratch.command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(scratch.tree(), before);
    stderr(&output)
}

/// Expects a failed merge whose message has a text.
#[track_caller]
fn hinted(scratch: &Scratch, images: &[&str], text: &str) {
    let message = scratch.fail(&[&["merge", "-o", "never"], images].concat());
    assert!(message.contains(text), "{text:?} is not in:\n{message}");
}

#[test]
fn transports_of_skopeo_in_front_of_inputs_are_understood() {
    let scratch = images();
    let arm64 = scratch.run(&["merge", "-o", "expected", "layout"]);
    for input in [
        "oci:layout",
        "oci:layout:v1",
        "oci-archive:layout.tar",
        "oci-archive:layout.tar:v1",
        "linux/arm64=oci:layout:v1",
    ] {
        assert_eq!(
            scratch.run(&["merge", "-f", "-o", "out", input]),
            arm64,
            "{input}"
        );
    }
    let saved = scratch.run(&["merge", "-f", "-o", "expected", "a.tar"]);
    for input in [
        "docker-archive:a.tar",
        "docker-archive:a.tar:test:v1",
        "docker-archive:a.tar:@0",
    ] {
        assert_eq!(
            scratch.run(&["merge", "-f", "-o", "out", input]),
            saved,
            "{input}"
        );
    }
    assert!(
        scratch
            .run(&["inspect", "oci:layout:v1"])
            .contains("linux/arm64")
    );
    hinted(&scratch, &["oci:layout:v2"], "no image #v2; it has");
}

#[test]
fn transports_of_skopeo_in_front_of_the_output_choose_the_format() {
    let scratch = images();
    let inputs = ["a.tar", "b.tar"];
    let merge = |output: &[&str]| scratch.run(&[&["merge"], output, &inputs].concat());
    let digest = merge(&["-o", "oci-archive:x.tar"]);
    assert_eq!(Merged::archive(&scratch.path("x.tar")).digest, digest);
    assert!(!scratch.path("oci-archive:x.tar").exists());
    merge(&["-o", "oci:x"]);
    assert_eq!(Merged::directory(&scratch.path("x")).digest, digest);

    let name = |output: &str| -> Value {
        let root = Merged::directory(&scratch.path(output)).root;
        root["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"].clone()
    };
    merge(&["-o", "oci:tagged:v2"]);
    assert_eq!(name("tagged"), "v2");
    merge(&["-o", "oci:named:v3", "--name", "hello"]);
    assert_eq!(name("named"), "v3");
    let full = |file: &str| {
        let root = Merged::archive(&scratch.path(file)).root;
        root["manifests"][0]["annotations"]["io.containerd.image.name"].clone()
    };
    merge(&["-o", "oci-archive:full.tar:ghcr.io/me/hello:v4"]);
    assert_eq!(full("full.tar"), "ghcr.io/me/hello:v4");
}

#[test]
fn an_output_in_a_registry_or_a_daemon_gets_the_commands() {
    let scratch = images();
    for (output, texts) in [
        (
            "docker://ghcr.io/me/hello:v1",
            &[
                "--output hello.tar",
                "skopeo copy --all --preserve-digests oci-archive:hello.tar docker://ghcr.io/me/hello:v1",
            ][..],
        ),
        (
            "localhost:5000/hello:v1",
            &[
                "skopeo copy --all --preserve-digests --dest-tls-verify=false oci-archive:hello.tar docker://localhost:5000/hello:v1",
            ],
        ),
        (
            "docker-daemon:hello:v1",
            &[
                "--name hello:v1 --output hello.tar",
                "docker load --input hello.tar",
            ],
        ),
        (
            "containers-storage:hello:v1",
            &["podman load --input hello.tar"],
        ),
        ("docker-archive:x.tar", &["expected oci-archive:x.tar"]),
        ("dir:x", &["expected oci:x or oci-archive:x.tar"]),
        ("oci:", &["the path is missing"]),
    ] {
        let message = misused(&scratch, &["merge", "-o", output, "a.tar", "b.tar"]);
        for text in texts {
            assert!(message.contains(text), "{text:?} is not in:\n{message}");
        }
    }
}

#[test]
fn an_input_in_a_registry_or_a_daemon_gets_the_command_that_fetches_it() {
    let scratch = images();
    for (input, command) in [
        (
            "docker://alpine:3.20",
            "skopeo copy --all docker://alpine:3.20 oci-archive:alpine.tar",
        ),
        (
            "alpine",
            "skopeo copy --all docker://alpine oci-archive:alpine.tar",
        ),
        (
            "docker.io/library/alpine:3.20",
            "skopeo copy --all docker://docker.io/library/alpine:3.20 oci-archive:alpine.tar",
        ),
        (
            "ghcr.io/me/hello",
            "skopeo copy --all docker://ghcr.io/me/hello oci-archive:hello.tar",
        ),
        // A registry of this machine usually has no TLS.
        (
            "docker://127.0.0.1:5000/hello",
            "skopeo copy --all --src-tls-verify=false docker://127.0.0.1:5000/hello oci-archive:hello.tar",
        ),
        (
            "localhost:5000/hello:v1",
            "skopeo copy --all --src-tls-verify=false docker://localhost:5000/hello:v1 oci-archive:hello.tar",
        ),
        (
            "docker-daemon:hello:v1",
            "docker save hello:v1 --output hello.tar",
        ),
        (
            "containers-storage:localhost/hello:v1",
            "podman save --format oci-archive localhost/hello:v1 --output hello.tar",
        ),
    ] {
        hinted(&scratch, &[input], command);
    }
}

#[test]
fn the_name_may_have_its_tag_and_the_tag_its_name() {
    let scratch = images();
    let full = |options: &[&str]| -> Value {
        scratch.run(&[&["merge", "-f", "-o", "out"], options, &["a.tar", "b.tar"]].concat());
        let root = Merged::directory(&scratch.path("out")).root;
        root["manifests"][0]["annotations"]["io.containerd.image.name"].clone()
    };
    for (options, expected) in [
        (&["--name", "me/hello:v1"][..], "docker.io/me/hello:v1"),
        (
            &["--name", "localhost:5000/hello"],
            "localhost:5000/hello:latest",
        ),
        (
            &["--name", "hello", "-t", "v1"],
            "docker.io/library/hello:v1",
        ),
        (&["-t", "ghcr.io/me/hello:v1"], "ghcr.io/me/hello:v1"),
        (&["--tag", "me/hello"], "docker.io/me/hello:latest"),
        (
            &["--name", "hello:v1", "--tag", "v1"],
            "docker.io/library/hello:v1",
        ),
    ] {
        assert_eq!(full(options), expected, "{options:?}");
    }
    let saved = [
        "merge",
        "-t",
        "hello:v1",
        "--docker-manifest",
        "-o",
        "saved",
        "a.tar",
    ];
    scratch.run(&saved);
    assert!(scratch.path("saved/manifest.json").exists());
    let wrong = |options: &[&str]| {
        misused(
            &scratch,
            &[&["merge", "-o", "no"], options, &["a.tar"]].concat(),
        )
    };
    assert!(
        wrong(&["--name", "hello:v1", "--tag", "v2"]).contains("two tags are given, v1 and v2")
    );
    assert!(wrong(&["--docker-manifest"]).contains("--docker-manifest needs the name"));
    assert!(wrong(&["-t", "1.0+git", "--name", "x"]).contains("such as \"1.0-git\""));
}

#[test]
fn a_platform_or_a_tag_after_the_image_gets_the_corrected_argument() {
    let scratch = images();
    for (input, corrected) in [
        ("a.tar=linux/amd64", "linux/amd64=a.tar"),
        ("a.tar=arm64", "linux/arm64=a.tar"),
        ("a.tar:linux/amd64", "linux/amd64=a.tar"),
        ("layout:v1", "layout#v1"),
        ("tags:arm64", "tags#arm64"),
    ] {
        hinted(&scratch, &[input], corrected);
    }
    scratch.run(&["merge", "-o", "out", "linux/amd64=a.tar", "layout#v1"]);
}

#[test]
fn a_layout_with_a_tag_for_each_platform_gets_the_arguments_that_take_all() {
    let scratch = images();
    hinted(
        &scratch,
        &["tags"],
        "give each of them: tags#amd64 tags#arm64",
    );
    let merged = scratch.merge(&["tags#amd64", "tags#arm64"]);
    assert_eq!(merged.platforms(), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn an_output_directory_that_is_not_an_image_gets_a_hint() {
    let scratch = images();
    fs::create_dir(scratch.path("directory")).unwrap();
    for (output, hint) in [
        ("/", "--output /image.tar"),
        ("..", "--output ../image.tar"),
        ("directory", "--output directory/image.tar"),
    ] {
        let message = scratch.fail(&["merge", "-o", output, "a.tar"]);
        assert!(
            message.contains("is a directory, but not an image layout"),
            "{message}"
        );
        assert!(message.contains(hint), "{message}");
        assert!(!message.contains("--force"), "{message}");
    }
    let message = scratch.fail(&["merge", "-o", "layout", "a.tar"]);
    assert!(message.contains("replace it with --force"), "{message}");
    let message = scratch.fail(&["merge", "-o", "new/out.tar", "a.tar"]);
    assert!(message.contains("mkdir -p new"), "{message}");
}

#[test]
fn the_error_for_a_file_that_is_not_an_image_names_its_type() {
    let scratch = images();
    let file = "# syntax=docker/dockerfile:1\nARG V=3.20\n\nFROM alpine:$V\n";
    scratch.write("Dockerfile", file.as_bytes());
    hinted(&scratch, &["Dockerfile"], "found a Dockerfile");
    hinted(
        &scratch,
        &["Dockerfile"],
        "docker buildx build --platform linux/amd64,linux/arm64",
    );
    scratch.write(
        "d/manifest.json",
        br#"{"schemaVersion":2,"config":{},"layers":[]}"#,
    );
    scratch.write("d/version", b"Directory Transport Version: 1.1\n");
    hinted(
        &scratch,
        &["d/manifest.json"],
        "a manifest without the blobs that it names",
    );
    hinted(
        &scratch,
        &["d/manifest.json"],
        "give the directory that also has its blobs: d",
    );
    hinted(
        &scratch,
        &["layout/index.json"],
        "also has its blobs: layout",
    );
}

#[test]
fn two_images_for_one_platform_may_come_from_the_same_package_set() {
    let scratch = images();
    let mut other = TestImage::new("linux/amd64");
    other.config["created"] = "2020-01-01T00:00:00Z".into();
    scratch.write("c.tar", &other.docker_archive());
    hinted(
        &scratch,
        &["a.tar", "c.tar"],
        "were both built by the same package set?",
    );
}

#[test]
fn a_merge_prints_its_output_and_the_command_that_pushes_it() {
    let scratch = images();
    for (options, output, written, push) in [
        (
            &["--name", "ghcr.io/me/hello:v1"][..],
            "x.tar",
            "wrote x.tar: oci-archive, 2 platforms, ",
            "push it: skopeo copy --all --preserve-digests oci-archive:x.tar docker://ghcr.io/me/hello:v1\n",
        ),
        (
            &["--name", "hello"],
            "my image",
            "wrote my image: oci-layout, 2 platforms, ",
            "push it: skopeo copy --all --preserve-digests 'oci:my image' docker://REGISTRY/hello:latest\n",
        ),
        (
            &["--name", "localhost:5000/hello"],
            "local",
            "wrote local: oci-layout, 2 platforms, ",
            "push it: skopeo copy --all --preserve-digests --dest-tls-verify=false oci:local docker://localhost:5000/hello:latest\n",
        ),
        (
            &[],
            "y",
            "wrote y: oci-layout, 2 platforms, ",
            "push it: skopeo copy --all --preserve-digests oci:y docker://REGISTRY/NAME:TAG\n",
        ),
    ] {
        let merged = scratch.merge_to(output, &[options, &["a.tar", "b.tar"]].concat());
        assert_eq!(merged.stdout, merged.digest);
        assert!(merged.stderr.contains(written), "{}", merged.stderr);
        assert!(merged.stderr.ends_with(push), "{}", merged.stderr);
    }
    let one = scratch.merge_to("z.tar", &["a.tar"]).stderr;
    let size = fs::metadata(scratch.path("z.tar")).unwrap().len();
    let size = format!("{:.2} kB", size as f64 / 1000.0);
    assert!(
        one.contains(&format!("oci-archive, 1 platform, {size}\n")),
        "{one}"
    );
    assert_eq!(scratch.merge_to("q", &["-q", "a.tar"]).stderr, "");
}

#[test]
fn a_level_of_annotations_in_capitals_is_refused() {
    let scratch = images();
    for (annotation, level) in [
        ("Index:x=1", "index:x=1"),
        ("INDEX,Manifest:x=1", "index,manifest:x=1"),
    ] {
        let message = misused(
            &scratch,
            &["merge", "-o", "no", "--annotation", annotation, "a.tar"],
        );
        assert!(message.contains("written in lower case"), "{message}");
        assert!(message.contains(level), "{message}");
    }
    scratch.run(&["merge", "-o", "out", "--annotation", "A:x=1", "a.tar"]);
}

#[test]
fn verify_has_a_version_and_keeps_the_id_of_a_wrong_program() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/arm64");
    let mut program = b"\x7fELF\x02\x01\x01".to_vec();
    program.resize(64, 0);
    // An executable for x86-64.
    program[16] = 2;
    program[18] = 62;
    image.layers.push(executable("bin/hello", &program));
    image.config["config"] = serde_json::json!({ "Entrypoint": ["/bin/hello"] });
    scratch.write("a.tar", &image.docker_archive());
    let report = scratch.json(&["verify", "--json", "--platform-check", "warn", "a.tar"]);
    assert_eq!(report["version"], 1);
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<&Value> = findings
        .iter()
        .filter(|f| f["id"] == "wrong-program")
        .collect();
    assert_eq!(found.len(), 1, "{findings:#?}");
    assert_eq!(found[0]["severity"], "warning");
}

/// A layer of one program.
fn executable(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar_header(name, content.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, content).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn html_on_standard_output_ignores_a_file_named_like_a_dash() {
    let scratch = images();
    scratch.write("-", b"not a page");
    let page = scratch.run(&["analyze", "--html", "-", "a.tar"]);
    assert!(page.starts_with("<!DOCTYPE html>"), "{page:.100}");
    assert_eq!(fs::read(scratch.path("-")).unwrap(), b"not a page");
}

#[test]
fn the_directory_of_manual_pages_is_created() {
    let scratch = Scratch::new();
    scratch.run(&["man", "share/man/man1"]);
    assert!(scratch.path("share/man/man1/polyarch-merge.1").is_file());
}

/// The bar of an input shows how many of its bytes were read.
#[test]
fn progress_counts_layers_with_trusted_diff_ids_too() {
    let scratch = Scratch::new();
    let mut image = TestImage::new("linux/amd64");
    image.layers.push(tar(&[("noise", &noise(1, 1 << 20))]));
    let layout = image.layout(gzipped);
    layout.directory(&scratch, "layout");
    for trust in [false, true] {
        let inputs = [polyarch::Input::new(scratch.path("layout"))];
        let output = scratch.path(&format!("out-{trust}"));
        let mut request = polyarch::MergeRequest::new(inputs, output);
        request.checks.trust_diff_ids = trust;
        polyarch::merge(&request).unwrap();
        let [progress] = &request.progress.inputs()[..] else {
            panic!("there is one input");
        };
        assert!(progress.total > 1 << 19, "{trust}: {progress:?}");
        assert!(progress.done >= progress.total, "{trust}: {progress:?}");
    }
}
