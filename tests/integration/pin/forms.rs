//! The forms in which people write images: each is pinned, or an error or a warning names it.

use super::{NAME, digest_of, doubts, pins, refuses};
use crate::support::*;

#[test]
fn variables_of_compose_and_helm_in_a_tag_are_errors() {
    for tag in [
        ":${TAG:-v2}",
        ":${TAG:-v1}",
        ":$TAG",
        ":${TAG}",
        ":v1${SUFFIX}",
        ":{{ .Values.tag }}",
        ":[[ .tag ]]",
        ":#{Tag}#",
        ":<tag>",
        ":%s",
        ":@tag@",
        "${TAG}",
        "{{ .tag }}",
        "@${HASH}",
        ":v1@{{ .digest }}",
    ] {
        let message = format!("line 2: found {NAME}{tag}, expected a tag without a variable");
        refuses(
            "a.yaml",
            &format!("x: 1\nimage: \"{NAME}{tag}\"\n"),
            &message,
        );
        refuses(
            "a.hcl",
            &format!("x = 1\nimage = \"{NAME}{tag}\"\n"),
            &message,
        );
        refuses("a.sh", &format!("x=1\nrun {NAME}{tag}\n"), &message);
    }
    refuses(
        "a.nomad",
        "image = \"ghcr.io/me/app:${var.tags[\"app\"]}\"\n",
        "found ghcr.io/me/app:${var.tags[\"app\"]}, expected a tag without a variable",
    );
}

#[test]
fn a_default_of_a_variable_is_pinned() {
    for (text, wanted) in [
        ("${IMAGE:-NAME:v1}", "${IMAGE:-NAME@D}"),
        ("${IMAGE-NAME:v1}", "${IMAGE-NAME@D}"),
        ("${A:-${B:-NAME:v1}}", "${A:-${B:-NAME@D}}"),
        ("${PREFIX}NAME:v1", "${PREFIX}NAME@D"),
    ] {
        let [text, wanted] =
            [text, wanted].map(|text| format!("image: {}\n", text.replace("NAME", NAME)));
        pins("compose.yaml", &text, &wanted);
    }
}

#[test]
fn a_name_that_is_put_together_from_defaults_is_an_error() {
    for text in [
        "${REGISTRY:-ghcr.io}/me/app:v1",
        "${REGISTRY-ghcr.io/me}/app:v1",
        "${A:-${B:-ghcr.io/me}}/app:v1",
        "${IMAGE:-ghcr.io/me/app}:v1",
    ] {
        refuses(
            "compose.yaml",
            &format!("a: 1\nimage: {text}\n"),
            "line 2: ghcr.io/me/app:v1 is put together from variables, expected it as plain text",
        );
    }
    refuses(
        "compose.yaml",
        "image: ${IMAGE:-ghcr.io/me/app}\n",
        "line 1: ghcr.io/me/app is put together from variables",
    );
}

#[test]
fn a_name_with_a_variable_for_its_registry_is_a_warning() {
    for (file, text, shown) in [
        (
            "a.yaml",
            "image: ${REGISTRY}/me/app:v1\n",
            "${REGISTRY}/me/app:v1",
        ),
        (
            "a.yaml",
            "image: $REGISTRY/app:$TAG\n",
            "$REGISTRY/app:$TAG",
        ),
        (
            "a.yaml",
            "image: \"{{.registry}}/me/app\"\n",
            "{{.registry}}/me/app",
        ),
        (
            "a.hcl",
            "image = \"${var.hub}/me/app:v1\"\n",
            "${var.hub}/me/app:v1",
        ),
        ("a.sh", "docker run \"$HUB/me/app:v1\"\n", "$HUB/me/app:v1"),
        (
            "a.yaml",
            "image: ${MIRROR}/ghcr.io/me/app:v1\n",
            "${MIRROR}/ghcr.io/me/app:v1",
        ),
    ] {
        doubts(file, text, &[&format!("line 1: {shown} may be {NAME}")]);
    }
    // Paths.
    doubts(
        "a.yaml",
        "volumes: [\"${HOME}/app:/data\", \"$X/me/app\"]\n",
        &[],
    );
}

