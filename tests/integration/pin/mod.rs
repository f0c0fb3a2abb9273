//! `polyarch pin`: references in the files of a deployment become digests.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::*;

mod files;
mod forms;

const NAME: &str = "ghcr.io/me/app";

fn digest_of(c: char) -> String {
    format!("sha256:{}", c.to_string().repeat(64))
}

/// Pins `ghcr.io/me/app:v1` and `:latest` to a digest of `a`, with the placeholder `app`, in one file. `D` is the
/// digest in `wanted`.
#[track_caller]
fn pins(file: &str, text: &str, wanted: &str) {
    let scratch = Scratch::new();
    scratch.write(file, text.as_bytes());
    let digest = digest_of('a');
    let images = ["v1", "latest"].map(|tag| format!("app={NAME}:{tag}@{digest}"));
    scratch.run(&[
        "pin", "--image", &images[0], "--image", &images[1], "-o", "out", file,
    ]);
    let found = fs::read_to_string(scratch.path("out")).unwrap();
    assert_eq!(found.replace(&digest, "D"), wanted);
    assert_eq!(fs::read_to_string(scratch.path(file)).unwrap(), text);
}

/// The same, with a warning for each of these texts.
#[track_caller]
fn doubts(file: &str, text: &str, wanted: &[&str]) {
    let scratch = Scratch::new();
    scratch.write(file, text.as_bytes());
    // So that the image occurs.
    scratch.write("x/ok.yaml", format!("image: {NAME}:v1").as_bytes());
    fs::rename(scratch.path(file), scratch.path(&format!("x/{file}"))).unwrap();
    let image = format!("app={NAME}:v1@{}", digest_of('a'));
    let arguments = ["pin", "-q", "--image", &image, "-o", "out", "x"];
    let output = scratch.command(&arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let wanted: Vec<String> = wanted
        .iter()
        .map(|text| format!("warning: x/{file}: {text}; it is not pinned"))
        .collect();
    assert_eq!(stderr.lines().collect::<Vec<_>>(), wanted, "{text}");
    let found = fs::read_to_string(scratch.path(&format!("out/{file}"))).unwrap();
    assert_eq!(found, text);
}

/// The same, with a failure.
#[track_caller]
fn refuses(file: &str, text: &str, message: &str) {
    let scratch = Scratch::new();
    scratch.write(file, text.as_bytes());
    let image = format!("app={NAME}:v1@{}", digest_of('a'));
    let found = scratch.fail(&["pin", "--image", &image, "-o", "out", file]);
    let message = message.replace('D', &digest_of('b'));
    assert!(found.contains(&message), "{message:?} is not in {found}");
}

#[test]
fn a_kubernetes_manifest_keeps_its_comments_and_formatting() {
    pins(
        "app.yaml",
        "\u{feff}# ghcr.io/me/app:v1 is deployed — ümläüts\n---\nkind: Pod  # first\nspec:\n  containers:\n  - {name: a, image: ghcr.io/me/app:v1}   # ghcr.io/me/app:v1\n  - name:   b\n    image:   \"ghcr.io/me/app:latest\" \n  - image: 'ghcr.io/me/app:v1'\n    args: [\"--worker=ghcr.io/me/app:v1\", docker://ghcr.io/me/app:v1]\n---\r\nimage: &i ghcr.io/me/app:v1\r\nagain: *i\r\nimage2: ghcr.io/me/app\n...\n",
        "\u{feff}# ghcr.io/me/app:v1 is deployed — ümläüts\n---\nkind: Pod  # first\nspec:\n  containers:\n  - {name: a, image: ghcr.io/me/app@D}   # ghcr.io/me/app:v1\n  - name:   b\n    image:   \"ghcr.io/me/app@D\" \n  - image: 'ghcr.io/me/app@D'\n    args: [\"--worker=ghcr.io/me/app@D\", docker://ghcr.io/me/app@D]\n---\r\nimage: &i ghcr.io/me/app@D\r\nagain: *i\r\nimage2: ghcr.io/me/app\n...\n",
    );
}

#[test]
fn a_name_without_a_tag_means_latest_where_an_image_is_expected() {
    pins(
        "compose.yml",
        "services:\n  a:\n    image: ghcr.io/me/app\n    labels: { source: ghcr.io/me/app }\n",
        "services:\n  a:\n    image: ghcr.io/me/app@D\n    labels: { source: ghcr.io/me/app }\n",
    );
    refuses(
        "compose.yml",
        "image: ghcr.io/me/app\n",
        "line 1: found ghcr.io/me/app, which means ghcr.io/me/app:latest, which is not the image: its tags are v1",
    );
}

#[test]
fn a_part_of_another_reference_is_no_match() {
    let others = "a: xghcr.io/me/app:v1\nb: ghcr.io/me/app-worker:v1\nc: ghcr.io/me/app/worker:v1\nd: mirror/ghcr.io/me/app:v1\ne: ghcr.io/me/app.v1\nf: user@ghcr.io/me/app:v1\ng: https://ghcr.io/me/app:v1\nh: ghcr.io/me/app:v1/x\n";
    pins(
        "a.yaml",
        &format!("{others}i: ghcr.io/me/app:v1\n"),
        &format!("{others}i: ghcr.io/me/app@D\n"),
    );
    // A registry with a port is called as an image with a tag.
    let scratch = Scratch::new();
    scratch.write("a.yaml", b"image: registry:5000/x\nother: registry:5000\n");
    let image = format!("registry:5000@{}", digest_of('a'));
    scratch.run(&["pin", "--image", &image, "-o", "out", "a.yaml"]);
    let wanted = format!(
        "image: registry:5000/x\nother: registry@{}\n",
        digest_of('a')
    );
    assert_eq!(fs::read_to_string(scratch.path("out")).unwrap(), wanted);
}

#[test]
fn text_in_block_scalars_is_pinned() {
    pins(
        "map.yaml",
        "data:\n  pod.yaml: |\n    # the image\n    image: ghcr.io/me/app:v1\n  folded: >-\n    run ghcr.io/me/app:v1\n    now\nimage: ghcr.io/me/app:v1\n",
        "data:\n  pod.yaml: |\n    # the image\n    image: ghcr.io/me/app@D\n  folded: >-\n    run ghcr.io/me/app@D\n    now\nimage: ghcr.io/me/app@D\n",
    );
}

#[test]
fn the_values_of_helm_and_kustomize_get_a_digest_in_their_own_way() {
    pins(
        "values.yaml",
        "image:\n  repository: ghcr.io/me/app\n  tag: v1 # the version\nother:\n  registry: ghcr.io\n  repository: me/app\n  tag: \"\"\n  digest: \"\"\nthird:\n  repository: ghcr.io/me/app\n  tag: ''\nnot: { repository: ghcr.io/me/other, tag: v1 }\n",
        "image:\n  repository: ghcr.io/me/app\n  tag: v1@D # the version\nother:\n  registry: ghcr.io\n  repository: me/app\n  tag: \"\"\n  digest: \"D\"\nthird:\n  repository: ghcr.io/me/app\n  tag: 'v1@D'\nnot: { repository: ghcr.io/me/other, tag: v1 }\n",
    );
    pins(
        "kustomization.yaml",
        "images:\n- name: app\n  newName: ghcr.io/me/app\n  newTag: v1\n- name: ghcr.io/me/app\n  newTag: latest\nname: ghcr.io/me/app\n",
        "images:\n- name: app\n  newName: ghcr.io/me/app\n  newTag: v1@D\n- name: ghcr.io/me/app\n  newTag: latest@D\nname: ghcr.io/me/app\n",
    );
    let split = |rest: &str| format!("image:\n  repository: ghcr.io/me/app\n{rest}");
    for rest in ["", "  tag:\n", "  digest:\n  pullPolicy: Always\n"] {
        let message =
            "line 2: ghcr.io/me/app has no tag or digest beside it that could be replaced";
        refuses("v.yaml", &split(rest), message);
    }
    refuses(
        "v.yaml",
        &split("  tag: v2\n"),
        "line 2: found ghcr.io/me/app:v2, which is not the image",
    );
    let other = format!("  digest: {}\n", digest_of('b'));
    refuses(
        "v.yaml",
        &split(&other),
        "line 2: found ghcr.io/me/app@D, expected the digest",
    );
}

#[test]
fn json_and_hcl_are_pinned() {
    pins(
        "pod.json",
        "{\n\t\"image\":\"ghcr.io/me/app:v1\",\n\t\"x\": [ \"ghcr.io/me/app:v10\", \"\\u00e4\" ]}"
            .replace("ghcr.io/me/app:v10", "ghcr.io/me/apps:v1")
            .as_str(),
        "{\n\t\"image\":\"ghcr.io/me/app@D\",\n\t\"x\": [ \"ghcr.io/me/apps:v1\", \"\\u00e4\" ]}",
    );
    refuses(
        "pod.json",
        "{ \"image\": \"ghcr.io\\/me\\/app:v1\" }",
        "line 1: ghcr.io/me/app is written with escapes",
    );
    pins(
        "app.nomad",
        "# ghcr.io/me/app:v1\n// \"ghcr.io/me/app:v1\"\n/* \"ghcr.io/me/app:v1\" */\nconfig {\n  image = \"ghcr.io/me/app:v1\" # \"ghcr.io/me/app:v1\"\n  url = \"http://x//y\"\n  image=\"ghcr.io/me/app\"\n  command = \"say \\\"ghcr.io/me/app:v1\\\"\"\n  data = <<-EOF\n    # ghcr.io/me/app:v1\n  EOF\n}\n",
        "# ghcr.io/me/app:v1\n// \"ghcr.io/me/app:v1\"\n/* \"ghcr.io/me/app:v1\" */\nconfig {\n  image = \"ghcr.io/me/app@D\" # \"ghcr.io/me/app:v1\"\n  url = \"http://x//y\"\n  image=\"ghcr.io/me/app@D\"\n  command = \"say \\\"ghcr.io/me/app@D\\\"\"\n  data = <<-EOF\n    # ghcr.io/me/app@D\n  EOF\n}\n",
    );
}

#[test]
fn placeholders_are_replaced_in_any_text() {
    pins(
        "deploy.sh",
        "run @app@ # @app@ @apps@ @app me@app.example @app.tag@\n@app.name@:@app.tag@@@app.digest@ @@app@@\n",
        "run ghcr.io/me/app@D # ghcr.io/me/app@D @apps@ @app me@app.example v1\nghcr.io/me/app:v1@D @ghcr.io/me/app@D@\n",
    );
    // Lines are those of the file, wherever a placeholder makes it longer.
    let scratch = Scratch::new();
    scratch.write("a.yaml", b"# @app@\n# @app@\na: ghcr.io/me/app:v1\n");
    let image = format!("app={NAME}:v1@{}", digest_of('a'));
    let printed = scratch.run(&["pin", "--image", &image, "-o", "out", "a.yaml"]);
    let lines: Vec<&str> = printed.lines().map(|line| &line[..9]).collect();
    assert_eq!(lines, ["a.yaml:1:", "a.yaml:2:", "a.yaml:3:"]);
    // A template of Helm is not YAML.
    pins(
        "pod.yaml",
        "{{- if .x }}\nimage: @app@\n{{- end }}\n",
        "{{- if .x }}\nimage: ghcr.io/me/app@D\n{{- end }}\n",
    );
    refuses(
        "a.sh",
        "@app.hash@\n",
        "line 1: @app.hash@ is not a placeholder",
    );
}

#[test]
fn a_reference_that_would_be_left_is_an_error() {
    refuses(
        "a.yaml",
        "a: 1\nimage: ghcr.io/me/app:v2\n",
        "line 2: found ghcr.io/me/app:v2, which is not the image: its tags are v1",
    );
    refuses(
        "a.yaml",
        "image: ghcr.io/me/app:v1.2\n",
        "found ghcr.io/me/app:v1.2,",
    );
    refuses(
        "a.yaml",
        &format!("image: ghcr.io/me/app:v1@{}\n", digest_of('b')),
        "found ghcr.io/me/app@D, expected the digest",
    );
    refuses(
        "a.yaml",
        "{{ if }}\nimage: ghcr.io/me/app:v1\n",
        "line 2: names ghcr.io/me/app:v1, but is not YAML: ",
    );
    refuses(
        "a.yaml",
        "image: \"ghcr.io\\x2fme/app:v1\"\n",
        "line 1: ghcr.io/me/app is written with escapes",
    );
    refuses(
        "a.env",
        "IMAGE=ghcr.io/me/app:v1\n",
        "line 1: found ghcr.io/me/app:v1, but references are only replaced in YAML, JSON and HCL",
    );
    refuses("a.yaml", "image: other\n", "does not occur in it");
}

#[test]
fn a_pinned_reference_stays() {
    let digest = digest_of('a');
    for text in [
        "image: ghcr.io/me/app@D",
        "image: ghcr.io/me/app:v1@D",
        "{ repository: ghcr.io/me/app, tag: v1@D }",
        "a: |\n  ghcr.io/me/app@D: here\n  ghcr.io/me/app@D.",
        "{ repository: ghcr.io/me/app, tag: v1, digest: D }",
    ] {
        pins("a.yaml", &text.replace('D', &digest), text);
    }
    pins(
        "a.env",
        &format!("IMAGE=ghcr.io/me/app@{digest}"),
        "IMAGE=ghcr.io/me/app@D",
    );
}

#[test]
fn a_directory_is_copied_with_links_modes_and_binary_files() {
    let scratch = Scratch::new();
    scratch.write("deploy/base/pod.yaml", b"image: app:v1\n");
    scratch.write("deploy/logo.png", b"\x89PNG app:v1 \xff");
    scratch.write("deploy/run.sh", b"#!/bin/sh\necho @db@\n");
    fs::set_permissions(
        scratch.path("deploy/run.sh"),
        fs::Permissions::from_mode(0o555),
    )
    .unwrap();
    std::os::unix::fs::symlink("base/pod.yaml", scratch.path("deploy/link.yaml")).unwrap();
    let (app, db) = (digest_of('a'), digest_of('b'));
    let images = [format!("app:v1@{app}"), format!("db=postgres:17@{db}")];
    let printed = scratch.run(&[
        "pin", "--image", &images[0], "--image", &images[1], "--output", "out", "deploy",
    ]);
    assert_eq!(
        printed,
        format!(
            "deploy/base/pod.yaml:1: app:v1 → app@{app}\ndeploy/run.sh:2: @db@ → postgres@{db}"
        )
    );
    let read = |name: &str| fs::read(scratch.path(&format!("out/{name}"))).unwrap();
    assert_eq!(read("link.yaml"), format!("image: app@{app}\n").as_bytes());
    assert_eq!(read("logo.png"), b"\x89PNG app:v1 \xff");
    assert!(scratch.path("out/link.yaml").is_symlink());
    let mode = |name: &str| scratch.path(name).metadata().unwrap().permissions().mode() & 0o111;
    assert_eq!((mode("out/run.sh"), mode("out/base/pod.yaml")), (0o111, 0));

    let again = [
        "pin", "--image", &images[0], "--image", &images[1], "-o", "out", "deploy",
    ];
    assert!(scratch.fail(&again).contains("out: exists already"));
    let inside = ["pin", "--image", &images[0], "-o", "deploy/out", "deploy"];
    assert!(
        scratch
            .fail(&inside)
            .contains("the output would be written into the input")
    );
}

#[test]
fn a_key_is_that_of_one_image() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", b"a: @k@\nb: app:v1\n");
    let image = |text: &str| format!("{text}@{}", digest_of('a'));
    let two = [image("k=app:v1"), image("k=db:v1")];
    let arguments = [
        "pin", "--image", &two[0], "--image", &two[1], "-o", "out", "a.yaml",
    ];
    let found = scratch.fail(&arguments);
    assert!(
        found.contains("the key k is given for two images: app@sha256:"),
        "{found}"
    );
    // Two keys of one image; it occurs with one of them.
    scratch.write("a.yaml", b"a: \"@k@\"\n");
    let same = [image("k=app:v1"), image("j=app:v2")];
    scratch.run(&[
        "pin", "--image", &same[0], "--image", &same[1], "-o", "out", "a.yaml",
    ]);
}

