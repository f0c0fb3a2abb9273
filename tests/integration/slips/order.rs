//! Arguments in the wrong order.

use super::*;

#[test]
fn arguments_in_the_wrong_order_are_recognised() {
    let scratch = images();
    let message = scratch.fail(&["merge", "out.tar", "--output", "a.tar", "b.tar"]);
    assert!(
        message.contains("polyarch merge --output out.tar a.tar b.tar"),
        "{message}"
    );
    assert!(
        !message.contains("remove") && !message.contains("--force"),
        "{message}"
    );
    let reference = ["merge", "docker://alpine:3.20", "--output", "a.tar"];
    let message = scratch.fail(&reference);
    assert!(
        message.contains("skopeo copy --all docker://alpine:3.20"),
        "{message}"
    );
    let message = misused(
        &scratch,
        &["merge", "out.tar", "--output", "a.tar.gz", "b.tar.gz"],
    );
    assert!(message.contains("give it after the output"), "{message}");
}

/// The output of an earlier run is an image, too.
#[test]
fn an_output_that_exists_does_not_hide_the_hint_for_a_mistyped_input() {
    let scratch = images();
    scratch.run(&["merge", "-o", "app.tar", "a.tar", "b.tar"]);
    for (inputs, force) in [
        (["a.tar", "typo.tar"], &[][..]),
        (["a.tar", "typo.tar"], &["--force"]),
        (["typo.tar", "a.tar"], &["--force"]),
    ] {
        let message = scratch.fail(&[&["merge", "-o", "app.tar"], force, &inputs].concat());
        assert!(!message.contains("--output comes before"), "{message}");
    }
    for (input, hint) in [
        ("arm64=b.tar", "did you mean linux/arm64=b.tar?"),
        ("aarch64-linux=b.tar", "did you mean linux/arm64=b.tar?"),
        ("linux/arm64", "give a platform before its image"),
        ("layout:v1", "select an image with #: layout#v1"),
    ] {
        for force in [&[][..], &["--force"]] {
            let message = scratch.fail(&[&["merge", "-o", "app.tar"], force, &[input]].concat());
            assert!(message.contains(hint), "{hint:?} is not in:\n{message}");
            assert!(!message.contains("--output comes before"), "{message}");
        }
    }
}

#[test]
fn the_image_of_sbom_comes_before_the_text() {
    let scratch = images();
    let message = scratch.fail(&["sbom", "openssl", "a.tar"]);
    assert_eq!(
        message,
        "error: openssl: no such file or directory\nhint: the image comes first: polyarch sbom a.tar openssl\n"
    );
    let message = scratch.fail(&["sbom", "openssl", "missing.tar"]);
    assert!(!message.contains("the image comes first"), "{message}");
}