#[test]
fn the_forms_of_a_name_at_docker_hub_are_one_name() {
    let digest = digest_of('a');
    let scratch = Scratch::new();
    for (name, others) in [
        (
            "postgres",
            &[
                "docker.io/library/postgres",
                "docker.io/postgres",
                "index.docker.io/library/postgres",
                "library/postgres",
                "docker://docker.io/library/postgres",
            ][..],
        ),
        (
            "docker.io/library/postgres",
            &["postgres", "library/postgres"],
        ),
        ("docker.io/me/app", &["me/app", "index.docker.io/me/app"]),
        ("me/app", &["docker.io/me/app"]),
    ] {
        for other in others {
            scratch.write("a.yaml", format!("image: {other}:17\n").as_bytes());
            let image = format!("{name}:17@{digest}");
            scratch.run(&["pin", "-q", "--image", &image, "-o", "out", "a.yaml"]);
            let found = std::fs::read_to_string(scratch.path("out")).unwrap();
            assert_eq!(found, format!("image: {other}@{digest}\n"));
            std::fs::remove_file(scratch.path("out")).unwrap();

            scratch.write("a.yaml", format!("image: {other}:16\n").as_bytes());
            let found = scratch.fail(&["pin", "--image", &image, "-o", "out", "a.yaml"]);
            assert!(
                found.contains("which is not the image: its tags are 17"),
                "{found}"
            );
        }
    }
    // Not Docker Hub.
    scratch.write(
        "a.yaml",
        b"image: localhost/postgres:17\nb: quay.io/postgres:17\n",
    );
    let image = format!("postgres:17@{digest}");
    let found = scratch.fail(&["pin", "--image", &image, "-o", "out", "a.yaml"]);
    assert!(found.contains("does not occur"), "{found}");
}

#[test]
fn a_value_behind_an_anchor_is_pinned_where_it_is() {
    pins(
        "a.yaml",
        "x: &i ghcr.io/me/app\na: { image: *i }\nb: { image: *i }\n",
        "x: &i ghcr.io/me/app@D\na: { image: *i }\nb: { image: *i }\n",
    );
    refuses(
        "a.yaml",
        "x: &i ghcr.io/me/app:v2\na: { image: *i }\n",
        "line 1: found ghcr.io/me/app:v2",
    );
    pins(
        "a.yaml",
        "x: &r ghcr.io/me/app\ny: &t v1\na: { repository: *r, tag: *t }\nb: { repository: *r, tag: *t }\n"
            .replace("y: &t v1\n", "")
            .replacen("*t", "&t v1", 1)
            .as_str(),
        "x: &r ghcr.io/me/app\na: { repository: *r, tag: &t v1@D }\nb: { repository: *r, tag: *t }\n",
    );
    // The tag is also a label, or that of another image.
    for other in [
        "labels: { version: *t }",
        "b: { repository: other, tag: *t }",
    ] {
        refuses(
            "a.yaml",
            &format!("a:\n  repository: ghcr.io/me/app\n  tag: &t v1\n{other}\n"),
            "line 3: the tag of ghcr.io/me/app is also a value of other things, by an anchor",
        );
    }
}

#[test]
fn merge_keys_complete_a_name_and_a_tag() {
    pins(
        "a.yaml",
        "x: &base\n  repository: ghcr.io/me/app\n  tag: v1\na:\n  <<: *base\n  pullPolicy: Always\nb:\n  <<: [*base]\n  tag: latest\n",
        "x: &base\n  repository: ghcr.io/me/app\n  tag: v1@D\na:\n  <<: *base\n  pullPolicy: Always\nb:\n  <<: [*base]\n  tag: latest@D\n",
    );
    pins(
        "a.yaml",
        "x: &tag { tag: v1 }\na: { <<: *tag, repository: ghcr.io/me/app }\n",
        "x: &tag { tag: v1@D }\na: { <<: *tag, repository: ghcr.io/me/app }\n",
    );
    refuses(
        "a.yaml",
        "x: &base { repository: ghcr.io/me/app, tag: v1 }\na:\n  <<: *base\n  tag: v2\n",
        "found ghcr.io/me/app:v2",
    );
    refuses(
        "a.yaml",
        "x: &base { repository: ghcr.io/me/app, tag: v1 }\na: { <<: *base, repository: other }\n",
        "line 1: the tag of ghcr.io/me/app is also a value of other things",
    );
    // It does not end.
    pins(
        "a.yaml",
        "a: &a\n  <<: *a\n  b: &b [*b, *a]\nimage: ghcr.io/me/app:v1\n",
        "a: &a\n  <<: *a\n  b: &b [*b, *a]\nimage: ghcr.io/me/app@D\n",
    );
}