#[test]
fn a_missing_source_has_no_hint_about_images() {
    let scratch = Scratch::new();
    let image = format!("app:v1@{}", digest_of('a'));
    let found = scratch.fail(&["pin", "--image", &image, "-o", "out", "deploy"]);
    assert_eq!(found.trim(), "error: deploy: no such file or directory");
}

#[test]
fn wrong_images_are_wrong_usage() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", b"");
    let digest = digest_of('a');
    for image in [
        "app:v1",
        "app:v1@sha256:0",
        &format!("9=app:v1@{digest}"),
        &format!("App@{digest}"),
        &format!("app:@{digest}"),
        &format!("@{digest}"),
    ] {
        let mut command = scratch.command(&["pin", "--image", image, "-o", "out", "a.yaml"]);
        assert_eq!(command.output().unwrap().status.code(), Some(2), "{image}");
    }
    let image = format!("app:v1@{digest}");
    let mut command = scratch.command(&["pin", "--image", &image, "-o", "-", "a.yaml"]);
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}

#[test]
fn a_key_or_text_that_equals_the_name_of_an_image_is_not_a_reference() {
    let digest = format!("sha256:{}", "1".repeat(64));
    let image = format!("app:v1@{digest}");
    for (text, expected) in [
        (
            "metadata:\n  name: app\nimage: app:v1\n",
            "metadata:\n  name: app\nimage: app@DIGEST\n",
        ),
        (
            "services:\n  app:\n    image: app:v1\n",
            "services:\n  app:\n    image: app@DIGEST\n",
        ),
    ] {
        let scratch = Scratch::new();
        scratch.write("a.yaml", text.as_bytes());
        scratch.run(&["pin", "--image", &image, "-o", "out.yaml", "a.yaml"]);
        let found = std::fs::read_to_string(scratch.path("out.yaml")).unwrap();
        assert_eq!(found, expected.replace("DIGEST", &digest));
    }
}