#[test]
fn null_and_numbers_become_strings() {
    pins(
        "values.yaml",
        "a:\n  repository: ghcr.io/me/app\n  tag: v1\n  digest: null # none\nb:\n  repository: ghcr.io/me/app\n  tag: ~\n",
        "a:\n  repository: ghcr.io/me/app\n  tag: v1\n  digest: \"D\" # none\nb:\n  repository: ghcr.io/me/app\n  tag: \"v1@D\"\n",
    );
    pins(
        "values.json",
        r#"[{"repository": "ghcr.io/me/app", "tag": "v1", "digest": null}, {"image": "ghcr.io/me/app", "imageTag": null}]"#,
        r#"[{"repository": "ghcr.io/me/app", "tag": "v1", "digest": "D"}, {"image": "ghcr.io/me/app", "imageTag": "v1@D"}]"#,
    );
    let digest = digest_of('a');
    let scratch = Scratch::new();
    scratch.write("a.json", br#"{"repository": "db", "tag": 17}"#);
    let image = format!("db:17@{digest}");
    scratch.run(&["pin", "-q", "--image", &image, "-o", "out", "a.json"]);
    let found = std::fs::read_to_string(scratch.path("out")).unwrap();
    assert_eq!(
        found,
        format!(r#"{{"repository": "db", "tag": "17@{digest}"}}"#)
    );
}

#[test]
fn an_empty_tag_is_printed_with_its_quotes() {
    let digest = digest_of('a');
    let scratch = Scratch::new();
    scratch.write("a.yaml", b"repository: db\ntag: ''\n");
    let image = format!("db:17@{digest}");
    let printed = scratch.run(&["pin", "--image", &image, "-o", "out", "a.yaml"]);
    assert_eq!(printed, format!("a.yaml:2: \"\" → 17@{digest}"));
}

#[test]
fn other_keys_of_charts_are_known() {
    pins(
        "values.yaml",
        "a: { hub: ghcr.io/me, image: app, tag: v1 }\nb: { image: ghcr.io/me/app, imageTag: v1 }\nc: { registry: ghcr.io, name: me/app, tag: v1 }\nd: { repo: ghcr.io/me/app, tag: v1, imageDigest: \"\" }\n",
        "a: { hub: ghcr.io/me, image: app, tag: v1@D }\nb: { image: ghcr.io/me/app, imageTag: v1@D }\nc: { registry: ghcr.io, name: me/app, tag: v1@D }\nd: { repo: ghcr.io/me/app, tag: v1, imageDigest: \"D\" }\n",
    );
    doubts(
        "values.yaml",
        "global: { imageRegistry: ghcr.io }\nimage:\n  repository: me/app\n  tag: v2\n",
        &["line 3: me/app may be ghcr.io/me/app"],
    );
    doubts(
        "values.yaml",
        "{ registry: quay.io, repository: me/app, tag: v2 }\n",
        &[],
    );
    refuses(
        "values.yaml",
        "image:\n  repository: ghcr.io/me/app\n  tag: v1\n  tag: v2\n",
        "line 4: ghcr.io/me/app has the key tag twice",
    );
}

#[test]
fn a_name_without_a_tag_that_can_be_nothing_else_is_a_warning() {
    for (file, text) in [
        ("a.yaml", "- name: APP_IMAGE\n  value: ghcr.io/me/app\n"),
        ("a.yaml", "# x\nreference: \"ghcr.io/me/app:\"\n"),
        (
            "a.hcl",
            "variable \"image\" {\n  default = \"ghcr.io/me/app\"\n}\n",
        ),
    ] {
        doubts(file, text, &["line 2: ghcr.io/me/app has no tag"]);
    }
    for (file, text) in [
        (".env", "REPOSITORY=ghcr.io/me/app\nTAG=v1\n"),
        ("a.sh", "docker run \"ghcr.io/me/app\"\n"),
        (
            "a.tpl",
            "{{ default \"ghcr.io/me/app\" .Values.repository }}:{{ .Values.tag }}\n",
        ),
        (
            "a.yaml",
            "image: '{{ default \"ghcr.io/me/app\" .Values.repository }}:{{ .Values.tag }}'\n",
        ),
        ("a.hcl", "image = \"${\"ghcr.io/me/app\"}:${var.tag}\"\n"),
    ] {
        doubts(file, text, &["line 1: ghcr.io/me/app has no tag"]);
    }
    for (file, text) in [
        ("app.container", "[Container]\nImage=ghcr.io/me/app\n"),
        ("dockerfile", "# x\nFROM ghcr.io/me/app\n"),
        ("pod.yaml", "{{ if }}\nimage: ghcr.io/me/app\n"),
    ] {
        refuses(file, text, &format!("{file}: line 2: "));
    }
}

#[test]
fn a_reference_in_a_comment_is_no_error() {
    let old = "# ghcr.io/me/app:v2 did not start, ghcr.io/me/app:${TAG} neither";
    for (file, text) in [
        (
            "a.yaml",
            format!("{old}\nb: 1 {old}\nc: |\n  {old}\n  x\nd: >\n  y\n  {old}\n"),
        ),
        ("a.yaml", format!("{{{{ if }}}}\n  {old}\n")),
        (
            "a.hcl",
            format!("{old}\nx = <<EOF\n  {old}\nEOF\n/* ghcr.io/me/app:v2 */\n"),
        ),
        (
            "a.sh",
            format!("#!/bin/sh\n{old}\n  {old}\n// ghcr.io/me/app:v2\n"),
        ),
        ("Dockerfile", "# FROM ghcr.io/me/app\n".to_owned()),
    ] {
        doubts(file, &text, &[]);
    }
    // In a text of several lines it is not known where a comment begins.
    doubts(
        "a.yaml",
        "a: |\n  run x # not ghcr.io/me/app:v2\n",
        &["line 2: ghcr.io/me/app:v2 may name the image"],
    );
}

#[test]
fn a_word_with_a_port_is_no_error() {
    let digest = digest_of('a');
    let scratch = Scratch::new();
    scratch.write(
        "a.yaml",
        b"image: app:v1\nupstream: app:8080\nuser: app@localhost\n",
    );
    let image = format!("app:v1@{digest}");
    let output = scratch
        .command(&["pin", "-q", "--image", &image, "-o", "out", "a.yaml"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "warning: a.yaml: line 2: app:8080 may name the image; it is not pinned\n"
    );
    scratch.write("a.yaml", b"image: app:8080\n");
    let found = scratch.fail(&["pin", "--image", &image, "-o", "out2", "a.yaml"]);
    assert!(
        found.contains("found app:8080, which is not the image"),
        "{found}"
    );
}

#[test]
fn text_joined_with_a_colon_is_not_overlooked() {
    doubts(
        "a.yaml",
        "image:ghcr.io/me/app:v1\n",
        &["line 1: ghcr.io/me/app:v1 may name the image"],
    );
    pins(
        "a.yaml",
        "a: docker-daemon:ghcr.io/me/app:v1\nb: docker-image://ghcr.io/me/app:v1\nc: It is ghcr.io/me/app:v1.\n",
        "a: docker-daemon:ghcr.io/me/app@D\nb: docker-image://ghcr.io/me/app@D\nc: It is ghcr.io/me/app@D.\n",
    );
}

#[test]
fn escapes_do_not_hide_a_reference() {
    pins(
        "a.json",
        r#"{"a": "x\nghcr.io/me/app:v1\n", "b": "\\\tghcr.io/me/app:v1"}"#,
        r#"{"a": "x\nghcr.io/me/app@D\n", "b": "\\\tghcr.io/me/app@D"}"#,
    );
    for text in [
        r#"{"image": "ghcr.io/me/app\u003av1"}"#,
        r#"{"image": "ghcr.io/me/app:v\u0031"}"#,
        r#"{"image": "\u0067hcr.io/me/app"}"#,
        r#"{"image": "ghcr.io/me/\u0061pp:v1"}"#,
    ] {
        refuses(
            "a.json",
            text,
            "line 1: ghcr.io/me/app is written with escapes",
        );
    }
    refuses(
        "a.hcl",
        "image = \"ghcr.io\\u002fme/app:v1\"\n",
        "line 1: ghcr.io/me/app is written with escapes",
    );
}

#[test]
fn interpolations_of_hcl_have_strings_of_their_own() {
    pins(
        "a.nomad",
        "a = \"x ${\"ghcr.io/me/app:v1\"} y\"\nb = \"${f(\"}\", { a = \"ghcr.io/me/app:v1\" })} # \"\nc = \"$${\" # ghcr.io/me/app:v1\nimage = \"ghcr.io/me/app:v1\"\nd = <<-END-1\n  ${\"ghcr.io/me/app:v1\"}\n  END-1\nimage = \"ghcr.io/me/app\"\n",
        "a = \"x ${\"ghcr.io/me/app@D\"} y\"\nb = \"${f(\"}\", { a = \"ghcr.io/me/app@D\" })} # \"\nc = \"$${\" # ghcr.io/me/app:v1\nimage = \"ghcr.io/me/app@D\"\nd = <<-END-1\n  ${\"ghcr.io/me/app@D\"}\n  END-1\nimage = \"ghcr.io/me/app@D\"\n",
    );
}

#[test]
fn an_image_without_a_tag_says_so_and_one_with_two_digests_is_refused() {
    let scratch = Scratch::new();
    scratch.write("a.yaml", b"image: app:v2\n");
    let [a, b] = ['a', 'b'].map(|c| format!("app@{}", digest_of(c)));
    let found = scratch.fail(&["pin", "--image", &a, "-o", "out", "a.yaml"]);
    assert!(
        found.contains("line 1: found app:v2, but the image is given without a tag\nhint: add the tag to the image: --image app:v2@sha256:…"),
        "{found}"
    );
    let [a, b] = [a, b].map(|image| image.replace("app@", "app:v2@"));
    let found = scratch.fail(&["pin", "--image", &a, "--image", &b, "-o", "out", "a.yaml"]);
    assert!(
        found.contains("app:v2 is given with two digests"),
        "{found}"
    );
}
